package batch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/local/batch"
)

type batchOptions = batch.Options

const linkedRole = "arn:aws:iam::123456789012:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"

// roles are the names of the roles and instance profiles that there are.
type roles map[string]bool

func (r roles) RoleSince(arn string) (time.Time, bool) {
	return time.Time{}, r[arn[strings.LastIndex(arn, "/")+1:]]
}
func (r roles) InstanceProfileSince(arn string) (time.Time, bool) { return r.RoleSince(arn) }
func (r roles) ServiceLinkedRole() (string, error) {
	r["AWSServiceRoleForBatch"] = true
	return linkedRole, nil
}

func (w *world) described(name string) *types.ComputeEnvironmentDetail {
	w.t.Helper()
	out, err := w.DescribeComputeEnvironments(w.t.Context(), &sdk.DescribeComputeEnvironmentsInput{ComputeEnvironments: []string{name}})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(out.ComputeEnvironments) == 0 {
		return nil
	}
	return &out.ComputeEnvironments[0]
}

func TestEnvironmentTurnsValidOrInvalidByItsRoles(t *testing.T) { // B19, B24
	const settle = 5 * time.Second
	tests := map[string]struct {
		there  roles
		change func(*sdk.CreateComputeEnvironmentInput)
		status types.CEStatus
		reason string
	}{
		"all there":           {roles{"service": true, "profile": true}, nil, types.CEStatusValid, "ComputeEnvironment Healthy"},
		"no service role":     {roles{"profile": true}, nil, types.CEStatusInvalid, "CLIENT_ERROR - Not authorized to perform sts:AssumeRole"},
		"no instance profile": {roles{"service": true}, nil, types.CEStatusInvalid, "CLIENT_ERROR - Instance profile"},
		"service-linked role": {roles{"profile": true}, func(in *sdk.CreateComputeEnvironmentInput) { in.ServiceRole = nil }, types.CEStatusValid, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *batchOptions) { o.Roles, o.Settle = tt.there, settle })
			w.environment("e", tt.change)
			if got := w.described("e").Status; got != types.CEStatusCreating {
				t.Errorf("at first it is %s", got)
			}
			w.clock.Advance(settle)
			got := w.described("e")
			if got.Status != tt.status || !strings.HasPrefix(aws.ToString(got.StatusReason), tt.reason) {
				t.Errorf("it is %s (%s), want %s (%s)", got.Status, aws.ToString(got.StatusReason), tt.status, tt.reason)
			}
			if name == "service-linked role" && aws.ToString(got.ServiceRole) != linkedRole {
				t.Errorf("service role %q", aws.ToString(got.ServiceRole))
			}
		})
	}
}

// templates are the names of launch templates that there are.
type templates map[string]bool

func (t templates) LaunchTemplate(_, name, _ string) bool { return t[name] }

func TestLaunchTemplateComesAndGoes(t *testing.T) { // B31
	w := newWorld(t, func(o *batchOptions) { o.Templates = templates{"disk": true} })
	w.environment("e", func(in *sdk.CreateComputeEnvironmentInput) {
		in.ServiceRole, in.ComputeResources.AllocationStrategy = aws.String(linkedRole), types.CRAllocationStrategyBestFitProgressive
	})
	update := func(id, name string) error {
		_, err := w.UpdateComputeEnvironment(t.Context(), &sdk.UpdateComputeEnvironmentInput{ComputeEnvironment: aws.String("e"),
			ComputeResources: &types.ComputeResourceUpdate{LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateId: &id, LaunchTemplateName: &name}}})
		return err
	}
	wantRefusal(t, update("lt-1", "disk"), "either launchTemplateId or launchTemplateName")
	if err := update("", "disk"); err != nil || aws.ToString(w.described("e").ComputeResources.LaunchTemplate.LaunchTemplateName) != "disk" {
		t.Errorf("%v, template %+v", err, w.described("e").ComputeResources.LaunchTemplate)
	}
	if err := update("", ""); err != nil || w.described("e").ComputeResources.LaunchTemplate != nil {
		t.Errorf("%v, template %+v", err, w.described("e").ComputeResources.LaunchTemplate)
	}
}

func TestInvalidEnvironmentRecoversByAnUpdate(t *testing.T) {
	there := roles{"profile": true}
	w := newWorld(t, func(o *batchOptions) { o.Roles = there })
	w.environment("e", nil)
	there["service"] = true
	if _, err := w.UpdateComputeEnvironment(t.Context(), &sdk.UpdateComputeEnvironmentInput{ComputeEnvironment: aws.String("e")}); err != nil {
		t.Fatal(err)
	}
	if got := w.described("e").Status; got != types.CEStatusValid {
		t.Errorf("it is %s", got)
	}
}

func TestDeleteOrder(t *testing.T) { // B21
	const settle = time.Minute
	w := newWorld(t, func(o *batchOptions) { o.Settle = settle })
	w.environment("ce", nil)
	w.clock.Advance(settle)
	w.queue("q", "ce")
	w.clock.Advance(settle)
	deleteEnvironment := func() error {
		_, err := w.DeleteComputeEnvironment(t.Context(), &sdk.DeleteComputeEnvironmentInput{ComputeEnvironment: aws.String("ce")})
		return err
	}
	deleteQueue := func() error {
		_, err := w.DeleteJobQueue(t.Context(), &sdk.DeleteJobQueueInput{JobQueue: aws.String("q")})
		return err
	}
	wantRefusal(t, deleteEnvironment(), "state must be DISABLED")
	wantRefusal(t, deleteQueue(), "state must be DISABLED")
	if _, err := w.UpdateComputeEnvironment(t.Context(), &sdk.UpdateComputeEnvironmentInput{ComputeEnvironment: aws.String("ce"), State: types.CEStateDisabled}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.UpdateJobQueue(t.Context(), &sdk.UpdateJobQueueInput{JobQueue: aws.String("q"), State: types.JQStateDisabled}); err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, deleteQueue(), "being modified")
	wantRefusal(t, deleteEnvironment(), "being modified")
	w.clock.Advance(settle)
	wantRefusal(t, deleteEnvironment(), "found existing JobQueue relationship")
	wantRefusal(t, deleteQueue(), "")
	wantRefusal(t, deleteEnvironment(), "found existing JobQueue relationship")
	queues, err := w.DescribeJobQueues(t.Context(), &sdk.DescribeJobQueuesInput{JobQueues: []string{"q"}})
	if err != nil || len(queues.JobQueues) != 1 || queues.JobQueues[0].Status != types.JQStatusDeleting {
		t.Errorf("while it is deleted: %v, %v", queues, err)
	}
	w.clock.Advance(settle)
	wantRefusal(t, deleteEnvironment(), "")
	if got := w.described("ce").Status; got != types.CEStatusDeleting {
		t.Errorf("while it is deleted: %s", got)
	}
	w.clock.Advance(settle)
	if got := w.described("ce"); got != nil {
		t.Errorf("it is still there: %v", got)
	}
}

func TestEnvironmentUpdates(t *testing.T) { // B22
	scaling := &types.ComputeResourceUpdate{MaxvCpus: aws.Int32(32)}
	infrastructure := &types.ComputeResourceUpdate{InstanceTypes: []string{"m5"}}
	linked := func(in *sdk.CreateComputeEnvironmentInput) {
		in.ServiceRole = aws.String(linkedRole)
		in.ComputeResources.AllocationStrategy = types.CRAllocationStrategyBestFitProgressive
	}
	tests := map[string]struct {
		in     *sdk.CreateComputeEnvironmentInput
		change func(*sdk.CreateComputeEnvironmentInput)
		update *types.ComputeResourceUpdate
		want   string
	}{
		"scaling with any role":               {environmentInput("e"), nil, scaling, ""},
		"infrastructure with an own role":     {environmentInput("e"), nil, infrastructure, "service-linked role"},
		"infrastructure with the linked role": {environmentInput("e"), linked, infrastructure, ""},
		"infrastructure with BEST_FIT": {environmentInput("e"), func(in *sdk.CreateComputeEnvironmentInput) { in.ServiceRole = aws.String(linkedRole) },
			infrastructure, "BEST_FIT"},
		"no vCPUs":                {environmentInput("e"), nil, &types.ComputeResourceUpdate{MaxvCpus: aws.Int32(0)}, "maxvCpus must be at least 1"},
		"Fargate: subnets":        {fargateInput("e"), nil, &types.ComputeResourceUpdate{Subnets: []string{"subnet-2"}}, ""},
		"Fargate: instance types": {fargateInput("e"), nil, infrastructure, "Fargate"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			if tt.change != nil {
				tt.change(tt.in)
			}
			if _, err := w.CreateComputeEnvironment(t.Context(), tt.in); err != nil {
				t.Fatal(err)
			}
			_, err := w.UpdateComputeEnvironment(t.Context(), &sdk.UpdateComputeEnvironmentInput{ComputeEnvironment: aws.String("e"), ComputeResources: tt.update})
			wantRefusal(t, err, tt.want)
			if tt.want == "" && tt.update == scaling && *w.described("e").ComputeResources.MaxvCpus != 32 {
				t.Error("the update was not applied")
			}
		})
	}
}
