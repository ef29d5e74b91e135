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

// ErrNotProvisioned means that a part of the stack is not there yet.
var ErrNotProvisioned = errors.New("not provisioned")

func notProvisioned(kind, name string) error {
	return ui.WithHint(fmt.Errorf("%s %s: %w", kind, name, ErrNotProvisioned), "run 'kedroctl provision' first")
}

// FindRepository gives the stack's repository and changes nothing. Without one, the error is ErrNotProvisioned.
func FindRepository(ctx context.Context, c Clients, s Spec) (Repository, error) {
	r := &repository{Clients: c, spec: s}
	found, err := r.find(ctx)
	if err != nil {
		return Repository{}, explain(KindRepository+" "+s.Repository, err)
	}
	if found == nil {
		return Repository{}, notProvisioned(KindRepository, s.Repository)
	}
	r.take(*found)
	return r.got, nil
}

// FindDefinition gives what Register needs of the stack, and changes nothing: the roles of jobs, the log group, which has to be there, and on Fargate what
// the network is like. Without one of them, the error is ErrNotProvisioned.
func FindDefinition(ctx context.Context, c Clients, s Spec) (Resources, error) {
	res := Resources{Region: s.Region, Bucket: s.Bucket, LogGroup: s.LogGroup}
	group, err := logGroup{c, s}.find(ctx)
	if err != nil {
		return res, explain(KindLogGroup+" "+s.LogGroup, err)
	}
	if group == nil {
		return res, notProvisioned(KindLogGroup, s.LogGroup)
	}
	name := s.JobRole
	if s.Existing.JobRole != "" {
		name = lastPart(s.Existing.JobRole)
	}
	if res.JobRole, err = roleARN(ctx, c, name); err != nil {
		return res, err
	}
	switch {
	case s.Existing.ExecutionRole != "":
		res.ExecutionRole, err = roleARN(ctx, c, lastPart(s.Existing.ExecutionRole))
	case s.needsExecutionRole():
		res.ExecutionRole, err = roleARN(ctx, c, s.ExecutionRole)
	}
	if err != nil || !s.onFargate() {
		return res, err
	}
	q := queue{Clients: c, spec: s}
	name = s.Compute.Queue
	if s.ownQueue() {
		found, err := q.current(ctx)
		if err != nil {
			return res, explain(KindQueue+" "+s.queueName(), err)
		}
		if found == nil {
			return res, notProvisioned(KindQueue, s.queueName())
		}
		name = aws.ToString(found.JobQueueName)
	}
	if res.PublicIP, err = q.public(ctx, name); err != nil {
		return res, explain("network of job queue "+name, err)
	}
	return res, nil
}

func roleARN(ctx context.Context, c Clients, name string) (string, error) {
	found, err := findRole(ctx, c.IAM, name)
	if err != nil {
		return "", explain(KindRole+" "+name, err)
	}
	if found == nil {
		return "", notProvisioned(KindRole, name)
	}
	return aws.ToString(found.Arn), nil
}

// CheckQueue sees that a job queue, by name or ARN, takes jobs and will run them: one that is INVALID or disabled lets them wait for ever.
func CheckQueue(ctx context.Context, api queues, queue string) error {
	out, err := api.DescribeJobQueues(ctx, &batch.DescribeJobQueuesInput{JobQueues: []string{queue}})
	if err != nil {
		return explain("job queue "+queue, err)
	}
	if len(out.JobQueues) == 0 {
		return ui.WithHint(fmt.Errorf("job queue %s: %w", lastPart(queue), ErrNotProvisioned), "'kedroctl deploy' makes the stack, and records its queue for new runs")
	}
	q := out.JobQueues[0]
	name := aws.ToString(q.JobQueueName)
	switch {
	case isRetired(q.Tags) && q.State == batchtypes.JQStateDisabled:
		return ui.WithHint(fmt.Errorf("job queue %s has retired: the stack has another one", name), "'kedroctl deploy' records that for new runs")
	case q.Status == batchtypes.JQStatusInvalid:
		return ui.WithHint(fmt.Errorf("job queue %s is INVALID: %s", name, aws.ToString(q.StatusReason)),
			"'kedroctl provision' says what is wrong with its compute environment, and mends what is kedroctl's own")
	case q.State == batchtypes.JQStateDisabled:
		return ui.WithHint(fmt.Errorf("job queue %s is disabled: jobs would wait for ever", name),
			"'kedroctl provision' enables kedroctl's own queue; others: 'aws batch update-job-queue --state ENABLED --job-queue "+name+"'")
	}
	return nil
}
