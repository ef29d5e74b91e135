package run

import (
	"testing"
	"time"

	local "github.com/kedroctl/kedroctl/internal/local/batch"
)

func TestEstimateIsTheLongestWayThatIsLeft(t *testing.T) {
	w := newWorld(t)
	w.script["a"], w.script["b"], w.script["c"] = scripted(10*time.Minute), scripted(20*time.Minute), scripted(time.Minute)
	in := input("a", "b <- a", "c <- a", "d <- b c")
	past, rep := w.start(in)
	w.follow(past, rep)
	failed, rep := w.start(in)
	w.script["d"] = failing()
	w.follow(failed, rep)
	delete(w.script, "d")

	r, _ := w.start(in)
	before := w.count("GET /" + bucket)
	h, err := Past(t.Context(), w.clients, r)
	w.must(err)
	if h.Run != past.ID {
		t.Fatalf("the estimate is by run %s, want the last that succeeded, %s", h.Run, past.ID)
	}
	if n := w.count("GET /"+bucket) - before; n > 3 {
		t.Errorf("%d lists for two earlier runs", n)
	}
	about := func(at string, jobs map[string]Job, want time.Duration) {
		t.Helper()
		got, known := h.Left(r, jobs, w.Now())
		if diff := got - want; !known || diff < -time.Minute || diff > time.Minute {
			t.Errorf("%s: %s left, known %t; want about %s", at, got, known, want)
		}
	}
	jobs := map[string]Job{}
	about("at the start", jobs, 31*time.Minute)
	w.clock.Advance(4 * time.Minute)
	about("after four minutes", jobs, 27*time.Minute)
	w.clock.Advance(time.Hour)
	about("when a takes far longer", jobs, 21*time.Minute)
	jobs["a"] = Job{State: Succeeded, Stopped: w.Now().Add(-5 * time.Minute)}
	jobs["c"] = Job{State: Succeeded, Stopped: w.Now()}
	about("with b on its way for five minutes", jobs, 16*time.Minute)
	jobs["b"], jobs["d"] = Job{State: Succeeded, Stopped: w.Now()}, Job{State: Failed}
	about("at the end", jobs, 0)
}

func TestNoEstimate(t *testing.T) {
	for name, tt := range map[string]struct {
		earlier func(w *world)
		in      Input
	}{
		"no earlier run": {func(*world) {}, input("a")},
		"one that failed": {func(w *world) {
			w.script["a"] = failing()
			r, rep := w.start(input("a"))
			w.follow(r, rep)
		}, input("a")},
		"one that goes on": {func(w *world) { in := input("a"); in.AllowOverlap = true; w.start(in) }, input("a")},
		"one of other nodes": {func(w *world) {
			in := input("a")
			in.Plan.Groups[0].Nodes = []string{"a_node", "another"}
			r, rep := w.start(in)
			w.follow(r, rep)
		}, input("a")},
		"one that lacks a group": {func(w *world) {
			r, rep := w.start(input("a"))
			w.follow(r, rep)
		}, input("a", "b <- a")},
		"one whose record is lost": {func(w *world) {
			w.script["a"] = func(int) outcome { return outcome{takes: time.Minute, exit: local.Exited(0), silent: true} }
			r, rep := w.start(input("a"))
			w.follow(r, rep)
		}, input("a")},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tt.earlier(w)
			w.clock.Advance(time.Second)
			tt.in.AllowOverlap = true
			r, _ := w.start(tt.in)
			h, err := Past(t.Context(), w.clients, r)
			w.must(err)
			if left, known := h.Left(r, map[string]Job{}, w.Now()); known {
				t.Errorf("%s left by %+v, want no estimate", left, h)
			}
		})
	}
}

func TestPeaksComeFromTheRecords(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = func(attempt int) outcome {
		if attempt == 1 {
			return outcome{takes: time.Minute, exit: local.HostLost("i-0123")}
		}
		return outcome{takes: time.Minute, exit: local.Exited(0), peak: 1234}
	}
	w.script["killed"] = func(int) outcome { return outcome{takes: time.Hour, exit: local.Exited(137), silent: true} }
	r, rep := w.start(input("a", "killed"))
	jobs := w.follow(r, rep).Jobs
	w.must(Peaks(t.Context(), w.clients, r, jobs))
	if jobs[0].Peak != 1234 || jobs[1].Peak != 0 {
		t.Errorf("peaks %d and %d MiB, want 1234 and none", jobs[0].Peak, jobs[1].Peak)
	}
}
