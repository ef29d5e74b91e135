package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
	"github.com/kedroctl/kedroctl/run"
)

func newRun(d *deps) *cli.Command {
	return &cli.Command{
		Name: "run", Category: catMain, ArgsUsage: handsOn, Usage: "Run the deployed project: one Batch job per group of nodes, followed to the end",
		UsageText: "$ kedroctl run --pipelines data_science --params model_options.test_size=0.3",
		Description: `Submits all jobs at once, each with the jobs that it waits for, and follows them. The selection flags are Kedro's own.
What stands after -- goes to the project's own run command. Neither Python nor Docker is needed here.
With --local --no-image nothing need be deployed: each job is a process of the project's own interpreter, with a copy of the
configuration and none of the other jobs' data. Memory is not limited then.`,
		Flags: append(slices.Concat(selectionFlags(), kedroFlags(), jobFlags(), followFlags()),
			&cli.StringFlag{Name: "from", Usage: "run this `DEPLOYMENT`, with its settings and without the tree: s3://BUCKET/.kedroctl/deployments/ID, or the id"},
			&cli.BoolFlag{Name: onlyMissingFlag, DisableDefaultText: true, Usage: "only nodes whose outputs are not in S3 and, as in Kedro, those that these need; decided before the jobs"},
			&cli.BoolFlag{Name: "allow-overlap", DisableDefaultText: true, Usage: "start also while another run writes the same paths"},
			&cli.BoolFlag{Name: "deploy", DisableDefaultText: true, Usage: "deploy the project as it is first, and run that"},
			&cli.BoolFlag{Name: "dev", DisableDefaultText: true, Usage: "run the tree as it is on the deployed dependencies: its code goes through the bucket, nothing is built"},
			&cli.BoolFlag{Name: "no-image", DisableDefaultText: true, Usage: "with --local: run the project as it is, without Docker and without a deployment"},
			&cli.IntFlag{Name: "max-workers", DefaultText: "any number", Usage: "at most `N` jobs of the run are unfinished at the same time; the others are submitted later"},
		),
		Action: d.run,
	}
}

func (d *deps) run(c *cli.Context) error {
	if err := d.setJobFlags(c); err != nil {
		return err
	}
	if err := d.checkKedroFlags(c); err != nil {
		return err
	}
	options, err := d.followOptions(c)
	if err != nil {
		return err
	}
	versions, err := loadVersions(c.String("load-versions"))
	if err != nil {
		return err
	}
	prepare, err := d.preparation(c)
	if err != nil {
		return err
	}
	clients, in, err := prepare(c)
	if errors.Is(err, errAllMade) {
		return d.noRun()
	}
	if err != nil {
		return err
	}
	if err := d.keepSecrets(in.Plan); err != nil {
		return err
	}
	in.Args, in.LoadVersions, in.Owner, in.AllowOverlap = d.kedroArgs(c), versions, owner(), c.Bool("allow-overlap")
	in.LeaveNow = detaching(c) == detachNow
	if in.MaxWorkers = c.Int("max-workers"); in.MaxWorkers < 0 {
		return usageError{fmt.Errorf("--max-workers %d: want at least 1", in.MaxWorkers)}
	}
	table := d.watch(c.Context, clients, in.Plan)
	defer table.stop()
	ctx, leave := d.heed(c.Context, table)
	defer leave()
	r, err := run.Start(c.Context, clients, in, table)
	if err != nil {
		return err
	}
	return d.follow(ctx, c, clients, r, options, table)
}

// preparation is how the flags want a run to be prepared.
func (d *deps) preparation(c *cli.Context) (func(*cli.Context) (run.Clients, run.Input, error), error) {
	var given []string
	for _, name := range []string{"deploy", "dev", "from", "no-image"} {
		if c.IsSet(name) {
			given = append(given, "--"+name)
		}
	}
	switch {
	case len(given) > 1:
		return nil, ui.WithHint(usageError{fmt.Errorf("%s and %s exclude each other", given[0], given[1])},
			"--deploy deploys the tree first, --dev runs it with the deployed dependencies, --no-image runs it here, --from runs a deployment without it")
	case c.Bool("no-image"):
		return d.undeployed, nil
	case c.Bool("dev"):
		return d.developed, nil
	case c.Bool("deploy"):
		return d.redeployed, nil
	}
	return d.deployed, nil
}

// redeployed deploys the project, and prepares a run of that.
func (d *deps) redeployed(c *cli.Context) (run.Clients, run.Input, error) {
	t, done, err := d.deploying(c.Context)
	if err != nil {
		return run.Clients{}, run.Input{}, err
	}
	defer done()
	if _, err := t.deploy(c.Context); err != nil {
		return run.Clients{}, run.Input{}, err
	}
	return d.deployed(c)
}

// runAnswer is what became of a run, for scripts.
type runAnswer struct {
	Run string `json:"run"` // "" where nothing had to run
	run.Result
	MLflow *run.MLflowRun `json:"mlflow,omitempty"`
}

// ended shows what became of a run. A run with failed jobs ends the command with its own code.
func (d *deps) ended(b board, result run.Result, tracked *run.MLflowRun, detached bool) error {
	r := b.run
	d.term.Event(end{eventEnd, time.Now().UTC(), runAnswer{r.ID, result, tracked}})
	err := d.term.Unsent()
	if !d.term.JSON() {
		err = d.term.Answer(nil, func(w io.Writer) { d.showJobs(w, b, time.Now()) })
	}
	if err != nil && !result.Succeeded() && !detached {
		d.term.Warn("%v", err)
	} else if err != nil || result.Succeeded() {
		return err
	}
	if detached {
		d.term.Hint("see them with 'kedroctl status %s'; end them with 'kedroctl cancel %s'", r.ID, r.ID)
		return nil
	}
	how := "ended with failed jobs"
	if m := result.Cancelled; m != nil {
		how = "was cancelled by " + m.By
	}
	return codedError{error: ui.WithHint(fmt.Errorf("run %s %s", r.ID, how), d.resumeHint(r)), code: exitRunFailed}
}

// deployed prepares a run of the latest deployment: image and snapshot are the deployment's, grouping and resources come from the tree.
func (d *deps) deployed(c *cli.Context) (run.Clients, run.Input, error) {
	o, err := d.origin(c)
	if err != nil {
		return run.Clients{}, run.Input{}, err
	}
	d.tellDeployment(o)
	if err := checkCompute(o); err != nil {
		return run.Clients{}, run.Input{}, err
	}
	snapshot, err := d.runSnapshot(c, o)
	if err != nil {
		return run.Clients{}, run.Input{}, err
	}
	pl, err := plan.New(snapshot, o.project.Settings, o.options(c))
	if err != nil {
		return run.Clients{}, run.Input{}, err
	}
	in, err := d.checkedInput(c, o, snapshot, pl)
	return o.clients, in, err
}

// checkCompute refuses a kind of compute that the deployment was not made for.
func checkCompute(o origin) error {
	kind, was := o.project.Settings.Compute.Type, o.deployment.Settings.Compute.Type
	if project.OnFargate(kind) != project.OnFargate(was) {
		return ui.WithHint(fmt.Errorf("compute.type is %s, and the deployment is for %s: sizes of jobs differ there", kind, was), "run 'kedroctl deploy' first")
	}
	return nil
}

// checkedInput is what a run of a plan is started with, once all that can be seen beforehand is right.
func (d *deps) checkedInput(c *cli.Context, o origin, s project.Snapshot, pl plan.Plan) (run.Input, error) {
	if err := checkVersions(c, s); err != nil {
		return run.Input{}, err
	}
	if c.Bool(onlyMissingFlag) {
		found := pl.Findings
		var err error
		if pl, _, err = d.onlyMissing(c, o.project.Settings, o.options(c), s, o.clients, pl); err != nil {
			return run.Input{}, err
		}
		pl.Findings = append(pl.Findings, slices.DeleteFunc(found, func(f plan.Finding) bool { return slices.Contains(pl.Findings, f) })...)
	}
	if err := d.findings(pl, true); err != nil {
		return run.Input{}, err
	}
	for _, queue := range run.Queues(pl, o.deployment.Queue) {
		if err := provision.CheckQueue(c.Context, d.batchClient(), queue); err != nil {
			return run.Input{}, err
		}
	}
	inputs, err := provision.NewInputs(o.project, pl)
	if err != nil {
		return run.Input{}, err
	}
	if err := inputs.CheckBucket(c.Context, o.clients.S3); err != nil {
		return run.Input{}, err
	}
	spec, err := provision.New(o.project, plan.Grants{})
	return runInput(pl, s, o.deployment, spec), err
}

// runInput is what a run of a plan on a deployment is started with, but for the flags.
func runInput(pl plan.Plan, s project.Snapshot, dep provision.Deployment, spec provision.Spec) run.Input {
	return run.Input{
		Plan: pl, Snapshot: s, Deployment: dep.ID, Queue: dep.Queue, JobDefinition: dep.JobDefinition, Definitions: dep.Definitions, LogGroup: dep.LogGroup, Tags: spec.Tags(),
	}
}

// tellDeployment says what is about to run, and whether the tree has changed since.
func (d *deps) tellDeployment(o origin) {
	dep, revision := o.deployment, ""
	if dep.GitRevision != "" {
		revision = ", revision " + dep.GitRevision
	}
	d.term.Line("deployment %s, %s old%s", dep.ID, age(time.Since(dep.Created)), revision)
	if o.recorded {
		return
	}
	key, err := build.InputKey(o.project, dep.Snapshot)
	switch {
	case err != nil:
		d.term.Warn("cannot compare the project with the deployment: %v", err)
	case key != dep.InputKey:
		d.term.Warn("the project has changed since that deployment: the changes do not run")
		d.term.Hint("'kedroctl deploy' first to run them")
	}
}

// runSnapshot is the deployment's, unless a dataset depends on a parameter of this run: then the project is introspected with them.
func (d *deps) runSnapshot(c *cli.Context, o origin) (project.Snapshot, error) {
	dep := o.deployment
	given := paramNames(c.String("params"))
	if missing := dep.Snapshot.NotGiven(given); len(missing) > 0 {
		return project.Snapshot{}, ui.WithHint(usageError{fmt.Errorf("the configuration has no default for the runtime parameters %s", strings.Join(missing, ", "))},
			"give them: --params "+strings.Join(missing, "=…,")+"=…")
	}
	for name, ds := range dep.Snapshot.Datasets {
		if ds.DependsOn(given) {
			if o.recorded {
				return project.Snapshot{}, ui.WithHint(fmt.Errorf("dataset %s depends on --params: %w", name, errNoTree), "run in the project's directory, without --from")
			}
			d.term.Detail("dataset %s depends on --params: introspecting again", name)
			s, err := d.inspect(c.Context, o.project, project.InspectOptions{Params: c.String("params")})
			if err != nil {
				return project.Snapshot{}, fmt.Errorf("dataset %s depends on --params: %w", name, err)
			}
			return s, nil
		}
	}
	return dep.Snapshot, nil
}

// kedroArgs are the flags that every job's run command gets as they are.
func (d *deps) kedroArgs(c *cli.Context) []string {
	var args []string
	if v := c.String("params"); v != "" {
		args = append(args, "--params", v)
	}
	if v := c.String("runner-params"); v != "" {
		args = append(args, "--runner-params", v)
	}
	if c.Bool("async") {
		args = append(args, "--async")
	}
	return append(args, d.passed...)
}

// interval is KEDROCTL_INTERVAL, the time between two looks at the jobs; 0 for the default.
func (d *deps) interval() (time.Duration, error) {
	text := d.getenv("KEDROCTL_INTERVAL")
	if text == "" {
		return 0, nil
	}
	v, err := time.ParseDuration(text)
	if err != nil || v < 50*time.Millisecond {
		return 0, usageError{fmt.Errorf("KEDROCTL_INTERVAL=%s: want a duration of at least 50ms, such as 2s", text)}
	}
	return v, nil
}

// owner names who starts a run, for people who find it in the bucket.
func owner() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

// age writes how long ago something was in one unit.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return count(int(d.Seconds()), "second")
	case d < time.Hour:
		return count(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return count(int(d.Hours()), "hour")
	}
	return count(int(d.Hours()/24), "day")
}

var _ run.Reporter = (*jobTable)(nil)
