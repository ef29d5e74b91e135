package batch

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/uuid"
)

func onFargate(r *types.ComputeResource) bool {
	return r.Type == types.CRTypeFargate || r.Type == types.CRTypeFargateSpot
}

func (s *Service) createEnvironment(in *batch.CreateComputeEnvironmentInput) (*batch.CreateComputeEnvironmentOutput, error) {
	name, id := aws.ToString(in.ComputeEnvironmentName), uuid.NewString()
	err := s.judge(append(newcomer("compute environment", name, in.Tags),
		when(plain, s.Envs[name] != nil, "Object already exists: compute environment %s", name),
		when("B06", len(s.Envs) >= 50, "limit of 50 compute environments reached"),
		when(plain, in.Type != types.CETypeManaged || in.EksConfiguration != nil, "the embedded Batch offers compute environments of type MANAGED on ECS"),
		when(plain, in.ComputeResources == nil, "computeResources must be provided for a MANAGED compute environment"))...)
	if err == nil {
		err = s.checkResources(in.ComputeResources)
	}
	if err != nil {
		return nil, err
	}
	e := &types.ComputeEnvironmentDetail{
		ComputeEnvironmentArn:      aws.String(s.arn("compute-environment", name)),
		EcsClusterArn:              aws.String("arn:aws:ecs:" + s.Region + ":" + s.Account + ":cluster/AWSBatch-" + name + "-" + id),
		Uuid:                       &id,
		ContainerOrchestrationType: types.OrchestrationTypeEcs,
		State:                      types.CEStateEnabled,
	}
	assign(e, in)
	fill(e)
	if r := e.ComputeResources; !onFargate(r) {
		r.MinvCpus, r.DesiredvCpus = orZero(r.MinvCpus), orZero(r.DesiredvCpus)
	}
	if aws.ToString(e.ServiceRole) == "" && s.Roles != nil && !s.off["B24"] { // B24
		arn, err := s.Roles.ServiceLinkedRole()
		if err != nil {
			return nil, err
		}
		e.ServiceRole = &arn
	}
	s.Envs[name] = e
	s.settleEnvironment(e, types.CEStatusCreating)
	return &batch.CreateComputeEnvironmentOutput{ComputeEnvironmentArn: e.ComputeEnvironmentArn, ComputeEnvironmentName: &name}, nil
}

func orZero(n *int32) *int32 { return aws.Int32(aws.ToInt32(n)) }

// checkResources. API: ComputeResource; B10.
func (s *Service) checkResources(r *types.ComputeResource) error {
	fargate, least, most := onFargate(r), aws.ToInt32(r.MinvCpus), aws.ToInt32(r.MaxvCpus)
	foreign := given(r, "MinvCpus", "DesiredvCpus", "InstanceTypes", "ImageId", "Ec2KeyPair", "Ec2Configuration", "InstanceRole", "Tags", "PlacementGroup",
		"BidPercentage", "SpotIamFleetRole", "LaunchTemplate", "AllocationStrategy")
	instances := r.Type == types.CRTypeEc2 || r.Type == types.CRTypeSpot
	return s.judge(
		when(plain, r.Type == "", "computeResources.type is missing"),
		when(plain, most < 1, "computeResources.maxvCpus must be at least 1"),
		when(plain, len(r.Subnets) == 0, "computeResources.subnets must name at least one subnet"),
		when("B10", fargate && foreign != "", "computeResources.%s is not applicable for Fargate", foreign),
		when("B10", fargate && len(r.Subnets) > 16, "computeResources.subnets: Fargate takes up to 16"),
		when("B10", fargate && len(r.SecurityGroupIds) == 0, "computeResources.securityGroupIds must name at least one security group"),
		when(plain, fargate && len(r.SecurityGroupIds) > 5, "computeResources.securityGroupIds: Fargate takes up to 5"),
		when(plain, instances && len(r.SecurityGroupIds) == 0 && r.LaunchTemplate == nil, "computeResources.securityGroupIds must name at least one security group"),
		when(plain, r.LaunchTemplate != nil && (aws.ToString(r.LaunchTemplate.LaunchTemplateId) == "") == (aws.ToString(r.LaunchTemplate.LaunchTemplateName) == ""),
			"computeResources.launchTemplate must have either launchTemplateId or launchTemplateName"),
		when(plain, instances && len(r.InstanceTypes) == 0, "computeResources.instanceTypes must name at least one instance type"),
		when("B28", instances && len(architectures(r)) > 1, "computeResources.instanceTypes must share the same architecture"),
		when(plain, instances && aws.ToString(r.InstanceRole) == "", "computeResources.instanceRole is required for %s compute environments", r.Type),
		when(plain, instances && (least < 0 || least > most), "computeResources.minvCpus must be from 0 to maxvCpus"),
		when(plain, instances && aws.ToInt32(r.DesiredvCpus) > most, "computeResources.desiredvCpus must be between minvCpus and maxvCpus"),
		when(plain, r.Type == types.CRTypeSpot && bestFit(r) && aws.ToString(r.SpotIamFleetRole) == "",
			"computeResources.spotIamFleetRole is required for SPOT compute environments with BEST_FIT"),
		when(plain, r.Type == types.CRTypeEc2 && strings.HasPrefix(string(r.AllocationStrategy), "SPOT_"),
			"allocation strategy %s is for SPOT compute environments", r.AllocationStrategy),
	)
}

// graviton and nvidia are the families with such processors: a letter g behind the generation, and names that begin with g or p.
// https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
var (
	graviton = regexp.MustCompile(`^(a1|[a-z]+\d+g[a-z]*)(\.|$)`)
	nvidia   = regexp.MustCompile(`^(g|gr|p)\d+[a-z]*(\.|$)`)
)

// architectures are those of an environment's instances; Fargate has none before a job asks.
func architectures(r *types.ComputeResource) map[string]bool {
	all := map[string]bool{}
	for _, t := range r.InstanceTypes {
		arch := "x86_64"
		if t == "default_arm64" || graviton.MatchString(t) {
			arch = "arm64"
		}
		all[arch] = true
	}
	return all
}

// hasGPUs tells whether an environment starts instances with GPUs, which those that Batch chooses by itself have not.
func hasGPUs(r *types.ComputeResource) bool {
	return slices.ContainsFunc(r.InstanceTypes, nvidia.MatchString)
}

func bestFit(r *types.ComputeResource) bool {
	return r.AllocationStrategy == "" || r.AllocationStrategy == types.CRAllocationStrategyBestFit
}

// settleEnvironment lets an environment be in a passing status for a while; then its roles decide.
func (s *Service) settleEnvironment(e *types.ComputeEnvironmentDetail, passing types.CEStatus) {
	e.StatusReason = nil
	settle(s, &e.Status, passing, s.Settle, func() {
		e.Status, e.StatusReason = types.CEStatusValid, aws.String("ComputeEnvironment Healthy")
		if reason := cmp.Or(s.invalid(e), s.untemplated(e.ComputeResources)); reason != "" {
			e.Status, e.StatusReason = types.CEStatusInvalid, &reason
		}
	})
}

// settle lets a resource be in a passing status for d.
func settle[S ~string](s *Service, status *S, passing S, d time.Duration, then func()) {
	*status, s.changed = passing, true
	s.later(d, func() {
		if *status == passing {
			s.changed = true
			then()
		}
	})
}

// invalid tells why an environment can't work, in the words of the services that Batch asks. B19.
func (s *Service) invalid(e *types.ComputeEnvironmentDetail) string {
	if s.Roles == nil || s.off["B19"] {
		return ""
	}
	role, fleet, profile := aws.ToString(e.ServiceRole), aws.ToString(e.ComputeResources.SpotIamFleetRole), aws.ToString(e.ComputeResources.InstanceRole)
	since, known := s.Roles.RoleSince(role)
	profileSince, profileKnown := s.Roles.InstanceProfileSince(profile)
	usable := s.Clock.Now().Add(-s.Lags().Propagation)
	young := since.After(usable) && !serviceLinked(role) || profileKnown && profileSince.After(usable)
	switch id := newID(); {
	case !known:
		return "CLIENT_ERROR - Not authorized to perform sts:AssumeRole (Service: AWSSecurityTokenService; Status Code: 403; Error Code: AccessDenied; Request ID: " + id + ")"
	case fleet != "" && !s.roleExists(fleet):
		return "CLIENT_ERROR - Parameter: SpotFleetRequestConfig.IamFleetRole is invalid. (Service: AmazonEC2; Status Code: 400; " +
			"Error Code: InvalidSpotFleetRequestConfig; Request ID: " + id + ")"
	case profile != "" && !profileKnown:
		return "CLIENT_ERROR - Instance profile " + profile + " does not exist"
	case young:
		return "CLIENT_ERROR - User: arn:aws:sts::" + s.Account + ":assumed-role/" + lastStep(role) + "/aws-batch is not authorized to perform: " +
			"ecs:DescribeClusters on resource: " + aws.ToString(e.EcsClusterArn) +
			" (Service: AmazonECS; Status Code: 400; Error Code: AccessDeniedException; Request ID: " + id + ")"
	}
	return ""
}

// untemplated tells that the launch template of an environment is not there, in the words of Auto Scaling, which is to start instances from it. B31.
func (s *Service) untemplated(r *types.ComputeResource) string {
	if r.LaunchTemplate == nil || s.Templates == nil || s.off["B31"] {
		return ""
	}
	id, name := aws.ToString(r.LaunchTemplate.LaunchTemplateId), aws.ToString(r.LaunchTemplate.LaunchTemplateName)
	if s.Templates.LaunchTemplate(id, name, aws.ToString(r.LaunchTemplate.Version)) {
		return ""
	}
	what := "template name " + name
	if id != "" {
		what = "template ID " + id
	}
	return "CLIENT_ERROR - You must use a valid fully-formed launch template. The specified launch template, with " + what +
		", does not exist. (Service: AmazonAutoScaling; Status Code: 400; Error Code: ValidationError; Request ID: " + newID() + ")"
}

func (s *Service) roleExists(arn string) bool {
	_, ok := s.Roles.RoleSince(arn)
	return ok
}

func serviceLinked(role string) bool { return strings.Contains(role, "/aws-service-role/") }

func (s *Service) describeEnvironments(in *batch.DescribeComputeEnvironmentsInput) (*batch.DescribeComputeEnvironmentsOutput, error) {
	list, next, err := described(s, s.Envs, "compute-environment", in.ComputeEnvironments, in.NextToken, in.MaxResults)
	return &batch.DescribeComputeEnvironmentsOutput{ComputeEnvironments: list, NextToken: next}, err
}

func (s *Service) updateEnvironment(in *batch.UpdateComputeEnvironmentInput) (*batch.UpdateComputeEnvironmentOutput, error) {
	e, err := find(s, s.Envs, "compute-environment", in.ComputeEnvironment)
	if err != nil {
		return nil, err
	}
	u, r := cmp.Or(in.ComputeResources, &types.ComputeResourceUpdate{}), *e.ComputeResources
	instances := given(u, "InstanceTypes", "InstanceRole", "ImageId", "Ec2KeyPair", "Ec2Configuration", "LaunchTemplate", "PlacementGroup", "BidPercentage",
		"AllocationStrategy", "Tags", "Type", "UpdateToLatestImageVersion")
	infrastructure := !onFargate(&r) && (instances != "" || given(u, "Subnets", "SecurityGroupIds") != "")
	err = s.judge(
		when(plain, changing(string(e.Status)), "Cannot update, resource is being modified"),
		when("B22", onFargate(&r) && (instances != "" || u.MinvCpus != nil || u.DesiredvCpus != nil),
			"only subnets, securityGroupIds and maxvCpus of a Fargate compute environment can be updated"),
		when("B22", infrastructure && !serviceLinked(aws.ToString(e.ServiceRole)), "an infrastructure update needs a compute environment with the service-linked role"),
		when("B22", infrastructure && bestFit(&r) && u.AllocationStrategy == "", "an infrastructure update needs an allocation strategy other than BEST_FIT"),
	)
	if err != nil {
		return nil, err
	}
	assign(&r, u)
	if t := u.LaunchTemplate; t != nil && aws.ToString(t.LaunchTemplateId)+aws.ToString(t.LaunchTemplateName) == "" {
		r.LaunchTemplate = nil // API: ComputeResourceUpdate.launchTemplate
	}
	if err := s.checkResources(&r); err != nil {
		return nil, err
	}
	assign(e, in)
	e.ComputeResources = &r // whoever was told of the old ones keeps them
	s.settleEnvironment(e, types.CEStatusUpdating)
	return &batch.UpdateComputeEnvironmentOutput{ComputeEnvironmentArn: e.ComputeEnvironmentArn, ComputeEnvironmentName: e.ComputeEnvironmentName}, nil
}

func (s *Service) deleteEnvironment(in *batch.DeleteComputeEnvironmentInput) (*batch.DeleteComputeEnvironmentOutput, error) {
	out := &batch.DeleteComputeEnvironmentOutput{}
	e, err := find(s, s.Envs, "compute-environment", in.ComputeEnvironment)
	if err != nil || e.Status == types.CEStatusDeleting {
		return out, err
	}
	if err := s.judge(append(deletable(string(e.State), string(e.Status)),
		when("B21", s.isRelated(e.ComputeEnvironmentArn), "Cannot delete, found existing JobQueue relationship"))...); err != nil {
		return nil, err
	}
	busy := s.vcpus[aws.ToString(e.ComputeEnvironmentName)] > 0
	settle(s, &e.Status, types.CEStatusDeleting, s.Settle+s.Lags().Deleting, func() {
		if busy && onFargate(e.ComputeResources) && !s.off["B29"] {
			e.Status, e.StatusReason = types.CEStatusInvalid, aws.String("CLIENT_ERROR - The compute environment has active jobs")
			return
		}
		delete(s.Envs, aws.ToString(e.ComputeEnvironmentName))
	})
	return out, nil
}

// deletable has what holds for queues and environments that are to go. B21.
func deletable(state, status string) []verdict {
	return []verdict{
		when("B21", state != "DISABLED", "Cannot delete, state must be DISABLED"),
		when("B21", changing(status), "Cannot delete, resource is being modified"),
	}
}

// isRelated tells whether a queue has the environment, be it one that is DELETING, or had it until lately. B21.
func (s *Service) isRelated(arn *string) bool {
	for _, q := range s.Queues {
		for _, o := range q.ComputeEnvironmentOrder {
			if *o.ComputeEnvironment == *arn {
				return true
			}
		}
	}
	return s.Clock.Now().Before(s.related[*arn])
}

// changing tells the statuses in which neither an environment nor a queue can be changed.
func changing(status string) bool {
	return status == "CREATING" || status == "UPDATING" || status == "DELETING"
}
