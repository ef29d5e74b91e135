package objects_test

import (
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/kedroctl/kedroctl/internal/local/objects"
)

// TestObjectsAreTheOwnersAlone looks at the files of a bucket: a state directory that others may enter must not show what jobs write.
func TestObjectsAreTheOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	c, _ := serve(t, objects.Options{Dir: dir})
	create(t, c, "data")
	put(t, c, "../../k", "v")
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
