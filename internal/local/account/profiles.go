package account

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

func (s *Service) profileActions() map[string]wire.Action {
	return map[string]wire.Action{
		"CreateInstanceProfile":         on(s, s.createInstanceProfile),
		"GetInstanceProfile":            on(s, s.getInstanceProfile),
		"DeleteInstanceProfile":         on(s, s.deleteInstanceProfile),
		"ListInstanceProfiles":          on(s, s.listInstanceProfiles),
		"ListInstanceProfilesForRole":   on(s, s.listInstanceProfilesForRole),
		"AddRoleToInstanceProfile":      on(s, s.addRole),
		"RemoveRoleFromInstanceProfile": on(s, s.removeRole),
		"TagInstanceProfile":            on(s, s.tagProfile),
		"UntagInstanceProfile":          on(s, s.untagProfile),
		"ListInstanceProfileTags":       on(s, s.listProfileTags),
	}
}

func (s *Service) profile(name *string) (InstanceProfile, error) {
	p, ok := s.state.Profiles[aws.ToString(name)]
	if !ok {
		return InstanceProfile{}, noSuchProfile(aws.ToString(name))
	}
	return p, nil
}

func (s *Service) createInstanceProfile(_ context.Context, in *iam.CreateInstanceProfileInput) (*iam.CreateInstanceProfileOutput, error) {
	name, path := aws.ToString(in.InstanceProfileName), cmpOr(in.Path, "/")
	if err := checkName("instanceProfileName", name, path, profilePattern); err != nil {
		return nil, err
	}
	if _, ok := s.state.Profiles[name]; ok {
		return nil, alreadyExists("Instance Profile %s already exists.", name)
	}
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	now := s.opt.Now().UTC()
	p := InstanceProfile{ID: newID("AIPA"), Name: name, Path: path, ARN: s.arn("instance-profile", path, name), Created: now, Changed: now, Tags: tags}
	s.state.Profiles[name] = p
	return &iam.CreateInstanceProfileOutput{InstanceProfile: s.describeProfile(p)}, nil
}

func (s *Service) getInstanceProfile(_ context.Context, in *iam.GetInstanceProfileInput) (*iam.GetInstanceProfileOutput, error) {
	p, err := s.profile(in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	return &iam.GetInstanceProfileOutput{InstanceProfile: s.describeProfile(p)}, nil
}

func (s *Service) deleteInstanceProfile(_ context.Context, in *iam.DeleteInstanceProfileInput) (*iam.DeleteInstanceProfileOutput, error) {
	p, err := s.profile(in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	if p.Role != "" {
		return nil, deleteConflict("remove roles from instance profile")
	}
	delete(s.state.Profiles, p.Name)
	return &iam.DeleteInstanceProfileOutput{}, nil
}

func (s *Service) listInstanceProfiles(_ context.Context, in *iam.ListInstanceProfilesInput) (*iam.ListInstanceProfilesOutput, error) {
	out := &iam.ListInstanceProfilesOutput{}
	names := slices.Sorted(maps.Keys(s.state.Profiles))
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(s.state.Profiles[n].Path, aws.ToString(in.PathPrefix)) })
	names, out.Marker, out.IsTruncated = page(names, in.Marker, in.MaxItems)
	out.InstanceProfiles = s.describeProfiles(names)
	return out, nil
}

func (s *Service) listInstanceProfilesForRole(_ context.Context, in *iam.ListInstanceProfilesForRoleInput) (*iam.ListInstanceProfilesForRoleOutput, error) {
	r, err := s.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	out := &iam.ListInstanceProfilesForRoleOutput{}
	var names []string
	names, out.Marker, out.IsTruncated = page(s.profilesOf(r.Name), in.Marker, in.MaxItems)
	out.InstanceProfiles = s.describeProfiles(names)
	return out, nil
}

// profilesOf names the instance profiles that have the role, in order.
func (s *Service) profilesOf(role string) []string {
	names := slices.Sorted(maps.Keys(s.state.Profiles))
	return slices.DeleteFunc(names, func(n string) bool { return s.state.Profiles[n].Role != role })
}

func (s *Service) addRole(_ context.Context, in *iam.AddRoleToInstanceProfileInput) (*iam.AddRoleToInstanceProfileOutput, error) {
	p, err := s.profile(in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	r, err := s.ownRole(in.RoleName)
	if err != nil {
		return nil, err
	}
	if p.Role != "" {
		return nil, limitExceeded("InstanceSessionsPerInstanceProfile", 1)
	}
	p.Role, p.Changed = r.Name, s.opt.Now().UTC()
	s.state.Profiles[p.Name] = p
	return &iam.AddRoleToInstanceProfileOutput{}, nil
}

func (s *Service) removeRole(_ context.Context, in *iam.RemoveRoleFromInstanceProfileInput) (*iam.RemoveRoleFromInstanceProfileOutput, error) {
	p, err := s.profile(in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	if role := aws.ToString(in.RoleName); p.Role != role || role == "" {
		return nil, wire.NewFault(http.StatusNotFound, "NoSuchEntity", "Role %s is not in Instance Profile %s.", role, p.Name)
	}
	p.Role = ""
	s.state.Profiles[p.Name] = p
	return &iam.RemoveRoleFromInstanceProfileOutput{}, nil
}

func (s *Service) describeProfile(p InstanceProfile) *types.InstanceProfile {
	d := &types.InstanceProfile{Arn: &p.ARN, CreateDate: &p.Created, InstanceProfileId: &p.ID, InstanceProfileName: &p.Name,
		Path: &p.Path, Roles: []types.Role{}, Tags: listTags(p.Tags)}
	if r, ok := s.state.Roles[p.Role]; ok {
		d.Roles = append(d.Roles, *describeRole(r))
	}
	return d
}

func (s *Service) describeProfiles(names []string) []types.InstanceProfile {
	list := []types.InstanceProfile{}
	for _, n := range names {
		list = append(list, *s.describeProfile(s.state.Profiles[n]))
	}
	return list
}
