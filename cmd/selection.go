package cmd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// selectionFlags are Kedro's own flags that select nodes, spelled as in Kedro.
func selectionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "pipelines", Aliases: []string{"pipeline", "p"}, Usage: "registered `PIPELINES`, a comma list"},
		&cli.StringFlag{Name: "tags", Aliases: []string{"t"}, Usage: "only nodes with one of these `TAGS`"},
		&cli.StringFlag{Name: "nodes", Aliases: []string{"n"}, Usage: "only these `NODES`"},
		&cli.StringFlag{Name: "namespaces", Aliases: []string{"ns"}, Usage: "only nodes of these `NAMESPACES`"},
		&cli.StringFlag{Name: "from-nodes", Usage: "start at these `NODES`"},
		&cli.StringFlag{Name: "to-nodes", Usage: "end at these `NODES`"},
		&cli.StringFlag{Name: "from-inputs", Usage: "start at nodes that need these `DATASETS`"},
		&cli.StringFlag{Name: "to-outputs", Usage: "end at nodes that make these `DATASETS`"},
		&cli.StringFlag{Name: "params", Usage: "runtime parameters, `KEY=VALUE,…`"},
		configFlag(),
	}
}

// jobFlags change settings for one run.
func jobFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "group-by", Usage: "`RULE`: auto, namespace, pipeline, tag, memory, node or one"},
		&cli.StringFlag{Name: "memory", Usage: "memory of every job, in `MiB`"},
		&cli.StringFlag{Name: "vcpus", Usage: "`vCPUs` of every job"},
		&cli.StringFlag{Name: "timeout", Usage: "time limit of every job, in `SECONDS`"},
	}
}

// selection reads the selection flags, each split as Kedro splits it: names of nodes may hold commas inside brackets.
func selection(c *cli.Context) plan.Selection {
	names := func(flag string) []string { return plan.Split(c.String(flag)) }
	words := func(flag string) []string { return plan.SplitPlain(c.String(flag)) }
	return plan.Selection{
		Pipelines: words("pipelines"), Tags: words("tags"), Nodes: names("nodes"), Namespaces: names("namespaces"),
		FromNodes: names("from-nodes"), ToNodes: names("to-nodes"), FromInputs: words("from-inputs"), ToOutputs: words("to-outputs"),
	}
}

// setJobFlags makes settings of the job flags, before the project is loaded.
func (d *deps) setJobFlags(c *cli.Context) error {
	d.setBy("group-by", "group_by", c.String("group-by"))
	d.setBy("runner", "job.runner", c.String("runner"))
	for _, flag := range []string{"memory", "vcpus", "timeout"} {
		v := c.String(flag)
		if v == "" {
			continue
		}
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			return usageError{fmt.Errorf("--%s %s: not a number", flag, v)}
		}
		d.setBy(flag, "job."+flag, v)
	}
	return nil
}

// paramNames are the dotted names in Kedro's --params: KEY=VALUE, a comma list.
func paramNames(params string) []string {
	var names []string
	for _, item := range plan.SplitPlain(params) {
		if name, _, ok := strings.Cut(item, "="); ok {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
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

// loadVersions reads Kedro's --load-versions: DATASET:VERSION, a comma list.
func loadVersions(list string) (map[string]string, error) {
	versions := map[string]string{}
	for _, item := range plan.SplitPlain(list) {
		name, version, ok := strings.Cut(item, ":")
		if !ok {
			return nil, usageError{fmt.Errorf("--load-versions %s: want DATASET:VERSION", item)}
		}
		versions[name] = version
	}
	return versions, nil
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
