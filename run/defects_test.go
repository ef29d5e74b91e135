package run

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/go-cmp/cmp"

	local "github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

// The tests of this file are the defects of the runner in Kedro's AWS Batch guide, each named by what goes wrong there. Those that its code or plan has are
// in defects_plan_test.go.

// submissions sees what is submitted.
type submissions struct {
	batchAPI
	mu  sync.Mutex
	all []*batch.SubmitJobInput
}

func (s *submissions) SubmitJob(ctx context.Context, in *batch.SubmitJobInput, o ...func(*batch.Options)) (*batch.SubmitJobOutput, error) {
	s.mu.Lock()
	s.all = append(s.all, in)
	s.mu.Unlock()
	return s.batchAPI.SubmitJob(ctx, in, o...)
}

func (w *world) watchSubmissions() *submissions {
	s := &submissions{batchAPI: w.clients.Batch}
	w.clients.Batch = s
	return s
}

// prompt is a Reporter that notes when it is told of a failure.
type prompt struct {
	told
	w  *world
	at time.Time
}

func (p *prompt) Failed(f Failure) { p.at = p.w.Now(); p.told.Failed(f) }

func TestDefectsOfTheGuidesDriver(t *testing.T) {
	t.Run("1 the loop never sleeps", func(t *testing.T) {
		w := newWorld(t)
		w.script["a"] = scripted(time.Hour)
		sleeps := 0
		w.onSleep = func() { sleeps++ }
		r, rep := w.start(input("a"))
		w.follow(r, rep)
		calls := w.count("describejobs") + w.count("listjobs")
		if calls > 400 || sleeps < calls-3 {
			t.Errorf("%d looks at a job of an hour, with %d pauses", calls, sleeps)
		}
	})
	t.Run("2 more jobs are started after a failure", func(t *testing.T) {
		w := newWorld(t)
		w.script["a"] = failing()
		w.script["long"] = scripted(10 * time.Minute)
		r, rep := w.start(input("a", "b <- a", "long", "late <- long"))
		w.follow(r, rep)
		w.clock.Advance(time.Hour)
		if diff := cmp.Diff([]string{"a", "long"}, sorted(w.started)); diff != "" {
			t.Errorf("started (-want +got):\n%s", diff)
		}
	})
	t.Run("3 a failure is told when all other jobs have ended", func(t *testing.T) {
		w := newWorld(t)
		w.script["a"], w.script["long"] = failing(), scripted(50*time.Minute)
		r, _ := w.start(input("a", "long"))
		rep := &prompt{w: w}
		result, err := Follow(t.Context(), w.clients, r, Options{}, rep)
		w.must(err)
		if late := rep.at.Sub(result.Jobs[0].Stopped); rep.at.IsZero() || late > 15*time.Second {
			t.Errorf("told %s after the failure", late)
		}
	})
	t.Run("4 an interrupt leaves the jobs running", func(t *testing.T) {
		w := newWorld(t)
		w.script["a"], w.script["b"] = scripted(time.Hour), scripted(time.Hour)
		r, rep := w.start(input("a", "b", "c <- a b"))
		ctx, interrupt := context.WithCancel(t.Context())
		w.onSleep = interrupt
		if _, err := Follow(ctx, w.clients, r, Options{}, rep); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
		w.onSleep = func() {}
		w.cancel(r, "interrupted")
		for name, state := range w.jobs() {
			if state != types.JobStatusFailed {
				t.Errorf("%s is %s", name, state)
			}
		}
	})
	t.Run("5 nobody knows which groups have run", func(t *testing.T) {
		w := newWorld(t)
		w.script["b"] = failing()
		r, rep := w.start(input("a", "b <- a", "c <- b"))
		w.follow(r, rep)
		found, err := Load(t.Context(), w.clients, bucket, r.ID) // on another machine
		w.must(err)
		jobs, err := Status(t.Context(), w.clients, found)
		w.must(err)
		if diff := cmp.Diff(map[string]string{"a": "SUCCEEDED", "b": "FAILED", "c": "FAILED blocked"}, states(jobs)); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
	})
	t.Run("6 a DescribeJobs call per job and second", func(t *testing.T) {
		w := newWorld(t)
		var groups []string
		for i := range 90 {
			groups = append(groups, fmt.Sprintf("g%d", i))
			w.script[groups[i]] = scripted(10 * time.Minute)
		}
		r, rep := w.start(input(groups...))
		w.follow(r, rep)
		if n := w.count("describejobs") + w.count("listjobs"); n > 90 { // the guide's: 90 x 600
			t.Errorf("%d calls to look at 90 jobs of ten minutes", n)
		}
	})
	t.Run("7 a passing error fails the run while its jobs go on", func(t *testing.T) {
		w := newWorld(t)
		faults := []fault{throttle, broken, cutOff}
		w.fault = func(operation string, n int) fault {
			if operation == "describejobs" && n <= len(faults) {
				return faults[n-1]
			}
			return none
		}
		r, rep := w.start(input("a"))
		w.clients.Batch = forgetful{w.clients.Batch, aws.Int(6)} // right after SubmitJob, DescribeJobs may not know a job
		if result := w.follow(r, rep); !result.Succeeded() {
			t.Errorf("states %v", states(result.Jobs))
		}
	})
	t.Run("8 more dependencies than Batch takes", func(t *testing.T) {
		w := newWorld(t)
		seen := w.watchSubmissions()
		var groups []string
		for i := range 25 {
			groups = append(groups, fmt.Sprintf("p%d", i))
		}
		r, rep := w.start(input(append(groups, "join <- "+strings.Join(groups, " "))...))
		if result := w.follow(r, rep); !result.Succeeded() {
			t.Errorf("states %v", states(result.Jobs))
		}
		for _, in := range seen.all {
			if n := len(in.DependsOn); n > 20 {
				t.Errorf("%s depends on %d jobs", *in.JobName, n)
			}
		}
		if last := w.started[len(w.started)-1]; last != "join" {
			t.Errorf("%s started last", last)
		}
	})
	t.Run("9 workers are taken by jobs that wait, and no group is a crash", func(t *testing.T) {
		w := newWorld(t)
		var groups []string
		for i := range 30 {
			groups = append(groups, fmt.Sprintf("g%d", i))
		}
		r, _ := w.start(input(groups...))
		if len(r.Jobs) != 30 || len(w.ended) > 0 {
			t.Errorf("%d of 30 jobs are submitted when %d have ended", len(r.Jobs), len(w.ended))
		}
		before := w.count("submitjob")
		if _, err := Start(t.Context(), w.clients, input(), &told{}); !errors.Is(err, errNothingToRun) || w.count("submitjob") != before {
			t.Errorf("error %v", err)
		}
	})
	t.Run("19 each job saves a version of its own, and loads another run's", func(t *testing.T) {
		w := newWorld(t)
		seen := w.watchSubmissions()
		in := input("a", "b <- a")
		for i := range in.Plan.Datasets {
			in.Plan.Datasets[i].Action, in.Plan.Datasets[i].Versioned = plan.Keep, true
			in.Plan.Datasets[i].Path = "s3://" + bucket + "/data/" + in.Plan.Datasets[i].Name
			in.Snapshot.Datasets[in.Plan.Datasets[i].Name] = project.Dataset{Source: "catalog", Versioned: true}
		}
		first, _ := w.start(in)
		second, rep := w.start(in) // they overlap
		w.follow(second, rep)
		jobs := make(map[string]int)
		for _, s := range seen.all {
			q := w.request(variable(s, "KEDROCTL_REQUEST"))
			if jobs[q.Run]++; q.Versions["a_out"] != q.Run {
				t.Errorf("group %s of run %s loads version %s of a_out", q.Group, q.Run, q.Versions["a_out"])
			}
		}
		if diff := cmp.Diff(map[string]int{first.ID: 2, second.ID: 2}, jobs); diff != "" {
			t.Errorf("jobs of each run (-want +got):\n%s", diff)
		}
	})
	t.Run("20 names of jobs are refused, cut alike, or used twice", func(t *testing.T) {
		in := input("a")
		r := Run{ID: "2026-11-23T09.55.12.345Z", Plan: in.Plan}
		seen := make(map[string]bool)
		for _, name := range []string{"données xxx", "<lambda>__1a2b3c4d", strings.Repeat("x", 200) + "1", strings.Repeat("x", 200) + "2", "X", "x"} {
			s := project.Snapshot{Package: "test", Pipelines: map[string]project.Pipeline{"__default__": {Nodes: []project.Node{{Name: name, Outputs: []string{"out"}}}}}}
			pl, err := plan.New(s, project.Settings{Bucket: bucket, GroupBy: "node", Crossing: "persist"}, plan.Options{Project: "test"})
			if err != nil {
				t.Fatal(err)
			}
			for try := 1; try <= 2; try++ {
				got := r.jobName(pl.Groups[0], try)
				if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`).MatchString(got) || seen[strings.ToLower(got)] {
					t.Errorf("node %q, try %d: job name %q", name, try, got)
				}
				seen[strings.ToLower(got)] = true
			}
		}
	})
	t.Run("21 jobs of one run take different revisions of the definition", func(t *testing.T) {
		w := newWorld(t)
		seen := w.watchSubmissions()
		var groups []string
		for i := range 21 {
			groups = append(groups, fmt.Sprintf("p%d", i))
		}
		r, rep := w.start(input(append(groups, "join <- "+strings.Join(groups, " "))...))
		w.define(w.batch, "kedro", nil) // somebody deploys meanwhile
		w.follow(r, rep)
		for _, in := range seen.all {
			if *in.JobDefinition != "kedro:1" {
				t.Errorf("%s runs %s", *in.JobName, *in.JobDefinition)
			}
		}
		if len(seen.all) != 22 {
			t.Errorf("%d jobs", len(seen.all))
		}
	})
	t.Run("22 a submission without an answer makes a second job", func(t *testing.T) {
		w := newWorld(t)
		w.fault = func(operation string, n int) fault {
			if operation == "submitjob" && n == 1 {
				return cutOff // Batch has taken the job
			}
			return none
		}
		r, rep := w.start(input("a", "b <- a"))
		if result := w.follow(r, rep); !result.Succeeded() {
			t.Errorf("states %v", states(result.Jobs))
		}
		if n := len(w.jobs()); n != 2 || len(w.started) != 2 {
			t.Errorf("%d jobs, started %v", n, w.started)
		}
	})
	t.Run("23 a failure is one word of Batch", func(t *testing.T) {
		w := newWorld(t)
		w.script["a"] = failing("Traceback (most recent call last):", "ValueError: no rows")
		r, rep := w.start(input("a"))
		f := w.follow(r, rep).Failures[0]
		a := f.Attempts[len(f.Attempts)-1]
		if f.Job.Reason == "" || a.ExitCode == nil || *a.ExitCode != 1 || a.Stream == "" || !slices.Contains(a.Lines, "ValueError: no rows") || a.Error.Message != "no rows" {
			t.Errorf("failure %+v", f)
		}
	})
	t.Run("24 all jobs have the same size, no retry and no time limit", func(t *testing.T) {
		w := newWorld(t)
		seen := w.watchSubmissions()
		in := input("a", "b")
		in.Plan.Groups[1].Resources = project.Resources{VCPUs: 8, Memory: 30000, Timeout: 60, Attempts: 5, GPUs: 1}
		_, _ = w.start(in)
		s := seen.all[slices.IndexFunc(seen.all, func(s *batch.SubmitJobInput) bool { return variable(s, "KEDROCTL_GROUP") == "b" })]
		want := map[string]string{"VCPU": "8", "MEMORY": "30000", "GPU": "1"}
		got := make(map[string]string)
		for _, r := range s.ContainerOverrides.ResourceRequirements {
			got[string(r.Type)] = *r.Value
		}
		if diff := cmp.Diff(want, got); diff != "" || *s.RetryStrategy.Attempts != 5 || *s.Timeout.AttemptDurationSeconds != 60 {
			t.Errorf("resources (-want +got):\n%sretries %+v, timeout %+v", diff, s.RetryStrategy, s.Timeout)
		}
		if s.Tags["kedroctl:run"] == "" || s.Tags["kedroctl:project"] != "test" {
			t.Errorf("tags %v", s.Tags)
		}
		w.script["lost"] = func(attempt int) outcome {
			if attempt == 1 {
				return outcome{takes: time.Minute, exit: local.HostLost("i-1")}
			}
			return outcome{takes: time.Minute, exit: local.Exited(0)}
		}
		r, rep := w.start(input("lost"))
		if result := w.follow(r, rep); !result.Succeeded() {
			t.Errorf("a lost host failed the run: %v", states(result.Jobs))
		}
	})
	t.Run("25 jobs do not know that they belong together", func(t *testing.T) {
		w := newWorld(t)
		seen := w.watchSubmissions()
		r, _ := w.start(input("a", "b <- a"))
		for _, s := range seen.all {
			if got := variable(s, "KEDROCTL_RUN_ID"); got != r.ID {
				t.Errorf("%s has run id %q, want %q", *s.JobName, got, r.ID)
			}
		}
	})
	t.Run("27 jobs come in another order each time", func(t *testing.T) {
		for range 3 {
			w := newWorld(t)
			r, rep := w.start(input("a", "b", "c", "d <- a c", "e <- b", "f <- d e"))
			var shown []string
			for _, j := range w.follow(r, rep).Jobs {
				shown = append(shown, j.Group)
			}
			if diff := cmp.Diff([]string{"a", "b", "c", "d", "e", "f"}, shown); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
			for _, g := range r.Plan.Groups {
				for _, p := range g.DependsOn {
					if slices.Index(rep.submitted, p) > slices.Index(rep.submitted, g.Name) {
						t.Errorf("%s is submitted before %s: %q", g.Name, p, rep.submitted)
					}
				}
			}
		}
	})
}

// variable is one of those that a submission gives its job.
func variable(in *batch.SubmitJobInput, name string) string {
	for _, v := range in.ContainerOverrides.Environment {
		if aws.ToString(v.Name) == name {
			return aws.ToString(v.Value)
		}
	}
	return ""
}
