package run

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// TestWhatAFailureMeansForTheOthers has a group that fails while others run, wait for what runs, wait for room, and are not submitted yet.
func TestWhatAFailureMeansForTheOthers(t *testing.T) {
	for policy, want := range map[OnFailure]map[string]string{
		FailFast:  {"bad": "FAILED", "behind": "FAILED blocked", "long": "SUCCEEDED", "next": "FAILED terminated", "after": "FAILED blocked", "both": "FAILED blocked"},
		Kill:      {"bad": "FAILED", "behind": "FAILED blocked", "long": "FAILED terminated", "next": "FAILED blocked", "after": "FAILED blocked", "both": "FAILED blocked"},
		KeepGoing: {"bad": "FAILED", "behind": "FAILED blocked", "long": "SUCCEEDED", "next": "SUCCEEDED", "after": "SUCCEEDED", "both": "FAILED blocked"},
	} {
		t.Run(fmt.Sprint(policy), func(t *testing.T) {
			w := newWorld(t)
			w.script["bad"], w.script["long"] = failing(), scripted(50*time.Minute)
			r, rep := w.start(input("bad", "behind <- bad", "long", "next <- long", "after <- next", "both <- bad long"))
			result := w.followWith(r, rep, Options{OnFailure: policy})
			if diff := cmp.Diff(want, states(result.Jobs)); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
			if len(rep.failures) != 1 {
				t.Errorf("%d failures told", len(rep.failures))
			}
			for _, group := range w.started {
				if policy != KeepGoing && group != "bad" && group != "long" {
					t.Errorf("%s started", group)
				}
			}
			jobs, err := Status(t.Context(), w.clients, w.load(r))
			w.must(err)
			if diff := cmp.Diff(want, states(jobs)); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
		})
	}
}

// TestKeepGoingSubmitsWhatIsLate lets a group fail of which some late groups depend.
func TestKeepGoingSubmitsWhatIsLate(t *testing.T) {
	w := newWorld(t)
	w.script["bad"] = failing()
	all := joined(25)
	r, rep := w.start(input(append(all, "bad", "hopeless <- join bad", "fine <- join")...))
	result := w.followWith(r, rep, Options{OnFailure: KeepGoing})
	got := states(result.Jobs)
	if got["join"] != Succeeded || got["fine"] != Succeeded || !strings.Contains(got["hopeless"], Blocked) {
		t.Errorf("states %v", got)
	}
}

// meddled lets something happen right before calls.
type meddled struct {
	batchAPI
	beforeCancel, beforeSubmit func()
}

func (m meddled) CancelJob(ctx context.Context, in *batch.CancelJobInput, o ...func(*batch.Options)) (*batch.CancelJobOutput, error) {
	if m.beforeCancel != nil {
		m.beforeCancel()
	}
	return m.batchAPI.CancelJob(ctx, in, o...)
}

func (m meddled) SubmitJob(ctx context.Context, in *batch.SubmitJobInput, o ...func(*batch.Options)) (*batch.SubmitJobOutput, error) {
	if m.beforeSubmit != nil {
		m.beforeSubmit()
	}
	return m.batchAPI.SubmitJob(ctx, in, o...)
}

// TestStartedMeanwhileMayFinish cancels a job that is about to start by the time that Batch hears of it.
func TestStartedMeanwhileMayFinish(t *testing.T) {
	w := newWorld(t)
	w.script["bad"], w.script["first"], w.script["next"] = failing(), scripted(time.Minute+time.Second), scripted(50*time.Minute)
	r, rep := w.start(input("bad", "first", "next <- first"))
	w.clients.Batch = meddled{w.clients.Batch, func() { w.clock.Advance(2 * time.Minute) }, nil} // first ends, and next starts
	result := w.followWith(r, rep, Options{})
	if got := states(result.Jobs); got["next"] != Succeeded {
		t.Errorf("states %v", got)
	}
}

// TestJobThatSomebodyEnds is one that a person ends in the console: a failure of its group, told as what it is.
func TestJobThatSomebodyEnds(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = scripted(50 * time.Minute)
	r, rep := w.start(input("a", "b <- a", "c"))
	w.onSleep = func() {
		w.onSleep = func() {}
		_, err := w.clients.Batch.TerminateJob(t.Context(), &batch.TerminateJobInput{JobId: aws.String(r.latest()["a"].ID), Reason: aws.String("too expensive")})
		w.must(err)
	}
	result := w.follow(r, rep)
	want := map[string]string{"a": "FAILED ended", "b": "FAILED blocked", "c": "SUCCEEDED"}
	if diff := cmp.Diff(want, states(result.Jobs)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if len(rep.failures) != 1 || rep.failures[0].Job.Reason != "too expensive" || result.Cancelled != nil {
		t.Errorf("failures %+v, cancelled %v", rep.failures, result.Cancelled)
	}
}

// TestCancelFromElsewhere cancels a run that somebody else follows and that is not submitted as a whole: the driver submits nothing more, and tells that
// the run was cancelled instead of 25 failures.
func TestCancelFromElsewhere(t *testing.T) {
	for name, when := range map[string]time.Duration{"while jobs run": 30 * time.Second, "before the driver looks first": 0} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			in := input(joined(25)...)
			r, rep := w.start(in)
			began := w.Now()
			cancel := func() {
				if w.Now().Sub(began) >= when {
					w.onSleep = func() {}
					w.cancel(w.load(r), "wrong data")
				}
			}
			if w.onSleep = cancel; when == 0 {
				cancel()
			}
			result := w.follow(r, rep)
			if result.Cancelled == nil || result.Cancelled.By != "ann@laptop" || len(rep.failures) > 0 {
				t.Errorf("cancelled %+v, %d failures", result.Cancelled, len(rep.failures))
			}
			if got := result.Jobs[25]; got.ID != "" {
				t.Errorf("join is %+v", got)
			}
			if n := len(textsOf(rep.notices, NoticeCancelled)); n != 1 {
				t.Errorf("told %d times", n)
			}
			if n := len(w.jobs()); n != 25 {
				t.Errorf("%d jobs, want 25", n)
			}
		})
	}
}

// TestCancelBetweenLookAndSubmission cancels a run in the one moment in which its driver has looked for a mark and not yet submitted: what it submits then is
// ended again.
func TestCancelBetweenLookAndSubmission(t *testing.T) {
	w := newWorld(t)
	r, rep := w.start(input(joined(25)...))
	undisturbed := w.clients.Batch
	w.clients.Batch = meddled{undisturbed, nil, func() {
		w.clients.Batch = undisturbed
		w.cancel(w.load(r), "wrong data")
	}}
	result := w.follow(r, rep)
	if j := result.Jobs[25]; j.State != Failed || result.Cancelled == nil {
		t.Errorf("join is %s %s, cancelled %v", j.State, j.Cause, result.Cancelled)
	}
	if strings.Contains(strings.Join(w.started, " "), "join") && len(w.ended) > 25 {
		t.Errorf("join did its work")
	}
}

// TestExpiredCredentialsStopTheDriver lets the credentials expire in the middle: a clear end, after which attach goes on.
func TestExpiredCredentialsStopTheDriver(t *testing.T) {
	w := newWorld(t)
	r, rep := w.start(input("a", "b <- a"))
	w.fault = func(operation string, n int) fault {
		if operation == "describejobs" && n > 2 {
			return expired
		}
		return none
	}
	_, err := Follow(t.Context(), w.clients, r, Options{}, rep)
	if err == nil || !strings.Contains(err.Error(), "ExpiredTokenException") || !strings.Contains(ui.Hint(err), "kedroctl attach "+r.ID) {
		t.Errorf("error %v, hint %s", err, ui.Hint(err))
	}
	w.fault = func(string, int) fault { return none }
	if result := w.follow(w.load(r), &told{}); !result.Succeeded() {
		t.Errorf("states %v", states(result.Jobs))
	}
}
