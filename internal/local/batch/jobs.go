package batch

import (
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// job is what DescribeJobs tells, and what moves it on.
type job struct {
	types.JobDetail
	Seq     int             // place by age
	Need    map[string]bool // ids of unfinished jobs that it waits for
	Stopped string          // why it is to end: given by who terminated it, or its timeout

	dependents  []*job
	environment string // name of the compute environment that it is on
	stop        func() // asks the runner for the end of the attempt
	cancelTimer func()
}

func (j *job) id() string { return aws.ToString(j.JobId) }

func (j *job) finished() bool {
	return j.Status == types.JobStatusSucceeded || j.Status == types.JobStatusFailed
}

func (j *job) size() size {
	return sizeOf(j.Container.ResourceRequirements, j.Container.Vcpus, j.Container.Memory)
}

// remembered is a job that the service still tells of. B13 (states): finished ones for 7 days.
func (s *Service) remembered(id string) *job {
	j := s.jobs[id]
	if j == nil || s.forgotten(j) {
		return nil
	}
	return j
}

func (s *Service) forgotten(j *job) bool {
	return j.finished() && s.Clock.Now().Sub(time.UnixMilli(aws.ToInt64(j.StoppedAt))) > daysKept*24*time.Hour
}

func (s *Service) describeJobs(in *batch.DescribeJobsInput) (*batch.DescribeJobsOutput, error) {
	if len(in.Jobs) == 0 {
		return nil, refuse("jobs must have at least one id")
	}
	if len(in.Jobs) > maxDescribed { // B02 (API: DescribeJobsRequest.jobs; pegasus-isi/pegasus#2086)
		return nil, refuse("Maximum number of jobs supported is  %d .", maxDescribed)
	}
	out := &batch.DescribeJobsOutput{Jobs: []types.JobDetail{}}
	for _, ref := range in.Jobs {
		if j := s.remembered(s.nameOf("job", ref)); j != nil {
			out.Jobs = append(out.Jobs, j.described())
		}
	}
	return out, nil
}

// described is a copy that later changes of the job don't reach.
func (j *job) described() types.JobDetail {
	d := j.JobDetail
	c := *j.Container
	d.Container = &c
	d.Attempts = slices.Clone(j.Attempts)
	d.Tags = maps.Clone(j.Tags)
	return d
}

// cancelJob ends a job that has not started. B15 (API: CancelJob): a PENDING one ends when its dependencies do; STARTING and RUNNING ones go on.
func (s *Service) cancelJob(in *batch.CancelJobInput) (*batch.CancelJobOutput, error) {
	j, err := s.named(in.JobId, in.Reason)
	if err != nil {
		return nil, err
	}
	switch j.Status {
	case types.JobStatusPending:
		j.IsCancelled, j.Stopped = aws.Bool(true), aws.ToString(in.Reason)
		s.dirty.jobs[j] = true
	case types.JobStatusSubmitted, types.JobStatusRunnable:
		j.IsCancelled = aws.Bool(true)
		s.finish(j, types.JobStatusFailed, aws.ToString(in.Reason))
	}
	return &batch.CancelJobOutput{}, nil
}

// terminateJob ends a job in any state. API: TerminateJob.
func (s *Service) terminateJob(in *batch.TerminateJobInput) (*batch.TerminateJobOutput, error) {
	j, err := s.named(in.JobId, in.Reason)
	if err != nil {
		return nil, err
	}
	if !j.finished() {
		j.IsTerminated = aws.Bool(true)
		s.end(j, aws.ToString(in.Reason))
	}
	return &batch.TerminateJobOutput{}, nil
}

func (s *Service) named(id, reason *string) (*job, error) {
	switch {
	case aws.ToString(reason) == "" || len(*reason) > maxReason: // B15
		return nil, refuse("reason must have 1 to %d characters", maxReason)
	case s.remembered(aws.ToString(id)) == nil:
		return nil, refuse("there is no job %q", aws.ToString(id))
	}
	return s.jobs[*id], nil
}
