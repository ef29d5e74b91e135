package cmd

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
)

// target is a project whose plan has no errors, with the image and the stack that it is to have.
type target struct {
	*deps
	project  project.Project
	plan     plan.Plan
	snapshot project.Snapshot
	key      string             // input key: the image's tag
	fixed    build.Dependencies // of the image, once they are resolved
	upgrade  bool               // whether they are resolved again
	revision func() string      // of the tree, as git names it: asked once
	clients  provision.Clients
	ecr      *ecr.Client
	store    *s3.Client
	spec     provision.Spec
	sbom     string // file for the list of what is in the image, "" for none
	ahead    *wheelAhead
	made     build.Wheel // that an image was built of by this command
	force    bool        // whether inputs replace others that the bucket has
	begun    []string    // inputs that an earlier run has left in the bucket: what is here is not sent
}

// source is the part of a target that needs no AWS.
func (d *deps) source(ctx context.Context) (*target, error) {
	p, err := d.initialized()
	if err != nil {
		return nil, err
	}
	pl, s, err := d.checkedPlan(ctx, p, plan.Selection{}, "")
	if err != nil {
		return nil, err
	}
	return d.sourceOf(ctx, p, pl, s)
}

func (d *deps) sourceOf(ctx context.Context, p project.Project, pl plan.Plan, s project.Snapshot) (*target, error) {
	key, err := build.InputKey(p, s)
	revision := sync.OnceValue(func() string { return gitRevision(ctx, p.Dir) })
	return &target{deps: d, project: p, plan: pl, snapshot: s, key: key, revision: revision}, err
}

// deploying is a target that is about to be deployed: its wheel is made while it is introspected. done ends what goes on in the background.
func (d *deps) deploying(ctx context.Context) (t *target, done func(), err error) {
	p, err := d.initialized()
	if err != nil {
		return nil, nil, err
	}
	ahead := d.packageAhead(ctx, p)
	if t, err = d.target(ctx); err != nil {
		ahead.stop()
		return nil, nil, err
	}
	t.ahead = ahead
	return t, ahead.stop, nil
}

// target is a source with its stack and the clients that reach it.
func (d *deps) target(ctx context.Context) (*target, error) {
	t, err := d.source(ctx)
	if err != nil {
		return nil, err
	}
	return t, t.connect(ctx)
}

// connect makes the clients of the account, and with its region the stack.
func (t *target) connect(ctx context.Context) (err error) {
	if t.clients, err = t.provisionClients(ctx, &t.project); err != nil {
		return err
	}
	if t.store, err = t.s3Client(ctx, &t.project); err != nil {
		return err
	}
	t.ecr = ecr.NewFromConfig(*t.config)
	t.spec, err = provision.New(t.project, t.plan.Grants)
	return err
}

// pushed is the image that the registry has for the project as it is.
func (t *target) pushed(ctx context.Context) (string, error) {
	if t.project.Settings.Image.Use != "" {
		return t.used(ctx, t.term.Tasks())
	}
	registry, err := build.Login(ctx, t.ecr)
	if err != nil {
		return "", err
	}
	ref, found, err := t.find(ctx, registry)
	if err != nil {
		return "", err
	}
	if !found {
		return "", ui.WithHint(fmt.Errorf("repository %s has no image of the project as it is (tag %s)", t.spec.Repository, t.key),
			"'kedroctl build && kedroctl push' makes one; 'kedroctl deploy' does all steps")
	}
	return ref, nil
}

// gitRevision names the commit of the tree, with "-dirty" where it has changes; "" where git does not know.
func gitRevision(ctx context.Context, dir string) string {
	c := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
	c.Dir = dir
	out, err := c.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
