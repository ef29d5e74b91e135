package provision

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/project"
)

// capacity is what one compute environment of a stack starts, and the environment's name, as a stack may have two.
type capacity struct {
	name string
	kind batchtypes.CRType
}

// capacities are those of the stack's kind of compute, in the order in which the queue tries them: spot instances before those on demand.
func (s Spec) capacities() []capacity {
	if s.kind() == project.Spot {
		return []capacity{s.spot(), {s.Name, batchtypes.CRTypeEc2}}
	}
	return []capacity{{s.Name, batchtypes.CRType(s.kind())}}
}

func (s Spec) spot() capacity { return capacity{s.Name + "-spot", batchtypes.CRTypeSpot} }

func (s Spec) kind() string { return cmp.Or(s.Compute.Type, project.EC2) }

func (c capacity) onFargate() bool { return project.OnFargate(string(c.kind)) }

// strategy is how Batch chooses instances. With that for spot it needs no fleet role: ComputeResource.spotIamFleetRole of the Batch API reference.
func (c capacity) strategy() batchtypes.CRAllocationStrategy {
	if c.kind == batchtypes.CRTypeSpot {
		return batchtypes.CRAllocationStrategySpotPriceCapacityOptimized
	}
	return batchtypes.CRAllocationStrategyBestFitProgressive
}

// checkKind refuses to make another kind of compute of a stack, before anything is changed: Batch changes no environment on Fargate, and others only by
// replacing what jobs run on. From EC2 to SPOT nothing has to change: the environment stays, and one with spot instances comes before it.
// https://docs.aws.amazon.com/batch/latest/userguide/updating-compute-environments.html
func (s Spec) checkKind(ctx context.Context, api environments) error {
	if !s.ownQueue() {
		return nil
	}
	wanted := map[string]batchtypes.CRType{}
	for _, c := range s.capacities() {
		wanted[c.name] = c.kind
	}
	out, err := api.DescribeComputeEnvironments(ctx, &batch.DescribeComputeEnvironmentsInput{ComputeEnvironments: []string{s.Name, s.spot().name}})
	if err != nil {
		return explain(KindEnvironment+" "+s.Name, err)
	}
	for _, e := range out.ComputeEnvironments {
		name, r := aws.ToString(e.ComputeEnvironmentName), e.ComputeResources
		leaving := e.Status == batchtypes.CEStatusDeleting || e.Status == batchtypes.CEStatusDeleted
		if leaving || !s.owns(e.Tags) || r == nil || r.Type == wanted[name] {
			continue
		}
		return &kindError{name, string(r.Type), s.kind()}
	}
	return nil
}

// kindError is a stack of another kind of compute than the settings want.
type kindError struct{ environment, is, wanted string }

func (e *kindError) Error() string {
	return fmt.Sprintf("%s %s is of the kind %s, and compute.type is %s: that cannot be changed in place", KindEnvironment, e.environment, e.is, e.wanted)
}

// Hint is the next step.
func (e *kindError) Hint() string {
	return "'kedroctl destroy' removes the stack and keeps data and images, then 'kedroctl deploy' makes it anew; or set compute.type back"
}
