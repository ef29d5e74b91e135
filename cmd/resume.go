package cmd

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/local/process"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
	"github.com/kedroctl/kedroctl/run"
)

func newResume(d *deps) *cli.Command {
	return &cli.Command{
		Name: "resume", Category: catRuns, ArgsUsage: "[RUN]", Usage: "Run what failed or never ran of a run, and all that comes after it",
		UsageText: "$ kedroctl resume --deploy",
		Description: `The run goes on under its own id and save version, with the deployment that it had. What its records say was saved, and is
there, is not made again. With --deploy the project is deployed first, and what is left of the run gets the new image;
its plan stays. Memory, time limits and the like are those of the settings as they are now, but never less memory than
a job had already.`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "deploy", DisableDefaultText: true, Usage: "deploy the project as it is first, and go on with that"},
			&cli.StringFlag{Name: "memory", Usage: "memory of every job, in `MiB`"},
			&cli.StringFlag{Name: "vcpus", Usage: "`vCPUs` of every job"},
			&cli.StringFlag{Name: "timeout", Usage: "time limit of every job, in `SECONDS`"},
			&cli.BoolFlag{Name: "allow-overlap", DisableDefaultText: true, Usage: "go on also while another run writes the same paths"},
		}, followFlags()...),
		Action: d.resume,
	}
}

func (d *deps) resume(c *cli.Context) error {
	if err := d.setJobFlags(c); err != nil {
		return err
	}
	options, err := d.followOptions(c)
	if err != nil {
		return err
	}
	clients, r, err := d.recordedRun(c)
	if err != nil {
		return err
	}
	tree := d.flags.bucket == "" && project.IsHere(d.flags.dir)
	change := run.Change{Owner: owner(), AllowOverlap: c.Bool("allow-overlap"), Resources: currentResources(d.proj.Settings, tree)}
	kind := d.proj.Settings.Compute.Type
	switch {
	case process.Ours(r.Deployment): // nothing limits the memory of its jobs
		change.Resources = nil
	case tree && project.OnFargate(kind) != r.Plan.Fargate:
		return ui.WithHint(fmt.Errorf("run %s began with another compute.type than %s: sizes of jobs differ there", r.ID, kind), "set compute.type back, or start a new run: 'kedroctl run'")
	}
	if c.Bool("deploy") {
		if err := d.redeploy(c, r, &change); err != nil {
			return err
		}
	}
	if err := d.checkQueues(c.Context, r); err != nil {
		return err
	}
	r, redos, err := run.Resume(c.Context, clients, r, change)
	if err != nil {
		return err
	}
	if len(redos) == 0 {
		d.term.Line("run %s lacks nothing: all its groups have succeeded, and what they saved is there", r.ID)
	}
	if err := d.keepSecrets(r.Plan); err != nil {
		return err
	}
	table := d.watch(c.Context, clients, r.Plan)
	defer table.stop()
	ctx, leave := d.heed(c.Context, table)
	defer leave()
	table.Started(r)
	for _, again := range redos {
		table.Notice(run.Notice{Code: run.NoticeResume, Text: again.Group + ": " + again.Why})
	}
	return d.follow(ctx, c, clients, r, options, table)
}

// checkQueues sees that the queues of a run, which its plan records, still take jobs. A run without an image has none of its own.
func (d *deps) checkQueues(ctx context.Context, r run.Run) error {
	if process.Ours(r.Deployment) {
		return nil
	}
	for _, queue := range run.Queues(r.Plan, r.Queue) {
		if err := provision.CheckQueue(ctx, d.batchClient(), queue); err != nil {
			return ui.WithHint(fmt.Errorf("run %s: %w", r.ID, err), ui.Hint(err)+"; this run cannot go on there: start a new one with 'kedroctl run'")
		}
	}
	return nil
}

// redeploy deploys the project and makes what is left of a run use that.
func (d *deps) redeploy(c *cli.Context, r run.Run, change *run.Change) error {
	t, done, err := d.deploying(c.Context)
	if err != nil {
		return err
	}
	defer done()
	dep, err := t.deploy(c.Context)
	if err != nil {
		return err
	}
	change.Deployment, change.JobDefinition, change.Definitions = dep.ID, dep.JobDefinition, dep.Definitions
	change.Fits = func(groups []plan.Group) error { return fits(groups, r.Plan.Selection, dep) }
	return nil
}

// fits says whether the nodes of a deployment can do the work of a run's groups: each is there, and the groups load and save what they did.
func fits(groups []plan.Group, s plan.Selection, dep provision.Deployment) error {
	nodes := make(map[string]project.Node)
	for _, p := range s.PipelineNames() {
		for _, n := range dep.Snapshot.Pipelines[p].Nodes {
			nodes[n.Name] = n
		}
	}
	for _, g := range groups {
		var loads, saves []string
		for _, name := range g.Nodes {
			n, ok := nodes[name]
			if !ok {
				return unfit(g, "has no node "+name)
			}
			loads, saves = append(loads, bases(n.Inputs)...), append(saves, bases(n.Outputs)...)
		}
		for _, name := range bases(g.Outputs) {
			if !slices.Contains(saves, name) {
				return unfit(g, "does not make "+name+" there")
			}
		}
		for _, name := range loads {
			if _, isParameter := parameter(name); !isParameter && !slices.Contains(saves, name) && !slices.Contains(bases(g.Inputs), name) {
				return unfit(g, "loads "+name+" there, which the run's plan does not have")
			}
		}
	}
	return nil
}

func parameter(name string) (string, bool) {
	if name == "parameters" {
		return name, true
	}
	return strings.CutPrefix(name, "params:")
}

func bases(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = plan.BaseName(name)
	}
	return all
}

func unfit(g plan.Group, how string) error {
	return ui.WithHint(fmt.Errorf("the new deployment does not fit the run: group %s: the project %s", g.Name, how), "start a new run: 'kedroctl run'")
}

// currentResources are what the settings give a group now. What flags had given it stays, and without a tree everything, unless flags say otherwise now.
func currentResources(s project.Settings, tree bool) func(plan.Group) project.Resources {
	return func(g plan.Group) project.Resources {
		now, r := s.Group(cmp.Or(g.Settings.As, g.Name)), g.Resources
		changed := func(key string) bool { return now.From[key] == "flag" || tree && g.Settings.From[key] != "flag" }
		if changed("memory") {
			r.Memory = now.Memory
		}
		if changed("memory_max") {
			r.MemoryMax = now.MemoryMax
		}
		if changed("vcpus") {
			r.VCPUs = now.VCPUs
		}
		if changed("timeout") {
			r.Timeout = now.Timeout
		}
		if changed("attempts") {
			r.Attempts = now.Attempts
		}
		return r
	}
}
