package batch

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

const active, inactive = "ACTIVE", "INACTIVE"

func (s *Service) registerDefinition(in *batch.RegisterJobDefinitionInput) (*batch.RegisterJobDefinitionOutput, error) {
	name, fargate := aws.ToString(in.JobDefinitionName), slices.Contains(in.PlatformCapabilities, types.PlatformCapabilityFargate)
	foreign := given(in, "EcsProperties", "EksProperties", "NodeProperties", "ConsumableResourceProperties", "SchedulingPriority", "Parameters")
	err := s.judge(append(newcomer("job definition", name, in.Tags),
		when(plain, in.Type != types.JobDefinitionTypeContainer, "type %q: the embedded Batch offers container", in.Type),
		when(plain, foreign != "", "%s is not offered by the embedded Batch", foreign),
		when(plain, in.ContainerProperties == nil, "containerProperties must be provided for a container job definition"))...)
	if err == nil {
		err = s.judge(append(attemptRules(in.RetryStrategy, in.Timeout), containerRules(in.ContainerProperties, fargate)...)...)
	}
	if err != nil {
		return nil, err
	}
	// A revision owes nothing to the one before (API: RegisterJobDefinition).
	revision := int32(len(s.Defs[name]) + 1)
	d := &types.JobDefinition{
		JobDefinitionArn:           aws.String(s.arn("job-definition", fmt.Sprintf("%s:%d", name, revision))),
		Revision:                   &revision,
		Status:                     aws.String(active),
		Type:                       aws.String(string(in.Type)),
		ContainerOrchestrationType: types.OrchestrationTypeEcs,
		PlatformCapabilities:       []types.PlatformCapability{types.PlatformCapabilityEc2},
	}
	assign(d, in)
	fill(d)
	fill(d.ContainerProperties)
	s.Defs[name], s.changed = append(s.Defs[name], d), true
	return &batch.RegisterJobDefinitionOutput{JobDefinitionArn: d.JobDefinitionArn, JobDefinitionName: &name, Revision: &revision}, nil
}

func (s *Service) deregisterDefinition(in *batch.DeregisterJobDefinitionInput) (*batch.DeregisterJobDefinitionOutput, error) {
	name, revision, err := splitRevision(s.nameOf("job-definition", aws.ToString(in.JobDefinition)))
	if err != nil || revision == 0 || revision > len(s.Defs[name]) {
		return nil, refuse("job definition %s does not exist; the call needs name:revision or an ARN with a revision", aws.ToString(in.JobDefinition))
	}
	s.Defs[name][revision-1].Status, s.changed = aws.String(inactive), true
	return &batch.DeregisterJobDefinitionOutput{}, nil
}

// splitRevision cuts name:revision; revision 0 stands for none.
func splitRevision(ref string) (name string, revision int, err error) {
	name, number, found := strings.Cut(ref, ":")
	if !found {
		return name, 0, nil
	}
	if revision, err = strconv.Atoi(number); err != nil || revision < 1 {
		return "", 0, refuse("job definition %q: the revision is not a number from 1", ref)
	}
	return name, revision, nil
}

func (s *Service) describeDefinitions(in *batch.DescribeJobDefinitionsInput) (*batch.DescribeJobDefinitionsOutput, error) {
	refs, status := in.JobDefinitions, aws.ToString(in.Status)
	err := s.judge(
		when(plain, len(refs) > 100, "jobDefinitions: up to 100 entries"),
		when(plain, len(refs) > 0 && given(in, "JobDefinitionName", "MaxResults", "NextToken") != "", "jobDefinitions can't be used with other parameters"),
		when(plain, status != "" && status != active && status != inactive, "status %q is neither ACTIVE nor INACTIVE", status))
	if err != nil {
		return nil, err
	}
	if in.JobDefinitionName != nil {
		refs = []string{*in.JobDefinitionName}
	}
	if len(refs) == 0 {
		refs = slices.Sorted(maps.Keys(s.Defs))
	}
	list := []types.JobDefinition{}
	for _, ref := range refs {
		found, err := s.revisions(ref)
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			if status == "" || status == aws.ToString(d.Status) {
				list = append(list, *d)
			}
		}
	}
	list, next, err := page(list, in.NextToken, in.MaxResults)
	return &batch.DescribeJobDefinitionsOutput{JobDefinitions: list, NextToken: next}, err
}

// revisions lists what a reference stands for, the newest first.
func (s *Service) revisions(ref string) ([]*types.JobDefinition, error) {
	name, revision, err := splitRevision(s.nameOf("job-definition", ref))
	all := s.Defs[name]
	if err != nil || revision > len(all) {
		return nil, err
	}
	if revision > 0 {
		return all[revision-1 : revision], nil
	}
	all = slices.Clone(all)
	slices.Reverse(all)
	return all, nil
}

// definition is the one that a job is to have. B07.
func (s *Service) definition(ref string) (*types.JobDefinition, error) {
	found, err := s.revisions(ref)
	if err != nil {
		return nil, err
	}
	for _, d := range found {
		if aws.ToString(d.Status) == active || s.off["B07"] {
			return d, nil
		}
	}
	return nil, refuse("job definition %s does not exist or has no ACTIVE revision", ref)
}
