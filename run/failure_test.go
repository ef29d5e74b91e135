package run

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/google/go-cmp/cmp"

	local "github.com/kedroctl/kedroctl/internal/local/batch"
)

// raises is a container whose program ends with an exception.
func raises(int) outcome {
	return outcome{takes: time.Minute, exit: local.Exited(1), errors: &ProgramError{Type: "KeyError", Message: "'rating'", Node: "a_node"}, lines: []string{
		"2026-11-23 09:56:00,000 INFO    kedro: Running node: a_node",
		"Traceback (most recent call last):",
		`  File "/srv/kedro/dependencies/kedro/runner/task.py", line 89, in execute`,
		"    node = self._run()",
		`  File "/srv/kedro/project/test/nodes.py", line 5, in a`,
		`    return table["rating"]`,
		"KeyError: 'rating'",
		"2026-11-23 09:56:01,000 INFO    kedroctl_boot: group a: exit 1",
	}}
}

func TestAFailureIsToldTheSameByRunAndStatus(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = raises
	r, rep := w.start(input("a", "b <- a"))
	result := w.follow(r, rep)
	want := []string{"Traceback (most recent call last):", "  … 1 frame of kedro", `  File "/srv/kedro/project/test/nodes.py", line 5, in a`,
		`    return table["rating"]`, "KeyError: 'rating'"}
	for _, f := range result.Failures {
		if diff := cmp.Diff(want, f.Attempts[0].Traceback); diff != "" || f.Node != "a_node" || f.Why.Cause != "exception" {
			t.Errorf("failure %+v; traceback (-want +got):\n%s", f, diff)
		}
		if f.Logs != "kedroctl logs "+r.ID+" a" || f.Resume != "kedroctl resume "+r.ID {
			t.Errorf("commands %q and %q", f.Logs, f.Resume)
		}
	}
	w.clock.Advance(time.Hour)
	polls := w.count("describejobs")
	jobs, err := Status(t.Context(), w.clients, r)
	w.must(err)
	again, err := Explain(t.Context(), w.clients, r, jobs, 20)
	w.must(err)
	for i := range again {
		again[i].Job.Since = result.Failures[i].Job.Since
	}
	if diff := cmp.Diff(result.Failures, again); diff != "" || len(again) != 1 {
		t.Errorf("failures (-run +status):\n%s", diff)
	}
	if n := w.count("describejobs") - polls; n > 2 {
		t.Errorf("%d calls of DescribeJobs", n)
	}
}

func TestAFailureIsExplainedWhenBatchHasForgottenIt(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = raises
	r, rep := w.start(input("a", "b <- a"))
	w.follow(r, rep)
	w.clock.Advance(8 * 24 * time.Hour)
	jobs, err := Status(t.Context(), w.clients, r)
	w.must(err)
	all, err := Explain(t.Context(), w.clients, r, jobs, 20)
	w.must(err)
	if len(all) != 1 || all[0].Node != "a_node" || all[0].Why.Text != "the program failed: KeyError: 'rating'" || *all[0].Attempts[0].ExitCode != 1 {
		t.Fatalf("failures %+v", all)
	}
	if trouble := all[0].Attempts[0].Trouble; !strings.Contains(trouble, "forgotten") || !strings.Contains(trouble, logGroup) {
		t.Errorf("where the log is: %q", trouble)
	}
}

// TestAFailureIsExplainedThroughThrottling: the account's other users take most of the calls.
func TestAFailureIsExplainedThroughThrottling(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = raises
	w.fault = func(operation string, n int) fault {
		if operation == "POST /" && n%3 != 0 {
			return throttle
		}
		return none
	}
	r, rep := w.start(input("a"))
	f := w.follow(r, rep).Failures[0]
	if a := f.Attempts[0]; len(a.Traceback) == 0 || a.Trouble != "" {
		t.Errorf("attempt %+v", a)
	}
}

// TestAnAttemptThatWasKilledShowsNoOldTraceback: what a program logged and lived through is not why it ended.
func TestAnAttemptThatWasKilledShowsNoOldTraceback(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = func(n int) outcome {
		o := raises(n)
		o.exit, o.silent = local.OutOfMemory(), true
		return o
	}
	r, rep := w.start(input("a"))
	f := w.follow(r, rep).Failures[0]
	if a := f.Attempts[0]; len(a.Traceback) > 0 || len(a.Lines) != 8 || f.Why.Cause != "memory" {
		t.Errorf("attempt %+v, why %+v", a, f.Why)
	}
}

func TestAJobThatSomebodyEnded(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = func(int) outcome { return outcome{takes: time.Hour, exit: local.Exited(0)} }
	r, rep := w.start(input("a"))
	w.clock.Advance(time.Minute)
	_, err := w.clients.Batch.TerminateJob(t.Context(), &batch.TerminateJobInput{JobId: &r.Jobs[0].ID, Reason: aws.String("too expensive")})
	w.must(err)
	f := w.follow(r, rep).Failures[0]
	if f.Why.Cause != "cancelled" || !strings.Contains(f.Why.Text, "too expensive") {
		t.Errorf("why %+v", f.Why)
	}
}
