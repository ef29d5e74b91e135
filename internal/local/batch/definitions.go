package batch

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

const active, inactive = "ACTIVE", "INACTIVE"

func (s *Service) registerDefinition(in *batch.RegisterJobDefinitionInput) (*batch.RegisterJobDefinitionOutput, error) {
	name := aws.ToString(in.JobDefinitionName)
	if err := checkName("job definition", name); err != nil {
		return nil, err
	}
	if err := checkDefinition(in); err != nil {
		return nil, err
	}
	// A revision owes nothing to the one before (API: RegisterJobDefinition).
	revision := int32(len(s.defs[name]) + 1)
	d := &types.JobDefinition{
		JobDefinitionName:          &name,
		JobDefinitionArn:           aws.String(s.arn("job-definition", nameRevision(name, revision))),
		Revision:                   &revision,
		Status:                     aws.String(active),
		Type:                       aws.String(string(in.Type)),
		ContainerProperties:        in.ContainerProperties,
		ContainerOrchestrationType: types.OrchestrationTypeEcs,
		Parameters:                 in.Parameters,
		PlatformCapabilities:       in.PlatformCapabilities,
		PropagateTags:              in.PropagateTags,
		RetryStrategy:              in.RetryStrategy,
		SchedulingPriority:         in.SchedulingPriority,
		Tags:                       in.Tags,
		Timeout:                    in.Timeout,
	}
	if d.PlatformCapabilities == nil {
		d.PlatformCapabilities = []types.PlatformCapability{types.PlatformCapabilityEc2}
	}
	if d.Tags == nil {
		d.Tags = map[string]string{}
	}
	s.defs[name] = append(s.defs[name], d)
	s.dirty.resources = true
	return &batch.RegisterJobDefinitionOutput{JobDefinitionArn: d.JobDefinitionArn, JobDefinitionName: &name, Revision: &revision}, nil
}

func (s *Service) deregisterDefinition(in *batch.DeregisterJobDefinitionInput) (*batch.DeregisterJobDefinitionOutput, error) {
	ref := aws.ToString(in.JobDefinition)
	name, revision, err := splitRevision(s.nameOf("job-definition", ref))
	if err != nil {
		return nil, err
	}
	if revision == 0 || revision > len(s.defs[name]) {
		return nil, refuse("job definition %s does not exist; the call needs name:revision or an ARN with a revision", ref)
	}
	s.defs[name][revision-1].Status = aws.String(inactive)
	s.dirty.resources = true
	return &batch.DeregisterJobDefinitionOutput{}, nil
}

func (s *Service) describeDefinitions(in *batch.DescribeJobDefinitionsInput) (*batch.DescribeJobDefinitionsOutput, error) {
	if len(in.JobDefinitions) > maxDescribed {
		return nil, refuse("jobDefinitions: up to %d entries", maxDescribed)
	}
	if len(in.JobDefinitions) > 0 && (in.JobDefinitionName != nil || in.MaxResults != nil || in.NextToken != nil) {
		return nil, refuse("jobDefinitions can't be used with other parameters")
	}
	if st := aws.ToString(in.Status); st != "" && st != active && st != inactive {
		return nil, refuse("status %q is neither ACTIVE nor INACTIVE", st)
	}
	found, err := s.findDefinitions(in)
	if err != nil {
		return nil, err
	}
	list := []types.JobDefinition{}
	for _, d := range found {
		if in.Status == nil || *in.Status == aws.ToString(d.Status) {
			c := *d
			c.Tags = maps.Clone(d.Tags)
			list = append(list, c)
		}
	}
	list, next, err := page(list, in.NextToken, in.MaxResults, maxDescribed)
	return &batch.DescribeJobDefinitionsOutput{JobDefinitions: list, NextToken: next}, err
}

// findDefinitions lists the revisions that a request names, the newest of a name first.
func (s *Service) findDefinitions(in *batch.DescribeJobDefinitionsInput) ([]*types.JobDefinition, error) {
	var found []*types.JobDefinition
	if len(in.JobDefinitions) > 0 {
		for _, ref := range in.JobDefinitions {
			name, revision, err := splitRevision(s.nameOf("job-definition", ref))
			switch {
			case err != nil:
				return nil, err
			case revision == 0:
				found = append(found, newestFirst(s.defs[name])...)
			case revision <= len(s.defs[name]):
				found = append(found, s.defs[name][revision-1])
			}
		}
		return found, nil
	}
	names := slices.Sorted(maps.Keys(s.defs))
	if in.JobDefinitionName != nil {
		names = []string{s.nameOf("job-definition", *in.JobDefinitionName)}
	}
	for _, name := range names {
		found = append(found, newestFirst(s.defs[name])...)
	}
	return found, nil
}

func newestFirst(revisions []*types.JobDefinition) []*types.JobDefinition {
	r := slices.Clone(revisions)
	slices.Reverse(r)
	return r
}

// definition resolves a reference: without a revision it is the latest ACTIVE one. B07 (API: SubmitJobRequest.jobDefinition).
func (s *Service) definition(ref string) (*types.JobDefinition, error) {
	name, revision, err := splitRevision(s.nameOf("job-definition", ref))
	if err != nil {
		return nil, err
	}
	if revision > len(s.defs[name]) {
		return nil, refuse("job definition %s does not exist", ref)
	}
	if revision > 0 {
		if d := s.defs[name][revision-1]; aws.ToString(d.Status) == active {
			return d, nil
		}
		return nil, refuse("job definition %s is INACTIVE", ref)
	}
	for _, d := range newestFirst(s.defs[name]) {
		if aws.ToString(d.Status) == active {
			return d, nil
		}
	}
	return nil, refuse("job definition %s does not exist or has no ACTIVE revision", ref)
}
