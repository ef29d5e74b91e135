package cmd

import (
	"context"
	"fmt"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
	"github.com/kedroctl/kedroctl/run"
)

// largeCode is from when on a code archive holds more than code, in bytes.
const largeCode = 10 << 20

// developed prepares a run of the tree as it is: the image is that of the latest deployment, sources and configuration travel through the bucket. No deployment is
// made of it.
func (d *deps) developed(c *cli.Context) (run.Clients, run.Input, error) {
	o, pl, s, err := d.developing(c)
	if err != nil {
		return run.Clients{}, run.Input{}, err
	}
	in, err := d.checkedInput(c, o, s, pl)
	if err != nil {
		return o.clients, in, err
	}
	in.Code, err = d.sendCode(c.Context, o, s)
	return o.clients, in, err
}

// developing introspects the tree while it looks for the deployment whose image the tree is to run in.
func (d *deps) developing(c *cli.Context) (o origin, pl plan.Plan, s project.Snapshot, err error) {
	if o.project, err = d.initialized(); err != nil {
		return o, pl, s, err
	}
	if o.clients, err = d.runClients(c.Context, &o.project); err != nil {
		return o, pl, s, err
	}
	p := o.project
	work, ctx := errgroup.WithContext(c.Context)
	work.Go(func() (err error) {
		if o.deployment, err = provision.LatestDeployment(ctx, o.clients.S3, p.Settings.Bucket); err != nil {
			return err
		}
		if err := checkCompute(o); err != nil {
			return err
		}
		return checkImage(p, o.deployment)
	})
	work.Go(func() (err error) {
		pl, s, err = d.plan(ctx, p, plan.Options{Selection: selection(c), Sandbox: c.String("sandbox")}, c.String("params"))
		return err
	})
	if err := work.Wait(); err != nil {
		return o, pl, s, err
	}
	return o, pl, s, checkGrants(p, pl, o.deployment)
}

// deployFirst is what a tree needs that goes beyond its deployment.
const deployFirst = "run 'kedroctl deploy': the next --dev run needs no new image"

// checkGrants refuses a run that reaches places in S3 for which the role of jobs was given no right. What a role that others made may do is theirs to know.
func checkGrants(p project.Project, pl plan.Plan, dep provision.Deployment) error {
	if p.Settings.AWS.JobRole != "" {
		return nil
	}
	deployed, err := plan.New(dep.Snapshot, dep.Settings, plan.Options{Project: p.Name, Whole: true})
	if err != nil {
		return fmt.Errorf("plan what deployment %s has: %w", dep.ID, err)
	}
	beyond := pl.Grants.Beyond(deployed.Grants)
	places := slices.Concat(beyond.Write, beyond.Read)
	if len(places) == 0 {
		return nil
	}
	return ui.WithHint(fmt.Errorf("a job would be denied s3://%s: the role of jobs has the rights that deployment %s needed, and this place is not among them", places[0], dep.ID), deployFirst)
}

// checkImage refuses a tree that needs another image, or other job definitions, than the deployment has.
func checkImage(p project.Project, dep provision.Deployment) error {
	needs, err := build.DependencyKey(p)
	if err != nil {
		return err
	}
	if needs != dep.DependencyKey {
		return ui.WithHint(fmt.Errorf("the image of deployment %s is not the one that the tree needs: dependencies, settings of the image or the entry of jobs have changed", dep.ID), deployFirst)
	}
	containers, err := keyOf(p.Settings.Containers())
	if err != nil {
		return err
	}
	if containers != dep.ContainerKey {
		return ui.WithHint(fmt.Errorf("environment, secrets or shared memory of jobs have changed since deployment %s, and are part of its job definitions", dep.ID), deployFirst)
	}
	return nil
}

// sendCode packs the tree and puts it into the bucket, where it may be already.
func (d *deps) sendCode(ctx context.Context, o origin, s project.Snapshot) (*run.Code, error) {
	k := d.term.Tasks().Start("code")
	archive, err := build.Code(o.project, s)
	if err != nil {
		k.Failed()
		return nil, err
	}
	code, sent, err := run.SendCode(ctx, o.clients, o.project.Settings.Bucket, archive.Body, archive.SHA256)
	if err != nil {
		k.Failed()
		return nil, err
	}
	size := humanize.Bytes(uint64(code.Size))
	if sent {
		k.Done("%s sent, %s: %.12s", size, count(archive.Files, "file"), code.SHA256)
	} else {
		k.Unchanged("%s in the bucket: %.12s", size, code.SHA256)
	}
	for _, l := range archive.Left {
		d.term.Warn("%s stays out of the code archive: %s", l.Path, l.Reason)
	}
	d.tellExposed("the code archive", archive.Exposed)
	if err := d.tellConfigOf("the code archive", o.project, s); err != nil {
		return nil, err
	}
	if code.Size > largeCode {
		d.term.Warn("the code archive has %s: all files under the source directory are in it", size)
		d.term.Hint("keep data elsewhere, such as in data/")
	}
	return &code, nil
}

// codeText marks a development run, "" for any other.
func codeText(r run.Run) string {
	if r.Code == nil {
		return ""
	}
	return fmt.Sprintf("development run: the code is the tree's as it was, archive %.12s, with the image of deployment %s", r.Code.SHA256, r.Deployment)
}
