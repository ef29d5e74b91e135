package batch

import (
	"cmp"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/uuid"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

func (s *Service) submitJob(in *batch.SubmitJobInput) (*batch.SubmitJobOutput, error) {
	if err := s.takeToken(); err != nil {
		return nil, err
	}
	if err := checkSubmission(in); err != nil {
		return nil, err
	}
	q, err := s.queue(aws.ToString(in.JobQueue))
	if err != nil {
		return nil, err
	}
	if q.State != types.JQStateEnabled || q.Status != types.JQStatusValid {
		return nil, refuse("job queue %s is %s and %s", aws.ToString(q.JobQueueName), q.State, q.Status)
	}
	d, err := s.definition(aws.ToString(in.JobDefinition))
	if err != nil {
		return nil, err
	}
	parents, err := s.parents(in.DependsOn)
	if err != nil {
		return nil, err
	}
	j, err := s.newJob(in, q, d)
	if err != nil {
		return nil, err
	}
	s.admit(j, parents, overridesTooLong(in.ContainerOverrides))
	return &batch.SubmitJobOutput{JobArn: j.JobArn, JobId: j.JobId, JobName: j.JobName}, nil
}

func checkSubmission(in *batch.SubmitJobInput) error {
	switch {
	case !jobName.MatchString(aws.ToString(in.JobName)): // B05
		return refuse("Job name should match valid pattern: %q must be 1 to 128 letters, digits, hyphens and underscores, the first a letter or digit", aws.ToString(in.JobName))
	case aws.ToString(in.JobQueue) == "" || aws.ToString(in.JobDefinition) == "":
		return refuse("jobQueue and jobDefinition must be given")
	case in.ArrayProperties != nil && outside(in.ArrayProperties.Size, minArray, maxArray): // B06
		return refuse("array size must be from %d to %d", minArray, maxArray)
	case in.ArrayProperties != nil || in.NodeOverrides != nil || in.EksPropertiesOverride != nil || in.EcsPropertiesOverride != nil || in.ConsumableResourcePropertiesOverride != nil:
		return refuse("array, multi-node, EKS and multi-container jobs are not offered by the embedded Batch")
	case in.ShareIdentifier != nil || in.SchedulingPriorityOverride != nil: // API: SubmitJobRequest.shareIdentifier
		return refuse("shareIdentifier must not be given for a job queue without a scheduling policy")
	case len(in.DependsOn) > maxDependencies: // B01 (API: SubmitJobRequest.dependsOn; OpenNeuroOrg/openneuro#100)
		return refuse("Error executing request, Exception : Job cannot have more than %d dependencies, RequestId: %s", maxDependencies, uuid.NewString())
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	if err := checkRetry(in.RetryStrategy); err != nil {
		return err
	}
	if err := checkTimeout(in.Timeout); err != nil {
		return err
	}
	o := cmp.Or(in.ContainerOverrides, &types.ContainerOverrides{})
	if err := checkCommand(o.Command); err != nil {
		return err
	}
	return checkEnvironmentNames(o.Environment)
}

func outside(n *int32, least, most int32) bool {
	return aws.ToInt32(n) < least || aws.ToInt32(n) > most
}

// overridesTooLong tells overrides that are accepted and then make the job fail. B26 (limits).
func overridesTooLong(o *types.ContainerOverrides) bool {
	return o != nil && utf8.RuneCount(wire.EncodeJSON(o)) > maxOverrides
}

// parents finds the jobs that a new one waits for.
func (s *Service) parents(deps []types.JobDependency) ([]*job, error) {
	parents := make([]*job, 0, len(deps))
	for _, d := range deps {
		// API: SubmitJobRequest.dependsOn.
		if d.Type != "" || d.JobId == nil {
			return nil, refuse("dependencies of type SEQUENTIAL and N_TO_N, and those without a job id, are for array jobs")
		}
		p := s.remembered(*d.JobId)
		if p == nil {
			return nil, refuse("dependency %s: there is no such job", *d.JobId)
		}
		parents = append(parents, p)
	}
	return parents, nil
}

// newJob makes a job of a definition and what the submission lays over it.
func (s *Service) newJob(in *batch.SubmitJobInput, q *queue, d *types.JobDefinition) (*job, error) {
	fargate := s.onFargateQueue(q)
	if err := checkOverrides(in.ContainerOverrides, fargate); err != nil {
		return nil, err
	}
	parameters := merged(d.Parameters, in.Parameters)
	c := container(d.ContainerProperties, in.ContainerOverrides, parameters)
	if err := checkSize(sizeOf(c.ResourceRequirements, c.Vcpus, c.Memory), fargate); err != nil {
		return nil, err
	}
	id := uuid.NewString()
	j := &job{Seq: s.nextSeq(), JobDetail: types.JobDetail{
		JobId:                &id,
		JobArn:               aws.String(s.arn("job", id)),
		JobName:              in.JobName,
		JobQueue:             q.JobQueueArn,
		JobDefinition:        d.JobDefinitionArn,
		CreatedAt:            s.millis(),
		Status:               types.JobStatusSubmitted,
		DependsOn:            in.DependsOn,
		Container:            c,
		Parameters:           parameters,
		PlatformCapabilities: d.PlatformCapabilities,
		PropagateTags:        cmp.Or(in.PropagateTags, d.PropagateTags),
		RetryStrategy:        cmp.Or(in.RetryStrategy, d.RetryStrategy),
		Timeout:              cmp.Or(in.Timeout, d.Timeout),
		Attempts:             []types.AttemptDetail{},
		Tags:                 merged(nil, in.Tags),
	}}
	if aws.ToBool(j.PropagateTags) {
		j.Tags = merged(d.Tags, in.Tags)
	}
	if len(j.DependsOn) == 0 {
		j.DependsOn = []types.JobDependency{}
	}
	return j, nil
}

func (s *Service) nextSeq() int {
	if len(s.order) == 0 {
		return 1
	}
	return s.order[len(s.order)-1].Seq + 1
}

func (s *Service) onFargateQueue(q *queue) bool {
	e, err := s.environment(aws.ToString(q.ComputeEnvironmentOrder[0].ComputeEnvironment))
	return err == nil && e.ComputeResources != nil && onFargate(e.ComputeResources.Type)
}

// bucket holds the right to SubmitJob calls.
type bucket struct {
	tokens float64
	at     int64 // milliseconds
}

// takeToken. B04 (limits; nextflow-io/nextflow#710).
func (s *Service) takeToken() error {
	if s.SubmitRate == 0 {
		return nil
	}
	rate, now := float64(s.SubmitRate), *s.millis()
	s.bucket.tokens = min(rate, s.bucket.tokens+float64(now-s.bucket.at)*rate/1000)
	s.bucket.at = now
	if s.bucket.tokens < 1 {
		return wire.NewFault(429, "TooManyRequestsException", "Too Many Requests")
	}
	s.bucket.tokens--
	return nil
}
