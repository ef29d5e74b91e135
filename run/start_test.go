package run

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

func TestNewID(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 55, 12, 345_999_999, time.FixedZone("CET", 3600))
	if got, want := newID(at), "2026-11-23T09.55.12.345Z"; got != want {
		t.Errorf("newID = %s, want %s", got, want)
	}
}

func TestStartGivesBatchTheWholeOrder(t *testing.T) {
	w := newWorld(t)
	r, rep := w.start(input("a", "b <- a", "c <- a", "d <- b c"))
	if got := w.count("submitjob"); got != 4 {
		t.Errorf("%d SubmitJob calls, want 4", got)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d"}, sorted(rep.submitted)); diff != "" {
		t.Errorf("submitted (-want +got):\n%s", diff)
	}
	w.clock.Advance(time.Hour) // nobody follows
	if diff := cmp.Diff([]string{"a", "d"}, []string{w.started[0], w.started[3]}); diff != "" {
		t.Errorf("first and last container (-want +got):\n%s", diff)
	}
	for name, state := range w.jobs() {
		if state != types.JobStatusSucceeded {
			t.Errorf("%s is %s", name, state)
		}
	}
	if len(r.Late()) > 0 {
		t.Errorf("late groups %v", r.Late())
	}
}

// TestGroupsHaveQueuesAndDefinitionsOfTheirOwn also looks for the jobs in all their queues.
func TestGroupsHaveQueuesAndDefinitionsOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	w.define(w.batch, "kedro", nil)
	_, err := w.batch.CreateJobQueue(t.Context(), &batch.CreateJobQueueInput{
		JobQueueName: aws.String("big"), Priority: aws.Int32(1), State: types.JQStateEnabled,
		ComputeEnvironmentOrder: []types.ComputeEnvironmentOrder{{Order: aws.Int32(1), ComputeEnvironment: aws.String("kedro")}},
	})
	w.must(err)
	w.clock.Advance(time.Minute)
	in := input("a", "b <- a")
	in.Plan.Groups[1].Settings = plan.JobSettings{Definition: "b*", Queue: "big"}
	if _, err := Start(t.Context(), w.clients, in, &told{}); err == nil || !strings.Contains(err.Error(), `no job definition for job.groups."b*"`) {
		t.Errorf("without the definition: %v", err)
	}
	in.Definitions = map[string]string{"b*": "kedro:2"}
	r, _ := w.start(in)
	out, err := w.clients.Batch.DescribeJobs(t.Context(), &batch.DescribeJobsInput{Jobs: []string{r.Jobs[0].ID, r.Jobs[1].ID}})
	w.must(err)
	var got []string
	for _, j := range out.Jobs {
		got = append(got, path.Base(aws.ToString(j.JobQueue))+" "+path.Base(aws.ToString(j.JobDefinition)))
	}
	if diff := cmp.Diff([]string{"kedro kedro:1", "big kedro:2"}, got); diff != "" {
		t.Errorf("queues and definitions (-want +got):\n%s", diff)
	}
	w.must(w.clients.put(t.Context(), bucket, r.object("jobs.json"), jobsFile{schema, r.Jobs[:1]}, nil))
	again, err := Load(t.Context(), w.clients, bucket, r.ID)
	w.must(err)
	if len(again.Late()) > 0 {
		t.Errorf("not found again: %v", again.Late())
	}
	w.cancel(again, "enough")
	jobs, err := Status(t.Context(), w.clients, again)
	w.must(err)
	if diff := cmp.Diff(map[string]string{"a": "FAILED ended", "b": "FAILED blocked"}, states(jobs)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestStartSaysAllThatAJobNeeds(t *testing.T) {
	w := newWorld(t)
	in := input("a")
	in.Plan.Groups[0].Resources.GPUs = 1
	in.Args = []string{"--params", "x=1", "--runner", "ThreadRunner"}
	r, _ := w.start(in)
	out, err := w.clients.Batch.DescribeJobs(t.Context(), &batch.DescribeJobsInput{Jobs: []string{r.Jobs[0].ID}})
	w.must(err)
	j := out.Jobs[0]
	command := "python -m kedroctl_boot --pipelines __default__ --nodes a_node --params x=1 --runner ThreadRunner"
	if got := strings.Join(j.Container.Command, " "); got != command {
		t.Errorf("command %q, want %q", got, command)
	}
	sizes := map[types.ResourceType]string{}
	for _, q := range j.Container.ResourceRequirements {
		sizes[q.Type] = aws.ToString(q.Value)
	}
	if diff := cmp.Diff(map[types.ResourceType]string{"VCPU": "2", "MEMORY": "4096", "GPU": "1"}, sizes); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
	want := map[string]string{"kedroctl:run": r.ID, "kedroctl:group": "a-abc123", "kedroctl:project": "test"}
	if diff := cmp.Diff(want, j.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if *j.Timeout.AttemptDurationSeconds != 3600 || *j.RetryStrategy.Attempts != 2 || len(j.RetryStrategy.EvaluateOnExit) != 5 {
		t.Errorf("timeout %v, retries %v", j.Timeout, j.RetryStrategy)
	}
}

func TestRequest(t *testing.T) {
	in := input("a", "b <- a")
	in.Plan.Datasets = []plan.Dataset{
		{Name: "raw", Role: plan.Input, Action: plan.Move, Path: "s3://" + bucket + "/01_raw/raw.csv"},
		{Name: "frame", Role: plan.Crossing, Action: plan.Persist, Path: "s3://" + bucket + "/runs/{run}/fr%20ame.pkl"},
		{Name: "model", Role: plan.Crossing, Versioned: true, Path: "s3://" + bucket + "/06_models/model.pkl"},
		{Name: "lookup", Role: plan.Input, Versioned: true, Path: "s3://" + bucket + "/01_raw/lookup.csv"},
	}
	in.Snapshot.Datasets = map[string]project.Dataset{
		"model@pandas": {Versioned: true}, "model@spark": {Versioned: true}, "lookup": {Versioned: true}, "other": {Versioned: true}, "frame": {},
	}
	in.Plan.MLflow = project.MLflowOne
	in.Plan.Groups[0].Inputs, in.Plan.Groups[0].Outputs = []string{"lookup", "raw"}, []string{"frame", "model"}
	r := Run{ID: "2026-11-23T09.55.12.345Z", Plan: in.Plan, Params: map[string]any{"x": []int{1}}}
	r.Versions = pins(in, r.ID, map[string]string{"lookup": "2025-01-01T00.00.00.000Z"})
	only := plan.Only{Load: []string{"first"}, Of: []string{"__default__"}, Nodes: "digest"}
	r.Only = map[string]plan.Only{"a": only}

	want := request{
		Schema: 1, Bucket: bucket, Run: r.ID, Group: "a", Key: "a-abc123", Try: 1,
		Crossing: []action{
			{Name: "frame", Action: "persist", Path: "s3://" + bucket + "/runs/2026-11-23T09.55.12.345Z/fr%20ame.pkl"},
			{Name: "raw", Action: "move"},
		},
		Versions: map[string]string{"model@pandas": r.ID, "model@spark": r.ID, "lookup": "2025-01-01T00.00.00.000Z"},
		Outputs:  []string{"frame", "model"},
		Params:   map[string]any{"x": []int{1}},
		MLflow:   &tracking{Mode: "one", Groups: 2},
		Only:     &only,
	}
	if diff := cmp.Diff(want, newRequest(r, datasetsByName(in.Plan), in.Plan.Groups[0], 1)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestUsersLoadVersionWins(t *testing.T) {
	in := input("a")
	in.Plan.Datasets = []plan.Dataset{{Name: "model", Role: plan.Crossing, Versioned: true}}
	in.Snapshot.Datasets = map[string]project.Dataset{"model": {Versioned: true}}
	in.LoadVersions = map[string]string{"model": "old"}
	if got := pins(in, "new", nil)["model"]; got != "old" {
		t.Errorf("version of model is %q, want the user's", got)
	}
}

func TestLongRequestTravelsThroughTheBucket(t *testing.T) {
	w := newWorld(t)
	in := input("a")
	in.Params = map[string]any{"words": strings.Repeat("x", offloadFrom)}
	r, rep := w.start(in)
	if result := w.follow(r, rep); !result.Succeeded() {
		t.Errorf("states %v", states(result.Jobs))
	}
	var q request
	w.must(w.clients.get(t.Context(), bucket, r.requestKey(r.Jobs[0]), &q))
	if q.Params["words"] != in.Params["words"] {
		t.Error("the request in the bucket has other parameters")
	}
}

func TestTakenRunIDMovesOn(t *testing.T) {
	w := newWorld(t)
	w.write(".kedroctl/runs/"+newID(w.Now())+"/plan.json", "{}")
	first := newID(w.Now())
	r, _ := w.start(input("a"))
	if want := newID(w.Now().Add(time.Millisecond)); r.ID != want || r.ID == first {
		t.Errorf("run id %s, want %s", r.ID, want)
	}
}

func TestNothingToRun(t *testing.T) {
	w := newWorld(t)
	if _, err := Start(t.Context(), w.clients, input(), &told{}); !errors.Is(err, errNothingToRun) {
		t.Errorf("error %v, want errNothingToRun", err)
	}
}

func TestInputs(t *testing.T) {
	w := newWorld(t)
	for _, key := range []string{
		"01_raw/there.csv", "01_raw/parts/1.csv",
		"01_raw/versioned.csv/2025-01-01T00.00.00.000Z/versioned.csv", "01_raw/versioned.csv/2025-02-01T00.00.00.000Z/versioned.csv",
		"01_raw/versioned.csv/2025-03-01T00.00.00.000Z/half", // Kedro passes over a version without the file
	} {
		w.write(key, "x")
	}
	in := input("a")
	at := func(name string, versioned bool) plan.Dataset {
		return plan.Dataset{Name: name, Role: plan.Input, Versioned: versioned, Path: "s3://" + bucket + "/01_raw/" + name}
	}
	in.Plan.Datasets = []plan.Dataset{at("there.csv", false), at("parts", false), at("versioned.csv", true), {Name: "web", Role: plan.Input, Path: "https://x.org/a.csv"}}
	versions, err := findInputs(t.Context(), w.clients, in)
	w.must(err)
	if diff := cmp.Diff(map[string]string{"versioned.csv": "2025-02-01T00.00.00.000Z"}, versions); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}

	in.Plan.Datasets = append(in.Plan.Datasets, at("nowhere.csv", false), at("never.csv", true))
	_, err = Start(t.Context(), w.clients, in, &told{})
	want := fmt.Sprintf("inputs are not in S3: never.csv at s3://%[1]s/01_raw/never.csv, nowhere.csv at s3://%[1]s/01_raw/nowhere.csv", bucket)
	if err == nil || err.Error() != want || !strings.Contains(ui.Hint(err), "upload") {
		t.Errorf("error %v, want %s", err, want)
	}
	in.Plan.Selection.Pipelines = []string{"other"} // plain 'upload' would not send its inputs
	if _, err = findInputs(t.Context(), w.clients, in); !strings.Contains(ui.Hint(err), "the flags") {
		t.Errorf("hint %q does not ask for the run's flags", ui.Hint(err))
	}
}

func TestUnclearAnswerIsLookedUp(t *testing.T) {
	for name, f := range map[string]fault{"before the effect": broken, "after the effect": cutOff} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fault = func(operation string, n int) fault {
				if operation == "submitjob" && n == 2 {
					return f
				}
				return none
			}
			r, rep := w.start(input("a", "b <- a", "c <- b"))
			if got := len(w.jobs()); got != 3 {
				t.Errorf("%d jobs, want 3", got)
			}
			if result := w.follow(r, rep); !result.Succeeded() {
				t.Errorf("states %v", states(result.Jobs))
			}
		})
	}
}

func TestThrottledSubmitIsRepeated(t *testing.T) {
	w := newWorld(t)
	w.fault = func(operation string, n int) fault {
		if operation == "submitjob" && n%3 != 0 {
			return throttle
		}
		return none
	}
	w.start(input("a", "b <- a"))
	if got := len(w.jobs()); got != 2 {
		t.Errorf("%d jobs, want 2", got)
	}
	if got := w.count("listjobs"); got != 0 {
		t.Errorf("%d look-ups: a throttled request has had no effect", got)
	}
}

func TestFailedSubmissionTakesTheOthersBack(t *testing.T) {
	w := newWorld(t)
	w.fault = func(operation string, n int) fault {
		if operation == "submitjob" && n == 3 {
			return refused
		}
		return none
	}
	_, err := Start(t.Context(), w.clients, input("a", "b <- a", "c <- b"), &told{})
	if err == nil || !strings.Contains(err.Error(), "submit group c") || !strings.Contains(err.Error(), "terminated again: a, b") {
		t.Errorf("error %v, want one that names c, a and b", err)
	}
	for name, state := range w.jobs() {
		if state != types.JobStatusFailed {
			t.Errorf("%s is %s", name, state)
		}
	}
	if len(w.started) > 1 {
		t.Errorf("containers of %v started", w.started)
	}
}

func TestInterruptedStartLeavesNothing(t *testing.T) {
	w := newWorld(t)
	ctx, interrupt := context.WithCancel(t.Context())
	w.fault = func(operation string, n int) fault {
		if operation == "submitjob" && n == 2 {
			interrupt()
			return cutOff // accepted, and the driver does not hear of it
		}
		return none
	}
	_, err := Start(ctx, w.clients, input("a", "b <- a", "c <- b"), &told{})
	if err == nil || !strings.Contains(err.Error(), "terminated again: a") {
		t.Errorf("error %v", err)
	}
	jobs := w.jobs()
	for name, state := range jobs {
		if state != types.JobStatusFailed {
			t.Errorf("%s is %s", name, state)
		}
	}
	if len(jobs) != 2 {
		t.Errorf("%d jobs, want 2", len(jobs))
	}
}

func TestJobNamesAreUniqueAndValid(t *testing.T) {
	r := Run{ID: "2026-11-23T09.55.12.345Z", Plan: plan.Plan{Project: "p", Env: "aws_batch"}}
	g := plan.Group{Key: strings.Repeat("k", 60) + "-abcdef"}
	name := r.jobName(g, 12)
	if len(name) > 128 || strings.ContainsFunc(name, func(c rune) bool { return !strings.ContainsRune("-_", c) && (c < '0' || c > 'z') }) {
		t.Errorf("job name %q", name)
	}
	if name == r.jobName(g, 13) || !strings.HasPrefix(name, r.namePrefix()) {
		t.Errorf("job name %q does not tell tries apart, or the run", name)
	}
}

func TestFanInBeyondBatchsLimitIsSubmittedLate(t *testing.T) {
	w := newWorld(t)
	groups, parents := []string{}, []string{}
	for i := range 25 {
		name := fmt.Sprintf("p%02d", i)
		groups, parents = append(groups, name), append(parents, name)
		takes := time.Duration(i+1) * time.Minute
		w.script[name] = scripted(takes)
	}
	groups = append(groups, "join <- "+strings.Join(parents, " "), "after <- join")
	r, rep := w.start(input(groups...))
	if diff := cmp.Diff([]string{"join", "after"}, r.Late()); diff != "" {
		t.Errorf("late groups (-want +got):\n%s", diff)
	}
	if len(rep.notices) != 1 || rep.notices[0].Code != NoticeLate {
		t.Errorf("notices %v", rep.notices)
	}
	result := w.follow(r, rep)
	if !result.Succeeded() {
		t.Errorf("states %v", states(result.Jobs))
	}
	if n := slices.Index(w.ended, "join"); n != 25 || slices.Index(w.started, "after") != 26 {
		t.Errorf("order of ends %v", w.ended)
	}
	loaded, err := Load(t.Context(), w.clients, bucket, r.ID)
	w.must(err)
	if len(loaded.Jobs) != 27 {
		t.Errorf("%d jobs noted, want 27", len(loaded.Jobs))
	}
}
