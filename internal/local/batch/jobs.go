package batch

import (
	"cmp"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/uuid"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

var jobName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,127}$`)

// job is what DescribeJobs tells, and what moves it on.
type job struct {
	types.JobDetail
	Seq         int    // place by age, from 1
	Stopped     string // why it is to end: given by who terminated it, or its timeout
	Environment string // name of the compute environment that it is on

	need       map[string]bool // ids of unfinished jobs that it waits for
	dependents []*job
	size       size
	stop       func() // asks the runner for the end of the attempt
	stopTimer  func()
	unsaved    bool
	told       *types.JobSummary // by ListJobs; nil: nothing yet
	toldOf     int               // number of the change that told is of
	changes    int
}

func (j *job) id() string { return aws.ToString(j.JobId) }

func (j *job) finished() bool {
	return j.Status == types.JobStatusSucceeded || j.Status == types.JobStatusFailed
}

func (s *Service) submitJob(in *batch.SubmitJobInput) (*batch.SubmitJobOutput, error) {
	q, err := find(s, s.Queues, "job-queue", in.JobQueue)
	if err != nil {
		return nil, err
	}
	in.ContainerOverrides = cmp.Or(in.ContainerOverrides, &types.ContainerOverrides{})
	if err := s.checkSubmission(in, q); err != nil {
		return nil, err
	}
	d, err := s.definition(aws.ToString(in.JobDefinition))
	if err != nil {
		return nil, err
	}
	j := s.newJob(in, q, d)
	if err := s.judge(sizeRules(j.size, s.hasFargate(q))...); err != nil {
		return nil, err
	}
	if utf8.RuneCount(wire.EncodeJSON(in.ContainerOverrides)) > 8192 && !s.off["B26"] {
		j.Stopped = reasonOverrides
	}
	if aws.ToBool(j.PropagateTags) && len(j.Tags) > wire.MaxTags && !s.off["B32"] {
		j.Stopped = reasonTags
	}
	s.admit(j)
	return &batch.SubmitJobOutput{JobArn: j.JobArn, JobId: j.JobId, JobName: j.JobName}, nil
}

func (s *Service) checkSubmission(in *batch.SubmitJobInput, q *types.JobQueueDetail) error {
	name, o, size := aws.ToString(in.JobName), in.ContainerOverrides, int32(2)
	if in.ArrayProperties != nil {
		size = aws.ToInt32(in.ArrayProperties.Size)
	}
	foreign := given(in, "ArrayProperties", "NodeOverrides", "EksPropertiesOverride", "EcsPropertiesOverride", "ConsumableResourcePropertiesOverride",
		"SchedulingPriorityOverride", "Parameters")
	verdicts := append(tagRules(in.Tags),
		when("B05", !jobName.MatchString(name), "Job name should match valid pattern: %q must be 1 to 128 letters, digits, hyphens and underscores, the first a letter or digit", name),
		when("B06", size < 2 || size > 10_000, "array size must be from 2 to 10000"),
		when(plain, foreign != "", "%s is not offered by the embedded Batch", foreign),
		when(plain, in.ShareIdentifier != nil, "shareIdentifier must not be given for a job queue without a scheduling policy"),
		when("B01", len(in.DependsOn) > 20, "Error executing request, Exception : Job cannot have more than 20 dependencies, RequestId: %s", uuid.NewString()),
		when(plain, q.State != types.JQStateEnabled || q.Status != types.JQStatusValid, "job queue %s is %s and %s", aws.ToString(q.JobQueueName), q.State, q.Status))
	for _, d := range in.DependsOn {
		verdicts = append(verdicts,
			when(plain, d.Type != "" || d.JobId == nil, "dependencies of type SEQUENTIAL and N_TO_N, and those without a job id, are for array jobs"),
			when(plain, s.remembered(aws.ToString(d.JobId)) == nil, "dependency %s: there is no such job", aws.ToString(d.JobId)))
	}
	verdicts = append(verdicts, attemptRules(in.RetryStrategy, in.Timeout)...)
	return s.judge(append(verdicts, contentRules(o.Command, o.Environment, o.ResourceRequirements, o.Vcpus, o.Memory, s.hasFargate(q))...)...)
}

func (s *Service) hasFargate(q *types.JobQueueDetail) bool {
	e, err := find(s, s.Envs, "compute-environment", q.ComputeEnvironmentOrder[0].ComputeEnvironment)
	return err == nil && onFargate(e.ComputeResources)
}

// newJob makes a job of a definition and what the submission lays over it.
func (s *Service) newJob(in *batch.SubmitJobInput, q *types.JobQueueDetail, d *types.JobDefinition) *job {
	id := uuid.NewString()
	j := &job{Seq: 1, JobDetail: types.JobDetail{
		JobId: &id, JobArn: aws.String(s.arn("job", id)),
		PlatformCapabilities: d.PlatformCapabilities, PropagateTags: d.PropagateTags, RetryStrategy: d.RetryStrategy, Timeout: d.Timeout,
		CreatedAt: s.millis(), Status: types.JobStatusSubmitted, Container: s.container(d.ContainerProperties, in.ContainerOverrides),
	}}
	in.JobDefinition, in.JobQueue = d.JobDefinitionArn, q.JobQueueArn // whatever the request calls them
	assign(&j.JobDetail, in)
	fill(&j.JobDetail)
	if aws.ToBool(j.PropagateTags) {
		j.Tags = maps.Clone(d.Tags)
		maps.Copy(j.Tags, in.Tags)
	}
	if n := len(s.order); n > 0 {
		j.Seq = s.order[n-1].Seq + 1
	}
	j.measure()
	return j
}

func (j *job) measure() {
	j.size = sizeOf(j.Container.ResourceRequirements, j.Container.Vcpus, j.Container.Memory)
}

// remembered is a job that the service still tells of.
func (s *Service) remembered(id string) *job {
	j := s.jobs[id]
	if j == nil || s.forgotten(j, s.Clock.Now()) {
		return nil
	}
	return j
}

// forgotten tells jobs that ended too long ago. B13.
func (s *Service) forgotten(j *job, now time.Time) bool {
	return j.finished() && !s.off["B13"] && now.Sub(time.UnixMilli(aws.ToInt64(j.StoppedAt))) > 7*24*time.Hour
}

func (s *Service) describeJobs(in *batch.DescribeJobsInput) (*batch.DescribeJobsOutput, error) {
	err := s.judge(
		when(plain, len(in.Jobs) == 0, "jobs must have at least one id"),
		when("B02", len(in.Jobs) > 100, "Maximum number of jobs supported is  100 ."))
	out := &batch.DescribeJobsOutput{Jobs: []types.JobDetail{}}
	for _, ref := range in.Jobs {
		if j := s.remembered(s.nameOf("job", ref)); j != nil {
			out.Jobs = append(out.Jobs, j.JobDetail)
		}
	}
	return out, err
}

// cancelJob ends a job that has not started, a PENDING one when its dependencies end. B15.
func (s *Service) cancelJob(in *batch.CancelJobInput) (*batch.CancelJobOutput, error) {
	j, err := s.ending(in.JobId, in.Reason)
	switch {
	case err != nil:
	case s.off["B15"], j.Status == types.JobStatusSubmitted, j.Status == types.JobStatusRunnable:
		j.IsCancelled = aws.Bool(true)
		s.end(j, aws.ToString(in.Reason))
	case j.Status == types.JobStatusPending:
		j.IsCancelled, j.Stopped = aws.Bool(true), aws.ToString(in.Reason)
		s.mark(j)
	}
	return &batch.CancelJobOutput{}, err
}

// terminateJob ends a job in any state. API: TerminateJob.
func (s *Service) terminateJob(in *batch.TerminateJobInput) (*batch.TerminateJobOutput, error) {
	j, err := s.ending(in.JobId, in.Reason)
	if err == nil && !j.finished() {
		j.IsTerminated = aws.Bool(true)
		s.end(j, aws.ToString(in.Reason))
	}
	return &batch.TerminateJobOutput{}, err
}

// ending finds the job that is to end.
func (s *Service) ending(id, reason *string) (*job, error) {
	j, text := s.remembered(s.nameOf("job", aws.ToString(id))), aws.ToString(reason)
	return j, s.judge(
		when(plain, text == "", "reason is missing"),
		when("B15", len(text) > 1024, "reason must have 1 to 1024 characters"),
		when(plain, j == nil, "there is no job %q", aws.ToString(id)))
}

// listJobs walks from the newest job to the oldest. The token is the place by age of the next page's first job, so that jobs submitted meanwhile shift nothing. B16.
func (s *Service) listJobs(in *batch.ListJobsInput) (*batch.ListJobsOutput, error) {
	from, err := strconv.Atoi(cmp.Or(aws.ToString(in.NextToken), strconv.Itoa(len(s.order))))
	other := given(in, "ArrayJobId", "MultiNodeJobId")
	err = s.judge(
		when("B16", in.JobQueue == nil && other == "" || in.JobQueue != nil && other != "", "exactly one of jobQueue, arrayJobId and multiNodeJobId must be given"),
		when(plain, in.JobQueue == nil, "array and multi-node jobs are not offered by the embedded Batch"),
		when(plain, err != nil, "nextToken %q is not one of a page before", aws.ToString(in.NextToken)))
	if err != nil {
		return nil, err
	}
	q, err := find(s, s.Queues, "job-queue", in.JobQueue)
	if err != nil {
		return nil, err
	}
	matches, err := s.selection(in)
	if err != nil {
		return nil, err
	}
	length := pageLength(in.MaxResults, 1000)
	if len(in.Filters) > 0 && !s.off["B16"] {
		length = min(length, 100)
	}
	out := &batch.ListJobsOutput{JobSummaryList: []types.JobSummary{}}
	now := s.Clock.Now()
	for i := min(from, len(s.order)-1); i >= 0; i-- {
		j := s.order[i]
		if *j.JobQueue != *q.JobQueueArn || j.told == nil || s.forgotten(j, now) || !matches(j.told) {
			continue
		}
		if len(out.JobSummaryList) == length {
			out.NextToken = aws.String(strconv.Itoa(i))
			break
		}
		out.JobSummaryList = append(out.JobSummaryList, *j.told)
	}
	return out, nil
}

// selection is the status or the filter of a request: the status does not count with a filter, and is RUNNING where it is not given. B16.
func (s *Service) selection(in *batch.ListJobsInput) (func(*types.JobSummary) bool, error) {
	if len(in.Filters) == 0 {
		status := cmp.Or(in.JobStatus, types.JobStatusRunning)
		return func(j *types.JobSummary) bool { return j.Status == status || s.off["B16"] && in.JobStatus == "" }, nil
	}
	f := in.Filters[0]
	if len(in.Filters) > 1 || aws.ToString(f.Name) != "JOB_NAME" || len(f.Values) != 1 {
		return nil, refuse("filters: the embedded Batch offers one, JOB_NAME, with one value")
	}
	name := strings.ToLower(f.Values[0]) // case does not count
	return func(j *types.JobSummary) bool { return glob(name, strings.ToLower(*j.JobName)) }, nil
}
