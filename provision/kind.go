package provision

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/project"
)

// capacity is what one compute environment of a stack starts.
type capacity struct {
	suffix string // of the environment's name, before its hash: a stack may have two
	kind   batchtypes.CRType
}

// capacities are those of the stack's kind of compute, in the order in which the queue tries them: spot instances before those on demand.
func (s Spec) capacities() []capacity {
	if s.kind() == project.Spot {
		return []capacity{{"-spot", batchtypes.CRTypeSpot}, {"", batchtypes.CRTypeEc2}}
	}
	return []capacity{{"", batchtypes.CRType(s.kind())}}
}

func (s Spec) kind() string { return cmp.Or(s.Compute.Type, project.EC2) }

func (c capacity) onFargate() bool { return project.OnFargate(string(c.kind)) }

// strategy is how Batch chooses instances. With those for spot it needs no fleet role: ComputeResource.spotIamFleetRole of the Batch API reference.
func (s Spec) strategy(c capacity) batchtypes.CRAllocationStrategy {
	if c.kind == batchtypes.CRTypeSpot {
		return cmp.Or(batchtypes.CRAllocationStrategy(s.Compute.Strategy), batchtypes.CRAllocationStrategySpotPriceCapacityOptimized)
	}
	return batchtypes.CRAllocationStrategyBestFitProgressive
}

// arch is the processor architecture of the stack's instances, "" on Fargate, where each job definition says its own.
func (s Spec) arch() string {
	switch {
	case s.onFargate():
		return ""
	case s.Platform == project.ARM64:
		return "arm64"
	}
	return "x86_64"
}

// queueName ends in a hash of what cannot be changed of a queue: whether its jobs are for Fargate, and their architecture.
func (s Spec) queueName() string {
	class := project.EC2
	if s.onFargate() {
		class = project.Fargate
	}
	return s.fixedName("", class, s.arch())
}

// environmentName ends in a hash of what Batch cannot change of an environment, its kind and architecture, and of what the settings say that it would replace
// instances for: that takes Batch's own service role, and jobs would be given a time to end in.
// https://docs.aws.amazon.com/batch/latest/userguide/updating-compute-environments.html
func (s Spec) environmentName(c capacity) string {
	fixed := []string{string(c.kind), s.arch()}
	if c.onFargate() {
		return s.fixedName(c.suffix, fixed...)
	}
	profile := lastPart(s.Existing.InstanceProfile)
	lists := [][]string{s.Compute.InstanceTypes, s.Existing.Subnets, s.Existing.SecurityGroups}
	if s.Existing.ServiceRole != "" || profile+s.Compute.Strategy != "" || len(slices.Concat(lists...)) > 0 {
		fixed = append(fixed, strings.Join(union([]string{profile, string(s.strategy(c))}, nil), ","))
		for _, list := range lists {
			fixed = append(fixed, strings.Join(union(list, nil), ","))
		}
	}
	if template := s.templateName(); template != "" {
		fixed = append(fixed, template)
	}
	for _, t := range sorted(s.OwnTags) {
		fixed = append(fixed, t.key, t.value)
	}
	return s.fixedName(c.suffix, fixed...)
}

// fixedName is a name of the stack's with a hash of what AWS cannot change of the resource that has it: with another value it is another resource.
func (s Spec) fixedName(suffix string, fixed ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(fixed, "\x00")))
	return s.Name + suffix + "-" + hex.EncodeToString(sum[:4])
}

// QueueName is the name of the job queue that a project's stack has, where its settings name none.
func QueueName(p project.Project) string {
	return Spec{Name: StackName(p), Platform: p.Settings.Image.Platform, Compute: p.Settings.Compute}.queueName()
}
