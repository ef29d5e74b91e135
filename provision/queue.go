package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// queue is the stack's job queue, over its compute environments.
type queue struct {
	Clients
	spec         Spec
	name         string
	environments []string // ARNs, in the order in which they are tried
}

func (q queue) diff(ctx context.Context) (*Resource, []change, error) {
	found, err := q.current(ctx)
	is := &Resource{Kind: KindQueue, Name: q.spec.queueName()}
	if err != nil {
		return is, nil, err
	}
	if found != nil {
		is.Name = aws.ToString(found.JobQueueName)
	}
	q.name = is.Name
	if found == nil {
		return is, []change{{what: "create", create: true, attributes: q.differences(batchtypes.JobQueueDetail{}),
			do: func(ctx context.Context) error { return q.create(ctx, is) }}}, nil
	}
	is.ARN = aws.ToString(found.JobQueueArn)
	if !q.spec.owns(found.Tags) {
		return is, nil, notOurs(is, q.spec)
	}
	changes := q.retag(q.spec, is.ARN, found.Tags)
	if isRetired(found.Tags) {
		changes = append(changes, q.takeBack(is.ARN))
	}
	if !q.same(*found) {
		changes = append(changes, change{what: "update", attributes: q.differences(*found), do: q.update})
	}
	return is, changes, nil
}

// current is the stack's queue as it is: under its name, else under the one of earlier versions, which was without a hash, where that is of the same kind.
func (q queue) current(ctx context.Context) (*batchtypes.JobQueueDetail, error) {
	if found, err := q.wait(ctx, q.spec.queueName()); err != nil || found != nil {
		return found, err
	}
	found, err := q.wait(ctx, q.spec.Name)
	if err != nil || found == nil || !q.spec.owns(found.Tags) {
		return nil, err
	}
	envs, err := q.over(ctx, *found)
	if err != nil {
		return nil, err
	}
	for _, e := range envs {
		r := e.ComputeResources
		if r == nil || project.OnFargate(string(r.Type)) != q.spec.onFargate() || !q.spec.onFargate() && archOf(*r) != q.spec.arch() {
			return nil, nil
		}
	}
	return found, nil
}

// differences are what an update, or the creation, of the queue changes.
func (q queue) differences(is batchtypes.JobQueueDetail) []Attribute {
	all := attribute("state", string(is.State), string(batchtypes.JQStateEnabled))
	if is.Status == batchtypes.JQStatusInvalid {
		all = append(all, attribute("status", string(is.Status), string(batchtypes.JQStatusValid))...)
	}
	return append(all, attribute("compute_environments", names(inOrder(is)), names(q.environments))...)
}

// names are those of resources by ARN, in their order.
func names(arns []string) string {
	var all []string
	for _, arn := range arns {
		all = append(all, lastPart(arn))
	}
	return strings.Join(all, ", ")
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
	return is.Status == batchtypes.JQStatusValid && is.State == batchtypes.JQStateEnabled && slices.Equal(inOrder(is), q.environments)
}

// inOrder are the ARNs of a queue's environments, in the order in which they are tried.
func inOrder(is batchtypes.JobQueueDetail) []string {
	order := slices.SortedFunc(slices.Values(is.ComputeEnvironmentOrder), func(a, b batchtypes.ComputeEnvironmentOrder) int {
		return cmp.Compare(aws.ToInt32(a.Order), aws.ToInt32(b.Order))
	})
	var arns []string
	for _, o := range order {
		arns = append(arns, aws.ToString(o.ComputeEnvironment))
	}
	return arns
}

func (q queue) order() []batchtypes.ComputeEnvironmentOrder {
	var order []batchtypes.ComputeEnvironmentOrder
	for i, arn := range q.environments {
		order = append(order, batchtypes.ComputeEnvironmentOrder{Order: aws.Int32(int32(i + 1)), ComputeEnvironment: &arn})
	}
	return order
}

func (q queue) create(ctx context.Context, is *Resource) error {
	out, err := q.Batch.CreateJobQueue(ctx, &batch.CreateJobQueueInput{JobQueueName: &q.name, State: batchtypes.JQStateEnabled,
		Priority: aws.Int32(1), ComputeEnvironmentOrder: q.order(), Tags: q.spec.resourceTags()})
	if err != nil {
		return err
	}
	is.ARN = aws.ToString(out.JobQueueArn)
	return q.valid(ctx)
}

func (q queue) update(ctx context.Context) error {
	err := q.change(ctx, &batch.UpdateJobQueueInput{JobQueue: &q.name, State: batchtypes.JQStateEnabled, ComputeEnvironmentOrder: q.order()})
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
	found, err := q.wait(ctx, q.name)
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
	return is, nil, e.checkKind(ctx, *found)
}

// checkKind refuses a queue that does not take jobs of the settings' kind: job definitions are for Fargate, or for instances.
func (e existingQueue) checkKind(ctx context.Context, found batchtypes.JobQueueDetail) error {
	envs, err := e.over(ctx, found)
	if err != nil {
		return err
	}
	for _, env := range envs {
		if r := env.ComputeResources; r != nil && project.OnFargate(string(r.Type)) != e.spec.onFargate() {
			return ui.WithHint(fmt.Errorf("its compute environment %s is of the kind %s, and compute.type is %s",
				aws.ToString(env.ComputeEnvironmentName), r.Type, e.spec.kind()), fmt.Sprintf("set type = %q in [tool.kedroctl.compute]", r.Type))
		}
	}
	return nil
}

// over are the environments of a queue.
func (q queue) over(ctx context.Context, found batchtypes.JobQueueDetail) ([]batchtypes.ComputeEnvironmentDetail, error) {
	arns := inOrder(found)
	if len(arns) == 0 {
		return nil, nil
	}
	out, err := q.Batch.DescribeComputeEnvironments(ctx, &batch.DescribeComputeEnvironmentsInput{ComputeEnvironments: arns})
	if err != nil {
		return nil, fmt.Errorf("look at its compute environments: %w", err)
	}
	return out.ComputeEnvironments, nil
}

// public says whether the tasks of a queue, by name or ARN, start in public subnets. Without the queue, the error is ErrNotProvisioned.
func (q queue) public(ctx context.Context, name string) (bool, error) {
	found, err := q.find(ctx, name)
	if err == nil && found == nil {
		err = notProvisioned(KindQueue, name)
	}
	if err != nil {
		return false, err
	}
	envs, err := q.over(ctx, *found)
	if err != nil {
		return false, err
	}
	var subnets []string
	for _, e := range envs {
		if e.ComputeResources != nil {
			subnets = union(subnets, e.ComputeResources.Subnets)
		}
	}
	return q.Clients.public(ctx, subnets)
}

// public says whether tasks in these subnets need a public IP, and get one.
func (c Clients) public(ctx context.Context, subnets []string) (bool, error) {
	if len(subnets) == 0 {
		return false, nil
	}
	out, err := c.EC2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: subnets})
	if err != nil {
		return false, fmt.Errorf("look at its subnets: %w", err)
	}
	if len(out.Subnets) == 0 {
		return false, nil
	}
	w, err := c.findWays(ctx, aws.ToString(out.Subnets[0].VpcId))
	return w.public(out.Subnets), err
}

func (q queue) removal(ctx context.Context) (Resource, func(context.Context) error, error) {
	is := Resource{Kind: KindQueue, Name: q.name}
	found, err := q.find(ctx, q.name)
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
		if err := q.change(ctx, &batch.UpdateJobQueueInput{JobQueue: &q.name, State: batchtypes.JQStateDisabled}); err != nil {
			return err
		}
	}
	if _, err := q.wait(ctx, q.name); err != nil {
		return err
	}
	err := q.patiently(ctx, looks, isBusy, func() error {
		_, err := q.Batch.DeleteJobQueue(ctx, &batch.DeleteJobQueueInput{JobQueue: &q.name})
		return err
	})
	if err != nil {
		return err
	}
	return q.gone(ctx)
}

func (q queue) gone(ctx context.Context) error {
	for range looks {
		found, err := q.find(ctx, q.name)
		if err != nil || found == nil {
			return err
		}
		if err := q.sleep(ctx, lookEvery); err != nil {
			return err
		}
	}
	return ui.WithHint(fmt.Errorf("not gone after %s", looks*lookEvery), "run the same command again")
}
