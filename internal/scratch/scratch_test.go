package scratch

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestMain stands for a process that makes a directory and is killed.
func TestMain(m *testing.M) {
	if parent := os.Getenv("SCRATCH_PARENT"); parent != "" {
		dir, _, err := New(parent, "killed")
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString(dir + "\n")
		select {}
	}
	os.Exit(m.Run())
}

func TestNew(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "made")
	others := filepath.Join(parent, "kedroctl-others")
	if err := os.MkdirAll(others, 0o755); err != nil {
		t.Fatal(err)
	}
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), "SCRATCH_PARENT="+parent)
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	left := strings.TrimSpace(line)
	if err := os.WriteFile(filepath.Join(left, "file"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}

	first, removeFirst, err := New(parent, "one")
	if err != nil {
		t.Fatal(err)
	}
	if !there(left) {
		t.Error("the directory of a process that lives is gone")
	}
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait() // it was killed
	_, removeSecond, err := New(parent, "two")
	if err != nil {
		t.Fatal(err)
	}
	if there(filepath.Dir(left)) {
		t.Error("the directory of a killed process has stayed")
	}
	if !there(first) || !there(others) {
		t.Error("a directory in use, or one of others, is gone")
	}
	removeFirst()
	removeSecond()
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
		t.Errorf("left are %v, %v", entries, err)
	}
}

func TestNewAtTheSameTime(t *testing.T) {
	parent := t.TempDir()
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			dir, remove, err := New(parent, "many")
			if err != nil {
				t.Error(err)
				return
			}
			defer remove()
			if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
