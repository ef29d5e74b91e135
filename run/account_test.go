package run

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/google/go-cmp/cmp"

	local "github.com/kedroctl/kedroctl/internal/local/batch"
)

// seen gives, per span: group, try and attempt, seconds of waiting and running, state.
func seen(spans []Span, now time.Time) [][]any {
	var all [][]any
	for _, s := range spans {
		waits, runs := s.Started.Sub(s.Ready).Round(time.Second).Seconds(), 0.0
		if s.Stopped.IsZero() {
			s.Stopped = now
		}
		if s.Started.IsZero() {
			waits = now.Sub(s.Ready).Round(time.Second).Seconds()
		} else {
			runs = s.Stopped.Sub(s.Started).Round(time.Second).Seconds()
		}
		all = append(all, []any{s.Group, s.Try, s.Attempt, waits < 30, runs, s.State})
	}
	return all
}

func TestTell(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = func(attempt int) outcome {
		if attempt == 1 {
			return outcome{takes: 30 * time.Second, exit: local.HostLost("i-0123456789abcdef0")}
		}
		return scripted(time.Minute)(attempt)
	}
	w.script["b"] = failing("first line", "last line")
	in := input("a", "b <- a", "c <- b", "d <- a")
	in.Args = []string{"--params", "x=1"}
	r, rep := w.start(in)
	w.follow(r, rep)
	a, err := Tell(t.Context(), w.clients, r, 1)
	w.must(err)
	want := [][]any{{"a", 1, 1, true, 30.0, Failed}, {"a", 1, 2, true, 60.0, Succeeded}, {"b", 1, 1, true, 60.0, Failed}, {"d", 1, 1, true, 60.0, Succeeded}}
	got := seen(a.Spans, a.At)
	if len(got) == 4 {
		got[3][4], got[3][5] = 60.0, Succeeded // d ends or is terminated, as the run's policy has it
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	if a.State() != RunFailed || len(a.Failures) != 1 || a.Failures[0].Job.Group != "b" {
		t.Fatalf("state %s, failures %+v", a.State(), a.Failures)
	}
	if last := a.Failures[0].Attempts; len(last) != 1 || last[0].Error == nil || len(last[0].Lines) == 0 {
		t.Errorf("attempts %+v", last)
	}
	outputs := map[string]string{}
	for _, o := range a.Outputs {
		outputs[o.Dataset] = o.State
	}
	if outputs["a_out"] != "" || outputs["b_out"] != OutputUnsaved || a.Records["a"].Attempt != 2 {
		t.Errorf("outputs %v, records %v", outputs, a.Records)
	}

	w.clients.Batch = newAmnesiac(w.clients.Batch)
	b, err := Tell(t.Context(), w.clients, r, 1)
	w.must(err)
	if b.State() != RunFailed || len(b.Failures) != 1 || len(b.Spans) < 2 || b.Spans[0].Attempt != 2 || b.Spans[0].Stopped.Sub(b.Spans[0].Started) != time.Minute {
		t.Errorf("from the records alone: %s, %+v", b.State(), b.Spans)
	}
}

func TestTellOfARunThatGoesOn(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = scripted(time.Hour)
	r, _ := w.start(input("a", "b <- a"))
	w.clock.Advance(10 * time.Minute)
	a, err := Tell(t.Context(), w.clients, r, 1)
	w.must(err)
	if len(a.Spans) != 1 || a.Spans[0].State != Running || !a.Spans[0].Stopped.IsZero() || a.Spans[0].Started.IsZero() || a.State() != RunRunning {
		t.Errorf("%s: %+v", a.State(), a.Spans)
	}
}

func TestTellOfARunThatSomebodyEnded(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = scripted(time.Hour)
	r, _ := w.start(input("a", "b <- a"))
	w.clock.Advance(10 * time.Minute)
	_, err := w.clients.Batch.TerminateJob(t.Context(), &batch.TerminateJobInput{JobId: &r.Jobs[0].ID, Reason: aws.String("wrong data")})
	w.must(err)
	w.clock.Advance(time.Minute)
	a, err := Tell(t.Context(), w.clients, r, 1)
	w.must(err)
	if a.State() != RunCancelled {
		t.Errorf("%s: %+v", a.State(), a.Failures)
	}
}

func TestGivenHasNamesAlone(t *testing.T) {
	r := Run{Args: []string{"--params", "a.b=secret1,c:secret2", "--async", "--token=secret3", "-x", "secret4", "secret5"}, Params: map[string]any{"nested": "secret6"}}
	want := []string{"--async", "--params a.b, c", "--token", "-x", `parameter "nested"`}
	if diff := cmp.Diff(want, r.Given()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
