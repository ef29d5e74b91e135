package cmd

import (
	"io"
	"maps"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/provision"
)

func newResources(d *deps) *cli.Command {
	return &cli.Command{
		Name: "resources", Category: catOther, Usage: "List the AWS resources of the project's environment, with their state and what they cost while idle",
		UsageText:   "$ kedroctl resources --json",
		Description: `Changes nothing. What others made and the settings name is listed too. With --json it tells all tags; with --verbose, the ARNs.`,
		Action: func(c *cli.Context) error {
			_, clients, spec, err := d.stack(c.Context)
			if err != nil {
				return err
			}
			all, err := provision.Inventory(c.Context, clients, spec)
			if err != nil {
				return err
			}
			for _, tag := range slices.Sorted(maps.Keys(spec.Tags())) {
				d.term.Line("tag %s=%s", tag, spec.Tags()[tag])
			}
			return d.term.Answer(all, func(w io.Writer) { d.showInventory(w, all) })
		},
	}
}

func (d *deps) showInventory(w io.Writer, all []provision.Listed) {
	rows := make([][]string, len(all))
	for i, l := range all {
		owner := "kedroctl"
		switch {
		case l.State == provision.Absent:
			owner = "-"
		case !l.Ours:
			owner = "others"
		}
		rows[i] = []string{l.Kind, l.Name, l.State, owner, l.Idle, l.Detail}
	}
	d.term.Table(w, []string{"RESOURCE", "NAME", "STATE", "MADE BY", "IDLE COST", "DETAIL"}, rows)
}
