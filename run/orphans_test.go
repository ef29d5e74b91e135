package run

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// lagging shows a job only some time after it was submitted, as Batch may.
type lagging struct {
	batchAPI
	w   *world
	lag time.Duration
}

func (l lagging) young(createdAt *int64) bool {
	return l.w.Now().Sub(time.UnixMilli(*createdAt)) < l.lag
}

func (l lagging) ListJobs(ctx context.Context, in *batch.ListJobsInput, o ...func(*batch.Options)) (*batch.ListJobsOutput, error) {
	out, err := l.batchAPI.ListJobs(ctx, in, o...)
	if err == nil {
		out.JobSummaryList = slices.DeleteFunc(out.JobSummaryList, func(j types.JobSummary) bool { return l.young(j.CreatedAt) })
	}
	return out, err
}

func (l lagging) DescribeJobs(ctx context.Context, in *batch.DescribeJobsInput, o ...func(*batch.Options)) (*batch.DescribeJobsOutput, error) {
	out, err := l.batchAPI.DescribeJobs(ctx, in, o...)
	if err == nil {
		out.Jobs = slices.DeleteFunc(out.Jobs, func(j types.JobDetail) bool { return l.young(j.CreatedAt) })
	}
	return out, err
}

// wantNoOrphans wants every job that Batch has taken to have ended.
func wantNoOrphans(w *world) {
	w.Helper()
	w.clock.Advance(20 * time.Second) // Batch shows them by then
	w.clock.Advance(time.Minute)
	for name, state := range w.jobs() {
		if state != types.JobStatusFailed {
			w.Errorf("%s is %s", name, state)
		}
	}
}

// TestNoFailureOfStartLeavesJobs lets each call that Start makes fail for good, before and after its effect, while Batch shows new jobs late.
func TestNoFailureOfStartLeavesJobs(t *testing.T) {
	for _, operation := range []string{"submitjob", "PUT"} {
		for _, f := range []fault{refused, broken, cutOff} {
			for n := 1; n <= 4; n++ {
				w := newWorld(t)
				for _, g := range []string{"a", "b", "c"} {
					w.script[g] = scripted(time.Hour)
				}
				w.clients.Batch = lagging{w.clients.Batch, w, 10 * time.Second}
				calls := 0
				w.fault = func(op string, _ int) fault {
					if !strings.HasPrefix(op, operation) {
						return none
					}
					if calls++; calls < n {
						return none
					}
					return f
				}
				_, err := Start(t.Context(), w.clients, input("a", "b <- a", "c"), &told{})
				w.fault = func(string, int) fault { return none }
				if err != nil {
					wantNoOrphans(w)
				} else if n <= 2 && f != cutOff { // what Batch has taken is found by its name
					t.Errorf("%s, fault %d from call %d: no error", operation, f, n)
				}
			}
		}
	}
}

// TestInterruptedStartFindsTheJobItDidNotHearOf interrupts the driver while Batch takes a job that it does not show yet.
func TestInterruptedStartFindsTheJobItDidNotHearOf(t *testing.T) {
	w := newWorld(t)
	w.clients.Batch = lagging{w.clients.Batch, w, 10 * time.Second}
	w.script["a"], w.script["b"] = scripted(time.Hour), scripted(time.Hour)
	ctx, interrupt := context.WithCancel(t.Context())
	w.fault = func(operation string, n int) fault {
		if operation == "submitjob" && n == 2 {
			interrupt()
			return cutOff
		}
		return none
	}
	if _, err := Start(ctx, w.clients, input("a", "b"), &told{}); err == nil {
		t.Error("no error")
	}
	wantNoOrphans(w)
	if len(w.jobs()) != 2 {
		t.Errorf("jobs %v, want 2", w.jobs())
	}
}

func TestCancelSitsOutTrouble(t *testing.T) {
	w := newWorld(t)
	r, _ := w.start(input("a", "b <- a"))
	calls := 0
	w.fault = func(operation string, _ int) fault {
		if calls++; calls < 10 {
			return []fault{broken, throttle, cutOff}[calls%3]
		}
		return none
	}
	w.cancel(r, "enough")
	wantNoOrphans(w)
}

func TestCancelOfAForgottenRunIsNoError(t *testing.T) {
	w := newWorld(t)
	r, rep := w.start(input("a"))
	w.follow(r, rep)
	w.clock.Advance(10 * 24 * time.Hour)
	w.cancel(r, "enough")
}

func TestCancelSaysWhatItMayNotDo(t *testing.T) {
	w := newWorld(t)
	r, _ := w.start(input("a"))
	w.fault = func(operation string, _ int) fault {
		if operation == "terminatejob" {
			return refused
		}
		return none
	}
	if _, err := Cancel(t.Context(), w.clients, r, "ann", "enough", nil); err == nil || !strings.Contains(err.Error(), "terminate job "+r.Jobs[0].ID) {
		t.Errorf("error %v", err)
	}
}

// TestStopIsRepeated lets the first terminations after a failure fail: the jobs that are left would go on and cost money.
func TestStopIsRepeated(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = failing()
	w.script["b"] = scripted(10 * time.Hour)
	r, rep := w.start(input("a", "b"))
	w.fault = func(operation string, n int) fault {
		if operation == "terminatejob" && n < 4 {
			return broken
		}
		return none
	}
	result := w.followWith(r, rep, Options{OnFailure: Kill})
	if j := result.Jobs[1]; j.State != Failed || j.Cause != Terminated {
		t.Errorf("b is %s %s after %s", j.State, j.Cause, w.Now().Sub(r.Created))
	}
	if took := w.Now().Sub(r.Created); took > time.Hour {
		t.Errorf("b was left alone for %s", took)
	}
}

// killed starts and follows a run with a driver that is killed after its nth call, and says whether it was.
func (w *world) killed(n int, in Input) bool {
	w.Helper()
	ctx, kill := context.WithCancel(w.Context())
	defer kill()
	l := &life{last: n, kill: kill}
	c := w.driver(l)
	r, err := Start(ctx, c, in, &told{})
	if err == nil {
		_, err = Follow(ctx, c, r, Options{}, &told{})
	}
	if l.calls < n {
		w.must(err)
	}
	return l.calls >= n
}

// TestKilledDriverLeavesARunThatCanBeCancelled kills the driver after each of its calls. What it left is found by name from any machine.
func TestKilledDriverLeavesARunThatCanBeCancelled(t *testing.T) {
	for n := 1; ; n++ {
		w := newWorld(t)
		if !w.killed(n, input("a", "b <- a", "c <- b")) {
			break
		}
		r, err := Latest(t.Context(), w.clients, bucket)
		if err != nil {
			if len(w.jobs()) > 0 {
				t.Errorf("killed at call %d: jobs %v, and no run: %v", n, w.jobs(), err)
			}
			continue
		}
		w.cancel(r, "its driver was killed")
		w.clock.Advance(2 * time.Minute)
		for name, state := range w.jobs() {
			if state != types.JobStatusFailed && state != types.JobStatusSucceeded {
				w.Errorf("killed at call %d: %s is %s", n, name, state)
			}
		}
	}
}

// TestInterruptedStartSaysWhenJobsMayGoOn takes the right to terminate away: the error must not only say "interrupted".
func TestInterruptedStartSaysWhenJobsMayGoOn(t *testing.T) {
	w := newWorld(t)
	ctx, interrupt := context.WithCancel(t.Context())
	w.fault = func(operation string, n int) fault {
		if operation == "submitjob" && n == 2 {
			interrupt()
		}
		if operation == "terminatejob" {
			return refused
		}
		return none
	}
	_, err := Start(ctx, w.clients, input("a", "b"), &told{})
	e, ok := errors.AsType[*AbandonedError](err)
	if !ok || e.Left == nil || !errors.Is(err, context.Canceled) || !strings.Contains(ui.Hint(err), "kedroctl cancel "+e.Run) {
		t.Errorf("error %v, hint %q", err, ui.Hint(err))
	}
}
