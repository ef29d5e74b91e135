package batch

import (
	"cmp"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// queue is a job queue, and its jobs in RUNNABLE, oldest first.
type queue struct {
	types.JobQueueDetail
	runnable []*job
}

func (q *queue) uses(e *types.ComputeEnvironmentDetail) bool {
	return slices.ContainsFunc(q.ComputeEnvironmentOrder, func(o types.ComputeEnvironmentOrder) bool {
		return aws.ToString(o.ComputeEnvironment) == aws.ToString(e.ComputeEnvironmentArn)
	})
}

func (s *Service) createQueue(in *batch.CreateJobQueueInput) (*batch.CreateJobQueueOutput, error) {
	name := aws.ToString(in.JobQueueName)
	if err := checkName("job queue", name); err != nil {
		return nil, err
	}
	switch {
	case s.queues[name] != nil:
		return nil, refuse("Object already exists: job queue %s", name)
	case len(s.queues) >= maxQueues: // B06
		return nil, refuse("limit of %d job queues reached", maxQueues)
	case in.Priority == nil || *in.Priority < 0:
		return nil, refuse("priority must be an integer from 0")
	case in.SchedulingPolicyArn != nil || in.ServiceEnvironmentOrder != nil:
		return nil, refuse("scheduling policies and service environments are not offered by the embedded Batch")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	order, err := s.environmentOrder(in.ComputeEnvironmentOrder)
	if err != nil {
		return nil, err
	}
	q := &queue{JobQueueDetail: types.JobQueueDetail{
		JobQueueName:             &name,
		JobQueueArn:              aws.String(s.arn("job-queue", name)),
		State:                    cmp.Or(in.State, types.JQStateEnabled),
		Priority:                 in.Priority,
		ComputeEnvironmentOrder:  order,
		JobStateTimeLimitActions: in.JobStateTimeLimitActions,
		Tags:                     in.Tags,
	}}
	if q.Tags == nil {
		q.Tags = map[string]string{}
	}
	s.queues[name] = q
	s.settleQueue(q, types.JQStatusCreating)
	return &batch.CreateJobQueueOutput{JobQueueArn: q.JobQueueArn, JobQueueName: &name}, nil
}

// environmentOrder checks the compute environments of a queue and gives them by ARN, in order. B20, B06 (API: CreateJobQueueRequest.computeEnvironmentOrder).
func (s *Service) environmentOrder(in []types.ComputeEnvironmentOrder) ([]types.ComputeEnvironmentOrder, error) {
	if len(in) == 0 || len(in) > maxEnvironmentsOfOne {
		return nil, refuse("computeEnvironmentOrder must have 1 to %d compute environments", maxEnvironmentsOfOne)
	}
	order := make([]types.ComputeEnvironmentOrder, 0, len(in))
	kinds := map[bool]bool{}
	for _, o := range in {
		e, err := s.environment(aws.ToString(o.ComputeEnvironment))
		if err != nil {
			return nil, err
		}
		if e.Status != types.CEStatusValid {
			return nil, refuse("%s is not VALID but %s", aws.ToString(e.ComputeEnvironmentArn), e.Status)
		}
		if e.ComputeResources != nil {
			kinds[onFargate(e.ComputeResources.Type)] = true
		}
		order = append(order, types.ComputeEnvironmentOrder{ComputeEnvironment: e.ComputeEnvironmentArn, Order: orZero(o.Order)})
	}
	if len(kinds) > 1 {
		return nil, refuse("Fargate and EC2 compute environments can't be mixed in a job queue")
	}
	slices.SortStableFunc(order, func(a, b types.ComputeEnvironmentOrder) int { return cmp.Compare(*a.Order, *b.Order) })
	return order, nil
}

func (s *Service) settleQueue(q *queue, status types.JQStatus) {
	q.Status, q.StatusReason = status, nil
	s.dirty.resources = true
	s.later(s.Settle, func() {
		if q.Status != status {
			return
		}
		q.Status, q.StatusReason = types.JQStatusValid, aws.String("JobQueue Healthy")
		s.dirty.resources = true
	})
}

func (s *Service) queue(ref string) (*queue, error) {
	q := s.queues[s.nameOf("job-queue", ref)]
	if q == nil {
		return nil, refuse("job queue %s does not exist", ref)
	}
	return q, nil
}

func (s *Service) describeQueues(in *batch.DescribeJobQueuesInput) (*batch.DescribeJobQueuesOutput, error) {
	wanted := make(map[string]bool, len(in.JobQueues))
	for _, ref := range in.JobQueues {
		wanted[s.nameOf("job-queue", ref)] = true
	}
	list := []types.JobQueueDetail{}
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if len(wanted) == 0 || wanted[name] {
			detail := s.queues[name].JobQueueDetail
			detail.Tags = maps.Clone(detail.Tags)
			list = append(list, detail)
		}
	}
	list, next, err := page(list, in.NextToken, in.MaxResults, maxDescribed)
	return &batch.DescribeJobQueuesOutput{JobQueues: list, NextToken: next}, err
}

func (s *Service) updateQueue(in *batch.UpdateJobQueueInput) (*batch.UpdateJobQueueOutput, error) {
	q, err := s.queue(aws.ToString(in.JobQueue))
	switch {
	case err != nil:
		return nil, err
	case changing(string(q.Status)):
		return nil, refuse("Cannot update, resource is being modified")
	case in.SchedulingPolicyArn != nil || in.ServiceEnvironmentOrder != nil:
		return nil, refuse("scheduling policies and service environments are not offered by the embedded Batch")
	case in.Priority != nil && *in.Priority < 0:
		return nil, refuse("priority must be an integer from 0")
	}
	if in.ComputeEnvironmentOrder != nil {
		order, err := s.environmentOrder(in.ComputeEnvironmentOrder)
		if err != nil {
			return nil, err
		}
		q.ComputeEnvironmentOrder = order
	}
	set(&q.Priority, in.Priority)
	if in.JobStateTimeLimitActions != nil {
		q.JobStateTimeLimitActions = in.JobStateTimeLimitActions
	}
	q.State = cmp.Or(in.State, q.State)
	s.settleQueue(q, types.JQStatusUpdating)
	return &batch.UpdateJobQueueOutput{JobQueueArn: q.JobQueueArn, JobQueueName: q.JobQueueName}, nil
}

func (s *Service) deleteQueue(in *batch.DeleteJobQueueInput) (*batch.DeleteJobQueueOutput, error) {
	q, err := s.queue(aws.ToString(in.JobQueue))
	if err != nil {
		return nil, err
	}
	if q.Status == types.JQStatusDeleting {
		return &batch.DeleteJobQueueOutput{}, nil
	}
	// B21 (API: DeleteJobQueue).
	if q.State != types.JQStateDisabled {
		return nil, refuse("Cannot delete, state must be DISABLED")
	}
	if changing(string(q.Status)) {
		return nil, refuse("Cannot delete, resource is being modified")
	}
	q.Status, s.dirty.resources = types.JQStatusDeleting, true
	// All jobs of a queue end with it (API: DeleteJobQueue).
	for _, j := range s.order {
		if aws.ToString(j.JobQueue) == aws.ToString(q.JobQueueArn) {
			s.end(j, "Job queue deleted")
		}
	}
	s.later(s.Settle, func() {
		delete(s.queues, aws.ToString(q.JobQueueName))
		s.dirty.resources = true
	})
	return &batch.DeleteJobQueueOutput{}, nil
}
