package account

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kedroctl/kedroctl/internal/local/disk"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

var (
	rolePattern    = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	profilePattern = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	pathPattern    = regexp.MustCompile(`^/([\x21-\x7e]{1,510}/)?$`)
	servicePattern = regexp.MustCompile(`^([a-z0-9-]+\.)+amazonaws\.com$`)
)

const (
	servicePath = "/aws-service-role/"
	hour        = 3600 // seconds; the least and the default length of a role's session
)

func (s *Service) roleActions() map[string]wire.Action {
	return map[string]wire.Action{
		"CreateRole":              on(s, s.createRole),
		"GetRole":                 on(s, s.getRole),
		"UpdateRole":              on(s, s.updateRole),
		"DeleteRole":              on(s, s.deleteRole),
		"ListRoles":               on(s, s.listRoles),
		"UpdateAssumeRolePolicy":  on(s, s.updateAssumeRolePolicy),
		"TagRole":                 on(s, s.tagRole),
		"UntagRole":               on(s, s.untagRole),
		"ListRoleTags":            on(s, s.listRoleTags),
		"CreateServiceLinkedRole": on(s, s.createServiceLinkedRole),
	}
}

func (s *Service) role(name *string) (Role, error) {
	r, ok := s.state.Roles[aws.ToString(name)]
	if !ok {
		return Role{}, noSuchRole(aws.ToString(name))
	}
	return r, nil
}

// ownRole is a role that may be changed: one of a service may not.
func (s *Service) ownRole(name *string) (Role, error) {
	r, err := s.role(name)
	if err == nil && strings.HasPrefix(r.Path, servicePath) {
		err = wire.NewFault(http.StatusBadRequest, "UnmodifiableEntity",
			"Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", r.Name)
	}
	return r, err
}

func (s *Service) createRole(_ context.Context, in *iam.CreateRoleInput) (*iam.CreateRoleOutput, error) {
	name, path := aws.ToString(in.RoleName), cmpOr(in.Path, "/")
	if err := checkName("roleName", name, path, rolePattern); err != nil {
		return nil, err
	}
	if strings.HasPrefix(path, servicePath) {
		return nil, invalid("The path %s is reserved for service-linked roles", path)
	}
	if _, ok := s.state.Roles[name]; ok {
		return nil, alreadyExists("Role with name %s already exists.", name)
	}
	session, err := sessionLength(in.MaxSessionDuration)
	if err != nil {
		return nil, err
	}
	if err := checkTrust(aws.ToString(in.AssumeRolePolicyDocument)); err != nil {
		return nil, err
	}
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	r := s.newRole(name, path, *in.AssumeRolePolicyDocument)
	r.Description, r.MaxSession, r.Tags = aws.ToString(in.Description), session, tags
	s.state.Roles[name] = r
	return &iam.CreateRoleOutput{Role: describeRole(r)}, nil
}

func (s *Service) newRole(name, path, trust string) Role {
	return Role{ID: newID("AROA"), Name: name, Path: path, ARN: s.arn("role", path, name), Created: s.opt.Now().UTC(),
		MaxSession: hour, Trust: trust, Inline: map[string]string{}, Tags: map[string]string{}}
}

// sessionLength is between 1 and 12 hours.
func sessionLength(seconds *int32) (int32, error) {
	if seconds == nil {
		return hour, nil
	}
	if *seconds < hour || *seconds > 12*hour {
		return 0, invalid("1 validation error detected: Value '%d' at 'maxSessionDuration' failed to satisfy constraint: Member must be between %d and %d",
			*seconds, hour, 12*hour)
	}
	return *seconds, nil
}

func (s *Service) getRole(_ context.Context, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	r, err := s.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	return &iam.GetRoleOutput{Role: describeRole(r)}, nil
}

func (s *Service) updateRole(_ context.Context, in *iam.UpdateRoleInput) (*iam.UpdateRoleOutput, error) {
	r, err := s.ownRole(in.RoleName)
	if err != nil {
		return nil, err
	}
	session, err := sessionLength(in.MaxSessionDuration)
	if err != nil {
		return nil, err
	}
	if in.MaxSessionDuration != nil {
		r.MaxSession = session
	}
	if in.Description != nil {
		r.Description = *in.Description
	}
	s.state.Roles[r.Name] = r
	return &iam.UpdateRoleOutput{}, nil
}

func (s *Service) deleteRole(_ context.Context, in *iam.DeleteRoleInput) (*iam.DeleteRoleOutput, error) {
	r, err := s.ownRole(in.RoleName)
	switch {
	case err != nil:
		return nil, err
	case len(s.profilesOf(r.Name)) > 0:
		return nil, deleteConflict("remove roles from instance profile")
	case len(r.Attached) > 0:
		return nil, deleteConflict("detach all policies")
	case len(r.Inline) > 0:
		return nil, deleteConflict("delete policies")
	}
	delete(s.state.Roles, r.Name)
	return &iam.DeleteRoleOutput{}, nil
}

func (s *Service) listRoles(_ context.Context, in *iam.ListRolesInput) (*iam.ListRolesOutput, error) {
	out := &iam.ListRolesOutput{}
	names := slices.Sorted(maps.Keys(s.state.Roles))
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(s.state.Roles[n].Path, aws.ToString(in.PathPrefix)) })
	names, out.Marker, out.IsTruncated = page(names, in.Marker, in.MaxItems)
	for _, n := range names {
		r := describeRole(s.state.Roles[n])
		r.Tags = nil // lists leave them out, as AWS does
		out.Roles = append(out.Roles, *r)
	}
	return out, nil
}

func (s *Service) updateAssumeRolePolicy(_ context.Context, in *iam.UpdateAssumeRolePolicyInput) (*iam.UpdateAssumeRolePolicyOutput, error) {
	r, err := s.ownRole(in.RoleName)
	if err != nil {
		return nil, err
	}
	if err := checkTrust(aws.ToString(in.PolicyDocument)); err != nil {
		return nil, err
	}
	r.Trust = *in.PolicyDocument
	s.state.Roles[r.Name] = r
	return &iam.UpdateAssumeRolePolicyOutput{}, nil
}

func (s *Service) createServiceLinkedRole(_ context.Context, in *iam.CreateServiceLinkedRoleInput) (*iam.CreateServiceLinkedRoleOutput, error) {
	service := aws.ToString(in.AWSServiceName)
	if !servicePattern.MatchString(service) {
		return nil, invalid("%q is not a service that has service-linked roles", service)
	}
	name := serviceLinkedName(service)
	if _, ok := s.state.Roles[name]; ok {
		return nil, wire.NewFault(http.StatusBadRequest, "InvalidInput",
			"Service role name %s has been taken in this account, please try a different suffix.", name)
	}
	return &iam.CreateServiceLinkedRoleOutput{Role: describeRole(s.addServiceLinkedRole(service))}, nil
}

// EnsureServiceLinkedRole is the role of a service such as batch.amazonaws.com, made where it is absent: what a service does on first use.
func (s *Service) EnsureServiceLinkedRole(service string) (Role, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.state.Roles[serviceLinkedName(service)]; ok {
		return r, nil
	}
	r := s.addServiceLinkedRole(service)
	return r, disk.WriteJSON(s.file, s.state)
}

func (s *Service) addServiceLinkedRole(service string) Role {
	name := serviceLinkedName(service)
	r := s.newRole(name, servicePath+service+"/",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"`+service+`"},"Action":"sts:AssumeRole"}]}`)
	s.state.Roles[name] = r
	return r
}

// serviceLinkedName is AWSServiceRoleForBatch for batch.amazonaws.com.
func serviceLinkedName(service string) string {
	first, _, _ := strings.Cut(service, ".")
	return "AWSServiceRoleFor" + strings.ToUpper(first[:1]) + first[1:]
}

// describeRole gives documents URL-encoded, as AWS does (RFC 3986).
func describeRole(r Role) *types.Role {
	return &types.Role{Arn: &r.ARN, CreateDate: &r.Created, Path: &r.Path, RoleId: &r.ID, RoleName: &r.Name,
		AssumeRolePolicyDocument: urlEncoded(r.Trust), Description: optional(r.Description), MaxSessionDuration: &r.MaxSession, Tags: listTags(r.Tags)}
}

func urlEncoded(document string) *string {
	return aws.String(strings.ReplaceAll(url.QueryEscape(document), "+", "%20"))
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
