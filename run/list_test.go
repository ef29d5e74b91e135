package run

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	local "github.com/kedroctl/kedroctl/internal/local/batch"
)

// amnesiac has forgotten all jobs that have ended.
type amnesiac struct{ forgetful }

func newAmnesiac(api batchAPI) amnesiac { return amnesiac{forgetful{api, aws.Int(1 << 30)}} }

func (a amnesiac) ListJobs(ctx context.Context, in *batch.ListJobsInput, o ...func(*batch.Options)) (*batch.ListJobsOutput, error) {
	if len(in.Filters) > 0 {
		return &batch.ListJobsOutput{}, nil
	}
	return a.batchAPI.ListJobs(ctx, in, o...)
}

// listed is what List says of one run, in a few words.
type listed struct {
	State        string
	Groups, Done int
}

func (w *world) listed(limit int) []listed {
	w.Helper()
	runs, err := List(w.Context(), w.clients, bucket, limit)
	w.must(err)
	var all []listed
	for _, r := range runs {
		all = append(all, listed{r.State, r.Groups, r.Done})
	}
	return all
}

func TestList(t *testing.T) {
	dies := func(exit local.Exit, e *ProgramError) func(int) outcome {
		return func(int) outcome { return outcome{takes: time.Minute, exit: exit, errors: e} }
	}
	tests := map[string]struct {
		prepare  func(*world)
		happen   func(*world, Run, *told)
		want     listed
		recalled string // the state once Batch has forgotten the jobs; "": the same
	}{
		"succeeded": {happen: func(w *world, r Run, rep *told) { w.follow(r, rep) }, want: listed{RunSucceeded, 3, 3}},
		"failed": {
			prepare: func(w *world) { w.script["b"] = failing() },
			happen:  func(w *world, r Run, rep *told) { w.follow(r, rep) }, want: listed{RunFailed, 3, 1}},
		"running": {
			prepare: func(w *world) { w.script["b"] = scripted(time.Hour) },
			happen:  func(w *world, r Run, rep *told) { w.clock.Advance(3 * time.Minute) }, want: listed{RunRunning, 3, 1}},
		"cancelled at once": {
			happen: func(w *world, r Run, rep *told) { w.cancel(r, "cancelled by ann") },
			want:   listed{RunCancelled, 3, 0}},
		"ended while it ran": {
			prepare: func(w *world) {
				w.script["b"] = func(int) outcome { return outcome{takes: time.Hour, exit: local.Exited(0), silent: true} }
			},
			happen: func(w *world, r Run, rep *told) {
				w.clock.Advance(3 * time.Minute)
				w.cancel(r, "wrong data")
			}, want: listed{RunCancelled, 3, 1}},
		"its container was lost": {
			prepare: func(w *world) {
				w.script["b"] = func(int) outcome { return outcome{takes: time.Minute, exit: local.Exited(1), silent: true} }
			},
			happen: func(w *world, r Run, rep *told) { w.follow(r, rep) }, want: listed{RunFailed, 3, 1}, recalled: RunUnknown},
		"told to end, and recorded it": {
			prepare: func(w *world) { w.script["b"] = dies(local.Exited(143), &ProgramError{Type: "Terminated"}) },
			happen:  func(w *world, r Run, rep *told) { w.follow(r, rep) }, want: listed{RunFailed, 3, 1}, recalled: RunUnknown},
		"succeeded without records": {
			prepare: func(w *world) {
				for _, g := range []string{"a", "b", "c"} {
					w.script[g] = func(int) outcome { return outcome{takes: time.Minute, exit: local.Exited(0), silent: true} }
				}
			},
			happen: func(w *world, r Run, rep *told) { w.follow(r, rep) }, want: listed{RunSucceeded, 3, 3}, recalled: RunUnknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.prepare != nil {
				test.prepare(w)
			}
			r, rep := w.start(input("a", "b <- a", "c <- b"))
			test.happen(w, r, rep)
			if diff := cmp.Diff([]listed{test.want}, w.listed(20)); diff != "" {
				t.Errorf("with Batch (-want +got):\n%s", diff)
			}
			w.clients.Batch = newAmnesiac(w.clients.Batch)
			want := test.want.State
			if test.recalled != "" {
				want = test.recalled
			}
			if got := w.listed(20)[0].State; got != want {
				t.Errorf("from the records alone it is %s, want %s", got, want)
			}
		})
	}
}

func TestListIsTheNewestFirstWithFewCalls(t *testing.T) {
	w := newWorld(t)
	if got := w.listed(20); got != nil {
		t.Errorf("without a run: %+v", got)
	}
	var ids []string
	for range 4 {
		r, rep := w.start(input("a", "b <- a", "c <- a", "d <- b c"))
		w.follow(r, rep)
		ids = append([]string{r.ID}, ids...)
		w.clock.Advance(time.Hour)
	}
	w.write(runsPrefix+"2030-01-01T00.00.00.000Z/claims/x.json", "a run whose plan is gone")
	clear(w.calls)
	runs, err := List(t.Context(), w.clients, bucket, 4)
	w.must(err)
	var got []string
	for _, r := range runs {
		got = append(got, r.Run)
		if r.Owner != "ann@laptop" || r.Deployment != "d1" || r.Seconds < 180 || r.Seconds > 300 {
			t.Errorf("%+v", r)
		}
	}
	if diff := cmp.Diff(ids[:3], got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	calls := 0
	for _, n := range w.calls {
		calls += n
	}
	if want := 1 + 4 + 3 + 3; calls != want { // the folders, four plans, three lists, a record of the last group each; nothing of Batch
		t.Errorf("%d calls, want %d: %v", calls, want, w.calls)
	}
}

func TestListOfARunThatIsTakenUpAgain(t *testing.T) {
	w := newWorld(t)
	w.script["b"] = failing()
	r, rep := w.start(input("a", "b <- a"))
	w.follow(r, rep)
	again := Record{Schema: 1, Run: r.ID, Group: "b", Try: 2, Attempt: 1}
	w.must(w.clients.put(t.Context(), bucket, r.object("records", "b-abc123-t2-a1.json"), again, nil))
	if diff := cmp.Diff([]listed{{RunSucceeded, 2, 2}}, w.listed(1)); diff != "" {
		t.Errorf("the last try counts (-want +got):\n%s", diff)
	}
}

func TestListBelievesTheMarkOfWhoCancelled(t *testing.T) {
	w := newWorld(t)
	w.script["b"] = failing()
	r, rep := w.start(input("a", "b <- a"))
	w.follow(r, rep)
	for _, step := range []struct{ object, want string }{
		{"cancelled-0.json", RunCancelled}, {"resumes/1.json", RunFailed}, {"cancelled-1.json", RunCancelled},
	} {
		w.must(w.clients.put(t.Context(), bucket, r.object(step.object), struct{}{}, nil))
		if got := w.listed(1)[0].State; got != step.want {
			t.Errorf("with %s it is %s, want %s", step.object, got, step.want)
		}
	}
}

func TestListWithoutABucket(t *testing.T) {
	w := newWorld(t)
	_, err := w.clients.S3.(*s3.Client).DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String(bucket)})
	w.must(err)
	if got := w.listed(20); got != nil {
		t.Errorf("%+v", got)
	}
}
