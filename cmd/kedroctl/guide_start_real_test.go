//go:build real

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// starterDependencies are those of Kedro's spaceflights starter, which the guide starts from: tools for people are among them.
const starterDependencies = `"kedro[jupyter]~=1.7",
    "ipython>=8.10",
    "jupyterlab>=3.0",
    "notebook",
    "kedro-viz>=6.7.0",`

// jobsOf gives a succeeded job of each group of a run in the only queue, by the group's name.
func (w *workshop) jobsOf() map[string]types.JobDetail {
	w.t.Helper()
	client := batch.NewFromConfig(w.aws())
	queues, err := client.DescribeJobQueues(w.t.Context(), &batch.DescribeJobQueuesInput{})
	if err != nil || len(queues.JobQueues) != 1 {
		w.t.Fatalf("job queues: %v", err)
	}
	listed, err := client.ListJobs(w.t.Context(), &batch.ListJobsInput{JobQueue: queues.JobQueues[0].JobQueueArn, JobStatus: types.JobStatusSucceeded})
	if err != nil {
		w.t.Fatal(err)
	}
	var ids []string
	for _, job := range listed.JobSummaryList {
		ids = append(ids, aws.ToString(job.JobId))
	}
	described, err := client.DescribeJobs(w.t.Context(), &batch.DescribeJobsInput{Jobs: ids})
	if err != nil {
		w.t.Fatal(err)
	}
	jobs := map[string]types.JobDetail{}
	for _, job := range described.Jobs {
		for _, v := range job.Container.Environment {
			if aws.ToString(v.Name) == "KEDROCTL_GROUP" {
				jobs[aws.ToString(v.Value)] = job
			}
		}
	}
	return jobs
}

// startsOf gives the median time from the start of a container until its first node runs: of a job of kedroctl again, each time as a new try, and of the
// guide's command for the same namespace in the guide's image. Both in turn, so that both meet the same machine.
func (g *guide) startsOf(group string, job types.JobDetail) (ours, theirs time.Duration) {
	g.t.Helper()
	where, _ := g.registry("guide")
	var all [2][]time.Duration
	for try := range 5 {
		var env []string
		for _, v := range job.Container.Environment {
			value := aws.ToString(v.Value)
			if aws.ToString(v.Name) == "KEDROCTL_REQUEST" {
				value = asTry(g.t, value, try+10)
			}
			env = append(env, aws.ToString(v.Name)+"="+value)
		}
		env = append(env, g.awsEnv()...)
		all[0] = append(all[0], g.firstNode(aws.ToString(job.Container.Image), env, job.Container.Command...))
		// Unbuffered as ours is: else its line would be seen when the container ends.
		env = append(g.awsEnv(), "PYTHONUNBUFFERED=1", "DO_NOT_TRACK=1")
		all[1] = append(all[1], g.firstNode(where.Name()+":latest", env, "spaceflights", "--env", "aws_batch", "--namespaces", group))
	}
	for _, took := range all {
		slices.Sort(took)
	}
	return all[0][2], all[1][2]
}

func asTry(t *testing.T, request string, try int) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(request), &fields); err != nil {
		t.Fatal(err)
	}
	fields["try"] = try
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// firstNode starts a container, waits until Kedro says that a node runs, and ends it.
func (g *guide) firstNode(image string, env []string, command ...string) time.Duration {
	g.t.Helper()
	name := fmt.Sprintf("kedroctl-bench-%d", time.Now().UnixNano())
	args := []string{"run", "--rm", "--name", name, "--network", "host"}
	for _, v := range env {
		args = append(args, "--env", v)
	}
	c := exec.Command("docker", append(append(args, image), command...)...)
	reader, writer := io.Pipe()
	c.Stdout, c.Stderr = writer, writer
	since := time.Now()
	if err := c.Start(); err != nil {
		g.t.Fatal(err)
	}
	go func() { writer.CloseWithError(c.Wait()) }()
	var log []string
	for lines := bufio.NewScanner(reader); lines.Scan(); {
		log = append(log, lines.Text())
		if strings.Contains(lines.Text(), "Running node") {
			took := time.Since(since)
			go io.Copy(io.Discard, reader)
			_ = exec.Command("docker", "rm", "--force", name).Run() // it may have ended
			return took
		}
	}
	g.t.Fatalf("no node ran in %s:\n%s", image, strings.Join(log, "\n"))
	return 0
}
