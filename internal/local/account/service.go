package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"path/filepath"
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
	opt   Options
	file  string
	mu    sync.Mutex
	state state
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

// New is the account as its file has it; without one it is empty.
func New(opt Options) (*Service, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s := &Service{opt: opt, state: state{map[string]role{}, map[string]profile{}}}
	if opt.Dir != "" {
		s.file = filepath.Join(opt.Dir, "iam.json")
	}
	if err := disk.ReadJSON(s.file, &s.state); err != nil {
		return nil, fmt.Errorf("read the account's state: %w", err)
	}
	s.Queries = wire.Queries{Dialect: wire.IAM, Denied: opt.Denied, Resource: s.resource, Actions: map[string]wire.Action{
		"CreateRole":                    change(s, s.createRole),
		"CreateServiceLinkedRole":       change(s, s.createServiceLinkedRole),
		"GetRole":                       onRole(s, getRole),
		"ListRoles":                     look(s, s.listRoles),
		"UpdateAssumeRolePolicy":        changeRole(s, updateAssumeRolePolicy),
		"ListRoleTags":                  onRole(s, listRoleTags),
		"PutRolePolicy":                 changeRole(s, putRolePolicy),
		"GetRolePolicy":                 onRole(s, getRolePolicy),
		"DeleteRolePolicy":              changeRole(s, deleteRolePolicy),
		"ListRolePolicies":              onRole(s, listRolePolicies),
		"AttachRolePolicy":              changeRole(s, attachRolePolicy),
		"DetachRolePolicy":              changeRole(s, detachRolePolicy),
		"ListAttachedRolePolicies":      onRole(s, listAttachedRolePolicies),
		"DeleteRole":                    change(s, s.deleteRole),
		"CreateInstanceProfile":         change(s, s.createInstanceProfile),
		"GetInstanceProfile":            look(s, s.getInstanceProfile),
		"ListInstanceProfiles":          look(s, s.listInstanceProfiles),
		"ListInstanceProfilesForRole":   onRole(s, s.listInstanceProfilesForRole),
		"AddRoleToInstanceProfile":      change(s, s.addRoleToProfile),
		"RemoveRoleFromInstanceProfile": change(s, s.removeRoleFromProfile),
		"DeleteInstanceProfile":         change(s, s.deleteInstanceProfile),
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
	const batch = "batch.amazonaws.com"
	r, ok := s.state.Roles[serviceRoles[batch]]
	if !ok {
		r = s.addServiceRole(batch)
		err = s.save()
	}
	return *r.Arn, err
}

// Statements are those of all policies of the role with this ARN, inline and attached. An unknown role has none.
func (s *Service) Statements(role string) (all []policy.Statement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.state.Roles[lastStep(role)]
	documents := slices.Collect(maps.Values(r.Inline))
	for _, arn := range r.Attached {
		documents = append(documents, managedPolicies[arn])
	}
	for _, d := range documents {
		statements, _ := policy.Parse([]byte(d)) // checked when it was put
		all = append(all, statements...)
	}
	return all
}

func lastStep(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// resource is the ARN that a policy would name for a query.
func (s *Service) resource(q wire.Query) string {
	path := cmp.Or(q.Get("Path"), "/")
	if name := q.Get("InstanceProfileName"); name != "" {
		return s.arn("instance-profile", path, name)
	}
	if name := q.Get("RoleName"); name != "" {
		return s.arn("role", path, name)
	}
	return "*"
}

func (s *Service) arn(kind, path, name string) string {
	return "arn:aws:iam::" + s.opt.Account + ":" + kind + path + name
}

// newID is a unique id in AWS's form: a prefix that tells the kind, then 17 characters.
func newID(prefix string) *string { return aws.String(prefix + rand.Text()[:17]) }

// page is one of at most 1,000, by default 100; what follows tells whether there is more.
func page[T any](list []T, marker *string, size *int32) (part []T, next *string, more bool, err error) {
	if size == nil {
		size = aws.Int32(100)
	}
	part, next, err = wire.Page(list, marker, size, 1000, "ValidationError")
	return part, next, next != nil, err
}
