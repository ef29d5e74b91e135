package run

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// attach takes up the latest run as a new process does.
func (w *world) attach(c Clients) (Run, Result) {
	w.Helper()
	r, err := Latest(w.Context(), c, bucket)
	w.must(err)
	result, err := Follow(w.Context(), c, r, Options{}, &told{})
	w.must(err)
	return r, result
}

// wantOnce wants the work of all groups to be done, once and in order.
func (w *world) wantOnce(in Input, result Result) {
	w.Helper()
	if !result.Succeeded() {
		w.Errorf("states %v", states(result.Jobs))
	}
	for _, g := range in.Plan.Groups {
		n := slices.Index(w.ended, g.Name)
		if got := count(w.started, g.Name); got != 1 || n < 0 {
			w.Errorf("the work of group %s was begun %d times, in %v", g.Name, got, w.started)
		}
		for _, p := range g.DependsOn {
			if slices.Index(w.ended, p) > slices.Index(w.started, g.Name) {
				w.Errorf("group %s ended after %s began", p, g.Name)
			}
		}
	}
}

func count(list []string, one string) (n int) {
	for _, s := range list {
		if s == one {
			n++
		}
	}
	return n
}

// TestAttachAfterAKillAtEachCall kills the driver after each of its calls, and takes the run up from the bucket alone: at once, when Batch does not list
// what was submitted last, and two minutes later. The work of each group is done once.
func TestAttachAfterAKillAtEachCall(t *testing.T) {
	for _, later := range []time.Duration{0, 2 * time.Minute} {
		for n := 1; ; n++ {
			w := newWorld(t)
			w.lag = 10 * time.Second
			in := input("a", "b <- a", "c <- a", "d <- b c")
			in.MaxWorkers = 3
			if !w.killed(n, in) {
				break
			}
			w.clock.Advance(later)
			if _, err := Latest(t.Context(), w.clients, bucket); err != nil {
				if len(w.jobs()) > 0 {
					t.Errorf("killed at call %d: jobs %v, and no run: %v", n, w.jobs(), err)
				}
				continue
			}
			_, result := w.attach(w.driver(nil))
			w.wantOnce(in, result)
			if t.Failed() {
				t.Fatalf("killed at call %d, attached %s later", n, later)
			}
		}
	}
}

// TestTwoDriversAtOnce lets three drivers follow a run whose groups are nearly all late. Each is submitted once, and all drivers see all ends.
func TestTwoDriversAtOnce(t *testing.T) {
	w := newWorld(t)
	var groups, parents []string
	for i := range 24 {
		parents = append(parents, fmt.Sprintf("p%02d", i))
		groups = append(groups, parents[i])
		w.script[parents[i]] = scripted(time.Duration(10+7*i%60) * time.Second)
	}
	in := input(append(groups, "join <- "+strings.Join(parents, " "), "after <- join")...)
	in.MaxWorkers = 5
	r, _ := w.start(in)
	var drivers errgroup.Group
	for range 3 {
		drivers.Go(func() error {
			c := w.driver(nil)
			loaded, err := Load(t.Context(), c, bucket, r.ID)
			if err != nil {
				return err
			}
			result, err := Follow(t.Context(), c, loaded, Options{}, &told{})
			if err == nil && !result.Succeeded() {
				err = fmt.Errorf("states %v", states(result.Jobs))
			}
			return err
		})
	}
	w.must(drivers.Wait())
	if got := w.count("submitjob"); got != len(in.Plan.Groups) {
		t.Errorf("%d SubmitJob calls for %d groups", got, len(in.Plan.Groups))
	}
	for _, g := range in.Plan.Groups {
		if n := count(w.started, g.Name); n != 1 {
			t.Errorf("the work of group %s was begun %d times", g.Name, n)
		}
	}
	loaded, err := Load(t.Context(), w.clients, bucket, r.ID)
	w.must(err)
	var file jobsFile
	w.must(w.clients.get(t.Context(), bucket, r.object("jobs.json"), &file))
	if len(file.Jobs) != len(in.Plan.Groups) || len(loaded.Jobs) != len(in.Plan.Groups) {
		t.Errorf("%d jobs noted, %d found, want %d", len(file.Jobs), len(loaded.Jobs), len(in.Plan.Groups))
	}
}

// TestSleepBetweenClaimAndSubmit puts the driver's machine to sleep for an hour after it has claimed a late submission: another driver takes the claim
// over, and the first one sees that when it wakes.
func TestSleepBetweenClaimAndSubmit(t *testing.T) {
	for name, at := range map[string]string{"before it looks again": "/submissions/b-", "after it has looked": "submitjob"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			in := input("a", "b <- a")
			in.MaxWorkers = 1
			r, rep := w.start(in)
			asleep := false
			sleep := func(operation string) {
				if asleep || !strings.Contains(operation, at) {
					return
				}
				asleep = true
				w.clock.Advance(time.Hour)
				loaded, err := Load(t.Context(), w.driver(nil), bucket, r.ID)
				w.must(err)
				_, err = Follow(t.Context(), w.driver(nil), loaded, Options{Detach: true}, &told{})
				w.must(err)
			}
			if at == "submitjob" {
				w.before = sleep
			} else {
				w.after = sleep
			}
			result := w.follow(r, rep)
			w.before, w.after = func(string) {}, func(string) {}
			if !asleep {
				t.Fatal("the driver did not sleep")
			}
			w.clock.Advance(10 * time.Minute)
			w.wantOnce(in, result)
			if want := map[string]int{"/submissions/b-": 2, "submitjob": 3}[at]; w.count("submitjob") != want {
				t.Errorf("%d SubmitJob calls, want %d", w.count("submitjob"), want)
			}
		})
	}
}

// skewed is a machine whose clock is wrong.
type skewed struct {
	*world
	by time.Duration
}

func (s skewed) Now() time.Time { return s.world.Now().Add(s.by) }

// TestClaimsAreOldByS3sClock takes a run up on machines whose clocks are wrong by an hour, while its driver's claim is young: nobody takes it over before
// it is a minute old.
func TestClaimsAreOldByS3sClock(t *testing.T) {
	for _, by := range []time.Duration{-time.Hour, time.Hour} {
		w := newWorld(t)
		in := input("a", "b <- a")
		in.MaxWorkers = 1
		r, _ := w.start(in)
		w.clock.Advance(5 * time.Minute) // a has ended
		b := Submission{Group: "b", Key: "b-abc123", Try: 1}
		mine, _, err := w.clients.claimSubmission(t.Context(), r, b, "kedro", r.jobName(in.Plan.Groups[1], 1), "a driver that is gone")
		w.must(err)
		if !mine {
			t.Fatal("a free submission could not be claimed")
		}
		claimed := w.Now()
		var submitted time.Time
		w.before = func(operation string) {
			if operation == "submitjob" {
				submitted = w.Now()
			}
		}
		c := w.driver(nil)
		c.Clock = skewed{w, by}
		_, result := w.attach(c)
		w.wantOnce(in, result)
		if waited := submitted.Sub(claimed); waited < claimAge || waited > claimAge+time.Minute {
			t.Errorf("clock wrong by %s: taken over after %s", by, waited)
		}
	}
}

// TestTwinsWorkIsTheGroups lets Batch take a job twice: a 500 after the effect, and a list that does not show the first. The first has the work, the driver
// follows the second, and what waits for that has to be submitted again.
func TestTwinsWorkIsTheGroups(t *testing.T) {
	w := newWorld(t)
	w.lag = 40 * time.Second
	w.script["a"] = scripted(3 * time.Minute)
	w.fault = func(operation string, n int) fault {
		if operation == "submitjob" && n == 1 {
			return cutOff
		}
		return none
	}
	in := input("a", "b <- a", "c <- b")
	r, rep := w.start(in)
	result := w.follow(r, rep)
	w.wantOnce(in, result)
	if len(rep.failures) > 0 || slices.ContainsFunc(rep.notices, func(n Notice) bool { return n.Code != NoticeLeave }) {
		t.Errorf("failures %v, notices %v: a twin is none", rep.failures, rep.notices)
	}
	var tries []int
	for _, j := range result.Jobs {
		tries = append(tries, j.Try)
	}
	if diff := cmp.Diff([]int{1, 2, 2}, tries); diff != "" {
		t.Errorf("tries (-want +got):\n%s", diff)
	}
	loaded, err := Load(t.Context(), w.clients, bucket, r.ID)
	w.must(err)
	jobs, err := Status(t.Context(), w.clients, loaded)
	w.must(err)
	if !(Result{Jobs: jobs}).Succeeded() {
		t.Errorf("status of the run: %v", states(jobs))
	}
	report, err := Verify(t.Context(), w.clients, loaded)
	w.must(err)
	if !report.OK {
		t.Errorf("verify: %+v", report)
	}
}

func TestNetworkGoneForTenMinutes(t *testing.T) {
	w := newWorld(t)
	in := input("a", "b <- a", "c <- b")
	in.MaxWorkers = 1
	r, rep := w.start(in)
	gone := w.Now().Add(30 * time.Second)
	w.fault = func(string, int) fault {
		if now := w.Now(); now.After(gone) && now.Before(gone.Add(10*time.Minute)) {
			return offline
		}
		return none
	}
	w.wantOnce(in, w.follow(r, rep))
	complaints := 0
	for _, n := range rep.notices {
		if n.Code == NoticeTrouble {
			complaints++
		}
	}
	if complaints < 1 || complaints > 11 {
		t.Errorf("%d complaints in 10 minutes", complaints)
	}
}

// TestRefusedLateSubmissionCanBeTakenUp takes away what a late submission needs, and gives it back.
func TestRefusedLateSubmissionCanBeTakenUp(t *testing.T) {
	in := input("a", "b <- a")
	in.MaxWorkers = 1
	take := map[string]func(w *world) (giveBack func()){
		"the job definition is deregistered": func(w *world) func() {
			_, err := w.batch.DeregisterJobDefinition(w.Context(), &batch.DeregisterJobDefinitionInput{JobDefinition: &in.JobDefinition})
			w.must(err)
			return nil
		},
		"the queue is disabled": func(w *world) func() {
			set := func(state types.JQState) {
				_, err := w.batch.UpdateJobQueue(w.Context(), &batch.UpdateJobQueueInput{JobQueue: &in.Queue, State: state})
				w.must(err)
				w.clock.Advance(time.Minute)
			}
			set(types.JQStateDisabled)
			return func() { set(types.JQStateEnabled) }
		},
	}
	for name, take := range take {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r, rep := w.start(in)
			giveBack := take(w)
			_, err := Follow(t.Context(), w.clients, r, Options{}, rep)
			if err == nil || !strings.Contains(err.Error(), "submit group b") || !strings.Contains(ui.Hint(err), "kedroctl attach "+r.ID) {
				t.Errorf("error %v, hint %q", err, ui.Hint(err))
			}
			if giveBack == nil {
				return
			}
			giveBack()
			w.clock.Advance(2 * time.Minute)
			_, result := w.attach(w.driver(nil))
			w.wantOnce(in, result)
		})
	}
}

// TestForgottenRunIsToldFromItsRecords looks at a run when Batch knows its jobs no more.
func TestForgottenRunIsToldFromItsRecords(t *testing.T) {
	w := newWorld(t)
	w.script["bad"] = failing()
	r, rep := w.start(input("good", "bad <- good", "child <- bad"))
	want := states(w.follow(r, rep).Jobs)
	w.clock.Advance(10 * 24 * time.Hour)
	_, result := w.attach(w.driver(nil))
	if diff := cmp.Diff(want, states(result.Jobs)); diff != "" {
		t.Errorf("states of the attached run (-want +got):\n%s", diff)
	}
	loaded, err := Load(t.Context(), w.clients, bucket, r.ID)
	w.must(err)
	jobs, err := Status(t.Context(), w.clients, loaded)
	w.must(err)
	if diff := cmp.Diff(want, states(jobs)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestLeavingNowIsRefusedWhereSomethingIsLate(t *testing.T) {
	w := newWorld(t)
	in := input("a", "b", "c")
	in.MaxWorkers, in.LeaveNow = 2, true
	_, err := Start(t.Context(), w.clients, in, &told{})
	if e, ok := errors.AsType[*LateError](err); !ok || fmt.Sprint(e.Groups) != "[c]" || e.Hint() == "" {
		t.Errorf("error %v", err)
	}
	if len(w.calls) > 0 {
		t.Errorf("calls %v", w.calls)
	}
	in.MaxWorkers = 3
	w.start(in)
}

func TestNoMoreJobsThanAllowed(t *testing.T) {
	w := newWorld(t)
	in := input("a", "b", "c", "d <- a b c", "e <- d", "f <- d")
	in.MaxWorkers = 2
	most := 0
	w.after = func(operation string) {
		if operation == "submitjob" {
			open := 0
			for _, state := range w.jobs() {
				if state != types.JobStatusSucceeded {
					open++
				}
			}
			most = max(most, open)
		}
	}
	r, rep := w.start(in)
	w.wantOnce(in, w.follow(r, rep))
	if most != 2 {
		t.Errorf("%d jobs unfinished at the same time, want 2", most)
	}
}
