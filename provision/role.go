package provision

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// policyName is that of the one inline policy of each role.
const policyName = "kedroctl"

// role is a role of the stack, with one inline policy.
type role struct {
	Clients
	spec   Spec
	name   string
	trust  policy
	policy policy
	use    string // for people who meet it in the console
}

func (s Spec) jobRole(c Clients, a account) role {
	return role{Clients: c, spec: s, name: s.JobRole, trust: s.trustTasks(a), policy: s.jobPolicy(a), use: "Jobs"}
}

func (s Spec) executionRole(c Clients, a account) role {
	return role{Clients: c, spec: s, name: s.ExecutionRole, trust: s.trustTasks(a), policy: s.executionPolicy(a), use: "Start of jobs"}
}

func (s Spec) instanceRole(c Clients, a account) role {
	return role{Clients: c, spec: s, name: s.InstanceRole, trust: trustInstances(), policy: s.instancePolicy(a), use: "Instances"}
}

func (r role) diff(ctx context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindRole, Name: r.name}
	found, err := findRole(ctx, r.IAM, r.name)
	if err != nil {
		return is, nil, err
	}
	if found == nil {
		create := change{what: "create", create: true, attributes: slices.Concat(documents("assume_role_policy", "", r.trust.String()),
			attribute("path", "", r.spec.rolePath()), attribute("permissions_boundary", "", aws.ToString(r.spec.boundary()))),
			command: r.createCommand(), do: func(ctx context.Context) error { return r.create(ctx, is) }}
		return is, []change{create, r.put("")}, nil
	}
	is.ARN = aws.ToString(found.Arn)
	if !r.spec.owns(iamTags(found.Tags)) {
		return is, nil, notOurs(is, r.spec)
	}
	if path := aws.ToString(found.Path); path != r.spec.rolePath() {
		return is, nil, &pathError{path, r.spec.rolePath()}
	}
	changes := r.spec.retag(iamTags(found.Tags)).inIAM("role", r.name, r.tag, r.untag)
	if want := aws.ToString(r.spec.boundary()); want != "" && boundaryOf(*found) != want {
		changes = append(changes, change{what: "put permissions boundary", attributes: attribute("permissions_boundary", boundaryOf(*found), want), do: r.bound,
			command: []string{"put-role-permissions-boundary", "--role-name", r.name, "--permissions-boundary", want}})
	}
	if trust := unescape(found.AssumeRolePolicyDocument); !r.trust.same(trust) {
		changes = append(changes, change{what: "put trust policy", attributes: documents("assume_role_policy", trust, r.trust.String()), do: r.putTrust,
			command: []string{"update-assume-role-policy", "--role-name", r.name, "--policy-document", r.trust.String()}})
	}
	allowed, err := r.allowed(ctx)
	if err != nil {
		return is, nil, err
	}
	if !r.policy.same(allowed) {
		changes = append(changes, r.put(allowed))
	}
	return is, changes, nil
}

// put puts the policy in place of another, "" where there is none.
func (r role) put(is string) change {
	return change{what: "put policy", attributes: documents("policy", is, r.policy.String()), do: r.allow,
		command: []string{"put-role-policy", "--role-name", r.name, "--policy-name", policyName, "--policy-document", r.policy.String()}}
}

// unescape reads a document as IAM gives it, URL-encoded.
func unescape(document *string) string {
	text, err := url.QueryUnescape(aws.ToString(document))
	if err != nil {
		return aws.ToString(document)
	}
	return text
}

func (r role) createCommand() []string {
	words := []string{"create-role", "--role-name", r.name, "--path", r.spec.rolePath(), "--assume-role-policy-document", r.trust.String(), "--description", r.description()}
	if b := r.spec.boundary(); b != nil {
		words = append(words, "--permissions-boundary", *b)
	}
	return append(words, cliTags(r.spec.resourceTags())...)
}

func (r role) create(ctx context.Context, is *Resource) error {
	out, err := r.IAM.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &r.name, AssumeRolePolicyDocument: aws.String(r.trust.String()),
		Path: aws.String(r.spec.rolePath()), PermissionsBoundary: r.spec.boundary(),
		Description: aws.String(r.description()), Tags: toIAM(r.spec.resourceTags())})
	if err == nil {
		is.ARN = aws.ToString(out.Role.Arn)
	}
	return err
}

func (r role) description() string {
	return fmt.Sprintf("%s of Kedro project %s, environment %s", r.use, r.spec.Project, r.spec.Env)
}

// pathError is a role that the stack has under another path than the settings want. IAM moves no role, and what jobs run with is not taken from them.
type pathError struct{ is, wanted string }

func (e *pathError) Error() string {
	return fmt.Sprintf("it has the path %s, and aws.role_path is %s: IAM moves no role", e.is, e.wanted)
}

// Hint is the next step.
func (e *pathError) Hint() string {
	return "'kedroctl destroy' removes the stack and keeps data and images, then 'kedroctl deploy' makes it anew; or set aws.role_path back"
}

// rolePath is that of the roles and the instance profile that are made.
func (s Spec) rolePath() string { return cmp.Or(s.Existing.RolePath, "/") }

// boundary is the policy of the settings that bounds roles, nil for none.
func (s Spec) boundary() *string {
	if s.Existing.PermissionsBoundary == "" {
		return nil
	}
	return &s.Existing.PermissionsBoundary
}

// boundaryOf is the policy that bounds a role, "" for none. Without one in the settings, one that an administrator has put stays.
func boundaryOf(found iamtypes.Role) string {
	if found.PermissionsBoundary == nil {
		return ""
	}
	return aws.ToString(found.PermissionsBoundary.PermissionsBoundaryArn)
}

func (r role) bound(ctx context.Context) error {
	_, err := r.IAM.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: &r.name, PermissionsBoundary: r.spec.boundary()})
	return err
}

func (r role) tag(ctx context.Context, tags map[string]string) error {
	_, err := r.IAM.TagRole(ctx, &iam.TagRoleInput{RoleName: &r.name, Tags: toIAM(tags)})
	return err
}

func (r role) untag(ctx context.Context, keys []string) error {
	_, err := r.IAM.UntagRole(ctx, &iam.UntagRoleInput{RoleName: &r.name, TagKeys: keys})
	return err
}

func (r role) putTrust(ctx context.Context) error {
	_, err := r.IAM.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &r.name, PolicyDocument: aws.String(r.trust.String())})
	return err
}

// allowed is the policy that the role has, "" where there is none.
func (r role) allowed(ctx context.Context) (string, error) {
	out, err := r.IAM.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &r.name, PolicyName: aws.String(policyName)})
	if err != nil {
		return "", ignoreAbsent(err)
	}
	return unescape(out.PolicyDocument), nil
}

func (r role) allow(ctx context.Context) error {
	return r.settled(ctx, func() error {
		_, err := r.IAM.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &r.name, PolicyName: aws.String(policyName),
			PolicyDocument: aws.String(r.policy.String())})
		return err
	})
}

// settled calls again while IAM does not know yet what it has just made.
func (c Clients) settled(ctx context.Context, call func() error) error {
	return c.patiently(ctx, 10, func(err error) bool { return hasCode(err, "NoSuchEntity") }, call)
}

func findRole(ctx context.Context, api roles, name string) (*iamtypes.Role, error) {
	out, err := api.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		return nil, ignoreAbsent(err)
	}
	return out.Role, nil
}

func iamTags(list []iamtypes.Tag) map[string]string {
	tags := map[string]string{}
	for _, t := range list {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags
}

func toIAM(tags map[string]string) []iamtypes.Tag {
	var list []iamtypes.Tag
	for _, t := range sorted(tags) {
		list = append(list, iamtypes.Tag{Key: &t.key, Value: &t.value})
	}
	return list
}

// existingRole is one that the settings name, by name or ARN.
type existingRole struct {
	Clients
	key, name string // the setting, and its value
	service   string // that has to be able to take the role
	reach     *reach // nil: AWS's own policy is not looked at
}

func (s Spec) existingJobRole(c Clients, a account) existingRole {
	return existingRole{c, "aws.job_role", s.Existing.JobRole, tasksService, &reach{c, s, s.jobPolicy(a)}}
}

func (s Spec) existingExecutionRole(c Clients, a account) existingRole {
	return existingRole{c, "aws.execution_role", s.Existing.ExecutionRole, tasksService, &reach{c, s, s.executionPolicy(a)}}
}

func (s Spec) existingServiceRole(c Clients) existingRole {
	return existingRole{c, "aws.service_role", s.Existing.ServiceRole, batchService, nil}
}

func (e existingRole) diff(ctx context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindRole, Name: lastPart(e.name), State: Existing}
	found, err := findRole(ctx, e.IAM, is.Name)
	if err == nil && found == nil {
		err = noSuch(e.key)
	}
	if err != nil {
		return is, nil, err
	}
	is.ARN = aws.ToString(found.Arn)
	err = checkTrust(unescape(found.AssumeRolePolicyDocument), e.service, e.key)
	if err == nil && e.reach != nil {
		err = e.reach.check(ctx, is, *found, "it")
	}
	return is, nil, err
}

// checkTrust refuses a role that a service may not take: jobs or instances would not start.
func checkTrust(document, service, key string) error {
	var p struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(document), &p); err != nil {
		return fmt.Errorf("read its trust policy: %w", err)
	}
	var statements []struct {
		Effect            string
		Principal, Action json.RawMessage
	}
	if json.Unmarshal(p.Statement, &statements) != nil { // one alone may stand without a list
		statements = append(statements, struct {
			Effect            string
			Principal, Action json.RawMessage
		}{})
		if err := json.Unmarshal(p.Statement, &statements[0]); err != nil {
			return fmt.Errorf("read its trust policy: %w", err)
		}
	}
	for _, s := range statements {
		if s.Effect == "Allow" && strings.Contains(string(s.Principal), `"`+service+`"`) && strings.Contains(strings.ToLower(string(s.Action)), `"sts:`) {
			return nil
		}
	}
	return ui.WithHint(fmt.Errorf("%s may not take it: its trust policy does not name that service", service),
		"have its owner allow sts:AssumeRole for "+service+", or correct "+key+" in pyproject.toml")
}

// Services that take roles.
const (
	tasksService     = "ecs-tasks.amazonaws.com"
	instancesService = "ec2.amazonaws.com"
	batchService     = "batch.amazonaws.com"
)

// noSuch is the error for what a setting names and AWS does not have.
func noSuch(key string) error {
	return ui.WithHint(fmt.Errorf("there is no such resource, but the settings name it"), "correct "+key+" in pyproject.toml, or remove it to have one made")
}

// lastPart is the name in an ARN, or the name itself.
func lastPart(nameOrARN string) string {
	return nameOrARN[strings.LastIndex(nameOrARN, "/")+1:]
}

func (r role) removal(ctx context.Context) (Resource, func(context.Context) error, error) {
	is := Resource{Kind: KindRole, Name: r.name}
	found, err := findRole(ctx, r.IAM, r.name)
	if err != nil || found == nil {
		return is, nil, err
	}
	if !r.spec.owns(iamTags(found.Tags)) {
		return foreign(is), nil, nil
	}
	return is, r.remove, nil
}

func (r role) remove(ctx context.Context) error {
	if err := r.strip(ctx); err != nil {
		return err
	}
	_, err := r.IAM.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &r.name})
	return ignoreAbsent(err)
}

// strip takes off what keeps a role from being deleted, also what others attached to it.
func (r role) strip(ctx context.Context) error {
	inline, err := r.IAM.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &r.name})
	if err != nil {
		return ignoreAbsent(err)
	}
	for _, name := range inline.PolicyNames {
		_, err := r.IAM.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &r.name, PolicyName: &name})
		if ignoreAbsent(err) != nil {
			return err
		}
	}
	attached, err := r.IAM.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &r.name})
	if err != nil {
		return ignoreAbsent(err)
	}
	for _, p := range attached.AttachedPolicies {
		_, err := r.IAM.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &r.name, PolicyArn: p.PolicyArn})
		if ignoreAbsent(err) != nil {
			return err
		}
	}
	return nil
}
