package account

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// profile is the one that an input names.
func (s *Service) profile(in any) (profile, error) {
	name := aws.ToString(member[*string](in, "InstanceProfileName"))
	p, ok := s.state.Profiles[name]
	if !ok {
		return p, noSuch("Instance Profile %s cannot be found.", name)
	}
	return p, nil
}

func (s *Service) createInstanceProfile(in *iam.CreateInstanceProfileInput) (*iam.CreateInstanceProfileOutput, error) {
	name, path, now := aws.ToString(in.InstanceProfileName), cmp.Or(aws.ToString(in.Path), "/"), s.opt.Now().UTC()
	if err := checkName("instanceProfileName", name, 128, path); err != nil {
		return nil, err
	}
	if taken(s.state.Profiles, name) {
		return nil, alreadyExists("Instance Profile %s already exists.", name)
	}
	tags, err := checkTags(in.Tags)
	if err != nil {
		return nil, err
	}
	p := profile{InstanceProfile: types.InstanceProfile{Arn: aws.String(s.arn("instance-profile", path, name)), CreateDate: &now,
		InstanceProfileId: newID("AIPA"), InstanceProfileName: &name, Path: &path, Tags: tags}}
	s.state.Profiles[name] = p
	return &iam.CreateInstanceProfileOutput{InstanceProfile: s.shownProfile(p)}, nil
}

// shownProfile is an instance profile as answers have it: with its role.
func (s *Service) shownProfile(p profile) *types.InstanceProfile {
	p.Roles = []types.Role{}
	if r, ok := s.state.Roles[p.Holds]; ok {
		p.Roles = append(p.Roles, *shown(r))
	}
	return &p.InstanceProfile
}

func (s *Service) getInstanceProfile(p profile, _ *iam.GetInstanceProfileInput) (*iam.GetInstanceProfileOutput, error) {
	return &iam.GetInstanceProfileOutput{InstanceProfile: s.shownProfile(p)}, nil
}

func (s *Service) listInstanceProfiles(in *iam.ListInstanceProfilesInput) ([]types.InstanceProfile, error) {
	return s.profiles(func(p profile) bool { return strings.HasPrefix(*p.Path, aws.ToString(in.PathPrefix)) }), nil
}

func (s *Service) listInstanceProfilesForRole(r role, _ *iam.ListInstanceProfilesForRoleInput) ([]types.InstanceProfile, error) {
	return s.profilesOf(*r.RoleName), nil
}

func (s *Service) profilesOf(role string) []types.InstanceProfile {
	return s.profiles(func(p profile) bool { return p.Holds == role })
}

func (s *Service) profiles(wanted func(profile) bool) []types.InstanceProfile {
	list := []types.InstanceProfile{}
	for _, name := range slices.Sorted(maps.Keys(s.state.Profiles)) {
		if p := s.state.Profiles[name]; wanted(p) {
			list = append(list, *s.shownProfile(p))
		}
	}
	return list
}

func (s *Service) addRole(p profile, in *iam.AddRoleToInstanceProfileInput) (*iam.AddRoleToInstanceProfileOutput, error) {
	r, err := s.ownRole(in)
	if err != nil {
		return nil, err
	}
	if p.Holds != "" {
		return nil, overQuota("InstanceSessionsPerInstanceProfile", 1)
	}
	p.Holds, p.Changed = *r.RoleName, s.opt.Now().UTC()
	s.state.Profiles[*p.InstanceProfileName] = p
	return &iam.AddRoleToInstanceProfileOutput{}, nil
}

func (s *Service) removeRole(p profile, in *iam.RemoveRoleFromInstanceProfileInput) (*iam.RemoveRoleFromInstanceProfileOutput, error) {
	if role := aws.ToString(in.RoleName); role == "" || p.Holds != role {
		return nil, noSuch("Role %s in Instance Profile %s cannot be found.", role, *p.InstanceProfileName)
	}
	p.Holds = ""
	s.state.Profiles[*p.InstanceProfileName] = p
	return &iam.RemoveRoleFromInstanceProfileOutput{}, nil
}

func (s *Service) tagProfile(p profile, in *iam.TagInstanceProfileInput) (_ *iam.TagInstanceProfileOutput, err error) {
	if p.Tags, err = retagged(p.Tags, in.Tags); err != nil {
		return nil, err
	}
	s.state.Profiles[*p.InstanceProfileName] = p
	return &iam.TagInstanceProfileOutput{}, nil
}

func (s *Service) untagProfile(p profile, in *iam.UntagInstanceProfileInput) (*iam.UntagInstanceProfileOutput, error) {
	p.Tags = untagged(p.Tags, in.TagKeys)
	s.state.Profiles[*p.InstanceProfileName] = p
	return &iam.UntagInstanceProfileOutput{}, nil
}

func (s *Service) deleteInstanceProfile(p profile, _ *iam.DeleteInstanceProfileInput) (*iam.DeleteInstanceProfileOutput, error) {
	if p.Holds != "" {
		return nil, deleteConflict("Cannot delete entity, must remove roles from instance profile first.")
	}
	delete(s.state.Profiles, *p.InstanceProfileName)
	return &iam.DeleteInstanceProfileOutput{}, nil
}
