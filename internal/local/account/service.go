package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kedroctl/kedroctl/internal/local/disk"
	"github.com/kedroctl/kedroctl/internal/local/policy"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// Options say whose account it is.
type Options struct {
	Dir     string           // directory of the state's file; "" keeps the state in memory
	Account string           // 12 digits
	Now     func() time.Time // nil: time.Now
	Denied  wire.Denied      // what the caller may not do, by iam: actions
}

// Service is IAM of one account.
type Service struct {
	wire.Queries
	opt    Options
	file   string
	mu     sync.Mutex
	state  state
	parsed map[string][]policy.Statement // of the policies that jobs were asked for, by document
}

// state is what the file keeps, by names.
type state struct {
	Roles    map[string]role
	Profiles map[string]profile
}

// role is a role with its policies. Its trust policy is kept as it was sent.
type role struct {
	types.Role
	Inline   map[string]string // documents by name
	Attached []string          // ARNs of managed policies, in order of their attachment
}

// profile is an instance profile.
type profile struct {
	types.InstanceProfile           // without roles
	Holds                 string    // name of its role, "" where it has none
	Changed               time.Time // when a role was last added
}

// New is the account as its file has it; without one it is empty.
func New(opt Options) (*Service, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s := &Service{opt: opt, state: state{map[string]role{}, map[string]profile{}}, parsed: map[string][]policy.Statement{}}
	if opt.Dir != "" {
		s.file = filepath.Join(opt.Dir, "iam.json")
	}
	if err := disk.ReadJSON(s.file, &s.state); err != nil {
		return nil, fmt.Errorf("read the account's state: %w", err)
	}
	s.Queries = wire.Queries{Dialect: wire.IAM, Denied: opt.Denied, Needs: s.needs, Actions: map[string]wire.Action{
		"CreateRole":                    change(s, s.createRole),
		"CreateServiceLinkedRole":       change(s, s.createServiceLinkedRole),
		"GetRole":                       look(s, of(s.role, getRole)),
		"ListRoles":                     look(s, paged("Roles", s.listRoles)),
		"ListRoleTags":                  look(s, paged("Tags", of(s.role, listRoleTags))),
		"TagRole":                       change(s, edited(s, tagRole)),
		"UntagRole":                     change(s, edited(s, untagRole)),
		"UpdateAssumeRolePolicy":        change(s, edited(s, updateAssumeRolePolicy)),
		"DeleteRole":                    change(s, of(s.ownRole, s.deleteRole)),
		"PutRolePolicy":                 change(s, edited(s, putRolePolicy)),
		"GetRolePolicy":                 look(s, of(s.role, getRolePolicy)),
		"ListRolePolicies":              look(s, paged("PolicyNames", of(s.role, listRolePolicies))),
		"DeleteRolePolicy":              change(s, edited(s, deleteRolePolicy)),
		"PutRolePermissionsBoundary":    change(s, edited(s, putRoleBoundary)),
		"DeleteRolePermissionsBoundary": change(s, edited(s, deleteRoleBoundary)),
		"AttachRolePolicy":              change(s, edited(s, attachRolePolicy)),
		"ListAttachedRolePolicies":      look(s, paged("AttachedPolicies", of(s.role, listAttachedRolePolicies))),
		"DetachRolePolicy":              change(s, edited(s, detachRolePolicy)),
		"SimulatePrincipalPolicy":       look(s, paged("EvaluationResults", s.simulate)),
		"CreateInstanceProfile":         change(s, s.createInstanceProfile),
		"GetInstanceProfile":            look(s, of(s.profile, s.getInstanceProfile)),
		"ListInstanceProfiles":          look(s, paged("InstanceProfiles", s.listInstanceProfiles)),
		"ListInstanceProfilesForRole":   look(s, paged("InstanceProfiles", of(s.role, s.listInstanceProfilesForRole))),
		"TagInstanceProfile":            change(s, of(s.profile, s.tagProfile)),
		"UntagInstanceProfile":          change(s, of(s.profile, s.untagProfile)),
		"AddRoleToInstanceProfile":      change(s, of(s.profile, s.addRole)),
		"RemoveRoleFromInstanceProfile": change(s, of(s.profile, s.removeRole)),
		"DeleteInstanceProfile":         change(s, of(s.profile, s.deleteInstanceProfile)),
	}}
	return s, nil
}

// look makes an action of a function that changes nothing.
func look[In, Out any](s *Service, do func(*In) (Out, error)) wire.Action {
	return wire.QueryFunc(func(_ context.Context, in *In) (Out, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return do(in)
	})
}

// change makes an action of a function whose change is kept.
func change[In, Out any](s *Service, do func(*In) (Out, error)) wire.Action {
	return look(s, func(in *In) (Out, error) {
		out, err := do(in)
		if err == nil {
			err = s.save()
		}
		return out, err
	})
}

// of looks up what an input names.
func of[T, In, Out any](find func(in any) (T, error), do func(T, *In) (Out, error)) func(*In) (Out, error) {
	return func(in *In) (out Out, err error) {
		found, err := find(in)
		if err != nil {
			return out, err
		}
		return do(found, in)
	}
}

// edited changes a copy of the role that an input names, and puts it in its place.
func edited[In any](s *Service, do func(*role, *In) error) func(*In) (any, error) {
	return of(s.ownRole, func(r role, in *In) (any, error) {
		r.Inline, r.Attached = maps.Clone(r.Inline), slices.Clone(r.Attached)
		if err := do(&r, in); err != nil {
			return nil, err
		}
		s.state.Roles[*r.RoleName] = r
		return nil, nil
	})
}

// paged answers with a page of a list, by default 100 and at most 1,000 of its members, under the name that the list has there.
func paged[In, T any](name string, list func(*In) ([]T, error)) func(*In) (map[string]any, error) {
	return func(in *In) (map[string]any, error) {
		all, err := list(in)
		if err != nil {
			return nil, err
		}
		size := cmp.Or(member[*int32](in, "MaxItems"), aws.Int32(100))
		page, next, err := wire.Page(all, member[*string](in, "Marker"), size, 1000, "ValidationError")
		return map[string]any{name: page, "Marker": next, "IsTruncated": next != nil}, err
	}
}

// member is a field that inputs of many operations have.
func member[T any](in any, name string) T {
	return reflect.ValueOf(in).Elem().FieldByName(name).Interface().(T)
}

func (s *Service) save() error {
	if err := disk.WriteJSON(s.file, s.state); err != nil {
		return fmt.Errorf("keep the account's state: %w", err)
	}
	return nil
}

// STS tells callers who they are in an account, for which nobody needs a permission.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func STS(account string) wire.Queries {
	return wire.Queries{Dialect: wire.STS, Actions: map[string]wire.Action{"GetCallerIdentity": wire.QueryFunc(
		func(ctx context.Context, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
			c := wire.CallerOf(ctx)
			return &sts.GetCallerIdentityOutput{Account: &account, Arn: &c.ARN, UserId: &c.UserID}, nil
		})}}
}

// RoleSince is when the role with this ARN was made.
func (s *Service) RoleSince(arn string) (since time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.state.Roles[lastStep(arn)]
	return aws.ToTime(r.CreateDate), ok && *r.Arn == arn
}

// InstanceProfileSince is when the instance profile last got its role. Instances whose profile has none reach no cluster, so that such a
// profile is not found.
func (s *Service) InstanceProfileSince(nameOrARN string) (since time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.state.Profiles[lastStep(nameOrARN)]
	return p.Changed, ok && p.Holds != "" && (nameOrARN == *p.InstanceProfileName || nameOrARN == *p.Arn)
}

// ServiceLinkedRole is the ARN of Batch's own role, which is made where it is absent: what Batch does on first use.
func (s *Service) ServiceLinkedRole() (arn string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.state.Roles[batchRole]
	if !ok {
		r = s.putBatchRole()
		err = s.save()
	}
	return *r.Arn, err
}

// Allows reports whether the policies of the role with this ARN, inline and attached, allow an action, and its permissions boundary does too. An
// unknown role may do nothing.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
func (s *Service) Allows(role, action, resource string, conditions map[string]string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.state.Roles[lastStep(role)]
	if bounds := s.bounds(r); bounds != nil && !policy.Allows(bounds, action, resource, conditions) {
		return false
	}
	var all []policy.Statement
	for _, statements := range s.policiesOf(r) {
		all = append(all, statements...)
	}
	return policy.Allows(all, action, resource, conditions)
}

// policiesOf are the statements of the policies of a role, inline and attached, by the policies' names.
func (s *Service) policiesOf(r role) map[string][]policy.Statement {
	all := map[string][]policy.Statement{}
	for name, document := range r.Inline {
		all[name] = s.parse(document)
	}
	for _, arn := range r.Attached {
		all[lastStep(arn)] = s.parse(managedPolicies[arn])
	}
	return all
}

// bounds are the statements of the permissions boundary of a role, nil without one.
func (s *Service) bounds(r role) []policy.Statement {
	if r.PermissionsBoundary == nil {
		return nil
	}
	return s.parse(managedPolicies[*r.PermissionsBoundary.PermissionsBoundaryArn])
}

func (s *Service) parse(document string) []policy.Statement {
	if s.parsed[document] == nil {
		s.parsed[document], _ = policy.Parse([]byte(document)) // checked when it was put
	}
	return s.parsed[document]
}

func lastStep(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

func (s *Service) arn(kind, path, name string) string {
	return "arn:aws:iam::" + s.opt.Account + ":" + kind + path + name
}

// newID is a unique id in AWS's form: a prefix that tells the kind, then 17 characters.
func newID(prefix string) *string { return aws.String(prefix + rand.Text()[:17]) }

// What IAM says no with.
var (
	noSuch          = wire.Refusal(http.StatusNotFound, "NoSuchEntity")
	alreadyExists   = wire.Refusal(http.StatusConflict, "EntityAlreadyExists")
	deleteConflict  = wire.Refusal(http.StatusConflict, "DeleteConflict")
	limitExceeded   = wire.Refusal(http.StatusConflict, "LimitExceeded")
	invalid         = wire.Refusal(http.StatusBadRequest, "ValidationError")
	invalidInput    = wire.Refusal(http.StatusBadRequest, "InvalidInput")
	unmodifiable    = wire.Refusal(http.StatusBadRequest, "UnmodifiableEntity")
	malformedPolicy = wire.Refusal(http.StatusBadRequest, "MalformedPolicyDocument")
)

// overQuota and unfit are what IAM says of too many entities, and of a value that breaks a rule of its model.
func overQuota(quota string, most int) error {
	return limitExceeded("Cannot exceed quota for %s: %d", quota, most)
}

func unfit(member string, value any, rule string, args ...any) error {
	return invalid("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: Member must %s", value, member, fmt.Sprintf(rule, args...))
}
