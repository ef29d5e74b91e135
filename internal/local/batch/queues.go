package batch

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

func (s *Service) createQueue(in *batch.CreateJobQueueInput) (*batch.CreateJobQueueOutput, error) {
	name, foreign := aws.ToString(in.JobQueueName), given(in, "SchedulingPolicyArn", "ServiceEnvironmentOrder", "JobStateTimeLimitActions")
	err := s.judge(append(newcomer("job queue", name, in.Tags),
		when(plain, s.Queues[name] != nil, "Object already exists: job queue %s", name),
		when("B06", len(s.Queues) >= 50, "limit of 50 job queues reached"),
		when(plain, in.Priority == nil || *in.Priority < 0, "priority must be an integer from 0"),
		when(plain, foreign != "", "%s is not offered by the embedded Batch", foreign))...)
	if err == nil {
		in.ComputeEnvironmentOrder, err = s.environmentOrder(in.ComputeEnvironmentOrder)
	}
	if err != nil {
		return nil, err
	}
	q := &types.JobQueueDetail{JobQueueArn: aws.String(s.arn("job-queue", name)), State: types.JQStateEnabled}
	assign(q, in)
	fill(q)
	s.Queues[name] = q
	s.settleQueue(q, types.JQStatusCreating)
	return &batch.CreateJobQueueOutput{JobQueueArn: q.JobQueueArn, JobQueueName: &name}, nil
}

// environmentOrder checks the compute environments of a queue and gives them by ARN, in order. B06, B20.
func (s *Service) environmentOrder(in []types.ComputeEnvironmentOrder) ([]types.ComputeEnvironmentOrder, error) {
	order, kinds, archs := []types.ComputeEnvironmentOrder{}, map[bool]bool{}, map[string]bool{}
	for _, o := range in {
		e, err := find(s, s.Envs, "compute-environment", o.ComputeEnvironment)
		if err != nil {
			return nil, err
		}
		kinds[onFargate(e.ComputeResources)] = true
		maps.Copy(archs, architectures(e.ComputeResources))
		if err := s.judge(when("B20", e.Status != types.CEStatusValid, "%s is not VALID but %s", aws.ToString(e.ComputeEnvironmentArn), e.Status)); err != nil {
			return nil, err
		}
		order = append(order, types.ComputeEnvironmentOrder{ComputeEnvironment: e.ComputeEnvironmentArn, Order: orZero(o.Order)})
	}
	slices.SortStableFunc(order, func(a, b types.ComputeEnvironmentOrder) int { return cmp.Compare(*a.Order, *b.Order) })
	return order, s.judge(
		when(plain, len(in) == 0, "computeEnvironmentOrder must have at least one compute environment"),
		when("B06", len(in) > 3, "computeEnvironmentOrder must have 1 to 3 compute environments"),
		when("B28", len(archs) > 1, "the compute environments of a job queue must share the same architecture"),
		when("B20", len(kinds) > 1, "Fargate and EC2 compute environments can't be mixed in a job queue"))
}

func (s *Service) settleQueue(q *types.JobQueueDetail, passing types.JQStatus) {
	q.StatusReason = nil
	settle(s, &q.Status, passing, s.Settle, func() {
		q.Status, q.StatusReason = types.JQStatusValid, aws.String("JobQueue Healthy")
	})
}

func (s *Service) describeQueues(in *batch.DescribeJobQueuesInput) (*batch.DescribeJobQueuesOutput, error) {
	list, next, err := described(s, s.Queues, "job-queue", in.JobQueues, in.NextToken, in.MaxResults)
	return &batch.DescribeJobQueuesOutput{JobQueues: list, NextToken: next}, err
}

func (s *Service) updateQueue(in *batch.UpdateJobQueueInput) (*batch.UpdateJobQueueOutput, error) {
	q, err := find(s, s.Queues, "job-queue", in.JobQueue)
	if err != nil {
		return nil, err
	}
	foreign := given(in, "SchedulingPolicyArn", "ServiceEnvironmentOrder", "JobStateTimeLimitActions")
	err = s.judge(
		when(plain, changing(string(q.Status)), "Cannot update, resource is being modified"),
		when(plain, in.Priority != nil && *in.Priority < 0, "priority must be an integer from 0"),
		when(plain, foreign != "", "%s is not offered by the embedded Batch", foreign))
	if err == nil && in.ComputeEnvironmentOrder != nil {
		in.ComputeEnvironmentOrder, err = s.environmentOrder(in.ComputeEnvironmentOrder)
	}
	if err != nil {
		return nil, err
	}
	old := q.ComputeEnvironmentOrder
	assign(q, in)
	s.part(old)
	s.settleQueue(q, types.JQStatusUpdating)
	return &batch.UpdateJobQueueOutput{JobQueueArn: q.JobQueueArn, JobQueueName: q.JobQueueName}, nil
}

// part notes the environments that a queue has had. B21.
func (s *Service) part(old []types.ComputeEnvironmentOrder) {
	for _, o := range old {
		s.related[aws.ToString(o.ComputeEnvironment)] = s.Clock.Now().Add(s.Lags().Relation)
	}
}

func (s *Service) deleteQueue(in *batch.DeleteJobQueueInput) (*batch.DeleteJobQueueOutput, error) {
	out := &batch.DeleteJobQueueOutput{}
	q, err := find(s, s.Queues, "job-queue", in.JobQueue)
	if err != nil || q.Status == types.JQStatusDeleting {
		return out, err
	}
	if err := s.judge(deletable(string(q.State), string(q.Status))...); err != nil {
		return nil, err
	}
	// All jobs of a queue end with it (API: DeleteJobQueue).
	for _, j := range s.order {
		if aws.ToString(j.JobQueue) == aws.ToString(q.JobQueueArn) {
			s.end(j, "Job queue deleted")
		}
	}
	settle(s, &q.Status, types.JQStatusDeleting, s.Settle+s.Lags().Deleting, func() {
		delete(s.Queues, aws.ToString(q.JobQueueName))
		s.part(q.ComputeEnvironmentOrder)
	})
	return out, nil
}

// arn names a resource: kind is compute-environment, job-queue, job-definition or job.
func (s *Service) arn(kind, name string) string {
	return "arn:aws:batch:" + s.Region + ":" + s.Account + ":" + kind + "/" + name
}

// nameOf is the name in a reference that is a name or an ARN of this kind, region and account.
func (s *Service) nameOf(kind, ref string) string {
	return strings.TrimPrefix(ref, s.arn(kind, ""))
}

func lastStep(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }
