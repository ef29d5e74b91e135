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

func (s *Service) profile(name *string) (profile, error) {
	p, ok := s.state.Profiles[aws.ToString(name)]
	if !ok {
		return profile{}, noSuch("Instance Profile %s cannot be found.", aws.ToString(name))
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
	s.state.Profiles[name] = profile{InstanceProfile: types.InstanceProfile{Arn: aws.String(s.arn("instance-profile", path, name)), CreateDate: &now,
		InstanceProfileId: newID("AIPA"), InstanceProfileName: &name, Path: &path, Tags: tags}}
	return &iam.CreateInstanceProfileOutput{InstanceProfile: s.shownProfile(name)}, nil
}

// shownProfile is an instance profile as answers have it: with its role.
func (s *Service) shownProfile(name string) *types.InstanceProfile {
	p := s.state.Profiles[name]
	p.Roles = []types.Role{}
	if r, ok := s.state.Roles[p.Holds]; ok {
		p.Roles = append(p.Roles, *shown(r))
	}
	return &p.InstanceProfile
}

func (s *Service) getInstanceProfile(in *iam.GetInstanceProfileInput) (*iam.GetInstanceProfileOutput, error) {
	p, err := s.profile(in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	return &iam.GetInstanceProfileOutput{InstanceProfile: s.shownProfile(*p.InstanceProfileName)}, nil
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
		if wanted(s.state.Profiles[name]) {
			list = append(list, *s.shownProfile(name))
		}
	}
	return list
}

func (s *Service) addRole(in *iam.AddRoleToInstanceProfileInput) (*iam.AddRoleToInstanceProfileOutput, error) {
	p, err := s.profile(in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	r, err := s.ownRole(in.RoleName)
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

func (s *Service) removeRole(in *iam.RemoveRoleFromInstanceProfileInput) (*iam.RemoveRoleFromInstanceProfileOutput, error) {
	p, err := s.profile(in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	if in.RoleName == nil || p.Holds != *in.RoleName {
		return nil, noSuch("Role %s in Instance Profile %s cannot be found.", aws.ToString(in.RoleName), *p.InstanceProfileName)
	}
	p.Holds = ""
	s.state.Profiles[*p.InstanceProfileName] = p
	return &iam.RemoveRoleFromInstanceProfileOutput{}, nil
}

func (s *Service) deleteInstanceProfile(in *iam.DeleteInstanceProfileInput) (*iam.DeleteInstanceProfileOutput, error) {
	p, err := s.profile(in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	if p.Holds != "" {
		return nil, deleteConflict("Cannot delete entity, must remove roles from instance profile first.")
	}
	delete(s.state.Profiles, *p.InstanceProfileName)
	return &iam.DeleteInstanceProfileOutput{}, nil
}
