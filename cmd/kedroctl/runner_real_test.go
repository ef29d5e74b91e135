//go:build real

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// spaced gives each pipeline a namespace, as Kedro's guide has it in its first step.
const spaced = `

_register_pipelines = register_pipelines


def register_pipelines():
    pipelines = {
        name: Pipeline(made, namespace=name, prefix_datasets_with_namespace=False)
        for name, made in _register_pipelines().items() if name != "__default__"
    }
    return pipelines | {"__default__": sum(pipelines.values(), start=Pipeline([]))}
`

// TestRealRunnerOfTheGuide goes the guide's own way: the project's program submits the jobs through Batch, from Python.
func TestRealRunnerOfTheGuide(t *testing.T) {
	w := newWorkshop(t)
	w.env = append(w.env, noEngine(t))
	appendTo(t, filepath.Join(w.dir, "src/spaceflights/pipeline_registry.py"), spaced)
	w.do("init", "--runner", "--yes")
	w.do("run", "--no-image", "--pipelines", "data_processing") // in place of deploy: queue, job definition and raw data

	code, said := w.submit()
	if code != 0 || !strings.Contains(said, "Completed 3 out of 3 jobs") {
		t.Fatalf("exit code %d", code)
	}
	jobs := w.submitted()
	if len(jobs) != 3 {
		t.Fatalf("%d jobs, want 3", len(jobs))
	}
	first := jobs["data_processing"]
	for name, job := range jobs {
		if job.Status != types.JobStatusSucceeded {
			t.Errorf("%s is %s", name, job.Status)
		}
		if name == "data_processing" {
			continue
		}
		if len(job.DependsOn) != 1 || aws.ToString(job.DependsOn[0].JobId) != aws.ToString(first.JobId) {
			t.Errorf("%s depends on %v, want on data_processing", name, job.DependsOn)
		}
		if aws.ToInt64(job.StartedAt) < aws.ToInt64(first.StoppedAt) {
			t.Errorf("%s started before data_processing ended", name)
		}
	}

	code, said = w.submit("--pipelines", "data_science", "--params", "model_options.test_size=-1")
	if code != 1 || !strings.Contains(said, "of group data_science failed: ") || !strings.Contains(said, "exit code 1") || !strings.Contains(said, "test_size") {
		t.Errorf("a failing job: exit code %d", code)
	}
}

// submit runs the project's own program with the runner, and gives what it says.
func (w *workshop) submit(args ...string) (code int, said string) {
	w.t.Helper()
	args = append([]string{"-m", "spaceflights", "--env", "aws_batch", "--runner", "spaceflights.runner.AWSBatchRunner"}, args...)
	c := exec.Command(w.python, args...)
	c.Dir = w.dir
	c.Env = append(os.Environ(), append(w.awsEnv(), "DO_NOT_TRACK=1", "COLUMNS=400", "PYTHONPATH=src")...)
	out, _ := c.CombinedOutput() // its exit code tells
	w.t.Logf("$ python %s\n%s", strings.Join(args, " "), out)
	return c.ProcessState.ExitCode(), string(out)
}

// submitted are the jobs that the runner submitted, by the group that their names end with.
func (w *workshop) submitted() map[string]types.JobDetail {
	w.t.Helper()
	client := batch.NewFromConfig(w.aws())
	queue := "kedro-spaceflights-aws-batch-2a60e727"                                           // as init writes it, before there is one
	filter := types.KeyValuesPair{Name: aws.String("JOB_NAME"), Values: []string{"kedro-20*"}} // then comes the run's time
	list, err := client.ListJobs(w.t.Context(), &batch.ListJobsInput{JobQueue: &queue, Filters: []types.KeyValuesPair{filter}})
	if err != nil {
		w.t.Fatal(err)
	}
	var ids []string
	for _, job := range list.JobSummaryList {
		ids = append(ids, aws.ToString(job.JobId))
	}
	if len(ids) == 0 {
		return nil
	}
	details, err := client.DescribeJobs(w.t.Context(), &batch.DescribeJobsInput{Jobs: ids})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.SortFunc(details.Jobs, func(a, b types.JobDetail) int { return int(aws.ToInt64(b.CreatedAt) - aws.ToInt64(a.CreatedAt)) })
	jobs := map[string]types.JobDetail{}
	for _, job := range details.Jobs {
		name := aws.ToString(job.JobName)
		jobs[name[strings.LastIndex(name, "-")+1:]] = job
	}
	return jobs
}
