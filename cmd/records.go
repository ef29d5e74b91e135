package cmd

import (
	"errors"
	"fmt"
	"slices"
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
		return err
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
		d.flags.bucket, d.flags.set["bucket"] = bucket, bucket
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

// kedroFlags are Kedro's own that a job's run command gets, beside those that select nodes.
func kedroFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "runner", Aliases: []string{"r"}, Usage: "Kedro's `RUNNER` inside each job, such as ParallelRunner"},
		&cli.StringFlag{Name: "runner-params", Usage: "arguments of the runner, `KEY=VALUE,…`; needs Kedro 1.6 or newer"},
		&cli.BoolFlag{Name: "async", Usage: "load and save datasets with threads inside each job", DisableDefaultText: true},
		&cli.StringFlag{Name: "load-versions", Aliases: []string{"lv"}, Usage: "versions to load, `DATASET:VERSION,…`"},
		&cli.StringFlag{Name: "sandbox", Usage: "write all below s3://<bucket>/sandbox/`NAME`/; what the run does not make is read from the main paths"},
	}
}

// checkKedroFlags refuses values that no run can have.
func (d *deps) checkKedroFlags(c *cli.Context) error {
	if name := c.String("sandbox"); c.IsSet("sandbox") && !plan.ValidSandbox(name) {
		return usageError{fmt.Errorf("--sandbox %s: want up to 63 letters, digits, dots, hyphens and underscores, the first a letter or digit", name)}
	}
	if c.String("sandbox") != "" && c.Bool(onlyMissingFlag) {
		return usageError{fmt.Errorf("--sandbox and --%s exclude each other: what a run does not make is read from the main paths", onlyMissingFlag)}
	}
	for _, item := range plan.SplitPlain(c.String("runner-params")) {
		if key, _, ok := strings.Cut(item, "="); !ok || key == "" {
			return usageError{fmt.Errorf("--runner-params %s: want KEY=VALUE", item)}
		}
	}
	if _, err := loadVersions(c.String("load-versions")); err != nil {
		return err
	}
	return d.checkPassed()
}

// checkVersions compares what the flags ask for with the Kedro of the jobs and with its catalog.
func checkVersions(c *cli.Context, s project.Snapshot) error {
	if c.String("runner-params") != "" && plan.OlderKedro(s, 1, 6) {
		return ui.WithHint(usageError{fmt.Errorf("--runner-params: Kedro %s does not know it", s.KedroVersion)}, "Kedro 1.6 or newer does; --async needs none")
	}
	versions, err := loadVersions(c.String("load-versions"))
	if err != nil {
		return err
	}
	for name := range versions {
		switch d, known := s.Datasets[name]; {
		case !known:
			return usageError{fmt.Errorf("--load-versions %s: the pipelines have no such dataset", name)}
		case !d.Versioned:
			return usageError{fmt.Errorf("--load-versions %s: the dataset is not versioned", name)}
		}
	}
	return nil
}

// ownFlags are those of Kedro's run command that kedroctl itself gives to each job, or that would change which nodes it runs.
var ownFlags = []string{
	"--pipeline", "--pipelines", "-p", "--tags", "-t", "--nodes", "-n", "--namespaces", "-ns", "--from-nodes", "--to-nodes", "--from-inputs", "--to-outputs",
	"--params", "--load-versions", "-lv", "--runner", "-r", "--runner-params", "--async", "--env", "-e",
}

// checkPassed refuses to hand on what has its place before --. Behind it, each job would decide for itself.
func (d *deps) checkPassed() error {
	for _, word := range d.passed {
		name, _, _ := strings.Cut(word, "=")
		switch {
		case name == "--"+onlyMissingFlag:
			return ui.WithHint(usageError{fmt.Errorf("--%s is decided before the jobs, not by each of them", onlyMissingFlag)}, "write it before --")
		case slices.Contains(ownFlags, name):
			return ui.WithHint(usageError{fmt.Errorf("%s after --: it is for the run as a whole, not for each job", name)}, "write it before --")
		case name == "--conf-source" || name == "--config" || name == "-c":
			return usageError{fmt.Errorf("%s after --: jobs have no files but those of the image", name)}
		}
	}
	return nil
}

// errNoTree is for what only the project's own code can tell.
var errNoTree = errors.New("there is no project here to introspect")
