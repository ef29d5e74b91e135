package account

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

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

// Role is a role of the account.
type Role struct {
	ID          string
	Name        string
	Path        string
	ARN         string
	Created     time.Time
	Description string
	MaxSession  int32             // seconds
	Trust       string            // trust policy, JSON
	Inline      map[string]string // policy documents by name
	Attached    []string          // ARNs of managed policies, in order of their attachment
	Tags        map[string]string
}

// InstanceProfile is what gives EC2 instances a role.
type InstanceProfile struct {
	ID      string
	Name    string
	Path    string
	ARN     string
	Created time.Time
	Role    string    // name of its role, "" where it has none
	Changed time.Time // when a role was last added
	Tags    map[string]string
}

// Service is IAM and STS of one account.
type Service struct {
	wire.Queries
	opt   Options
	file  string
	mu    sync.Mutex
	state state
}

type state struct {
	Roles    map[string]Role
	Profiles map[string]InstanceProfile
}

// New is the account as its file has it; without one it is empty.
func New(opt Options) (*Service, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s := &Service{opt: opt, state: state{map[string]Role{}, map[string]InstanceProfile{}}}
	if opt.Dir != "" {
		s.file = filepath.Join(opt.Dir, "account.json")
	}
	if err := disk.ReadJSON(s.file, &s.state); err != nil {
		return nil, fmt.Errorf("read the account's state: %w", err)
	}
	s.Queries = wire.Queries{Dialect: wire.IAM, Denied: opt.Denied, Resource: s.resource, Actions: s.roleActions()}
	maps.Copy(s.Actions, s.policyActions())
	maps.Copy(s.Actions, s.profileActions())
	maps.Copy(s.Actions, STS(opt.Account).Actions)
	return s, nil
}

func on[I, O any](s *Service, do func(context.Context, *I) (*O, error)) wire.Action {
	return wire.QueryFunc(func(ctx context.Context, in *I) (*O, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		out, err := do(ctx, in)
		if err != nil {
			return nil, err
		}
		if err := disk.WriteJSON(s.file, s.state); err != nil {
			return nil, fmt.Errorf("keep the account's state: %w", err)
		}
		return out, nil
	})
}

// Role finds a role by its name or ARN.
func (s *Service) Role(nameOrARN string) (Role, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.state.Roles[lastStep(nameOrARN)]
	return r, ok && (nameOrARN == r.Name || nameOrARN == r.ARN)
}

// InstanceProfile finds an instance profile by its name or ARN.
func (s *Service) InstanceProfile(nameOrARN string) (InstanceProfile, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.state.Profiles[lastStep(nameOrARN)]
	return p, ok && (nameOrARN == p.Name || nameOrARN == p.ARN)
}

// RoleSince is when the role with this ARN was made.
func (s *Service) RoleSince(arn string) (time.Time, bool) {
	r, ok := s.Role(arn)
	return r.Created, ok && arn == r.ARN
}

// InstanceProfileSince is when the instance profile last got its role; one without a role is of no use to an instance, and is not found.
func (s *Service) InstanceProfileSince(nameOrARN string) (time.Time, bool) {
	p, ok := s.InstanceProfile(nameOrARN)
	return p.Changed, ok && p.Role != ""
}

// Statements are those of all policies of a role, inline and attached, in no certain order. An unknown role has none.
func (s *Service) Statements(nameOrARN string) []policy.Statement {
	r, _ := s.Role(nameOrARN)
	documents := slices.Collect(maps.Values(r.Inline))
	for _, arn := range r.Attached {
		documents = append(documents, managedPolicies[arn])
	}
	var all []policy.Statement
	for _, d := range documents {
		statements, _ := policy.Parse([]byte(d)) // checked when it was put
		all = append(all, statements...)
	}
	return all
}

func lastStep(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// resource is the ARN that a policy would name for the call.
func (s *Service) resource(q wire.Query) string {
	if name := q.Get("InstanceProfileName"); name != "" {
		return s.arn("instance-profile", q.Get("Path"), name)
	}
	if name := q.Get("RoleName"); name != "" {
		return s.arn("role", q.Get("Path"), name)
	}
	return "*"
}

// arn is that of an entity; paths begin and end with a slash.
func (s *Service) arn(kind, path, name string) string {
	if path == "" {
		path = "/"
	}
	return "arn:aws:iam::" + s.opt.Account + ":" + kind + path + name
}
