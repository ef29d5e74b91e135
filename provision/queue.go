package provision

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// queue is the stack's job queue, over its one compute environment.
type queue struct {
	Clients
	spec        Spec
	environment string // ARN
}

func (q queue) diff(ctx context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindQueue, Name: q.spec.Name}
	found, err := q.wait(ctx, q.spec.Name)
	if err != nil {
		return is, nil, err
	}
	if found == nil {
		return is, []change{{what: "create", create: true, do: func(ctx context.Context) error { return q.create(ctx, is) }}}, nil
	}
	is.ARN = aws.ToString(found.JobQueueArn)
	switch {
	case !q.spec.owns(found.Tags):
		return is, nil, notOurs(is, q.spec)
	case q.same(*found):
		return is, nil, nil
	}
	return is, []change{{what: "update", do: q.update}}, nil
}

func (q queue) find(ctx context.Context, name string) (*batchtypes.JobQueueDetail, error) {
	out, err := q.Batch.DescribeJobQueues(ctx, &batch.DescribeJobQueuesInput{JobQueues: []string{name}})
	if err != nil {
		return nil, err
	}
	for _, j := range out.JobQueues {
		if j.Status != batchtypes.JQStatusDeleted {
			return &j, nil
		}
	}
	return nil, nil
}

// wait looks until Batch is done with what it is doing: the queue is VALID, INVALID or gone.
func (q queue) wait(ctx context.Context, name string) (*batchtypes.JobQueueDetail, error) {
	for range looks {
		found, err := q.find(ctx, name)
		if err != nil || found == nil || found.Status == batchtypes.JQStatusValid || found.Status == batchtypes.JQStatusInvalid {
			return found, err
		}
		if err := q.sleep(ctx, lookEvery); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("not done after %s", looks*lookEvery)
}

func (q queue) same(is batchtypes.JobQueueDetail) bool {
	order := is.ComputeEnvironmentOrder
	return is.Status == batchtypes.JQStatusValid && is.State == batchtypes.JQStateEnabled &&
		len(order) == 1 && aws.ToString(order[0].ComputeEnvironment) == q.environment
}

func (q queue) order() []batchtypes.ComputeEnvironmentOrder {
	return []batchtypes.ComputeEnvironmentOrder{{Order: aws.Int32(1), ComputeEnvironment: &q.environment}}
}

func (q queue) create(ctx context.Context, is *Resource) error {
	out, err := q.Batch.CreateJobQueue(ctx, &batch.CreateJobQueueInput{JobQueueName: &q.spec.Name, State: batchtypes.JQStateEnabled,
		Priority: aws.Int32(1), ComputeEnvironmentOrder: q.order(), Tags: q.spec.Tags()})
	if err != nil {
		return err
	}
	is.ARN = aws.ToString(out.JobQueueArn)
	return q.valid(ctx)
}

func (q queue) update(ctx context.Context) error {
	err := q.change(ctx, &batch.UpdateJobQueueInput{JobQueue: &q.spec.Name, State: batchtypes.JQStateEnabled, ComputeEnvironmentOrder: q.order()})
	if err != nil {
		return err
	}
	return q.valid(ctx)
}

func (q queue) change(ctx context.Context, in *batch.UpdateJobQueueInput) error {
	return q.patiently(ctx, looks, isBusy, func() error {
		_, err := q.Batch.UpdateJobQueue(ctx, in)
		return err
	})
}

func (q queue) valid(ctx context.Context) error {
	found, err := q.wait(ctx, q.spec.Name)
	if err != nil {
		return err
	}
	if found == nil {
		return errors.New("it went away while it was waited for")
	}
	if found.Status == batchtypes.JQStatusInvalid {
		return &invalidError{reason: aws.ToString(found.StatusReason)}
	}
	return nil
}

// existing is the queue that the settings name, by name or ARN.
type existingQueue struct{ queue }

func (e existingQueue) diff(ctx context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindQueue, Name: lastPart(e.spec.Compute.Queue), State: Existing}
	found, err := e.wait(ctx, e.spec.Compute.Queue)
	switch {
	case err != nil:
		return is, nil, err
	case found == nil:
		return is, nil, noSuch("compute.queue")
	case found.Status == batchtypes.JQStatusInvalid:
		return is, nil, &invalidError{reason: aws.ToString(found.StatusReason)}
	case found.State != batchtypes.JQStateEnabled:
		return is, nil, ui.WithHint(errors.New("it is DISABLED"), "enable it, or name another queue in [tool.kedroctl.compute]")
	}
	is.ARN = aws.ToString(found.JobQueueArn)
	return is, nil, nil
}

func (q queue) removal(ctx context.Context) (Resource, func(context.Context) error, error) {
	is := Resource{Kind: KindQueue, Name: q.spec.Name}
	found, err := q.find(ctx, q.spec.Name)
	switch {
	case err != nil || found == nil:
		return is, nil, err
	case !q.spec.owns(found.Tags):
		return foreign(is), nil, nil
	case found.Status == batchtypes.JQStatusDeleting:
		return is, q.gone, nil
	}
	return is, func(ctx context.Context) error { return q.remove(ctx, *found) }, nil
}

// remove disables the queue, deletes it and waits until it is gone.
func (q queue) remove(ctx context.Context, found batchtypes.JobQueueDetail) error {
	if found.State != batchtypes.JQStateDisabled {
		if err := q.change(ctx, &batch.UpdateJobQueueInput{JobQueue: &q.spec.Name, State: batchtypes.JQStateDisabled}); err != nil {
			return err
		}
	}
	if _, err := q.wait(ctx, q.spec.Name); err != nil {
		return err
	}
	err := q.patiently(ctx, looks, isBusy, func() error {
		_, err := q.Batch.DeleteJobQueue(ctx, &batch.DeleteJobQueueInput{JobQueue: &q.spec.Name})
		return err
	})
	if err != nil {
		return err
	}
	return q.gone(ctx)
}

func (q queue) gone(ctx context.Context) error {
	for range looks {
		found, err := q.find(ctx, q.spec.Name)
		if err != nil || found == nil {
			return err
		}
		if err := q.sleep(ctx, lookEvery); err != nil {
			return err
		}
	}
	return ui.WithHint(fmt.Errorf("not gone after %s", looks*lookEvery), "run the same command again")
}
