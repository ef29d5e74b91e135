package batch_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
)

// survivor is a runner whose attempts outlive the service, except those of jobs called "lost".
type survivor struct {
	batch.Runner
	recovered []batch.Recovered
	stopped   []string
}

func (s *survivor) Recover(list []batch.Recovered) []func() {
	s.recovered = list
	stops := make([]func(), len(list))
	for i, r := range list {
		if r.JobName != "lost" {
			stops[i] = func() { s.stopped = append(s.stopped, r.JobName) }
		}
	}
	return stops
}

func TestAttemptsAreTakenUpAfterAKill(t *testing.T) {
	dir, lines := t.TempDir(), &memory{group: "/aws/batch/job"}
	entered := []string{}
	change := func(o *batchOptions) {
		o.Dir, o.Logs = dir, lines
		o.Enter = func(id, _ string) (map[string]string, func()) {
			entered = append(entered, id)
			return map[string]string{"KEY": id}, func() { entered = append(entered, "left "+id) }
		}
	}
	w := newQueue(t, change, scripted.Script{Duration: time.Hour, Lines: []string{"one", "two"}})
	retried := func(in *sdk.SubmitJobInput) {
		in.RetryStrategy, in.Timeout = &types.RetryStrategy{Attempts: aws.Int32(2)}, &types.JobTimeout{AttemptDurationSeconds: aws.Int32(3600)}
	}
	kept, lost, ended := w.submitWith("kept", retried), w.submitWith("lost", retried), w.submit("ended")
	child := w.submit("child", ended)
	w.clock.Advance(25 * time.Minute)
	if _, err := w.TerminateJob(t.Context(), &sdk.TerminateJobInput{JobId: &ended, Reason: aws.String("enough")}); err != nil {
		t.Fatal(err)
	}
	before := w.job(kept)
	entered = nil

	s := &survivor{}
	again := newWorld(t, func(o *batchOptions) {
		change(o)
		s.Runner, o.Runner = o.Runner, s
	}, scripted.Script{Duration: time.Minute})
	if len(s.recovered) != 2 {
		t.Fatalf("asked to take up %d attempts, want 2", len(s.recovered))
	}
	r := s.recovered[0]
	if r.JobID != kept || r.Number != 1 || r.Lines != 1 || r.Env["KEY"] != kept+"-1" || r.Env["AWS_BATCH_CE_NAME"] != "ce" {
		t.Errorf("to take up: %+v", r)
	}
	again.wantStatus(ended, types.JobStatusFailed, "enough")
	again.wantStatus(child, types.JobStatusFailed, "Dependent Job failed")
	if j := again.wantStatus(lost, types.JobStatusRunning, ""); len(j.Attempts) != 1 || *j.Attempts[0].StatusReason != *again.job(lost).Attempts[0].StatusReason {
		t.Errorf("attempts of the lost job: %v", j.Attempts)
	}
	r.Events.Running() // it had told this already
	if diff := cmp.Diff(before.StartedAt, again.wantStatus(kept, types.JobStatusRunning, "").StartedAt); diff != "" {
		t.Errorf("start of the kept job: %s", diff)
	}
	r.Events.Line("three")
	r.Events.Done(batch.Exited(0))
	j := again.wantStatus(kept, types.JobStatusSucceeded, "")
	if diff := cmp.Diff([]string{"one", "three"}, lines.of(*j.Container.LogStreamName)); diff != "" || len(j.Attempts) != 1 {
		t.Errorf("%d attempts, lines %s", len(j.Attempts), diff)
	}
	if diff := cmp.Diff([]string{kept + "-1", lost + "-1", "left " + lost + "-1", lost + "-2", "left " + kept + "-1"}, entered); diff != "" {
		t.Error(diff)
	}
}

func TestWhatWasAskedOfAnAttemptHoldsAfterAKill(t *testing.T) {
	dir := t.TempDir()
	inDir := func(o *batchOptions) { o.Dir, o.Runner = dir, mute{} }
	w := newQueue(t, inDir)
	stopped, timed := w.submit("stopped"), w.submitWith("timed", func(in *sdk.SubmitJobInput) {
		in.Timeout = &types.JobTimeout{AttemptDurationSeconds: aws.Int32(3600)}
	})
	if _, err := w.TerminateJob(t.Context(), &sdk.TerminateJobInput{JobId: &stopped, Reason: aws.String("enough")}); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(30 * time.Minute)
	s := &survivor{}
	again := newWorld(t, func(o *batchOptions) {
		inDir(o)
		s.Runner, o.Runner = o.Runner, s
	})
	if diff := cmp.Diff([]string{"stopped"}, s.stopped); diff != "" {
		t.Error(diff)
	}
	s.recovered[0].Events.Done(batch.Exited(137))
	again.wantStatus(stopped, types.JobStatusFailed, "enough")
	again.clock.Advance(time.Hour - time.Second)
	again.wantStatus(timed, types.JobStatusRunning, "")
	again.clock.Advance(time.Second)
	if diff := cmp.Diff([]string{"stopped", "timed"}, s.stopped); diff != "" {
		t.Error(diff)
	}
}

// mute lets containers run, and end when they are killed with the process.
type mute struct{}

func (mute) Start(_ batch.Attempt, e batch.Events) func() {
	e.Running()
	return func() {}
}

func TestJobsWaitForMemory(t *testing.T) {
	w := newQueue(t, func(o *batchOptions) { o.Runner = small{o.Runner} }, scripted.Script{Duration: time.Minute})
	w.queue("other", "ce")
	ids := []string{w.submit("a"), w.submit("b"), w.submit("c"), w.submitWith("d", func(in *sdk.SubmitJobInput) { in.JobQueue = aws.String("other") })}
	statuses := func() (got []string) {
		for _, id := range ids {
			got = append(got, string(w.job(id).Status))
		}
		return got
	}
	if diff := cmp.Diff([]string{"RUNNING", "RUNNING", "RUNNABLE", "RUNNABLE"}, statuses()); diff != "" {
		t.Error(diff)
	}
	w.clock.Advance(time.Minute)
	if diff := cmp.Diff([]string{"SUCCEEDED", "SUCCEEDED", "RUNNING", "RUNNING"}, statuses()); diff != "" {
		t.Error(diff)
	}
}

func TestListJobsLags(t *testing.T) {
	w := newQueue(t, func(o *batchOptions) { o.Lags = func() batch.Lags { return batch.Lags{List: 5 * time.Second} } }, scripted.Script{Duration: 10 * time.Second})
	w.submit("a")
	list := func() string {
		t.Helper()
		in := &sdk.ListJobsInput{JobQueue: aws.String("q"), Filters: []types.KeyValuesPair{{Name: aws.String("JOB_NAME"), Values: []string{"*"}}}}
		out, err := w.ListJobs(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, j := range out.JobSummaryList {
			text += fmt.Sprint(*j.JobName, " ", j.Status)
		}
		return text
	}
	var got []string
	for range 5 {
		got = append(got, list())
		w.clock.Advance(4 * time.Second)
	}
	if diff := cmp.Diff([]string{"", "", "a RUNNING", "a RUNNING", "a SUCCEEDED"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAQueueIsAnEnvironmentsForAWhileAfterAnUpdate(t *testing.T) { // B21
	w := newQueue(t, func(o *batchOptions) { o.Lags = func() batch.Lags { return batch.Lags{Relation: time.Minute} } })
	w.environment("other", nil)
	if _, err := w.UpdateJobQueue(t.Context(), &sdk.UpdateJobQueueInput{JobQueue: aws.String("q"), ComputeEnvironmentOrder: queueInput("q", "other").ComputeEnvironmentOrder}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.UpdateComputeEnvironment(t.Context(), &sdk.UpdateComputeEnvironmentInput{ComputeEnvironment: aws.String("ce"), State: types.CEStateDisabled}); err != nil {
		t.Fatal(err)
	}
	remove := func() error {
		_, err := w.DeleteComputeEnvironment(t.Context(), &sdk.DeleteComputeEnvironmentInput{ComputeEnvironment: aws.String("ce")})
		return err
	}
	wantRefusal(t, remove(), "found existing JobQueue relationship")
	w.clock.Advance(time.Minute)
	wantRefusal(t, remove(), "")
}

func TestForgottenJobsLeaveTheDisk(t *testing.T) {
	dir := t.TempDir()
	inDir := func(o *batchOptions) { o.Dir = dir }
	w := newQueue(t, inDir)
	old := w.submit("old")
	w.clock.Advance(time.Minute)
	late := newWorld(t, func(o *batchOptions) {
		inDir(o)
		o.Clock.(*clock.Fake).Advance(8 * 24 * time.Hour)
	})
	late.submit("new")
	data, err := os.ReadFile(filepath.Join(dir, "jobs.jsonl"))
	if err != nil || strings.Contains(string(data), old) {
		t.Errorf("the old job is on disk: %s, %v", data, err)
	}
}

func TestClosedServiceHearsNothing(t *testing.T) {
	dir := t.TempDir()
	w := newQueue(t, func(o *batchOptions) { o.Dir = dir }, scripted.Script{Duration: time.Minute})
	running, waiting := w.submit("a"), w.submit("b")
	w.clock.Advance(time.Second)
	w.service.Close()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
	w.wantStatus(running, types.JobStatusRunning, "")
	w.wantStatus(waiting, types.JobStatusRunning, "")
	if left, err := os.ReadDir(dir); !os.IsNotExist(err) {
		t.Errorf("after the close: %v, %v", left, err)
	}
}

func TestListJobsNeverGoesBack(t *testing.T) {
	lag := 5 * time.Second
	w := newQueue(t, func(o *batchOptions) { o.Lags = func() batch.Lags { return batch.Lags{List: lag} } }, scripted.Script{Duration: time.Second})
	w.submit("a")
	lag = 0
	w.clock.Advance(2 * time.Second)
	for range 2 {
		out, err := w.ListJobs(t.Context(), &sdk.ListJobsInput{JobQueue: aws.String("q"), JobStatus: types.JobStatusSucceeded})
		if err != nil || len(out.JobSummaryList) != 1 {
			t.Errorf("%v, %v", out, err)
		}
		w.clock.Advance(time.Minute) // what was seen late is seen now
	}
}

// begun is a runner of containers that are being made.
type begun struct{}

func (begun) Start(batch.Attempt, batch.Events) func() { return func() {} }

func TestAttemptsThatBeginAnewHaveTheirSecrets(t *testing.T) {
	dir := t.TempDir()
	change := func(o *batchOptions) {
		o.Dir, o.Runner = dir, begun{}
		o.Secret = func(_, arn string) (string, error) { return "value of " + arn, nil }
	}
	w := newQueue(t, change)
	w.define("d", func(in *sdk.RegisterJobDefinitionInput) {
		in.ContainerProperties.ExecutionRoleArn = aws.String("arn:aws:iam::123456789012:role/execution")
		in.ContainerProperties.Secrets = []types.Secret{{Name: aws.String("PW"), ValueFrom: aws.String("arn:PW")}}
	})
	w.submit("a")
	w.clock.Advance(time.Second)
	s := &survivor{}
	newWorld(t, func(o *batchOptions) {
		change(o)
		s.Runner, o.Runner = o.Runner, s
	})
	if len(s.recovered) != 1 || s.recovered[0].Running || s.recovered[0].Env["PW"] != "value of arn:PW" {
		t.Errorf("to take up: %+v", s.recovered)
	}
}
