package cmd

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/plan"
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
	if v := c.String("group-by"); v != "" {
		d.flags.set["group_by"] = v
	}
	if v := c.String("runner"); v != "" {
		d.flags.set["job.runner"] = v
	}
	for _, flag := range []string{"memory", "vcpus", "timeout"} {
		v := c.String(flag)
		if v == "" {
			continue
		}
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			return usageError{fmt.Errorf("--%s %s: not a number", flag, v)}
		}
		d.flags.set["job."+flag] = v
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
