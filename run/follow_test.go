package run

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/go-cmp/cmp"

	local "github.com/kedroctl/kedroctl/internal/local/batch"
)

func TestFollowTellsStatesInOrder(t *testing.T) {
	w := newWorld(t)
	r, rep := w.start(input("a", "b <- a"))
	result := w.follow(r, rep)
	want := []string{"a RUNNING", "b PENDING", "a SUCCEEDED", "b RUNNING", "b SUCCEEDED"}
	if diff := cmp.Diff(want, slices.DeleteFunc(rep.changes, func(c string) bool { return strings.HasSuffix(c, "STARTING") || strings.HasSuffix(c, "RUNNABLE") })); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	for _, j := range result.Jobs {
		if j.Started.IsZero() || j.Stopped.Sub(j.Started) != time.Minute || j.Attempt != 1 || j.ExitCode == nil || *j.ExitCode != 0 {
			t.Errorf("job %+v", j)
		}
		if j.Memory != 4096 || j.Timeout != 3600 || !j.Since.Equal(j.Stopped) {
			t.Errorf("job %s asked for %d MiB and %d s, ended at %s and is so since %s", j.Group, j.Memory, j.Timeout, j.Stopped, j.Since)
		}
	}
	if diff := cmp.Diff([]string{r.ID + " after 0 jobs"}, rep.started); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
	if !result.Succeeded() || len(result.Failures) > 0 {
		t.Errorf("result %+v", result)
	}
}

func TestOnePollForAllJobs(t *testing.T) {
	w := newWorld(t)
	groups := []string{}
	for i := range 60 {
		groups = append(groups, fmt.Sprintf("g%d", i))
		w.script[groups[i]] = scripted(20 * time.Minute)
	}
	r, rep := w.start(input(groups...))
	began := w.Now()
	w.follow(r, rep)
	polls := int(w.Now().Sub(began) / (10 * time.Second))
	if got := w.count("describejobs"); got > polls+10 {
		t.Errorf("%d DescribeJobs calls in %s", got, w.Now().Sub(began))
	}
}

func TestManyJobsAreWatchedWhereTheyMove(t *testing.T) {
	w := newWorld(t)
	groups := []string{"g0"}
	for i := 1; i < 150; i++ {
		groups = append(groups, fmt.Sprintf("g%d <- g%d", i, i-1))
		w.script[fmt.Sprintf("g%d", i)] = scripted(time.Second)
	}
	r, rep := w.start(input(groups...))
	var asked int
	w.clients.Batch = describing{w.clients.Batch, func(ids []string) { asked = max(asked, len(ids)) }}
	if result := w.follow(r, rep); !result.Succeeded() {
		t.Error("the chain has not succeeded")
	}
	if asked > describeMax {
		t.Errorf("%d ids in a call", asked)
	}
}

// describing sees the ids of each DescribeJobs call.
type describing struct {
	batchAPI
	see func(ids []string)
}

func (d describing) DescribeJobs(ctx context.Context, in *batch.DescribeJobsInput, o ...func(*batch.Options)) (*batch.DescribeJobsOutput, error) {
	d.see(in.Jobs)
	return d.batchAPI.DescribeJobs(ctx, in, o...)
}

func failing(lines ...string) func(int) outcome {
	return func(int) outcome {
		return outcome{takes: time.Minute, exit: local.Exited(1), lines: lines, errors: &ProgramError{Type: "ValueError", Message: "no rows"}}
	}
}

func TestFailureStopsTheRunAndIsExplained(t *testing.T) {
	w := newWorld(t)
	lines := []string{}
	for i := range 100 {
		lines = append(lines, fmt.Sprintf("line %d", i))
	}
	w.script["bad"] = failing(lines...)
	w.script["long"] = scripted(50 * time.Minute)
	r, rep := w.start(input("bad", "child <- bad", "grandchild <- child", "long", "later <- long"))
	result := w.followWith(r, rep, Options{OnFailure: Kill})

	want := map[string]string{
		"bad": "FAILED", "child": "FAILED blocked", "grandchild": "FAILED blocked", "long": "FAILED terminated", "later": "FAILED blocked",
	}
	if diff := cmp.Diff(want, states(result.Jobs)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"bad", "long"}, sorted(w.started)); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
	if len(rep.failures) != 1 || len(result.Failures) != 1 {
		t.Fatalf("%d failures told, want 1", len(rep.failures))
	}
	f := rep.failures[0]
	if f.Job.Group != "bad" || f.Job.Reason != "Essential container in task exited" || *f.Job.ExitCode != 1 || f.Nodes[0] != "bad_node" {
		t.Errorf("failure %+v", f)
	}
	a := f.Attempts[0]
	if diff := cmp.Diff(lines[80:], a.Lines); diff != "" || len(f.Attempts) != 1 {
		t.Errorf("last lines (-want +got):\n%s", diff)
	}
	if a.Error == nil || a.Error.Message != "no rows" || *a.ExitCode != 1 {
		t.Errorf("attempt %+v", a)
	}
	if n := rep.notices; len(n) != 1 || n[0].Code != NoticeStopping || n[0].Text != "group bad failed: terminating later, long" {
		t.Errorf("notices %v", n)
	}
	if w.Now().Sub(r.Created) > 10*time.Minute {
		t.Errorf("the run ended only after %s", w.Now().Sub(r.Created))
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

func TestLostHostIsRetried(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = func(attempt int) outcome {
		if attempt == 1 {
			return outcome{takes: time.Minute, exit: local.HostLost("i-0123"), lines: []string{"half way"}}
		}
		return outcome{takes: time.Minute, exit: local.Exited(0)}
	}
	r, rep := w.start(input("a"))
	result := w.follow(r, rep)
	if j := result.Jobs[0]; j.State != Succeeded || j.Attempt != 2 {
		t.Errorf("job %+v", j)
	}
	report, err := Verify(t.Context(), w.clients, r)
	w.must(err)
	if !report.OK {
		t.Errorf("report %+v", report)
	}
}

func TestEveryAttemptIsExplained(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = func(attempt int) outcome {
		return outcome{takes: time.Minute, exit: local.HostLost(fmt.Sprintf("i-%d", attempt)), lines: []string{fmt.Sprintf("attempt %d", attempt)}}
	}
	r, rep := w.start(input("a"))
	w.follow(r, rep)
	var got []string
	for _, a := range rep.failures[0].Attempts {
		got = append(got, a.Reason+" "+strings.Join(a.Lines, ""))
		if a.ExitCode != nil {
			t.Errorf("attempt %d has exit code %d, and no container ended", a.Number, *a.ExitCode)
		}
	}
	want := []string{"Host EC2 (instance i-1) terminated. attempt 1", "Host EC2 (instance i-2) terminated. attempt 2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

func TestImageTroubleIsExplained(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = func(int) outcome {
		return outcome{exit: local.NotStarted("CannotPullContainerError: manifest unknown")}
	}
	r, rep := w.start(input("a"))
	w.follow(r, rep)
	if got, want := rep.failures[0].Job.Reason, "Task failed to start: CannotPullContainerError: manifest unknown"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
}

// moto tells neither exit codes nor reasons, and writes logs to the shared group whatever the job definition says.
type moto struct{ batchAPI }

func (m moto) DescribeJobs(ctx context.Context, in *batch.DescribeJobsInput, o ...func(*batch.Options)) (*batch.DescribeJobsOutput, error) {
	out, err := m.batchAPI.DescribeJobs(ctx, in, o...)
	if err != nil {
		return nil, err
	}
	for i := range out.Jobs {
		d := &out.Jobs[i]
		d.StatusReason, d.Container.ExitCode, d.Container.Reason = nil, nil, nil
		d.Attempts = []types.AttemptDetail{{Container: &types.AttemptContainerDetail{}}}
	}
	return out, nil
}

func TestExitCodeComesFromTheRecordWhereBatchHasNone(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = failing("Traceback", "ValueError: no rows")
	in := input("a")
	in.JobDefinition = "shared-logs:1"
	r, rep := w.start(in)
	w.clients.Batch = moto{w.clients.Batch}
	w.follow(r, rep)
	f := rep.failures[0]
	if f.Job.ExitCode == nil || *f.Job.ExitCode != 1 || f.Attempts[0].Error.Type != "ValueError" {
		t.Errorf("failure %+v", f)
	}
	if diff := cmp.Diff([]string{"Traceback", "ValueError: no rows"}, f.Attempts[0].Lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestTroubleIsSatOut(t *testing.T) {
	for name, f := range map[string]fault{"server error": broken, "no connection": cutOff} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fault = func(operation string, n int) fault {
				if operation == "describejobs" && n < 6 {
					return f
				}
				return none
			}
			r, rep := w.start(input("a"))
			if result := w.follow(r, rep); !result.Succeeded() {
				t.Errorf("states %v", states(result.Jobs))
			}
			if len(rep.notices) == 0 || rep.notices[0].Code != NoticeTrouble {
				t.Errorf("notices %v", rep.notices)
			}
		})
	}
}

func TestRefusalEndsFollowAndLeavesTheJobs(t *testing.T) {
	w := newWorld(t)
	w.fault = func(operation string, n int) fault {
		if operation == "describejobs" {
			return refused
		}
		return none
	}
	r, rep := w.start(input("a"))
	if _, err := Follow(t.Context(), w.clients, r, Options{}, rep); status(err) != http.StatusBadRequest {
		t.Errorf("error %v, want Batch's refusal", err)
	}
	if n := w.count("terminatejob"); n > 0 {
		t.Errorf("%d jobs terminated", n)
	}
}

// forgetful does not know jobs at the first looks, or ever.
type forgetful struct {
	batchAPI
	looks *int
}

func (f forgetful) DescribeJobs(ctx context.Context, in *batch.DescribeJobsInput, o ...func(*batch.Options)) (*batch.DescribeJobsOutput, error) {
	if *f.looks--; *f.looks >= 0 {
		return &batch.DescribeJobsOutput{}, nil
	}
	return f.batchAPI.DescribeJobs(ctx, in, o...)
}

func TestJobThatBatchDoesNotShowYet(t *testing.T) {
	for looks, want := range map[int]string{3: Succeeded, 1000: Unknown} {
		w := newWorld(t)
		r, rep := w.start(input("a"))
		w.clients.Batch = forgetful{w.clients.Batch, aws.Int(looks)}
		if result := w.follow(r, rep); result.Jobs[0].State != want {
			t.Errorf("unknown for %d looks: %s, want %s", looks, result.Jobs[0].State, want)
		}
	}
}

func TestEndOfContextLeavesTheJobs(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.onSleep = cancel
	r, rep := w.start(input("a", "b <- a"))
	if _, err := Follow(ctx, w.clients, r, Options{}, rep); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	w.clock.Advance(time.Hour)
	if diff := cmp.Diff([]string{"a", "b"}, w.ended); diff != "" {
		t.Errorf("ended (-want +got):\n%s", diff)
	}
}

func TestDetachStaysUntilAllIsSubmitted(t *testing.T) {
	w := newWorld(t)
	groups, parents := []string{}, ""
	for i := range 22 {
		groups, parents = append(groups, fmt.Sprintf("p%d", i)), parents+fmt.Sprintf(" p%d", i)
		w.script[groups[i]] = scripted(time.Duration(i+1) * time.Minute)
	}
	r, rep := w.start(input(append(groups, "join <- "+strings.TrimSpace(parents))...))
	result, err := Follow(t.Context(), w.clients, r, Options{Detach: true}, rep)
	w.must(err)
	if j := result.Jobs[22]; j.ID == "" || j.Ended() {
		t.Errorf("join is %+v", j)
	}
}
