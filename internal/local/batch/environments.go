package batch

import (
	"crypto/rand"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

func (s *Service) createEnvironment(in *batch.CreateComputeEnvironmentInput) (*batch.CreateComputeEnvironmentOutput, error) {
	name := aws.ToString(in.ComputeEnvironmentName)
	if err := checkName("compute environment", name); err != nil {
		return nil, err
	}
	if s.envs[name] != nil {
		return nil, refuse("Object already exists: compute environment %s", name)
	}
	if len(s.envs) >= maxEnvironments { // B06
		return nil, refuse("limit of %d compute environments reached", maxEnvironments)
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	if err := checkEnvironment(in); err != nil {
		return nil, err
	}
	e := s.newEnvironment(name, in)
	if err := s.giveServiceRole(e); err != nil {
		return nil, err
	}
	s.envs[name] = e
	s.settle(e, types.CEStatusCreating)
	return &batch.CreateComputeEnvironmentOutput{ComputeEnvironmentArn: e.ComputeEnvironmentArn, ComputeEnvironmentName: &name}, nil
}

func (s *Service) newEnvironment(name string, in *batch.CreateComputeEnvironmentInput) *types.ComputeEnvironmentDetail {
	id := strings.ToLower(rand.Text())
	e := &types.ComputeEnvironmentDetail{
		ComputeEnvironmentName:     &name,
		ComputeEnvironmentArn:      aws.String(s.arn("compute-environment", name)),
		EcsClusterArn:              aws.String("arn:aws:ecs:" + s.Region + ":" + s.Account + ":cluster/AWSBatch-" + name + "-" + id),
		Uuid:                       &id,
		Type:                       in.Type,
		State:                      in.State,
		ServiceRole:                in.ServiceRole,
		ComputeResources:           in.ComputeResources,
		UnmanagedvCpus:             in.UnmanagedvCpus,
		ContainerOrchestrationType: types.OrchestrationTypeEcs,
		Tags:                       in.Tags,
	}
	if e.State == "" {
		e.State = types.CEStateEnabled
	}
	if e.Tags == nil {
		e.Tags = map[string]string{}
	}
	if r := e.ComputeResources; r != nil && !onFargate(r.Type) {
		r.MinvCpus = orZero(r.MinvCpus)
		r.DesiredvCpus = orZero(r.DesiredvCpus)
	}
	return e
}

func orZero(n *int32) *int32 { return aws.Int32(aws.ToInt32(n)) }

// giveServiceRole: without a role the service's own is taken, and made. B24 (API: CreateComputeEnvironmentRequest.serviceRole).
func (s *Service) giveServiceRole(e *types.ComputeEnvironmentDetail) error {
	if aws.ToString(e.ServiceRole) != "" || s.Roles == nil {
		return nil
	}
	arn, err := s.Roles.ServiceLinkedRole()
	e.ServiceRole = &arn
	return err
}

// settle lets an environment be in a passing status for a while; then its roles decide.
func (s *Service) settle(e *types.ComputeEnvironmentDetail, status types.CEStatus) {
	e.Status, e.StatusReason = status, nil
	s.dirty.resources = true
	s.later(s.Settle, func() {
		if e.Status != status {
			return
		}
		s.dirty.resources = true
		e.Status, e.StatusReason = types.CEStatusValid, aws.String("ComputeEnvironment Healthy")
		if reason := s.invalid(e); reason != "" {
			e.Status, e.StatusReason = types.CEStatusInvalid, &reason
		}
	})
}

// invalid tells why an environment can't work. B19 (troubleshooting page of the user guide; hashicorp/terraform-provider-aws#37945, #8550).
func (s *Service) invalid(e *types.ComputeEnvironmentDetail) string {
	if s.Roles == nil {
		return ""
	}
	if !s.roleExists(aws.ToString(e.ServiceRole)) {
		return "CLIENT_ERROR - Not authorized to perform sts:AssumeRole (Service: AWSSecurityTokenService; Status Code: 403; Error Code: AccessDenied; Request ID: " + rand.Text() + ")"
	}
	if r := e.ComputeResources; r != nil && !onFargate(r.Type) {
		if _, ok := s.Roles.InstanceProfileSince(aws.ToString(r.InstanceRole)); !ok {
			return "CLIENT_ERROR - Instance profile " + aws.ToString(r.InstanceRole) + " does not exist"
		}
	}
	return ""
}

func (s *Service) roleExists(arn string) bool {
	_, ok := s.Roles.RoleSince(arn)
	return ok
}

func (s *Service) describeEnvironments(in *batch.DescribeComputeEnvironmentsInput) (*batch.DescribeComputeEnvironmentsOutput, error) {
	wanted := make(map[string]bool, len(in.ComputeEnvironments))
	for _, ref := range in.ComputeEnvironments {
		wanted[s.nameOf("compute-environment", ref)] = true
	}
	list := []types.ComputeEnvironmentDetail{}
	for _, name := range slices.Sorted(maps.Keys(s.envs)) {
		if len(wanted) == 0 || wanted[name] {
			list = append(list, copyEnvironment(s.envs[name]))
		}
	}
	list, next, err := page(list, in.NextToken, in.MaxResults, maxDescribed)
	return &batch.DescribeComputeEnvironmentsOutput{ComputeEnvironments: list, NextToken: next}, err
}

func copyEnvironment(e *types.ComputeEnvironmentDetail) types.ComputeEnvironmentDetail {
	c := *e
	c.Tags = maps.Clone(e.Tags)
	if e.ComputeResources != nil {
		r := *e.ComputeResources
		c.ComputeResources = &r
	}
	return c
}

func (s *Service) environment(ref string) (*types.ComputeEnvironmentDetail, error) {
	e := s.envs[s.nameOf("compute-environment", ref)]
	if e == nil {
		return nil, refuse("compute environment %s does not exist", ref)
	}
	return e, nil
}

func (s *Service) deleteEnvironment(in *batch.DeleteComputeEnvironmentInput) (*batch.DeleteComputeEnvironmentOutput, error) {
	e, err := s.environment(aws.ToString(in.ComputeEnvironment))
	if err != nil {
		return nil, err
	}
	if e.Status == types.CEStatusDeleting {
		return &batch.DeleteComputeEnvironmentOutput{}, nil
	}
	// B21 (API: DeleteComputeEnvironment).
	if e.State != types.CEStateDisabled {
		return nil, refuse("Cannot delete, state must be DISABLED")
	}
	if changing(string(e.Status)) {
		return nil, refuse("Cannot delete, resource is being modified")
	}
	// B21: also while the queue is still DELETING (hashicorp/terraform-provider-aws#2044, #46925).
	for _, q := range s.queues {
		if q.uses(e) {
			return nil, refuse("Cannot delete, found existing JobQueue relationship")
		}
	}
	e.Status, s.dirty.resources = types.CEStatusDeleting, true
	s.later(s.Settle, func() {
		delete(s.envs, aws.ToString(e.ComputeEnvironmentName))
		s.dirty.resources = true
	})
	return &batch.DeleteComputeEnvironmentOutput{}, nil
}

// changing tells the statuses in which neither an environment nor a queue can be changed.
func changing(status string) bool {
	return status == "CREATING" || status == "UPDATING" || status == "DELETING"
}
