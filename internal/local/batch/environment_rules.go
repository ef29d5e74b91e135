package batch

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

func onFargate(t types.CRType) bool {
	return t == types.CRTypeFargate || t == types.CRTypeFargateSpot
}

func checkEnvironment(in *batch.CreateComputeEnvironmentInput) error {
	switch {
	case in.Type == "":
		return refuse("type is missing")
	case in.EksConfiguration != nil:
		return refuse("compute environments on EKS are not offered by the embedded Batch")
	case in.Type == types.CETypeUnmanaged && in.ComputeResources != nil:
		return refuse("computeResources must not be given for an unmanaged compute environment")
	case in.Type == types.CETypeUnmanaged:
		return nil
	case in.ComputeResources == nil:
		return refuse("computeResources must be provided for a MANAGED compute environment")
	}
	r := in.ComputeResources
	switch {
	case r.Type == "":
		return refuse("computeResources.type is missing")
	case aws.ToInt32(r.MaxvCpus) < 1:
		return refuse("computeResources.maxvCpus must be at least 1")
	case len(r.Subnets) == 0:
		return refuse("computeResources.subnets must name at least one subnet")
	case len(r.SecurityGroupIds) == 0 && r.LaunchTemplate == nil:
		return refuse("computeResources.securityGroupIds must name at least one security group")
	case onFargate(r.Type):
		return checkFargateEnvironment(r)
	}
	return checkInstances(r)
}

// checkInstances has what EC2 and Spot need (API: ComputeResource).
func checkInstances(r *types.ComputeResource) error {
	switch {
	case len(r.InstanceTypes) == 0:
		return refuse("computeResources.instanceTypes must name at least one instance type")
	case aws.ToString(r.InstanceRole) == "":
		return refuse("computeResources.instanceRole is required for %s compute environments", r.Type)
	case aws.ToInt32(r.MinvCpus) < 0 || aws.ToInt32(r.MinvCpus) > aws.ToInt32(r.MaxvCpus):
		return refuse("computeResources.minvCpus must be from 0 to maxvCpus")
	case aws.ToInt32(r.DesiredvCpus) > aws.ToInt32(r.MaxvCpus):
		return refuse("computeResources.desiredvCpus must be between minvCpus and maxvCpus")
	case r.Type == types.CRTypeSpot && bestFit(r.AllocationStrategy) && aws.ToString(r.SpotIamFleetRole) == "":
		return refuse("computeResources.spotIamFleetRole is required for SPOT compute environments with BEST_FIT")
	case strings.HasPrefix(string(r.AllocationStrategy), "SPOT_") && r.Type != types.CRTypeSpot:
		return refuse("allocation strategy %s is for SPOT compute environments", r.AllocationStrategy)
	}
	return nil
}

func bestFit(a types.CRAllocationStrategy) bool {
	return a == "" || a == types.CRAllocationStrategyBestFit
}

// checkFargateEnvironment: members that don't apply are refused. B10 (API: ComputeResource).
func checkFargateEnvironment(r *types.ComputeResource) error {
	foreign := map[string]bool{
		"minvCpus":           r.MinvCpus != nil,
		"desiredvCpus":       r.DesiredvCpus != nil,
		"instanceTypes":      r.InstanceTypes != nil,
		"imageId":            r.ImageId != nil,
		"ec2KeyPair":         r.Ec2KeyPair != nil,
		"ec2Configuration":   r.Ec2Configuration != nil,
		"instanceRole":       r.InstanceRole != nil,
		"tags":               r.Tags != nil,
		"placementGroup":     r.PlacementGroup != nil,
		"bidPercentage":      r.BidPercentage != nil,
		"spotIamFleetRole":   r.SpotIamFleetRole != nil,
		"launchTemplate":     r.LaunchTemplate != nil,
		"allocationStrategy": r.AllocationStrategy != "",
	}
	for member, given := range foreign {
		if given {
			return refuse("computeResources.%s is not applicable for Fargate", member)
		}
	}
	if len(r.Subnets) > maxSubnetsOnFargate {
		return refuse("computeResources.subnets: Fargate takes up to %d", maxSubnetsOnFargate)
	}
	if len(r.SecurityGroupIds) > maxGroupsOnFargate {
		return refuse("computeResources.securityGroupIds: Fargate takes up to %d", maxGroupsOnFargate)
	}
	return nil
}

func (s *Service) updateEnvironment(in *batch.UpdateComputeEnvironmentInput) (*batch.UpdateComputeEnvironmentOutput, error) {
	e, err := s.environment(aws.ToString(in.ComputeEnvironment))
	if err != nil {
		return nil, err
	}
	if changing(string(e.Status)) {
		return nil, refuse("Cannot update, resource is being modified")
	}
	if u := in.ComputeResources; u != nil {
		if e.ComputeResources == nil {
			return nil, refuse("computeResources must not be given for an unmanaged compute environment")
		}
		if err := checkUpdate(e, u); err != nil {
			return nil, err
		}
		applyUpdate(e.ComputeResources, u)
	}
	if in.ServiceRole != nil {
		e.ServiceRole = in.ServiceRole
	}
	if in.State != "" {
		e.State = in.State
	}
	s.settle(e, types.CEStatusUpdating)
	return &batch.UpdateComputeEnvironmentOutput{ComputeEnvironmentArn: e.ComputeEnvironmentArn, ComputeEnvironmentName: e.ComputeEnvironmentName}, nil
}

// checkUpdate tells scaling updates, which are always possible, from infrastructure updates. B22 (updating-compute-environments page of the user guide).
func checkUpdate(e *types.ComputeEnvironmentDetail, u *types.ComputeResourceUpdate) error {
	instances := u.InstanceTypes != nil || u.InstanceRole != nil || u.ImageId != nil || u.Ec2KeyPair != nil || u.Ec2Configuration != nil ||
		u.LaunchTemplate != nil || u.PlacementGroup != nil || u.BidPercentage != nil || u.AllocationStrategy != "" || u.Tags != nil || u.Type != "" ||
		u.UpdateToLatestImageVersion != nil
	switch {
	case onFargate(e.ComputeResources.Type) && (instances || u.MinvCpus != nil || u.DesiredvCpus != nil):
		return refuse("only subnets, securityGroupIds and maxvCpus of a Fargate compute environment can be updated")
	case onFargate(e.ComputeResources.Type), !instances && u.Subnets == nil && u.SecurityGroupIds == nil:
		return nil
	case !strings.Contains(aws.ToString(e.ServiceRole), "/aws-service-role/"):
		return refuse("an infrastructure update needs a compute environment with the service-linked role")
	case bestFit(e.ComputeResources.AllocationStrategy) && u.AllocationStrategy == "":
		return refuse("an infrastructure update needs an allocation strategy other than BEST_FIT")
	}
	return nil
}

func applyUpdate(r *types.ComputeResource, u *types.ComputeResourceUpdate) {
	set(&r.MinvCpus, u.MinvCpus)
	set(&r.MaxvCpus, u.MaxvCpus)
	set(&r.DesiredvCpus, u.DesiredvCpus)
	set(&r.InstanceRole, u.InstanceRole)
	set(&r.ImageId, u.ImageId)
	set(&r.Ec2KeyPair, u.Ec2KeyPair)
	set(&r.LaunchTemplate, u.LaunchTemplate)
	set(&r.PlacementGroup, u.PlacementGroup)
	set(&r.BidPercentage, u.BidPercentage)
	if u.AllocationStrategy != "" {
		r.AllocationStrategy = types.CRAllocationStrategy(u.AllocationStrategy)
	}
	if u.Type != "" {
		r.Type = u.Type
	}
	if u.InstanceTypes != nil {
		r.InstanceTypes = u.InstanceTypes
	}
	if u.Ec2Configuration != nil {
		r.Ec2Configuration = u.Ec2Configuration
	}
	if u.Subnets != nil {
		r.Subnets = u.Subnets
	}
	if u.SecurityGroupIds != nil {
		r.SecurityGroupIds = u.SecurityGroupIds
	}
	if u.Tags != nil {
		r.Tags = u.Tags
	}
}

// set replaces a member that the update has.
func set[T any](member **T, update *T) {
	if update != nil {
		*member = update
	}
}
