package account

import (
	"context"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kedroctl/kedroctl/internal/local/policy"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// Default quotas, in characters without white space and in policies.
const (
	trustLimit    = 2048
	inlineLimit   = 10240 // of all inline policies of a role together
	attachedLimit = 10
)

var (
	policyName = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	// The embedded AWS has no list of AWS's managed policies: any name in their form passes.
	managedARN = regexp.MustCompile(`^arn:aws:iam::(aws|\d{12}):policy(/[\w+=,.@-]+)+$`)
)

func (s *Service) policyActions() map[string]wire.Action {
	return map[string]wire.Action{
		"PutRolePolicy":            on(s, s.putRolePolicy),
		"GetRolePolicy":            on(s, s.getRolePolicy),
		"DeleteRolePolicy":         on(s, s.deleteRolePolicy),
		"ListRolePolicies":         on(s, s.listRolePolicies),
		"AttachRolePolicy":         on(s, s.attachRolePolicy),
		"DetachRolePolicy":         on(s, s.detachRolePolicy),
		"ListAttachedRolePolicies": on(s, s.listAttachedRolePolicies),
	}
}

func (s *Service) putRolePolicy(_ context.Context, in *iam.PutRolePolicyInput) (*iam.PutRolePolicyOutput, error) {
	r, err := s.ownRole(in.RoleName)
	if err != nil {
		return nil, err
	}
	name, document := aws.ToString(in.PolicyName), aws.ToString(in.PolicyDocument)
	if !policyName.MatchString(name) {
		return nil, invalid("The specified value for policyName is invalid: %q", name)
	}
	if err := checkInline(document); err != nil {
		return nil, err
	}
	inline := maps.Clone(r.Inline)
	inline[name] = document
	total := 0
	for _, d := range inline {
		total += length(d)
	}
	if total > inlineLimit {
		return nil, wire.NewFault(http.StatusConflict, "LimitExceeded", "Maximum policy size of %d bytes exceeded for role %s", inlineLimit, r.Name)
	}
	r.Inline = inline
	s.state.Roles[r.Name] = r
	return &iam.PutRolePolicyOutput{}, nil
}

func (s *Service) inline(role, policy *string) (Role, error) {
	r, err := s.role(role)
	if err != nil {
		return Role{}, err
	}
	if _, ok := r.Inline[aws.ToString(policy)]; !ok {
		return Role{}, wire.NewFault(http.StatusNotFound, "NoSuchEntity", "The role policy with name %s cannot be found.", aws.ToString(policy))
	}
	return r, nil
}

func (s *Service) getRolePolicy(_ context.Context, in *iam.GetRolePolicyInput) (*iam.GetRolePolicyOutput, error) {
	r, err := s.inline(in.RoleName, in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetRolePolicyOutput{RoleName: &r.Name, PolicyName: in.PolicyName, PolicyDocument: urlEncoded(r.Inline[*in.PolicyName])}, nil
}

func (s *Service) deleteRolePolicy(_ context.Context, in *iam.DeleteRolePolicyInput) (*iam.DeleteRolePolicyOutput, error) {
	r, err := s.inline(in.RoleName, in.PolicyName)
	if err != nil {
		return nil, err
	}
	r.Inline = without(r.Inline, *in.PolicyName)
	s.state.Roles[r.Name] = r
	return &iam.DeleteRolePolicyOutput{}, nil
}

func (s *Service) listRolePolicies(_ context.Context, in *iam.ListRolePoliciesInput) (*iam.ListRolePoliciesOutput, error) {
	r, err := s.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	out := &iam.ListRolePoliciesOutput{}
	out.PolicyNames, out.Marker, out.IsTruncated = page(slices.Sorted(maps.Keys(r.Inline)), in.Marker, in.MaxItems)
	return out, nil
}

func (s *Service) attachRolePolicy(_ context.Context, in *iam.AttachRolePolicyInput) (*iam.AttachRolePolicyOutput, error) {
	r, err := s.ownRole(in.RoleName)
	if err != nil {
		return nil, err
	}
	arn := aws.ToString(in.PolicyArn)
	switch {
	case !managedARN.MatchString(arn):
		return nil, invalid("ARN %s is not valid.", arn)
	case !strings.HasPrefix(arn, "arn:aws:iam::aws:"):
		return nil, wire.NewFault(http.StatusNotFound, "NoSuchEntity", "Policy %s does not exist or is not attachable.", arn)
	case slices.Contains(r.Attached, arn):
		return &iam.AttachRolePolicyOutput{}, nil
	case len(r.Attached) == attachedLimit:
		return nil, limitExceeded("PoliciesPerRole", attachedLimit)
	}
	r.Attached = append(slices.Clone(r.Attached), arn)
	s.state.Roles[r.Name] = r
	return &iam.AttachRolePolicyOutput{}, nil
}

func (s *Service) detachRolePolicy(_ context.Context, in *iam.DetachRolePolicyInput) (*iam.DetachRolePolicyOutput, error) {
	r, err := s.ownRole(in.RoleName)
	if err != nil {
		return nil, err
	}
	arn := aws.ToString(in.PolicyArn)
	if !slices.Contains(r.Attached, arn) {
		return nil, wire.NewFault(http.StatusNotFound, "NoSuchEntity", "Policy %s was not found.", arn)
	}
	r.Attached = slices.DeleteFunc(slices.Clone(r.Attached), func(a string) bool { return a == arn })
	s.state.Roles[r.Name] = r
	return &iam.DetachRolePolicyOutput{}, nil
}

func (s *Service) listAttachedRolePolicies(_ context.Context, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
	r, err := s.role(in.RoleName)
	if err != nil {
		return nil, err
	}
	out := &iam.ListAttachedRolePoliciesOutput{}
	var arns []string
	arns, out.Marker, out.IsTruncated = page(r.Attached, in.Marker, in.MaxItems)
	for _, arn := range arns {
		out.AttachedPolicies = append(out.AttachedPolicies, types.AttachedPolicy{PolicyArn: &arn, PolicyName: aws.String(lastStep(arn))})
	}
	return out, nil
}

// checkTrust is for the policy that says who may assume a role: principals, and no resources.
func checkTrust(document string) error {
	if length(document) > trustLimit {
		return limitExceeded("ACLSizePerRole", trustLimit)
	}
	return checkPolicy(document, func(s policy.Statement) bool { return s.NamesPrincipals() && !s.NamesResources() }, "principals and no resources")
}

// checkInline is for a role's own policies: resources, and no principals.
func checkInline(document string) error {
	return checkPolicy(document, func(s policy.Statement) bool { return s.NamesResources() && !s.NamesPrincipals() }, "resources and no principals")
}

func checkPolicy(document string, fits func(policy.Statement) bool, members string) error {
	if strings.TrimLeftFunc(document, unicode.IsSpace) != document {
		return malformedPolicy("JSON strings must not have leading spaces")
	}
	statements, err := policy.Parse([]byte(document))
	if err != nil {
		return malformedPolicy("Syntax errors in policy: %v", err)
	}
	if !slices.ContainsFunc(statements, func(s policy.Statement) bool { return !fits(s) }) {
		return nil
	}
	return malformedPolicy("Policy statements must contain %s.", members)
}

// length is that of a document without white space, as quotas count it.
func length(document string) (n int) {
	for _, c := range document {
		if !unicode.IsSpace(c) {
			n++
		}
	}
	return n
}
