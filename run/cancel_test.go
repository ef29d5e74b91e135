package run

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/go-cmp/cmp"
)

// cancel cancels a run, which must work.
func (w *world) cancel(r Run, reason string) Cancelled {
	w.Helper()
	done, err := Cancel(w.Context(), w.clients, r, "ann@laptop", reason, nil)
	w.must(err)
	return done
}

func TestCancelFindsJobsThatTheDriverDidNotNote(t *testing.T) {
	w := newWorld(t)
	r, _ := w.start(input("a", "b <- a", "c <- b", "d"))
	w.clock.Advance(10 * time.Second)
	r.Jobs = r.Jobs[:1] // a driver that did not hear of the others
	w.cancel(r, "enough")
	for name, state := range w.jobs() {
		if state != types.JobStatusFailed {
			t.Errorf("%s is %s", name, state)
		}
	}
	if diff := cmp.Diff([]string{"a", "d"}, sorted(w.started)); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
	loaded, err := Load(t.Context(), w.clients, bucket, r.ID)
	w.must(err)
	jobs, err := Status(t.Context(), w.clients, loaded)
	w.must(err)
	if jobs[0].Reason != "enough" {
		t.Errorf("reason %q", jobs[0].Reason)
	}
}

// TestCancelOfManyJobs cancels fans of every kind in the middle: what waits at that moment never starts, Batch is told of those jobs alone that others wait
// for, and all is over in the time that this takes at 45 calls a second.
func TestCancelOfManyJobs(t *testing.T) {
	const wide = 200
	for name, shape := range map[string]struct {
		groups func() []string
		after  time.Duration
		told   int
	}{
		"before the fan": {spread(wide), 10 * time.Second, 1},
		"in the fan":     {spread(wide), 90 * time.Second, wide},
		"chains":         {pairs(wide / 2), 10 * time.Second, wide / 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			in := input(shape.groups()...)
			for _, g := range in.Plan.Groups {
				if g.Name != "first" {
					w.script[g.Name] = scripted(time.Hour)
				}
			}
			r, _ := w.start(in)
			w.clock.Advance(shape.after)
			var waiting []string
			for job, state := range w.jobs() {
				if state == types.JobStatusPending {
					waiting = append(waiting, job)
				}
			}
			before := len(w.started)
			began := w.Now()
			done := w.cancel(r, "enough")
			took := w.Now().Sub(began)
			if done.Told != shape.told || done.Left != 0 {
				t.Errorf("%+v, want %d jobs told", done, shape.told)
			}
			if most := time.Duration(done.Ended)*time.Second/45 + 2*time.Second; took > most {
				t.Errorf("it took %s, want %s at most", took, most)
			}
			w.clock.Advance(3 * time.Hour)
			if len(w.started) != before {
				t.Errorf("%d jobs started after the cancel; %d were waiting", len(w.started)-before, len(waiting))
			}
		})
	}
}

// spread is one group, and n that wait for it.
func spread(n int) func() []string {
	return func() []string {
		groups := []string{"first"}
		for i := range n {
			groups = append(groups, fmt.Sprintf("g%d <- first", i))
		}
		return groups
	}
}

// pairs are n pairs of groups.
func pairs(n int) func() []string {
	return func() []string {
		var groups []string
		for i := range n {
			groups = append(groups, fmt.Sprintf("a%d", i), fmt.Sprintf("b%d <- a%d", i, i))
		}
		return groups
	}
}

func TestEndingOrder(t *testing.T) {
	groups := input("a", "b", "c", "idle", "busy", "join <- a b", "after <- join", "next <- c").Plan.Groups
	job := func(name, state string) target { return target{"id-" + name, strings.ToUpper(name) + "-abc123", state} }
	for name, test := range map[string]struct {
		left []target
		want string
	}{
		"one for each that waits, what runs first": {
			[]target{job("a", Runnable), job("b", Running), job("join", Pending), job("after", Pending)}, "b a"},
		"what has not started before what runs": {
			[]target{job("busy", Running), job("idle", Runnable), job("c", Starting), job("next", Pending)}, "c idle busy"},
		"what Batch has not failed itself": {[]target{job("join", Pending), job("after", Pending)}, "join"},
		"what has come free meanwhile":     {[]target{job("c", Running), job("next", Runnable)}, "c next"},
		"a job that Batch has not placed":  {[]target{job("next", Submitted)}, "next"},
		"twins":                            {[]target{job("c", Running), {"id-twin", "c-abc123", Pending}}, "twin c"},
		"a job of no group":                {[]target{{"id-strange", "strange", Pending}, job("a", Running)}, "strange a"},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.ReplaceAll(strings.Join(endingOrder(groups, test.left), " "), "id-", "")
			if got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// TestKnownJobsAreToldBeforeAnythingElse cancels as a driver does that is about to be killed: it has no time for anything else.
func TestKnownJobsAreToldBeforeAnythingElse(t *testing.T) {
	w := newWorld(t)
	r, _ := w.start(input("a", "b <- a", "c"))
	w.clock.Advance(10 * time.Second)
	known, err := Status(t.Context(), w.clients, r)
	w.must(err)
	var calls []string
	w.fault = func(operation string, _ int) fault {
		calls = append(calls, operation)
		return none
	}
	_, err = Cancel(t.Context(), w.clients, r, "ann", "enough", known)
	w.must(err)
	if diff := cmp.Diff([]string{"terminatejob", "terminatejob"}, calls[:2]); diff != "" {
		t.Errorf("first calls (-want +got):\n%s", diff)
	}
	wantNoOrphans(w)
}

func TestCancelMarksTheRun(t *testing.T) {
	w := newWorld(t)
	r, _ := w.start(input("a"))
	m, err := Marked(t.Context(), w.clients, r)
	w.must(err)
	if m != nil {
		t.Errorf("marked before: %+v", m)
	}
	w.cancel(r, "wrong data")
	w.cancel(r, "again")
	m, err = Marked(t.Context(), w.clients, r)
	w.must(err)
	if m == nil || m.By != "ann@laptop" || m.Reason != "wrong data" {
		t.Errorf("mark %+v", m)
	}
}
