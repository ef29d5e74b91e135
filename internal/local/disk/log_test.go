package disk_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/local/disk"
)

func open[T any](t *testing.T, path string) (*disk.Log[T], []T) {
	t.Helper()
	l, changes, err := disk.OpenLog[T](path)
	if err != nil {
		t.Fatal(err)
	}
	return l, changes
}

// write adds to a file what a killed process leaves.
func write(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestChangesThatWereCutShortAreLeftOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b.jsonl")
	l, got := open[int](t, path)
	if got != nil {
		t.Errorf("before it is there: %v", got)
	}
	if err := l.Append(1, 2); err != nil {
		t.Fatal(err)
	}
	write(t, path, "\n[3")
	l, _ = open[int](t, path)
	if err := l.Append(4); err != nil {
		t.Fatal(err)
	}
	if _, got := open[int](t, path); !slices.Equal(got, []int{1, 2, 4}) {
		t.Errorf("got %v", got)
	}
	if _, _, err := disk.OpenLog[string](path); err == nil {
		t.Error("changes of another kind were left out")
	}
	if err := l.Remove(); err != nil {
		t.Fatal(err)
	}
	if err := l.Remove(); err != nil {
		t.Errorf("removed again: %v", err)
	}
}

// TestALogDoesNotGrowWithoutEnd has one value that changes all the time.
func TestALogDoesNotGrowWithoutEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.jsonl")
	l, _ := open[string](t, path)
	last := ""
	for i := range 100 {
		last = strings.Repeat(string(rune('a'+i%26)), 100_000)
		if err := l.Append(last); err != nil {
			t.Fatal(err)
		}
		l.Compact(func() []string { return []string{last} })
		if info, err := os.Stat(path); err != nil || info.Size() > 1_200_000 {
			t.Fatalf("after %d changes: %v, %v", i+1, info.Size(), err)
		}
	}
	_, got := open[string](t, path)
	if len(got) == 0 || got[len(got)-1] != last {
		t.Errorf("the last of %d changes is another", len(got))
	}
}

// TestARefusedChangeIsNotKept looks at a log that cannot be written: what Append refused is not there later.
func TestARefusedChangeIsNotKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.jsonl")
	l, _ := open[any](t, path)
	if err := l.Append("kept"); err != nil {
		t.Fatal(err)
	}
	if err := l.Append("refused", func() {}); err == nil {
		t.Error("a change that is no JSON was kept")
	}
	if _, got := open[any](t, path); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestALogWithoutAPathKeepsNothing(t *testing.T) {
	l, _ := open[int](t, "")
	if err := l.Append(1); err != nil {
		t.Fatal(err)
	}
	l.Compact(func() []int { t.Error("it was written anew"); return nil })
	if err := l.Remove(); err != nil {
		t.Fatal(err)
	}
}
