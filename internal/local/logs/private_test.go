package logs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
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

// TestGroupsAreNoPaths deletes a group whose name is a path to the rest of the state.
func TestGroupsAreNoPaths(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, "server.json")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, dir)
	for _, name := range []string{"..", ".", "../.."} {
		w.group(name)
		w.write(name, "../..", 1)
	}
	w = newWorld(t, dir) // reads it all again
	for _, name := range []string{"..", ".", "../.."} {
		if _, err := w.DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &name}); err != nil {
			t.Errorf("delete %s: %v", name, err)
		}
	}
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
}
