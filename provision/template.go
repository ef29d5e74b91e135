package provision

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// launchTemplate is what the stack's instances start from where the settings ask for a disk of another size than the AMI's.
type launchTemplate struct {
	Clients
	spec Spec
	account
	name string
}

// templateVersion is the one that environments name. AWS changes no version of a launch template, and Batch looks at a template only when it makes an
// environment or replaces its instances: so another disk is another template with another name, and with it a change of the environment like any other.
// https://docs.aws.amazon.com/batch/latest/APIReference/API_LaunchTemplateSpecification.html
const templateVersion = "1"

// rootDevice is where the ECS-optimized Amazon Linux 2 and 2023, which Batch chooses, have their one disk.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-optimized_AMI.html
const rootDevice = "/dev/xvda"

// templateName is the name of the launch template that the settings want, "" where they want none. It ends in a hash of what is in the template.
func (s Spec) templateName() string {
	if !s.ownEnvironments() || s.onFargate() || s.Compute.DiskSize == 0 {
		return ""
	}
	content := []string{fmt.Sprint(s.Compute.DiskSize)}
	for _, t := range sorted(s.Tags()) {
		content = append(content, t.key, t.value)
	}
	return s.fixedName("-disk", content...)
}

// template is the one that the settings want.
func (s Spec) template(c Clients, a account) launchTemplate {
	return launchTemplate{c, s, a, s.templateName()}
}

func (l launchTemplate) diff(ctx context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindLaunchTemplate, Name: l.name}
	found, err := l.find(ctx)
	if err != nil {
		return is, nil, err
	}
	create := change{what: "create", create: true, do: func(ctx context.Context) error { return l.create(ctx, is, l.spec.resourceTags()) }}
	if found == nil {
		create.attributes = slices.Concat(attribute("volume_size", "", fmt.Sprint(l.spec.Compute.DiskSize)), attribute("volume_type", "", string(ec2types.VolumeTypeGp3)),
			attribute("encrypted", "", "true"))
		return is, []change{create}, nil
	}
	is.ARN = l.arnOf(*found)
	if !l.spec.owns(ec2Tags(found.Tags)) {
		return is, nil, notOurs(is, l.spec)
	}
	// With another default version the first one can be gone.
	tags := l.spec.retag(ec2Tags(found.Tags))
	changed := append(attribute("default_version", fmt.Sprint(aws.ToInt64(found.DefaultVersionNumber)), templateVersion), tags.attributes()...)
	if changed == nil {
		return is, nil, nil
	}
	create.what, create.create, create.attributes = "create again", false, changed
	create.do = func(ctx context.Context) error { return l.create(ctx, is, tags.apply(ec2Tags(found.Tags))) }
	return is, []change{{what: "remove what others changed", do: l.remove}, create}, nil
}

func (l launchTemplate) find(ctx context.Context) (*ec2types.LaunchTemplate, error) {
	out, err := l.EC2.DescribeLaunchTemplates(ctx, &ec2.DescribeLaunchTemplatesInput{Filters: []ec2types.Filter{{Name: aws.String("launch-template-name"), Values: []string{l.name}}}})
	if err != nil || len(out.LaunchTemplates) == 0 {
		return nil, err
	}
	return &out.LaunchTemplates[0], nil
}

func (l launchTemplate) create(ctx context.Context, is *Resource, tags map[string]string) error {
	maps.DeleteFunc(tags, func(key, _ string) bool { return strings.HasPrefix(key, "aws:") }) // which AWS alone gives
	out, err := l.EC2.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: &l.name,
		TagSpecifications:  []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeLaunchTemplate, Tags: toEC2(tags)}},
		LaunchTemplateData: &ec2types.RequestLaunchTemplateData{
			BlockDeviceMappings: []ec2types.LaunchTemplateBlockDeviceMappingRequest{{DeviceName: aws.String(rootDevice), Ebs: l.spec.disk()}},
			// The tags of a compute environment are for its instances alone.
			TagSpecifications: []ec2types.LaunchTemplateTagSpecificationRequest{{ResourceType: ec2types.ResourceTypeVolume, Tags: toEC2(l.spec.Tags())}},
		},
	})
	if err == nil {
		is.ARN = l.arnOf(*out.LaunchTemplate)
	}
	return err
}

// disk is that of each instance, encrypted with the key that the account has for EBS.
func (s Spec) disk() *ec2types.LaunchTemplateEbsBlockDeviceRequest {
	return &ec2types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(int32(s.Compute.DiskSize)), VolumeType: ec2types.VolumeTypeGp3,
		Encrypted: aws.Bool(true), DeleteOnTermination: aws.Bool(true)}
}

func (l launchTemplate) arnOf(t ec2types.LaunchTemplate) string {
	return l.arn("ec2", l.spec.Region, "launch-template/"+aws.ToString(t.LaunchTemplateId))
}

func (l launchTemplate) remove(ctx context.Context) error {
	_, err := l.EC2.DeleteLaunchTemplate(ctx, &ec2.DeleteLaunchTemplateInput{LaunchTemplateName: &l.name})
	return ignoreAbsent(err)
}

func (l launchTemplate) removal(ctx context.Context) (Resource, func(context.Context) error, error) {
	is := Resource{Kind: KindLaunchTemplate, Name: l.name}
	found, err := l.find(ctx)
	if err != nil || found == nil {
		return is, nil, err
	}
	if !l.spec.owns(ec2Tags(found.Tags)) {
		return foreign(is), nil, nil
	}
	return is, l.remove, nil
}

// unusedTemplate is one that no environment has any more.
type unusedTemplate struct {
	launchTemplate
	found ec2types.LaunchTemplate
}

func (u unusedTemplate) diff(context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindLaunchTemplate, Name: u.name, ARN: u.arnOf(u.found), State: Retired, Detail: "nothing uses it"}
	return is, []change{{what: "remove", then: Removed, do: u.remove}}, nil
}

// templates are all of the stack, whatever settings they were made by.
func (s Spec) templates(ctx context.Context, api launchTemplates) ([]ec2types.LaunchTemplate, error) {
	in := &ec2.DescribeLaunchTemplatesInput{}
	for _, t := range sorted(s.marks()) {
		in.Filters = append(in.Filters, ec2types.Filter{Name: aws.String("tag:" + t.key), Values: []string{t.value}})
	}
	var all []ec2types.LaunchTemplate
	pages := ec2.NewDescribeLaunchTemplatesPaginator(api, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain("launch templates", err)
		}
		all = append(all, page.LaunchTemplates...)
	}
	return all, nil
}

// letTemplatesGo removes the unwanted launch templates that no environment has any more. settled are the ARNs of environments that have the one of the
// settings by now or, where nothing is changed, would.
func (a *Applying) letTemplatesGo(ctx context.Context, settled []string, unwanted func(name string) bool) error {
	all, err := a.spec.templates(ctx, a.clients.EC2)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(t ec2types.LaunchTemplate) bool {
		name := aws.ToString(t.LaunchTemplateName)
		return name == a.spec.templateName() || !unwanted(name)
	})
	if len(all) == 0 {
		return nil
	}
	f, err := a.spec.fleet(ctx, a.clients.Batch)
	if err != nil {
		return err
	}
	moved := slices.Concat(settled, a.removed(KindEnvironment))
	for _, t := range all {
		used := slices.ContainsFunc(f.everyEnvironment, func(e batchtypes.ComputeEnvironmentDetail) bool {
			return !slices.Contains(moved, aws.ToString(e.ComputeEnvironmentArn)) && hasTemplate(e, t)
		})
		if used {
			continue
		}
		if err := a.one(ctx, unusedTemplate{launchTemplate{a.clients, a.spec, a.account, aws.ToString(t.LaunchTemplateName)}, t}, nil); err != nil {
			return err
		}
	}
	return nil
}

func hasTemplate(e batchtypes.ComputeEnvironmentDetail, t ec2types.LaunchTemplate) bool {
	if e.ComputeResources == nil || e.ComputeResources.LaunchTemplate == nil {
		return false
	}
	has := e.ComputeResources.LaunchTemplate
	return aws.ToString(has.LaunchTemplateName) == aws.ToString(t.LaunchTemplateName) || aws.ToString(has.LaunchTemplateId) == aws.ToString(t.LaunchTemplateId)
}

// templateOf is the launch template of an environment by its name, with its version where that is not the one that it should have.
func templateOf(r *batchtypes.ComputeResource) string {
	if r.LaunchTemplate == nil {
		return ""
	}
	name, version := aws.ToString(r.LaunchTemplate.LaunchTemplateName)+aws.ToString(r.LaunchTemplate.LaunchTemplateId), aws.ToString(r.LaunchTemplate.Version)
	if name == "" || version == templateVersion {
		return name
	}
	return name + ":" + version
}

// withTemplate is how an environment names a launch template; an empty name takes away the one that it has.
// https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResourceUpdate.html
func withTemplate(name string) *batchtypes.LaunchTemplateSpecification {
	if name == "" {
		return &batchtypes.LaunchTemplateSpecification{LaunchTemplateName: &name}
	}
	return &batchtypes.LaunchTemplateSpecification{LaunchTemplateName: &name, Version: aws.String(templateVersion)}
}

func toEC2(tags map[string]string) []ec2types.Tag {
	var list []ec2types.Tag
	for _, t := range sorted(tags) {
		list = append(list, ec2types.Tag{Key: &t.key, Value: &t.value})
	}
	return list
}

func ec2Tags(list []ec2types.Tag) map[string]string {
	tags := map[string]string{}
	for _, t := range list {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags
}
