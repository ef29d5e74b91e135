package ui

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestTasksSideBySideTearNothing: tasks that end in any order, and lines that others tell meanwhile, each come out whole and once; what goes on is under them.
func TestTasksSideBySideTearNothing(t *testing.T) {
	const tasks, updates = 8, 40
	tm, s := onScreen(t, 60, 200)
	g := tm.Tasks()
	last := g.Start("last")
	var all sync.WaitGroup
	for i := range tasks {
		all.Go(func() {
			k := g.Start(fmt.Sprintf("task-%d", i))
			for n := range updates {
				k.Update("%s %d", strings.Repeat("wide as the terminal is ", n%4), n)
				if n%10 == 0 {
					tm.Line("line %d of %d", n, i)
				}
			}
			k.Done("all of %d", i)
		})
	}
	all.Wait()
	last.Update("still going on")
	var want []string
	for i := range tasks {
		want = append(want, fmt.Sprintf("task-%d     done        TIME  all of %d", i, i))
		for n := 0; n < updates; n += 10 {
			want = append(want, fmt.Sprintf("line %d of %d", n, i))
		}
	}
	want = append(want, "last       ...         TIME  still going on")
	got := strings.Split(regexp.MustCompile(`\d\.\ds`).ReplaceAllString(s.Text(), "TIME"), "\n")
	if bottom := got[len(got)-1]; bottom != "last       ...         TIME  still going on" {
		t.Errorf("the last line is %q", bottom)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
	last.Done("")
	if strings.Contains(s.Text(), "still going on") {
		t.Error("the status area stays after its last task")
	}
}
