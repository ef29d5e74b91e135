package run

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOutOfMemoryGetsTwiceAsMuch(t *testing.T) {
	w := newWorld(t)
	w.hunger["a"] = 10000
	r, rep := w.start(withMost(input("a", "b <- a", "c <- b", "d"), 32768))
	result := w.follow(r, rep)
	if !result.Succeeded() || len(rep.failures) > 0 {
		t.Fatalf("states %v, failures %v", states(result.Jobs), rep.failures)
	}
	for i, want := range []struct{ try, memory int }{{3, 16384}, {3, 4096}, {3, 4096}, {1, 4096}} {
		if j := result.Jobs[i]; j.Try != want.try || j.Memory != want.memory {
			t.Errorf("%s: try %d with %d MiB, want %+v", j.Group, j.Try, j.Memory, want)
		}
	}
	want := []string{"group a ran out of its 4096 MiB of memory: next try with 8192 MiB", "group a ran out of its 8192 MiB of memory: next try with 16384 MiB"}
	if diff := cmp.Diff(want, textsOf(rep.notices, NoticeMemory)); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "a", "a", "b", "c", "d"}, sorted(w.started)); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
	jobs, err := Status(t.Context(), w.clients, w.load(r))
	w.must(err)
	if j := jobs[0]; j.Memory != 16384 || j.Try != 3 {
		t.Errorf("status %+v", j)
	}
}

func withMost(in Input, most int) Input {
	for i := range in.Plan.Groups {
		in.Plan.Groups[i].Resources.MemoryMax = most
	}
	return in
}

func textsOf(notices []Notice, code string) (texts []string) {
	for _, n := range notices {
		if n.Code == code {
			texts = append(texts, n.Text)
		}
	}
	return texts
}

func TestOutOfMemoryAtTheMaximumIsAFailure(t *testing.T) {
	w := newWorld(t)
	w.hunger["a"] = 10000
	r, rep := w.start(withMost(input("a", "b <- a"), 6000))
	result := w.follow(r, rep)
	want := map[string]string{"a": "FAILED out of memory", "b": "FAILED blocked"}
	if diff := cmp.Diff(want, states(result.Jobs)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if len(rep.failures) != 1 || result.Jobs[0].Memory != 6000 || result.Jobs[0].Try != 2 {
		t.Errorf("failures %v, job %+v", rep.failures, result.Jobs[0])
	}
	said := strings.Join(textsOf(rep.notices, NoticeMemory), "\n")
	if !strings.Contains(said, `6000 MiB of memory, the most that memory_max allows: raise memory_max under [tool.kedroctl.job.groups."a"], then 'kedroctl resume `+r.ID) {
		t.Errorf("notices %s", said)
	}
}

// TestMemoryIsRaisedByWhoeverAttaches leaves a run before its job runs out of memory.
func TestMemoryIsRaisedByWhoeverAttaches(t *testing.T) {
	w := newWorld(t)
	w.hunger["a"] = 8000
	r, _ := w.start(withMost(input("a", "b <- a"), 32768))
	w.clock.Advance(time.Hour)
	result := w.follow(w.load(r), &told{})
	if !result.Succeeded() || result.Jobs[0].Memory != 8192 {
		t.Errorf("states %v, %+v", states(result.Jobs), result.Jobs[0])
	}
}
