package account

import (
	"cmp"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

const (
	servicePath  = "/aws-service-role/"
	batchService = "batch.amazonaws.com"
	batchRole    = "AWSServiceRoleForBatch"

	hour = 3600 // seconds; the least and the default length of a role's session
)

// role is the one that an input names.
func (s *Service) role(in any) (role, error) {
	name := aws.ToString(member[*string](in, "RoleName"))
	r, ok := s.state.Roles[name]
	if !ok {
		return r, noSuch("The role with name %s cannot be found.", name)
	}
	return r, nil
}

// ownRole is a role that may be changed: those of services are not for users to change.
func (s *Service) ownRole(in any) (role, error) {
	r, err := s.role(in)
	if err == nil && strings.HasPrefix(*r.Path, servicePath) {
		err = unmodifiable("Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", *r.RoleName)
	}
	return r, err
}

func (s *Service) createRole(in *iam.CreateRoleInput) (*iam.CreateRoleOutput, error) {
	name, path, session := aws.ToString(in.RoleName), cmp.Or(aws.ToString(in.Path), "/"), cmp.Or(aws.ToInt32(in.MaxSessionDuration), hour)
	if err := checkName("roleName", name, 64, path); err != nil {
		return nil, err
	}
	switch {
	case strings.HasPrefix(path, servicePath):
		return nil, invalid("The path %s is reserved for service-linked roles", path)
	case session < hour || session > 12*hour:
		return nil, unfit("maxSessionDuration", session, "have value between %d and %d", hour, 12*hour)
	case len(aws.ToString(in.Description)) > 1000:
		return nil, unfit("description", *in.Description, "have length less than or equal to 1000")
	case taken(s.state.Roles, name):
		return nil, alreadyExists("Role with name %s already exists.", name)
	}
	if err := checkTrust(aws.ToString(in.AssumeRolePolicyDocument)); err != nil {
		return nil, err
	}
	tags, err := checkTags(in.Tags)
	if err != nil {
		return nil, err
	}
	bounds, err := boundary(in.PermissionsBoundary)
	if err != nil {
		return nil, err
	}
	r := s.putRole(name, path, *in.AssumeRolePolicyDocument)
	r.Description, r.MaxSessionDuration, r.Tags, r.PermissionsBoundary = in.Description, &session, tags, bounds
	s.state.Roles[name] = r
	return &iam.CreateRoleOutput{Role: shown(r)}, nil
}

func (s *Service) putRole(name, path, trust string) role {
	now := s.opt.Now().UTC()
	r := role{Role: types.Role{Arn: aws.String(s.arn("role", path, name)), CreateDate: &now, Path: &path, RoleId: newID("AROA"), RoleName: &name,
		AssumeRolePolicyDocument: &trust, MaxSessionDuration: aws.Int32(hour), Tags: []types.Tag{}}, Inline: map[string]string{}}
	s.state.Roles[name] = r
	return r
}

func (s *Service) createServiceLinkedRole(in *iam.CreateServiceLinkedRoleInput) (*iam.CreateServiceLinkedRoleOutput, error) {
	if aws.ToString(in.AWSServiceName) != batchService {
		return nil, invalidInput("The embedded IAM knows no service-linked role of %s", aws.ToString(in.AWSServiceName))
	}
	if _, ok := s.state.Roles[batchRole]; ok {
		return nil, invalidInput("Service role name %s has been taken in this account, please try a different suffix.", batchRole)
	}
	return &iam.CreateServiceLinkedRoleOutput{Role: shown(s.putBatchRole())}, nil
}

func (s *Service) putBatchRole() role {
	return s.putRole(batchRole, servicePath+batchService+"/",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"`+batchService+`"},"Action":"sts:AssumeRole"}]}`)
}

func getRole(r role, _ *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	return &iam.GetRoleOutput{Role: shown(r)}, nil
}

func (s *Service) listRoles(in *iam.ListRolesInput) ([]types.Role, error) {
	list := []types.Role{}
	for _, name := range slices.Sorted(maps.Keys(s.state.Roles)) {
		if r := shown(s.state.Roles[name]); strings.HasPrefix(*r.Path, aws.ToString(in.PathPrefix)) {
			r.Tags = nil // lists leave them out, as AWS does
			list = append(list, *r)
		}
	}
	return list, nil
}

func listRoleTags(r role, _ *iam.ListRoleTagsInput) ([]types.Tag, error) { return r.Tags, nil }

func tagRole(r *role, in *iam.TagRoleInput) (err error) {
	r.Tags, err = retagged(r.Tags, in.Tags)
	return err
}

func untagRole(r *role, in *iam.UntagRoleInput) error {
	r.Tags = untagged(r.Tags, in.TagKeys)
	return nil
}

func updateAssumeRolePolicy(r *role, in *iam.UpdateAssumeRolePolicyInput) error {
	r.AssumeRolePolicyDocument = in.PolicyDocument
	return checkTrust(aws.ToString(in.PolicyDocument))
}

func (s *Service) deleteRole(r role, _ *iam.DeleteRoleInput) (*iam.DeleteRoleOutput, error) {
	switch {
	case len(s.profilesOf(*r.RoleName)) > 0:
		return nil, deleteConflict("Cannot delete entity, must remove roles from instance profile first.")
	case len(r.Attached) > 0:
		return nil, deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(r.Inline) > 0:
		return nil, deleteConflict("Cannot delete entity, must delete policies first.")
	}
	delete(s.state.Roles, *r.RoleName)
	return &iam.DeleteRoleOutput{}, nil
}

// shown is a role as answers have it: with its document URL-encoded (RFC 3986).
func shown(r role) *types.Role {
	r.AssumeRolePolicyDocument = urlEncoded(*r.AssumeRolePolicyDocument)
	return &r.Role
}

func urlEncoded(document string) *string {
	return aws.String(strings.ReplaceAll(url.QueryEscape(document), "+", "%20"))
}

var (
	nameCharacters = regexp.MustCompile(`^[\w+=,.@-]+$`)
	pathPattern    = regexp.MustCompile(`^/([\x21-\x7e]{1,510}/)?$`)
)

// checkName takes the rules of the names of roles, instance profiles and policies; of paths, too, where an entity has one.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func checkName(member, name string, most int, path string) error {
	switch {
	case len(name) > most:
		return unfit(member, name, "have length less than or equal to %d", most)
	case !nameCharacters.MatchString(name):
		return invalid("The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", member)
	case !pathPattern.MatchString(path):
		return invalid("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return nil
}

// taken tells whether a name is in use, for which its case does not matter.
func taken[T any](entities map[string]T, name string) bool {
	for other := range entities {
		if strings.EqualFold(name, other) {
			return true
		}
	}
	return false
}
