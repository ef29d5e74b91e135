package logs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
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

// TestGroupsAreNoPaths has groups whose names are paths to the rest of the state, too long for a file, or the same where a file system knows no case.
func TestGroupsAreNoPaths(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, "server.json")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, dir)
	names := []string{"..", ".", "../..", strings.Repeat("/", 512), "A", "a"}
	for _, name := range names {
		w.group(name)
		w.write(name, "../..", 1)
	}
	w = newWorld(t, dir) // reads it all again
	for _, name := range names {
		if got := w.service.Count(name, "../.."); got != 1 {
			t.Errorf("%s has %d lines", name, got)
		}
		if _, err := w.DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &name}); err != nil {
			t.Errorf("delete %s: %v", name, err)
		}
	}
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
}

// TestAGroupInMemoryHasNoFile deletes one while a file of such a name is in the working directory.
func TestAGroupInMemoryHasNoFile(t *testing.T) {
	t.Chdir(t.TempDir())
	w := newWorld(t, "")
	w.group("g")
	if err := os.MkdirAll("log-groups", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("log-groups", "g.jsonl"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("g")}); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir("log-groups"); err != nil || len(files) != 1 {
		t.Errorf("left in the working directory: %v, %v", files, err)
	}
}
