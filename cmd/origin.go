package cmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
	"github.com/kedroctl/kedroctl/run"
)

// home is where records of runs and deployments are: the bucket that --bucket names, whatever project is here, else that of the project or, where none is,
// of KEDROCTL_BUCKET.
func (d *deps) home() (project.Project, error) {
	if d.flags.bucket != "" || d.getenv("KEDROCTL_BUCKET") != "" && !project.IsHere(d.flags.dir) {
		return d.treeless()
	}
	return d.initialized()
}

// treeless is a project without a tree, for commands that want nothing but its bucket.
func (d *deps) treeless() (project.Project, error) {
	p, err := project.Treeless(d.flags.dir, d.loadOptions())
	if err := d.settle(p, err); err != nil {
		return project.Project{}, err
	}
	return *d.proj, nil
}

// settle keeps a project for the rest of the command.
func (d *deps) settle(p project.Project, err error) error {
	if err != nil {
		return d.asGiven(err)
	}
	if d.flags.local {
		p.Settings = p.Settings.Local()
	}
	d.proj = &p
	return nil
}

// origin is what a run runs, and where its settings come from.
type origin struct {
	project    project.Project
	deployment provision.Deployment
	clients    run.Clients
	recorded   bool // settings are the deployment's: there is no tree, or it does not matter
}

// origin finds the deployment that --from names, else the latest one. Image and snapshot are always the deployment's. The settings are those of the tree
// where there is one and --from is not given, else the deployment's.
func (d *deps) origin(c *cli.Context) (origin, error) {
	bucket, id, err := deploymentOf(c.String("from"))
	if err != nil {
		return origin{}, err
	}
	if bucket != "" {
		d.flags.bucket = bucket
		d.setBy("from", "bucket", bucket)
	}
	o := origin{}
	if o.project, err = d.home(); err != nil {
		return o, err
	}
	o.recorded = id != "" || o.project.Package == ""
	if o.clients, err = d.runClients(c.Context, &o.project); err != nil {
		return o, err
	}
	if o.deployment, err = provision.FindDeployment(c.Context, o.clients.S3, o.project.Settings.Bucket, id); err != nil {
		return o, err
	}
	if !o.recorded {
		return o, nil
	}
	return o, d.restore(c, &o)
}

// restore takes the project from the deployment's record.
func (d *deps) restore(c *cli.Context, o *origin) error {
	dep, set := o.deployment, d.loadOptions()
	if o.project.Settings.Region != dep.Region {
		return ui.WithHint(usageError{fmt.Errorf("deployment %s is in region %s, not in %s", dep.ID, dep.Region, o.project.Settings.Region)}, "--region "+dep.Region)
	}
	if set.Env != "" && set.Env != dep.Env {
		return usageError{fmt.Errorf("--env %s: deployment %s is of environment %s", set.Env, dep.ID, dep.Env)}
	}
	set.Env = dep.Env
	settings := dep.Settings
	settings.Region, settings.Bucket = dep.Region, dep.Bucket
	p, err := project.Project{Package: dep.Package, Name: dep.Project, Env: dep.Env, Settings: settings}.Recorded(d.flags.dir, set)
	if err = d.settle(p, err); err != nil {
		return err
	}
	o.project = *d.proj
	o.clients, err = d.runClients(c.Context, &o.project)
	return err
}

// deploymentOf reads --from: the address of a deployment's record, or its id alone where the bucket is known otherwise.
func deploymentOf(from string) (bucket, id string, err error) {
	if from == "" {
		return "", "", nil
	}
	bucket, id, ok := provision.ParseDeploymentURI(from)
	switch {
	case ok:
		return bucket, id, nil
	case provision.ValidDeploymentID(from) && !strings.HasPrefix(from, "s3:"):
		return "", from, nil
	}
	return "", "", ui.WithHint(usageError{fmt.Errorf("--from %s: not a deployment", from)},
		"write s3://BUCKET/.kedroctl/deployments/ID, or the id alone in the project or with --bucket")
}

// options of the plan that a run of this origin has.
func (o origin) options(c *cli.Context) plan.Options {
	p := plan.Options{Project: o.project.Name, Selection: selection(c), Params: paramNames(c.String("params")), Sandbox: c.String("sandbox")}
	if o.recorded {
		p.Definitions = []string{""}
		for entry := range o.deployment.Definitions {
			p.Definitions = append(p.Definitions, entry)
		}
	}
	return p
}

// errNoTree is for what only the project's own code can tell.
var errNoTree = errors.New("there is no project here to introspect")
