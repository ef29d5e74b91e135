package local

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/account"
	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/images"
	"github.com/kedroctl/kedroctl/internal/local/logs"
	"github.com/kedroctl/kedroctl/internal/local/network"
	"github.com/kedroctl/kedroctl/internal/local/objects"
)

// addServices makes each service of AWS, those first that others ask.
func (s *Server) addServices() error {
	o := s.opt
	data, err := s.dataDir()
	if err != nil {
		return err
	}
	iam, err := account.New(account.Options{Dir: o.Dir, Account: o.Account, Now: o.Clock.Now, Denied: o.Denied})
	if err != nil {
		return err
	}
	s3, err := objects.New(objects.Options{Dir: filepath.Join(data, "buckets"), Region: o.Region, Account: o.Account, Foreign: o.ForeignBuckets,
		Now: o.Clock.Now, Denied: o.Denied})
	if err != nil {
		return err
	}
	endpoint, err := url.Parse(o.Endpoint)
	if err != nil {
		return fmt.Errorf("endpoint: %w", err)
	}
	ecr, err := images.New(images.Options{Dir: filepath.Join(data, "images"), Region: o.Region, Account: o.Account, Host: endpoint.Host,
		Now: o.Clock.Now, Denied: o.Denied})
	if err != nil {
		return err
	}
	ec2 := network.New(network.Options{Account: o.Account, Region: o.Region, NoDefaultVPC: o.NoDefaultVPC, Denied: o.Denied})
	cloudwatch, err := logs.New(logs.Options{Region: o.Region, Account: o.Account, Now: o.Clock.Now, Dir: o.Dir})
	if err != nil {
		return err
	}
	s.batch, err = batch.New(batch.Options{
		Region: o.Region, Account: o.Account, Clock: o.Clock, Runner: o.Runner, Roles: roles{iam}, Logs: cloudwatch, Enter: s.enter, Dir: o.Dir,
		Settle: o.Settle, Step: o.Step, SubmitRate: o.SubmitRate,
	})
	if err != nil {
		return err
	}
	s.services = map[string]service{"iam": iam, "sts": iam, "s3": s3, "ecr": ecr, "ec2": ec2, "logs": cloudwatch, "batch": s.batch}
	return nil
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

// roles answers Batch's questions about IAM.
type roles struct{ *account.Service }

func (r roles) RoleSince(arn string) (time.Time, bool) {
	role, ok := r.Role(arn)
	return role.Created, ok
}

// InstanceProfileSince wants a role in the profile too: instances without one reach no cluster.
func (r roles) InstanceProfileSince(arnOrName string) (time.Time, bool) {
	p, ok := r.InstanceProfile(arnOrName)
	return p.Changed, ok && p.Role != ""
}

func (r roles) ServiceLinkedRole() (string, error) {
	role, err := r.EnsureServiceLinkedRole("batch.amazonaws.com")
	return role.ARN, err
}
