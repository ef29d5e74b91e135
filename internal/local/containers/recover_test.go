package containers

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/moby/moby/api/types/container"

	"github.com/kedroctl/kedroctl/internal/local/batch"
)

// story is what became of an attempt.
type story struct {
	mu    sync.Mutex
	Told  int // that it runs
	Lines []string
	End   *batch.Exit
}

func (s *story) Running() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Told++
}

func (s *story) Line(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Lines = append(s.Lines, text)
}

func (s *story) Done(e batch.Exit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.End = &e
}

func (s *story) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.End != nil
}

func exited(code int32, reason string) *batch.Exit { return &batch.Exit{Code: &code, Reason: reason} }

func TestRecover(t *testing.T) {
	log := []string{"one", "two\r", "", "\xffthree"}
	tests := map[string]struct {
		found *held           // by the server that comes after
		left  batch.Recovered // by the one that was killed
		want  *story          // nil: the attempt is lost
	}{
		"a container that runs goes on": {
			found: &held{state: container.StateRunning, lines: log}, left: batch.Recovered{Running: true, Lines: 2},
			want: &story{Lines: []string{"\uFFFDthree"}, End: exited(0, "")}},
		"one that has ended tells its end": {
			found: &held{state: container.StateExited, lines: log, exit: 3}, left: batch.Recovered{Running: true},
			want: &story{Lines: []string{"one", "two", "\uFFFDthree"}, End: exited(3, "")}},
		"one that ran out of memory": {
			found: &held{state: container.StateExited, exit: 137, oom: true}, left: batch.Recovered{Running: true},
			want: &story{End: exited(137, "OutOfMemoryError: Container killed due to memory usage")}},
		"one that began to run untold": {
			found: &held{state: container.StateRunning, lines: log},
			want:  &story{Told: 1, Lines: []string{"one", "two", "\uFFFDthree"}, End: exited(0, "")}},
		"one that was made but not started": {
			found: &held{state: container.StateCreated, lines: log},
			want:  &story{Told: 1, Lines: []string{"one", "two", "\uFFFDthree"}, End: exited(0, "")}},
		"an attempt without one begins anew": {
			want: &story{Told: 1, Lines: []string{"of its own"}, End: exited(0, "")}},
		"an attempt that has lost its own is lost":    {left: batch.Recovered{Running: true}},
		"an attempt whose container is dead is lost":  {found: &held{state: container.StateDead}, left: batch.Recovered{Running: true}},
		"an attempt of a container on its way to end": {found: &held{state: container.StateRemoving, removing: 3}, left: batch.Recovered{Running: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e, r := newEngine(t)
			if tt.found != nil {
				e.put("job-1", *tt.found)
			}
			got := &story{}
			tt.left.Attempt = batch.Attempt{JobID: "job", Number: 1, Image: "i", Command: []string{"of its own"}}
			tt.left.Events = got
			stops := r.Recover([]batch.Recovered{tt.left})
			if len(stops) != 1 || (stops[0] == nil) != (tt.want == nil) {
				t.Fatalf("stops: %v", stops)
			}
			if tt.want == nil {
				if left := e.left(); left != nil || got.over() {
					t.Errorf("when Recover returned there were %v", left)
				}
				return
			}
			eventually(t, got.over)
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(story{})); diff != "" {
				t.Error(diff)
			}
			eventually(t, func() bool { return e.left() == nil })
		})
	}
}

// An earlier server may have been killed when it had asked for a container that the engine is still making.
func TestContainerThatIsBeingMadeIsTaken(t *testing.T) {
	e, r := newEngine(t)
	e.making["kedroctl-job-1"] = true
	got := &story{}
	r.Recover([]batch.Recovered{{Attempt: batch.Attempt{JobID: "job", Number: 1, Image: "i"}, Events: got}})
	time.Sleep(2 * pollTime)
	if got.over() {
		t.Fatal("it did not wait")
	}
	e.put("job-1", held{state: container.StateCreated, lines: []string{"made before"}})
	eventually(t, got.over)
	want := &story{Told: 1, Lines: []string{"made before"}, End: exited(0, "")}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(story{})); diff != "" {
		t.Error(diff)
	}
	eventually(t, func() bool { return e.left() == nil })
}

func TestOtherContainersOfTheDirectoryAreRemoved(t *testing.T) {
	e, r := newEngine(t)
	e.put("ended-1", held{state: container.StateExited})
	e.put("old-1", held{state: container.StateRunning, removing: 2}) // a removal is under way
	e.put("other-1", held{state: container.StateRunning})
	e.containers["id of other-1"].labels[labelOwner] = "/state/of/another"
	if stops := r.Recover(nil); len(stops) != 0 {
		t.Errorf("stops: %v", stops)
	}
	if diff := cmp.Diff([]string{"kedroctl-other-1"}, e.left()); diff != "" {
		t.Error(diff)
	}
}

func TestClosedRunnerLeavesNothing(t *testing.T) {
	e, r := newEngine(t)
	e.making["kedroctl-job-1"] = true // so that the attempt goes on
	got := &story{}
	r.Start(batch.Attempt{JobID: "job", Number: 1, Image: "i"}, got)
	go func() {
		time.Sleep(2 * pollTime)
		e.put("job-1", held{state: container.StateCreated})
	}()
	r.Close()
	r.Start(batch.Attempt{JobID: "late", Number: 1, Image: "i"}, got)()
	if left := e.left(); left != nil || got.over() {
		t.Errorf("left: %v, told: %v", left, got.End)
	}
}

func TestStoppedContainerHas30Seconds(t *testing.T) {
	e, r := newEngine(t)
	e.put("job-1", held{state: container.StateRunning, stop: make(chan struct{})})
	c := e.containers["id of job-1"]
	got := &story{}
	stops := r.Recover([]batch.Recovered{{Attempt: batch.Attempt{JobID: "job", Number: 1}, Events: got, Running: true}})
	stops[0]()
	stops[0]()
	eventually(t, got.over)
	if c.grace != "30" || *got.End.Code != 143 {
		t.Errorf("it had %s s and ended with exit code %d", c.grace, *got.End.Code)
	}
}

func TestMachineKeepsSomeMemory(t *testing.T) {
	if _, r := newEngine(t); r.MemoryMiB() != 1024-256 {
		t.Errorf("%d MiB", r.MemoryMiB())
	}
}
