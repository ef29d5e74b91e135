package provision

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// profile is the instance profile that hands the instance role to instances.
type profile struct {
	Clients
	spec Spec
}

func (p profile) diff(ctx context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindInstanceProfile, Name: p.spec.InstanceProfile}
	found, err := findProfile(ctx, p.IAM, is.Name)
	if err != nil {
		return is, nil, err
	}
	add := change{what: "add role", attributes: attribute("role", "", p.spec.InstanceRole), do: p.addRole,
		command: []string{"add-role-to-instance-profile", "--instance-profile-name", p.spec.InstanceProfile, "--role-name", p.spec.InstanceRole}}
	if found == nil {
		create := change{what: "create", create: true, do: func(ctx context.Context) error { return p.create(ctx, is) },
			command: slices.Concat([]string{"create-instance-profile", "--instance-profile-name", p.spec.InstanceProfile, "--path", p.spec.rolePath()}, cliTags(p.spec.resourceTags()))}
		return is, []change{create, add}, nil
	}
	is.ARN = aws.ToString(found.Arn)
	if !p.spec.owns(iamTags(found.Tags)) {
		return is, nil, notOurs(is, p.spec)
	}
	changes := p.spec.retag(iamTags(found.Tags)).inIAM("instance-profile", is.Name, p.tag, p.untag)
	if !slices.ContainsFunc(found.Roles, func(r iamtypes.Role) bool { return aws.ToString(r.RoleName) == p.spec.InstanceRole }) {
		changes = append(changes, add)
	}
	return is, changes, nil
}

func (p profile) tag(ctx context.Context, tags map[string]string) error {
	_, err := p.IAM.TagInstanceProfile(ctx, &iam.TagInstanceProfileInput{InstanceProfileName: &p.spec.InstanceProfile, Tags: toIAM(tags)})
	return err
}

func (p profile) untag(ctx context.Context, keys []string) error {
	_, err := p.IAM.UntagInstanceProfile(ctx, &iam.UntagInstanceProfileInput{InstanceProfileName: &p.spec.InstanceProfile, TagKeys: keys})
	return err
}

func findProfile(ctx context.Context, api instanceProfiles, name string) (*iamtypes.InstanceProfile, error) {
	out, err := api.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: &name})
	if err != nil {
		return nil, ignoreAbsent(err)
	}
	return out.InstanceProfile, nil
}

func (p profile) create(ctx context.Context, is *Resource) error {
	out, err := p.IAM.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: &p.spec.InstanceProfile,
		Path: aws.String(p.spec.rolePath()), Tags: toIAM(p.spec.resourceTags())})
	if err == nil {
		is.ARN = aws.ToString(out.InstanceProfile.Arn)
	}
	return err
}

func (p profile) addRole(ctx context.Context) error {
	return p.settled(ctx, func() error {
		_, err := p.IAM.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{
			InstanceProfileName: &p.spec.InstanceProfile, RoleName: &p.spec.InstanceRole})
		return err
	})
}

// existingProfile is the one that the settings name, by name or ARN.
type existingProfile struct {
	Clients
	name  string
	reach reach
}

func (s Spec) existingProfile(c Clients, a account) existingProfile {
	return existingProfile{c, s.Existing.InstanceProfile, reach{c, s, s.instancePolicy(a)}}
}

func (e existingProfile) diff(ctx context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindInstanceProfile, Name: lastPart(e.name), State: Existing}
	found, err := findProfile(ctx, e.IAM, is.Name)
	if err == nil && found == nil {
		err = noSuch("aws.instance_profile")
	}
	if err != nil {
		return is, nil, err
	}
	is.ARN = aws.ToString(found.Arn)
	if len(found.Roles) == 0 {
		return is, nil, ui.WithHint(errors.New("it has no role: its instances could not join a cluster"), "have its owner add one, or correct aws.instance_profile in pyproject.toml")
	}
	role := found.Roles[0]
	if err := checkTrust(unescape(role.AssumeRolePolicyDocument), instancesService, "aws.instance_profile"); err != nil {
		return is, nil, err
	}
	return is, nil, e.reach.check(ctx, is, role, "its role "+aws.ToString(role.RoleName))
}

func (p profile) removal(ctx context.Context) (Resource, func(context.Context) error, error) {
	is := Resource{Kind: KindInstanceProfile, Name: p.spec.InstanceProfile}
	found, err := findProfile(ctx, p.IAM, is.Name)
	if err != nil || found == nil {
		return is, nil, err
	}
	if !p.spec.owns(iamTags(found.Tags)) {
		return foreign(is), nil, nil
	}
	return is, func(ctx context.Context) error { return p.remove(ctx, found.Roles) }, nil
}

func (p profile) remove(ctx context.Context, roles []iamtypes.Role) error {
	for _, r := range roles {
		_, err := p.IAM.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{
			InstanceProfileName: &p.spec.InstanceProfile, RoleName: r.RoleName})
		if ignoreAbsent(err) != nil {
			return err
		}
	}
	_, err := p.IAM.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: &p.spec.InstanceProfile})
	return ignoreAbsent(err)
}
