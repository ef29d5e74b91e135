package provision

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// slowBatch makes compute environments that are INVALID until the roles have spread, and takes its time over each status.
type slowBatch struct {
	Definitions
	jobs
	queues
	tagging
	now     time.Duration
	spread  time.Duration // when roles are known
	reason  string
	held    bool // a queue holds the environment
	env     *batchtypes.ComputeEnvironmentDetail
	created int
	updated int
}

func (b *slowBatch) sleep(_ context.Context, d time.Duration) error {
	b.now += d
	if b.env != nil && b.env.Status == batchtypes.CEStatusDeleting {
		b.env = nil
	}
	return nil
}

func (b *slowBatch) settle() {
	b.env.Status, b.env.StatusReason = batchtypes.CEStatusValid, nil
	if b.now < b.spread {
		b.env.Status, b.env.StatusReason = batchtypes.CEStatusInvalid, &b.reason
	}
}

func (b *slowBatch) DescribeComputeEnvironments(context.Context, *batch.DescribeComputeEnvironmentsInput, ...func(*batch.Options)) (*batch.DescribeComputeEnvironmentsOutput, error) {
	out := &batch.DescribeComputeEnvironmentsOutput{}
	if b.env != nil {
		out.ComputeEnvironments = append(out.ComputeEnvironments, *b.env)
	}
	return out, nil
}

func (b *slowBatch) DescribeJobQueues(context.Context, *batch.DescribeJobQueuesInput, ...func(*batch.Options)) (*batch.DescribeJobQueuesOutput, error) {
	return &batch.DescribeJobQueuesOutput{}, nil
}

func (b *slowBatch) CreateComputeEnvironment(_ context.Context, in *batch.CreateComputeEnvironmentInput, _ ...func(*batch.Options)) (*batch.CreateComputeEnvironmentOutput, error) {
	b.created++
	b.env = &batchtypes.ComputeEnvironmentDetail{ComputeEnvironmentArn: aws.String("arn:env"), ComputeEnvironmentName: in.ComputeEnvironmentName,
		ComputeResources: in.ComputeResources, ServiceRole: in.ServiceRole, State: in.State, Tags: in.Tags}
	b.settle()
	return &batch.CreateComputeEnvironmentOutput{ComputeEnvironmentArn: b.env.ComputeEnvironmentArn}, nil
}

func (b *slowBatch) UpdateComputeEnvironment(_ context.Context, in *batch.UpdateComputeEnvironmentInput, _ ...func(*batch.Options)) (*batch.UpdateComputeEnvironmentOutput, error) {
	if in.State != "" {
		b.env.State = in.State
	}
	if in.ComputeResources != nil {
		b.updated++
		b.env.ComputeResources.MaxvCpus = in.ComputeResources.MaxvCpus
	}
	b.settle()
	return &batch.UpdateComputeEnvironmentOutput{}, nil
}

func (b *slowBatch) DeleteComputeEnvironment(context.Context, *batch.DeleteComputeEnvironmentInput, ...func(*batch.Options)) (*batch.DeleteComputeEnvironmentOutput, error) {
	if b.held {
		return nil, errors.New("ClientException: Cannot delete, found existing JobQueue relationship")
	}
	b.env.Status = batchtypes.CEStatusDeleting
	return &batch.DeleteComputeEnvironmentOutput{}, nil
}

func (b *slowBatch) environment(t *testing.T) environment {
	s := testSpec(t)
	return environment{Clients: Clients{Batch: b, Sleep: b.sleep}, spec: s, capacity: s.capacities()[0], serviceRole: "arn:aws:iam::1:role" + servicePath + "AWSServiceRoleForBatch", instanceProfile: "arn:profile",
		subnets: []string{"subnet-1"}, groups: []string{"sg-1"}}
}

const notAuthorized = "CLIENT_ERROR - User: arn:aws:sts::1:assumed-role/x is not authorized to perform: ecs:DescribeClusters"

func TestEnvironmentIsMadeAgainUntilRolesAreKnown(t *testing.T) {
	b := &slowBatch{spread: 25 * time.Second, reason: notAuthorized}
	r, err := converge(t.Context(), b.environment(t), &steps{})
	if err != nil {
		t.Fatal(err)
	}
	if r.State != Created || r.ARN != "arn:env" || b.env.Status != batchtypes.CEStatusValid || b.created < 3 {
		t.Errorf("%+v, %s after %d creations", r, b.env.Status, b.created)
	}
}

func TestInvalidEnvironmentSaysWhy(t *testing.T) {
	tests := map[string]struct {
		reason  string
		created int // at most
		within  time.Duration
	}{
		"roles that are never known": {notAuthorized, 20, propagation + 2*time.Minute},
		"any other reason":           {"CLIENT_ERROR - The security group 'sg-1' does not exist", 1, time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := &slowBatch{spread: time.Hour, reason: test.reason}
			_, err := converge(t.Context(), b.environment(t), &steps{})
			if err == nil || !strings.Contains(err.Error(), test.reason) || ui.Hint(err) == "" {
				t.Errorf("error %v, hint %q", err, ui.Hint(err))
			}
			if b.created > test.created || b.now > test.within {
				t.Errorf("gave up after %d creations and %s", b.created, b.now)
			}
		})
	}
}

func TestInvalidEnvironmentIsRepaired(t *testing.T) {
	for name, held := range map[string]bool{"by itself": false, "held by a queue": true} {
		t.Run(name, func(t *testing.T) {
			b := &slowBatch{spread: time.Minute, reason: "CLIENT_ERROR - whatever"}
			if _, err := converge(t.Context(), b.environment(t), &steps{}); err == nil {
				t.Fatal("no error while the cause is there")
			}
			b.now, b.held = time.Minute, held
			r, err := converge(t.Context(), b.environment(t), &steps{})
			if err != nil || r.State != Updated && r.State != Created {
				t.Fatalf("%+v, %v", r, err)
			}
			if b.env.Status != batchtypes.CEStatusValid || b.env.State != batchtypes.CEStateEnabled {
				t.Errorf("environment is %s, %s", b.env.Status, b.env.State)
			}
		})
	}
}

func TestEnvironmentFollowsTheSettings(t *testing.T) {
	b := &slowBatch{}
	e := b.environment(t)
	var got []string
	for _, max := range []int{16, 16, 64, 64} {
		e.spec.Compute.MaxVCPUs = max
		r, err := converge(t.Context(), e, &steps{})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.State)
	}
	if diff := cmp.Diff([]string{Created, Unchanged, Updated, Unchanged}, got); diff != "" || b.updated != 1 {
		t.Errorf("%d updates; states (-want +got):\n%s", b.updated, diff)
	}
}
