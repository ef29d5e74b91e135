package disk_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kedroctl/kedroctl/internal/local/disk"
)

func TestJSONComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b.json")
	if err := disk.WriteJSON(path, map[string]int{"x": 1}); err != nil {
		t.Fatal(err)
	}
	var got map[string]int
	if err := disk.ReadJSON(path, &got); err != nil || got["x"] != 1 {
		t.Errorf("read back %v, %v", got, err)
	}
}

func TestAbsentFileLeavesTheValue(t *testing.T) {
	got := 7
	if err := disk.ReadJSON(filepath.Join(t.TempDir(), "absent"), &got); err != nil || got != 7 {
		t.Errorf("got %d, %v", got, err)
	}
}

func TestBrokenFileIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := disk.ReadJSON(path, new(int)); err == nil {
		t.Error("a broken file was read")
	}
}

func TestFailedWriteLeavesNoRubbish(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "taken", "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := disk.Write(filepath.Join(dir, "taken"), []byte("x")); err == nil {
		t.Fatal("a directory was overwritten")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
