package logs_test

import (
	"io/fs"
	"path/filepath"
	"testing"
)

// TestLogsAreTheOwnersAlone looks at the files of a stream: a state directory that others may enter must not show what jobs print.
func TestLogsAreTheOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	w.group("g")
	w.write("g", "s", 1)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
