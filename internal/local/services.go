package local

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/account"
	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/images"
	"github.com/kedroctl/kedroctl/internal/local/logs"
	"github.com/kedroctl/kedroctl/internal/local/network"
	"github.com/kedroctl/kedroctl/internal/local/objects"
	"github.com/kedroctl/kedroctl/internal/local/policy"
	"github.com/kedroctl/kedroctl/internal/local/quotas"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// addServices makes each service of AWS, those first that others ask.
func (s *Server) addServices() (err error) {
	o, script := s.opt, s.faults.Load
	data, err := s.dataDir()
	if err != nil {
		return err
	}
	endpoint, err := url.Parse(o.Endpoint)
	if err != nil {
		return fmt.Errorf("endpoint: %w", err)
	}
	if s.account, err = account.New(account.Options{Dir: o.Dir, Account: o.Account, Now: o.Clock.Now, Denied: s.denied}); err != nil {
		return err
	}
	s3, err := objects.New(objects.Options{Dir: filepath.Join(data, "buckets"), Region: o.Region, Account: o.Account, Now: o.Clock.Now, Denied: s.denied,
		Foreign: func(bucket string) bool { return slices.Contains(script().Foreign, bucket) }})
	if err != nil {
		return err
	}
	ecr, err := images.New(images.Options{Dir: filepath.Join(data, "images"), Region: o.Region, Account: o.Account, Host: endpoint.Host,
		Now: o.Clock.Now})
	if err != nil {
		return err
	}
	cloudwatch, err := logs.New(logs.Options{Region: o.Region, Account: o.Account, Now: o.Clock.Now, Dir: o.Dir,
		Lag: func() (time.Duration, bool) { return script().Lag.Lines, script().Lag.Shuffle }})
	if err != nil {
		return err
	}
	net, err := network.New(network.Options{Account: o.Account, Region: o.Region, Dir: o.Dir, Now: o.Clock.Now, Denied: s.denied, Private: o.Network,
		NoDefaultVPC: func() bool { return script().NoDefaultVPC }})
	if err != nil {
		return err
	}
	s.batch, err = batch.New(batch.Options{
		Region: o.Region, Account: o.Account, Clock: o.Clock, Roles: s.account, Templates: net, Logs: cloudwatch, Dir: o.Dir, Settle: o.Settle, Step: o.Step,
		Enter: s.enter, Secret: s.secret,
		Runner: &scripted.Runner{Clock: o.Clock, Work: o.Runner,
			Find: func(a batch.Attempt) (scripted.Script, bool) { return script().Jobs.For(a) }},
		Throttled: func(operation string) bool { return script().Throttles("batch."+operation, o.Clock.Now()) },
		Stuck:     func(job string) string { return script().Stuck(job) },
		Lags:      func() batch.Lags { return script().Lag.Lags },
	})
	s.services = map[string]service{
		"iam": s.account, "sts": account.STS(o.Account), "s3": s3, "ecr": ecr, "logs": cloudwatch, "batch": s.batch,
		"ec2":           net,
		"servicequotas": quotas.New(quotas.Options{Account: o.Account, Region: o.Region, Limits: func() map[string]int { return script().Quotas }}),
	}
	return err
}

// dataDir is for objects and images, which are on disk always: without Dir in a directory that Close removes.
func (s *Server) dataDir() (string, error) {
	if s.opt.Dir != "" {
		return s.opt.Dir, nil
	}
	dir, err := os.MkdirTemp("", "kedroctl-local-")
	if err != nil {
		return "", fmt.Errorf("make a directory for objects and images: %w", err)
	}
	s.scratch = dir
	return dir, nil
}

// denied tells what a caller may not do: what the fault script says, jobs what the policies of their role do not allow, and the server's own user what
// the policy of Restrict does not.
func (s *Server) denied(ctx context.Context, action, resource string, conditions map[string]string) bool {
	c := callOf(ctx)
	if c.Resource == "" && resource != "*" {
		c.Resource = resource
	}
	if len(conditions) == 0 {
		conditions = nil
	}
	c.Permissions = append(c.Permissions, wire.Permission{Action: action, Resource: resource, Conditions: conditions})
	if s.faults.Load().Denies(action) {
		return true
	}
	if role := wire.CallerOf(ctx).Role; role != "" {
		return !s.account.Allows(role, action, resource, conditions)
	}
	own := s.restriction.Load()
	return own != nil && !policy.Allows(*own, action, resource, conditions)
}

// Restrict lets the server's own user do from now on what a policy document allows, and nothing else; an empty one lifts that. It is for tests of
// policies.
func (s *Server) Restrict(document []byte) error {
	if len(document) == 0 {
		s.restriction.Store(nil)
		return nil
	}
	statements, err := policy.Parse(document)
	if err != nil {
		return fmt.Errorf("read the policy: %w", err)
	}
	s.restriction.Store(&statements)
	return nil
}

// noRunner is what a server without a runner has: no container ever starts.
type noRunner struct{}

func (noRunner) Start(_ batch.Attempt, e batch.Events) func() {
	e.Done(batch.NotStarted("CannotStartContainerError: this server has no job runner"))
	return func() {}
}
