package batch

import (
	"cmp"
	"maps"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

func checkOverrides(o *types.ContainerOverrides, fargate bool) error {
	if o == nil {
		return nil
	}
	switch {
	case fargate && o.Vcpus != nil: // B10
		return refuse("vcpus is not applicable for Fargate. Use resource requirements instead.")
	case fargate && o.Memory != nil:
		return refuse("memory is not applicable for Fargate. Use resource requirements instead.")
	}
	return checkRequirements(o.ResourceRequirements, fargate)
}

// container is what a job's container gets: the definition, the overrides over it, and parameters in place of Ref:: words.
func container(p *types.ContainerProperties, o *types.ContainerOverrides, parameters map[string]string) *types.ContainerDetail {
	o = cmp.Or(o, &types.ContainerOverrides{})
	c := &types.ContainerDetail{
		Command:                      p.Command,
		Environment:                  mergedEnvironment(p.Environment, o.Environment),
		EphemeralStorage:             p.EphemeralStorage,
		ExecutionRoleArn:             p.ExecutionRoleArn,
		FargatePlatformConfiguration: p.FargatePlatformConfiguration,
		Image:                        p.Image,
		InstanceType:                 cmp.Or(o.InstanceType, p.InstanceType),
		JobRoleArn:                   p.JobRoleArn,
		LinuxParameters:              p.LinuxParameters,
		LogConfiguration:             p.LogConfiguration,
		MountPoints:                  orEmpty(p.MountPoints),
		NetworkConfiguration:         p.NetworkConfiguration,
		Privileged:                   p.Privileged,
		ReadonlyRootFilesystem:       p.ReadonlyRootFilesystem,
		RepositoryCredentials:        p.RepositoryCredentials,
		ResourceRequirements:         mergedRequirements(p, o),
		RuntimePlatform:              p.RuntimePlatform,
		Secrets:                      p.Secrets,
		Ulimits:                      orEmpty(p.Ulimits),
		User:                         p.User,
		Volumes:                      orEmpty(p.Volumes),
		NetworkInterfaces:            []types.NetworkInterface{},
		Vcpus:                        p.Vcpus,
		Memory:                       p.Memory,
	}
	if o.Command != nil {
		c.Command = o.Command
	}
	c.Command = substituted(c.Command, parameters)
	return c
}

// mergedRequirements: those of a definition give way to those of the overrides alone, never to their vcpus and memory. B08 (API: SubmitJob).
func mergedRequirements(p *types.ContainerProperties, o *types.ContainerOverrides) []types.ResourceRequirement {
	list := slices.Clone(o.ResourceRequirements)
	for _, r := range p.ResourceRequirements {
		if !slices.ContainsFunc(o.ResourceRequirements, func(have types.ResourceRequirement) bool { return have.Type == r.Type }) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b types.ResourceRequirement) int { return cmp.Compare(a.Type, b.Type) })
	return orEmpty(list)
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// mergedEnvironment has the definition's variables, then what overrides change or add.
func mergedEnvironment(base, over []types.KeyValuePair) []types.KeyValuePair {
	list := slices.Clone(orEmpty(base))
	for _, kv := range over {
		i := slices.IndexFunc(list, func(have types.KeyValuePair) bool { return aws.ToString(have.Name) == aws.ToString(kv.Name) })
		if i < 0 {
			list = append(list, kv)
			continue
		}
		list[i] = kv
	}
	return list
}

func merged(base, over map[string]string) map[string]string {
	m := map[string]string{}
	maps.Copy(m, base)
	maps.Copy(m, over)
	return m
}

var parameter = regexp.MustCompile(`Ref::[A-Za-z0-9_-]+`)

// substituted puts parameters in place of Ref::name (job_definition_parameters page of the user guide); unknown names stay.
func substituted(command []string, parameters map[string]string) []string {
	out := make([]string, len(command))
	for i, word := range command {
		out[i] = parameter.ReplaceAllStringFunc(word, func(ref string) string {
			if value, ok := parameters[ref[len("Ref::"):]]; ok {
				return value
			}
			return ref
		})
	}
	return out
}
