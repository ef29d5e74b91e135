package provision

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// environment is a managed compute environment: it starts instances, or tasks on Fargate, when jobs wait, and has none otherwise.
type environment struct {
	Clients
	spec Spec
	capacity
	name            string
	serviceRole     string // ARN
	instanceProfile string // ARN; none on Fargate
	subnets, groups []string
}

// Looks at what Batch is making or removing: one each 2 seconds, for 10 minutes.
const (
	lookEvery = 2 * time.Second
	looks     = 300
)

// propagation is how long a new role may stay unknown to Batch before its refusal is taken for final.
const propagation = 2 * time.Minute

func (e environment) diff(ctx context.Context) (*Resource, []change, error) {
	found, err := e.current(ctx)
	is := &Resource{Kind: KindEnvironment, Name: e.spec.environmentName(e.capacity)}
	if err != nil {
		return is, nil, err
	}
	if found == nil {
		e.name = is.Name
		create, err := e.creation(ctx, is)
		return is, []change{create}, err
	}
	is.Name, is.ARN = aws.ToString(found.ComputeEnvironmentName), aws.ToString(found.ComputeEnvironmentArn)
	e.name = is.Name
	if !e.spec.owns(found.Tags) {
		return is, nil, notOurs(is, e.spec)
	}
	changes := e.retag(e.spec, is.ARN, found.Tags)
	if isRetired(found.Tags) {
		changes = append(changes, e.takeBack(is.ARN))
	}
	if found.Status == batchtypes.CEStatusInvalid {
		return is, append(changes, change{what: "repair", attributes: attribute("status", string(found.Status), string(batchtypes.CEStatusValid)),
			do: func(ctx context.Context) error { return e.repair(ctx, is, *found) }}), nil
	}
	if update, attributes := e.differences(*found); attributes != nil {
		changes = append(changes, change{what: "update", attributes: attributes, do: func(ctx context.Context) error {
			return e.untilRolesAreKnown(ctx, func() error { return e.change(ctx, update) })
		}})
	}
	return is, changes, nil
}

// updatable says whether Batch replaces instances by itself where it has to, which takes its own role; on Fargate there are none.
func (e environment) updatable() bool { return e.onFargate() || e.spec.Existing.ServiceRole == "" }

// current is the environment as it is: under the name that it has to have, else under the one of earlier versions, which was without a hash, where it can be
// brought to its spec.
func (e environment) current(ctx context.Context) (*batchtypes.ComputeEnvironmentDetail, error) {
	e.name = e.spec.environmentName(e.capacity)
	if found, err := e.wait(ctx); err != nil || found != nil {
		return found, err
	}
	e.name = e.spec.Name + e.suffix
	found, err := e.wait(ctx)
	if err != nil || found == nil || !e.spec.owns(found.Tags) || !e.fits(*found) {
		return nil, err
	}
	return found, nil
}

// fits says whether an environment can become this one without being replaced.
func (e environment) fits(is batchtypes.ComputeEnvironmentDetail) bool {
	if update, _ := e.differences(is); update.UpdatePolicy != nil { // Batch would replace its instances
		return false
	}
	return is.ComputeResources != nil && is.ComputeResources.Type == e.kind && (e.onFargate() || archOf(*is.ComputeResources) == e.spec.arch())
}

// archOf is the architecture of an environment's instances; all have the same.
func archOf(r batchtypes.ComputeResource) string {
	if slices.ContainsFunc(r.InstanceTypes, project.IsARM) {
		return "arm64"
	}
	return "x86_64"
}

// creation makes the environment, and tells which one gives way to it, by what of that one cannot be changed.
func (e environment) creation(ctx context.Context, is *Resource) (change, error) {
	_, all := e.differences(batchtypes.ComputeEnvironmentDetail{})
	create := change{what: "create", create: true, attributes: append(attribute("type", "", string(e.kind)), all...),
		do: func(ctx context.Context) error { return e.create(ctx, is) }}
	f, err := e.spec.fleet(ctx, e.Batch)
	if err != nil {
		return create, err
	}
	for _, was := range f.environments {
		name := aws.ToString(was.ComputeEnvironmentName)
		if name != e.spec.Name+e.suffix && !hashed(name, e.spec.Name+e.suffix) || isRetired(was.Tags) || was.ComputeResources == nil {
			continue
		}
		create.replaces = name
		_, create.attributes = e.differences(was)
		for i, a := range create.attributes {
			create.attributes[i].Replaces = !e.onFargate() && a.Name != "max_vcpus" && a.Name != "service_role" && a.Name != "state" || strings.HasPrefix(a.Name, instanceTags)
		}
		for _, t := range sorted(was.ComputeResources.Tags) {
			if _, stays := e.spec.Tags()[t.key]; !stays && !e.onFargate() {
				create.attributes = append(create.attributes, Attribute{Name: instanceTags + t.key, Is: t.value, Replaces: true})
			}
		}
		for _, a := range append(attribute("architecture", archOf(*was.ComputeResources), e.spec.arch()), attribute("type", string(was.ComputeResources.Type), string(e.kind))...) {
			a.Replaces = true
			if a.Name == "type" || !e.onFargate() {
				create.attributes = append([]Attribute{a}, create.attributes...)
			}
		}
	}
	return create, nil
}

// hashed says whether a name is a base with the hash of fixedName behind it.
func hashed(name, base string) bool {
	tail, ok := strings.CutPrefix(name, base+"-")
	_, err := hex.DecodeString(tail)
	return ok && err == nil && len(tail) == 8
}

func (e environment) find(ctx context.Context) (*batchtypes.ComputeEnvironmentDetail, error) {
	out, err := e.Batch.DescribeComputeEnvironments(ctx, &batch.DescribeComputeEnvironmentsInput{ComputeEnvironments: []string{e.name}})
	if err != nil {
		return nil, err
	}
	for _, c := range out.ComputeEnvironments {
		if c.Status != batchtypes.CEStatusDeleted {
			return &c, nil
		}
	}
	return nil, nil
}

// wait looks until Batch is done with what it is doing: the environment is VALID, INVALID or gone.
func (e environment) wait(ctx context.Context) (*batchtypes.ComputeEnvironmentDetail, error) {
	for range looks {
		found, err := e.find(ctx)
		if err != nil || found == nil || found.Status == batchtypes.CEStatusValid || found.Status == batchtypes.CEStatusInvalid {
			return found, err
		}
		if err := e.sleep(ctx, lookEvery); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("not done after %s", looks*lookEvery)
}

// longestUpdate is how many minutes jobs have at most to end in while Batch replaces instances; by itself it ends them after 30.
// https://docs.aws.amazon.com/batch/latest/APIReference/API_UpdatePolicy.html
const longestUpdate = 7200

// instanceTags begins the names of attributes that are tags of an environment's instances.
const instanceTags = "instance_tags."

// differences is the update that brings the environment to its spec, and what it changes, nil where it is so. It names only what differs: for all but
// the state, the role and the number of vCPUs, Batch replaces instances, and refuses with a service role that is not its own.
func (e environment) differences(is batchtypes.ComputeEnvironmentDetail) (*batch.UpdateComputeEnvironmentInput, []Attribute) {
	r := is.ComputeResources
	if r == nil {
		r = &batchtypes.ComputeResource{}
	}
	in, u := &batch.UpdateComputeEnvironmentInput{ComputeEnvironment: &e.name}, &batchtypes.ComputeResourceUpdate{}
	var all, resources []Attribute
	if d := attribute("state", string(is.State), string(batchtypes.CEStateEnabled)); d != nil {
		in.State, all = batchtypes.CEStateEnabled, append(all, d...)
	}
	if d := reference("service_role", aws.ToString(is.ServiceRole), e.serviceRole); d != nil {
		in.ServiceRole, all = &e.serviceRole, append(all, d...)
	}
	if d := attribute("max_vcpus", number(r.MaxvCpus), number(aws.Int32(e.maxVCPUs()))); d != nil {
		u.MaxvCpus, resources = aws.Int32(e.maxVCPUs()), append(resources, d...)
	}
	if d := reference("instance_role", aws.ToString(r.InstanceRole), e.instanceProfile); d != nil {
		u.InstanceRole, resources = &e.instanceProfile, append(resources, d...)
	}
	if want := e.spec.strategy(e.capacity); !e.onFargate() {
		if d := attribute("allocation_strategy", string(r.AllocationStrategy), string(want)); d != nil {
			u.AllocationStrategy, resources = batchtypes.CRUpdateAllocationStrategy(want), append(resources, d...)
		}
		if d := attribute("launch_template", templateOf(r), e.spec.templateName()); d != nil {
			u.LaunchTemplate, resources = withTemplate(e.spec.templateName()), append(resources, d...)
		}
	}
	if d := set("instance_types", r.InstanceTypes, e.instanceTypes()); d != nil {
		u.InstanceTypes, resources = e.instanceTypes(), append(resources, d...)
	}
	if d := set("subnets", r.Subnets, e.subnets); d != nil {
		u.Subnets, resources = e.subnets, append(resources, d...)
	}
	if d := set("security_group_ids", r.SecurityGroupIds, e.groups); d != nil {
		u.SecurityGroupIds, resources = e.groups, append(resources, d...)
	}
	for _, t := range sorted(e.spec.OwnTags) {
		if !e.onFargate() && t.isMissing(r.Tags) {
			u.Tags, resources = retagging{put: e.spec.Tags()}.apply(r.Tags), append(resources, Attribute{Name: instanceTags + t.key, Is: r.Tags[t.key], Want: t.value})
		}
	}
	if resources != nil {
		in.ComputeResources = u
	}
	if more := slices.ContainsFunc(resources, func(a Attribute) bool { return a.Name != "max_vcpus" }); more && !e.onFargate() {
		in.UpdatePolicy = &batchtypes.UpdatePolicy{TerminateJobsOnUpdate: aws.Bool(false), JobExecutionTimeoutMinutes: aws.Int64(longestUpdate)}
	}
	return in, append(all, resources...)
}

func (e environment) maxVCPUs() int32 { return int32(max(e.spec.Compute.MaxVCPUs, 1)) }

// instanceTypes by default leave the choice to Batch, among the families that it calls optimal. Fargate has none.
func (e environment) instanceTypes() []string {
	switch {
	case e.onFargate():
		return nil
	case len(e.spec.Compute.InstanceTypes) > 0:
		return e.spec.Compute.InstanceTypes
	}
	if e.spec.arch() == "arm64" {
		return []string{"default_arm64"}
	}
	return []string{"optimal"}
}

// create makes the environment and waits until it is VALID. One that was made before IAM knew its roles everywhere is INVALID for good: it is
// removed and made again until the roles have had time to spread.
func (e environment) create(ctx context.Context, is *Resource) error {
	made := false
	return e.untilRolesAreKnown(ctx, func() error {
		if made {
			if err := e.remove(ctx, isBusy); err != nil {
				return err
			}
		}
		if err := e.submit(ctx, is); err != nil {
			return err
		}
		made = true
		return e.valid(ctx)
	})
}

// untilRolesAreKnown tries again while the environment gets INVALID for its roles.
func (e environment) untilRolesAreKnown(ctx context.Context, try func() error) error {
	delay, slept := lookEvery, time.Duration(0)
	for {
		err := try()
		invalid, ok := errors.AsType[*invalidError](err)
		if !ok || !invalid.ofRoles() || slept >= propagation {
			return err
		}
		if err := e.sleep(ctx, delay); err != nil {
			return err
		}
		slept += delay
		delay = min(2*delay, 30*time.Second)
	}
}

func (e environment) submit(ctx context.Context, is *Resource) error {
	out, err := e.Batch.CreateComputeEnvironment(ctx, &batch.CreateComputeEnvironmentInput{
		ComputeEnvironmentName: &e.name, Type: batchtypes.CETypeManaged, State: batchtypes.CEStateEnabled,
		ServiceRole: &e.serviceRole, Tags: e.spec.resourceTags(), ComputeResources: e.resources(),
	})
	if err == nil {
		is.ARN = aws.ToString(out.ComputeEnvironmentArn)
	}
	return err
}

func (e environment) resources() *batchtypes.ComputeResource {
	r := &batchtypes.ComputeResource{Type: e.kind, MaxvCpus: aws.Int32(e.maxVCPUs()), Subnets: e.subnets, SecurityGroupIds: e.groups}
	if e.onFargate() {
		return r
	}
	r.AllocationStrategy, r.MinvCpus = e.spec.strategy(e.capacity), aws.Int32(0)
	r.InstanceTypes, r.InstanceRole, r.Tags = e.instanceTypes(), &e.instanceProfile, e.spec.Tags()
	if name := e.spec.templateName(); name != "" {
		r.LaunchTemplate = withTemplate(name)
	}
	return r
}

func (e environment) change(ctx context.Context, in *batch.UpdateComputeEnvironmentInput) error {
	err := e.patiently(ctx, looks, isBusy, func() error {
		_, err := e.Batch.UpdateComputeEnvironment(ctx, in)
		return err
	})
	if err != nil {
		return err
	}
	return e.valid(ctx)
}

// repair makes an INVALID environment again. Where a queue holds it, an update has Batch look at its role again, and at its launch template where it can
// replace instances.
func (e environment) repair(ctx context.Context, is *Resource, found batchtypes.ComputeEnvironmentDetail) error {
	err := e.remove(ctx, isBusy)
	switch {
	case err == nil:
		return e.create(ctx, is)
	case isHeld(err):
		found.State, found.ServiceRole = batchtypes.CEStateDisabled, nil
		if found.ComputeResources != nil && e.updatable() {
			found.ComputeResources.LaunchTemplate = nil
		}
		update, _ := e.differences(found)
		return e.untilRolesAreKnown(ctx, func() error { return e.change(ctx, update) })
	}
	return err
}

func (e environment) valid(ctx context.Context) error {
	found, err := e.wait(ctx)
	if err != nil {
		return err
	}
	if found == nil {
		return errors.New("it went away while it was waited for")
	}
	if found.Status == batchtypes.CEStatusInvalid {
		return &invalidError{reason: aws.ToString(found.StatusReason)}
	}
	return nil
}

// invalidError is the state INVALID of a compute environment or a queue.
type invalidError struct{ reason string }

func (e *invalidError) Error() string { return "it is INVALID: " + e.reason }

// Hint is the next step.
func (e *invalidError) Hint() string {
	return "remove the cause that AWS Batch names, then run the same command again"
}

// ofRoles says whether Batch could not use a role, in the words quoted in
// https://docs.aws.amazon.com/batch/latest/userguide/troubleshooting.html#invalid_compute_environment.
func (e *invalidError) ofRoles() bool {
	return strings.Contains(e.reason, "is not authorized to perform") || strings.Contains(e.reason, "sts:AssumeRole") ||
		strings.Contains(strings.ToLower(e.reason), "instance profile")
}

// isBusy says whether Batch refuses a change because another one is under way, be it that it does not show yet.
func isBusy(err error) bool { return strings.Contains(err.Error(), "resource is being modified") }

// isHeld says whether Batch refuses to delete an environment because a queue holds it, or held it a moment ago.
func isHeld(err error) bool {
	return strings.Contains(err.Error(), "found existing JobQueue relationship")
}

// remove disables and deletes the environment and waits until it is gone. It is patient with refusals for which notReady is true.
func (e environment) remove(ctx context.Context, notReady func(error) bool) error {
	err := e.change(ctx, &batch.UpdateComputeEnvironmentInput{ComputeEnvironment: &e.name, State: batchtypes.CEStateDisabled})
	if _, invalid := errors.AsType[*invalidError](err); err != nil && !invalid {
		return err
	}
	err = e.patiently(ctx, looks, notReady, func() error {
		_, err := e.Batch.DeleteComputeEnvironment(ctx, &batch.DeleteComputeEnvironmentInput{ComputeEnvironment: &e.name})
		return err
	})
	if err != nil {
		return err
	}
	return e.gone(ctx)
}

// gone looks until the environment is no longer listed. One that comes back from DELETING as INVALID, Batch could not delete.
func (e environment) gone(ctx context.Context) error {
	deleting := false
	for range looks {
		found, err := e.find(ctx)
		if err != nil || found == nil {
			return err
		}
		if deleting && found.Status == batchtypes.CEStatusInvalid {
			return &invalidError{reason: aws.ToString(found.StatusReason)}
		}
		deleting = found.Status == batchtypes.CEStatusDeleting
		if err := e.sleep(ctx, lookEvery); err != nil {
			return err
		}
	}
	return ui.WithHint(fmt.Errorf("not gone after %s", looks*lookEvery), "run the same command again")
}

// notYet says whether Batch refuses to let an environment go that it will let go soon.
func (e environment) notYet(err error) bool { return isBusy(err) || isHeld(err) }

func (e environment) removal(ctx context.Context) (Resource, func(context.Context) error, error) {
	is := Resource{Kind: KindEnvironment, Name: e.name}
	found, err := e.find(ctx)
	switch {
	case err != nil || found == nil:
		return is, nil, err
	case !e.spec.owns(found.Tags):
		return foreign(is), nil, nil
	case found.Status == batchtypes.CEStatusDeleting:
		return is, e.gone, nil
	}
	return is, func(ctx context.Context) error { return e.remove(ctx, e.notYet) }, nil
}

// existingEnvironment is the one that the settings name, by name or ARN.
type existingEnvironment struct{ environment }

func (e *existingEnvironment) diff(ctx context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindEnvironment, Name: lastPart(e.name), State: Existing}
	found, err := e.wait(ctx)
	switch {
	case err != nil:
		return is, nil, err
	case found == nil:
		return is, nil, noSuch("compute.environment")
	case found.Status == batchtypes.CEStatusInvalid:
		return is, nil, &invalidError{reason: aws.ToString(found.StatusReason)}
	case found.State != batchtypes.CEStateEnabled:
		return is, nil, ui.WithHint(errors.New("it is DISABLED"), "enable it, or name another environment in [tool.kedroctl.compute]")
	}
	is.ARN = aws.ToString(found.ComputeEnvironmentArn)
	r := found.ComputeResources
	if r == nil {
		return is, nil, errors.New("it is not managed by AWS Batch")
	}
	e.subnets = r.Subnets
	switch arch := archOf(*r); {
	case project.OnFargate(string(r.Type)) != e.spec.onFargate():
		return is, nil, ui.WithHint(fmt.Errorf("it is of the kind %s, and compute.type is %s", r.Type, e.spec.kind()), fmt.Sprintf("set type = %q in [tool.kedroctl.compute]", r.Type))
	case !e.spec.onFargate() && arch != e.spec.arch():
		return is, nil, ui.WithHint(fmt.Errorf("its instances are %s, and the image is for %s", arch, e.spec.Platform), "set platform in [tool.kedroctl.image]")
	}
	return is, nil, nil
}
