package run

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// TestWhatAResumptionRuns has the groups split -> train -> score, split -> look, and alone. Each test names what is wrong with groups and outputs.
func TestWhatAResumptionRuns(t *testing.T) {
	groups := input("split", "train <- split", "score <- split train", "look <- split", "alone").Plan
	groups.Datasets[4].Action, groups.Datasets[4].Role = plan.Keep, plan.Leaving // alone_out
	for name, test := range map[string]struct {
		jobs    map[string]Job
		outputs map[string]string // states, by group
		want    []string          // "group: why"
	}{
		"all is well": {},
		"one failed": {
			jobs: map[string]Job{"train": {State: Failed}, "score": {State: Failed, Cause: Blocked}},
			want: []string{"train: failed", "score: never ran"}},
		"cancelled, with groups that were never submitted": {
			jobs: map[string]Job{"train": {State: Failed, Cause: Ended}, "score": {State: Unsubmitted}, "look": {State: Failed, Cause: Terminated}},
			want: []string{"train: was ended", "score: never ran", "look: was terminated"}},
		"out of memory": {
			jobs: map[string]Job{"alone": {Submission: Submission{Memory: 4096}, State: Failed, Cause: OutOfMemory}},
			want: []string{"alone: ran out of its 4096 MiB of memory"}},
		"forgotten": {
			jobs: map[string]Job{"look": {State: Unknown}},
			want: []string{"look: left no record, and Batch has forgotten it"}},
		"without a record": {
			outputs: map[string]string{"look": OutputNoRecord},
			want:    []string{"look: did not record what it saved"}},
		"a job that saved less than it should": {
			outputs: map[string]string{"train": OutputUnsaved},
			want:    []string{"train: train_out was not saved in S3", "score: comes after train"}},
		"data that expired and nobody needs": {
			outputs: map[string]string{"split": OutputMissing, "train": OutputMissing}},
		"data that expired and is needed: all that was made of it has to fit again": {
			jobs:    map[string]Job{"score": {State: Failed}},
			outputs: map[string]string{"split": OutputMissing},
			want: []string{"split: split_out is not in S3 any more, and score loads it", "train: comes after split", "score: failed",
				"look: comes after split"}},
		"needed data that another run has replaced": {
			jobs:    map[string]Job{"score": {State: Failed}},
			outputs: map[string]string{"train": OutputChanged},
			want:    []string{"train: train_out was overwritten since, and score loads it", "score: failed"}},
		"a lost result": {
			outputs: map[string]string{"alone": OutputMissing},
			want:    []string{"alone: alone_out is not in S3 any more"}},
		"a result that another run has replaced": {outputs: map[string]string{"alone": OutputChanged}},
	} {
		t.Run(name, func(t *testing.T) {
			report := Report{}
			for _, g := range groups.Groups {
				j := Job{State: Succeeded}
				if other, ok := test.jobs[g.Name]; ok {
					j = other
				}
				j.Group = g.Name
				if j.State != Unsubmitted {
					j.ID = "id-" + g.Name
				}
				o := Output{Group: g.Name, Dataset: g.Name + "_out", State: OutputOK}
				if s := test.outputs[g.Name]; s != "" {
					o.State = s
				}
				report.Jobs, report.Outputs = append(report.Jobs, j), append(report.Outputs, o)
			}
			var got []string
			for _, d := range redo(Run{Plan: groups}, report) {
				got = append(got, d.Group+": "+d.Why)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// remove takes an object out of the bucket.
func (w *world) remove(key string) {
	w.Helper()
	_, err := w.clients.S3.(*s3.Client).DeleteObject(w.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &key})
	w.must(err)
}

// finished starts a run, follows it, and gives it as another machine would load it.
func (w *world) finished(in Input) Run {
	w.Helper()
	r, rep := w.start(in)
	w.follow(r, rep)
	return w.load(r)
}

func (w *world) load(r Run) Run {
	w.Helper()
	loaded, err := Load(w.Context(), w.clients, bucket, r.ID)
	w.must(err)
	return loaded
}

func (w *world) resume(r Run, change Change) (Run, []Redo) {
	w.Helper()
	r, redos, err := Resume(w.Context(), w.clients, r, change)
	w.must(err)
	return r, redos
}

func TestResumeRunsWhatIsLackingAndNothingElse(t *testing.T) {
	w := newWorld(t)
	w.script["b"] = failing()
	r := w.finished(input("a", "b <- a", "c <- b", "d"))
	w.script["b"] = nil
	w.started = nil
	r, redos := w.resume(r, Change{Owner: "bob@desk"})
	if len(redos) != 2 || redos[0].Try != 2 || redos[1].Try != 2 {
		t.Errorf("redos %+v", redos)
	}
	result := w.follow(r, &told{})
	if !result.Succeeded() {
		t.Errorf("states %v", states(result.Jobs))
	}
	if diff := cmp.Diff([]string{"b", "c"}, w.started); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
	report, err := Verify(t.Context(), w.clients, w.load(r))
	w.must(err)
	if !report.OK {
		t.Errorf("report %+v", report)
	}
	if _, redos := w.resume(w.load(r), Change{}); len(redos) > 0 {
		t.Errorf("once more: %+v", redos)
	}
}

func TestResumeOfACancelledRun(t *testing.T) {
	w := newWorld(t)
	in := input(joined(25)...)
	r, _ := w.start(in)
	w.clock.Advance(30 * time.Second)
	w.cancel(r, "enough")
	r, redos := w.resume(w.load(r), Change{})
	if len(redos) != 26 || redos[25].Try != 1 {
		t.Errorf("%d redos, the last %+v", len(redos), redos[len(redos)-1])
	}
	if m, err := Marked(t.Context(), w.clients, r); m != nil || err != nil {
		t.Errorf("mark %+v, error %v", m, err)
	}
	if result := w.follow(r, &told{}); !result.Succeeded() {
		t.Errorf("states %v", states(result.Jobs))
	}
}

// joined are n groups, and one that waits for all of them.
func joined(n int) []string {
	var groups, parents []string
	for i := range n {
		groups, parents = append(groups, fmt.Sprintf("p%d", i)), append(parents, fmt.Sprintf("p%d", i))
	}
	return append(groups, "join <- "+strings.Join(parents, " "))
}

func TestResumeRefusesARunUnderWay(t *testing.T) {
	w := newWorld(t)
	r, _ := w.start(input("a", "b <- a"))
	w.clock.Advance(10 * time.Second)
	_, _, err := Resume(t.Context(), w.clients, w.load(r), Change{})
	if e, ok := errors.AsType[*UnfinishedError](err); !ok || e.Jobs != 2 || !strings.Contains(e.Hint(), "kedroctl attach "+r.ID) {
		t.Errorf("error %v", err)
	}
}

func TestOfTwoWhoResumeOneDoes(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = failing()
	r := w.finished(input("a", "b <- a"))
	w.script["a"] = nil
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		won  []Run
		lost []error
	)
	for range 8 {
		wg.Go(func() {
			again, _, err := Resume(t.Context(), w.clients, r, Change{})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				lost = append(lost, err)
			} else {
				won = append(won, again)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 || len(lost) != 7 || !strings.Contains(lost[0].Error(), "is being resumed by somebody else") {
		t.Fatalf("%d resumed it, errors %v", len(won), lost)
	}
	w.follow(won[0], &told{})
	if n := len(w.jobs()); n != 4 {
		t.Errorf("%d jobs, want 4", n)
	}
}

// TestResumerThatDies leaves a resumption without jobs: whoever comes next takes up the same tries.
func TestResumerThatDies(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = failing()
	r := w.finished(input("a", "b <- a"))
	w.script["a"] = nil
	w.resume(r, Change{})
	r, redos := w.resume(w.load(r), Change{})
	if len(redos) != 2 || redos[0].Try != 2 || redos[1].Try != 2 {
		t.Errorf("redos %+v", redos)
	}
	if result := w.follow(w.load(r), &told{}); !result.Succeeded() {
		t.Errorf("states %v", states(result.Jobs))
	}
}

func TestResumeMakesLostDataAgain(t *testing.T) {
	w := newWorld(t)
	w.script["b"] = failing()
	r := w.finished(input("a", "b <- a"))
	w.script["b"] = nil
	w.remove("runs/" + r.ID + "/a_out.pkl")
	w.started = nil
	r, redos := w.resume(r, Change{})
	if len(redos) != 2 || redos[0].Why != "a_out is not in S3 any more, and b loads it" {
		t.Errorf("redos %+v", redos)
	}
	if result := w.follow(r, &told{}); !result.Succeeded() {
		t.Errorf("states %v", states(result.Jobs))
	}
	if diff := cmp.Diff([]string{"a", "b"}, w.started); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
}

func TestResumeChangesWhatItIsTold(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = failing()
	r := w.finished(input("a"))
	w.script["a"] = nil
	r, _ = w.resume(r, Change{
		Deployment: "d2", JobDefinition: "shared-logs:1",
		Resources: func(g plan.Group) project.Resources {
			g.Resources.Memory, g.Resources.VCPUs = 1024, 4
			return g.Resources
		},
	})
	w.follow(r, &told{})
	r = w.load(r)
	details, err := describe(t.Context(), w.clients, []string{r.latest()["a"].ID})
	w.must(err)
	for _, d := range details {
		if !strings.Contains(*d.JobDefinition, "shared-logs:1") || memory(d.Container.ResourceRequirements) != 4096 || r.Deployment != "d2" {
			t.Errorf("definition %s, memory %d (never less than before), deployment %s", *d.JobDefinition, memory(d.Container.ResourceRequirements), r.Deployment)
		}
	}
}

func TestResumeChecksFirst(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = failing()
	r := w.finished(input("a", "b <- a"))
	unfit := errors.New("node a_node is gone")
	_, _, err := Resume(t.Context(), w.clients, r, Change{Fits: func(groups []plan.Group) error {
		if len(groups) != 2 {
			t.Errorf("asked about %v", namesOf(groups))
		}
		return unfit
	}})
	if !errors.Is(err, unfit) {
		t.Errorf("error %v", err)
	}
	if again := w.load(r); len(again.Resumed) > 0 {
		t.Errorf("resumed %+v", again.Resumed)
	}
}

func TestPlanThatCannotBeRead(t *testing.T) {
	w := newWorld(t)
	r, _ := w.start(input("a"))
	w.write(r.object("plan.json"), "{half a pl")
	_, err := Load(t.Context(), w.clients, bucket, r.ID)
	if err == nil || !strings.Contains(err.Error(), r.object("plan.json")) || !strings.Contains(ui.Hint(err), "20261123T") {
		t.Errorf("error %v, hint %s", err, ui.Hint(err))
	}
}
