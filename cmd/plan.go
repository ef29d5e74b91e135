package cmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

func newPlan(d *deps) *cli.Command {
	return &cli.Command{
		Name: "plan", Category: catSteps, Usage: "Show the jobs of a run: groups, order, commands, resources, data",
		UsageText: "$ kedroctl plan --pipelines data_science", ArgsUsage: handsOn,
		Flags: slices.Concat(selectionFlags(), kedroFlags(), jobFlags(), planFlags()),
		Action: func(c *cli.Context) error {
			form, err := d.form(c)
			if err != nil {
				return err
			}
			if err := d.setJobFlags(c); err != nil {
				return err
			}
			if err := d.checkKedroFlags(c); err != nil {
				return err
			}
			p, err := d.initialized()
			if err != nil {
				return err
			}
			pl, s, err := d.plan(c.Context, p, plan.Options{Selection: selection(c), Sandbox: c.String("sandbox")}, c.String("params"))
			if err != nil {
				return err
			}
			if err := checkVersions(c, s); err != nil {
				return err
			}
			for i := range pl.Groups {
				pl.Groups[i].Command = slices.Concat(pl.Groups[i].Command, d.kedroArgs(c))
			}
			if c.Bool("compare") {
				return d.compare(p, s, pl.Selection)
			}
			if err := d.showAs(form, pl); err != nil {
				return err
			}
			return d.findings(pl, false)
		},
	}
}

// showAs answers with the plan in one of its forms.
func (d *deps) showAs(form string, pl plan.Plan) error {
	return d.term.Answer(pl, func(w io.Writer) {
		switch form {
		case formTree:
			d.showTree(w, pl)
		case formMermaid:
			io.WriteString(w, pl.Mermaid())
		default:
			d.showPlan(w, pl)
		}
	})
}

// plan introspects the project and plans what the options select.
func (d *deps) plan(ctx context.Context, p project.Project, o plan.Options, params string) (plan.Plan, project.Snapshot, error) {
	k := d.term.Tasks().Start("inspect")
	s, err := d.inspect(ctx, p, project.InspectOptions{Params: params})
	if err != nil {
		k.Failed()
		return plan.Plan{}, s, err
	}
	o.Project, o.Params = p.Name, paramNames(params)
	pl, err := plan.New(s, p.Settings, o)
	if err == nil {
		pl.Findings, err = treeFindings(p, s, pl)
	}
	if err != nil {
		k.Failed()
		return plan.Plan{}, project.Snapshot{}, err
	}
	k.Done("Kedro %s, environment %s: %s in %s", s.KedroVersion, s.Env, count(countNodes(pl), "node"), count(len(pl.Groups), "group"))
	return pl, s, nil
}

// headline says how many jobs there are, and why these.
func headline(w io.Writer, pl plan.Plan) {
	fmt.Fprintf(w, "%s in %s, grouped by %s: %s\n", count(countNodes(pl), "node"), count(len(pl.Groups), "job"), pl.GroupedBy, pl.Reason)
	if pl.Sandbox != "" {
		fmt.Fprintf(w, "sandbox %s: all that the run writes goes under %s\n", pl.Sandbox, pl.SandboxURI())
	}
	fmt.Fprintln(w)
}

func (d *deps) showPlan(w io.Writer, pl plan.Plan) {
	headline(w, pl)
	sets := map[string]plan.Dataset{}
	for _, ds := range pl.Datasets {
		sets[ds.Name] = ds
	}
	for i, g := range pl.Groups {
		after := "starts at once"
		if len(g.DependsOn) > 0 {
			after = "after " + strings.Join(g.DependsOn, ", ")
		}
		fmt.Fprintf(w, "%d. %s: %s\n   nodes    %s\n", i+1, g.Name, after, strings.Join(g.Nodes, ", "))
		showSettings(w, g)
		fmt.Fprintf(w, "   command  %s\n", strings.Join(g.Command, " "))
		for _, n := range g.Inputs {
			fmt.Fprintf(w, "   loads    %s\n", place(n, sets))
		}
		for _, n := range g.Outputs {
			fmt.Fprintf(w, "   saves    %s\n", place(n, sets))
		}
		fmt.Fprintln(w)
	}
	d.showData(w, pl)
	for _, f := range pl.Findings {
		writeFinding(w, f)
	}
}

// showSettings says what the jobs of a group get, and after each value where it comes from.
func showSettings(w io.Writer, g plan.Group) {
	from := func(value, key string) string { return value + " (" + cmp.Or(g.Settings.From[key], "default") + ")" }
	r, s := g.Resources, g.Settings
	gets := []string{
		from(project.CountVCPUs(r.VCPUs), "vcpus"), from(fmt.Sprintf("%d MiB", r.Memory), "memory"),
		from(fmt.Sprintf("%d s", r.Timeout), "timeout"), from(count(r.Attempts, "attempt"), "attempts"),
	}
	for _, more := range []struct {
		given      bool
		key, value string
	}{
		{r.GPUs > 0, "gpus", count(r.GPUs, "GPU")},
		{s.SharedMemory > 0, "shared_memory", fmt.Sprintf("%d MiB of shared memory", s.SharedMemory)},
		{s.Disk > 0, "ephemeral_storage", fmt.Sprintf("%d GiB of disk", s.Disk)},
		{s.Runner != "", "runner", s.Runner},
		{s.Queue != "", "queue", "queue " + s.Queue},
	} {
		if more.given {
			gets = append(gets, from(more.value, more.key))
		}
	}
	fmt.Fprintf(w, "   gets     %s\n", strings.Join(gets, ", "))
	for _, name := range s.Environment {
		fmt.Fprintf(w, "   env      %s\n", from(name, "environment."+name))
	}
	for _, name := range s.Secrets {
		fmt.Fprintf(w, "   secret   %s\n", from(name, "secrets."+name))
	}
}

// showData says of each dataset that crosses groups or leaves the pipeline where it will be, and who sees to that.
func (d *deps) showData(w io.Writer, pl plan.Plan) {
	var rows [][]string
	for _, ds := range pl.Datasets {
		by := map[string]string{plan.Keep: "catalog", plan.Persist: "kedroctl (in memory: persist)", plan.Move: "kedroctl (local: move)", plan.Stage: "kedroctl (on disk: stage)"}[ds.Action]
		if ds.Under != "" {
			by = "kedroctl (sandbox)"
		}
		rows = append(rows, []string{ds.Name, ds.Role, by, ds.Path})
	}
	d.term.Table(w, []string{"DATASET", "ROLE", "KEPT BY", "WHERE"}, rows)
	for _, g := range pl.Grants.Read {
		fmt.Fprintf(w, "jobs may read   s3://%s\n", g)
	}
	for _, g := range pl.Grants.Write {
		fmt.Fprintf(w, "jobs may write  s3://%s\n", g)
	}
}

func place(name string, sets map[string]plan.Dataset) string {
	if ds, ok := sets[name]; ok && ds.Path != "" {
		return name + "  " + ds.Path
	}
	return name
}

func countNodes(pl plan.Plan) int {
	n := 0
	for _, g := range pl.Groups {
		n += len(g.Nodes)
	}
	return n
}

// count writes a number with its noun: 1 job, 3 jobs.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
