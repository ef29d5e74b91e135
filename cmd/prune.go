package cmd

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/provision"
	"github.com/kedroctl/kedroctl/run"
)

func newPrune(d *deps) *cli.Command {
	return &cli.Command{
		Name: "prune", Category: catOther, Usage: "Remove what no deployment and no run of the last keep_days uses any more",
		UsageText: "$ kedroctl prune --dry-run",
		Description: `Revisions of the job definition, images in kedroctl's own repository, outputs of runs but for those of the latest
that succeeded, retired compute environments and queues on which no job is left, and launch templates that no environment has. It lists what and how much
before it asks.`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "list, and remove nothing", DisableDefaultText: true}},
		Action: func(c *cli.Context) error {
			p, clients, spec, err := d.stack(c.Context)
			if err != nil {
				return err
			}
			runs, err := d.runClients(c.Context, &p)
			if err != nil {
				return err
			}
			uses, err := run.Uses(c.Context, runs, spec.Bucket)
			if err != nil {
				return err
			}
			used := make([]provision.RunUse, len(uses))
			for i, u := range uses {
				used[i] = provision.RunUse(u)
			}
			found, err := provision.FindRubbish(c.Context, clients, spec, used, time.Now())
			if err != nil {
				return err
			}
			if c.Bool("dry-run") || found.Empty() {
				return d.term.Answer(found, func(w io.Writer) { d.showRubbish(w, found) })
			}
			d.showRubbish(d.std.Err, found)
			if err := d.confirm(fmt.Sprintf("Remove %s?", amount(found))); err != nil {
				return err
			}
			if err := provision.Prune(c.Context, clients, spec, found, &steps{term: d.term}); err != nil {
				return err
			}
			return d.term.Answer(found, func(w io.Writer) { fmt.Fprintf(w, "removed %s\n", amount(found)) })
		},
	}
}

// amount is what rubbish there is, in a few words.
func amount(r provision.Rubbish) string {
	var parts []string
	for _, p := range []struct {
		n    int
		noun string
	}{{len(r.Definitions), "revision"}, {len(r.Images), "image"}, {len(r.Retired), "retired resource"}} {
		if p.n > 0 {
			parts = append(parts, count(p.n, p.noun))
		}
	}
	if n := len(r.Outputs); n > 0 {
		parts = append(parts, "the outputs of "+count(n, "run"))
	}
	text := strings.Join(parts, ", ")
	if r.Bytes > 0 {
		text += ", " + humanize.Bytes(uint64(r.Bytes)) + " in all"
	}
	return text
}

func (d *deps) showRubbish(w io.Writer, r provision.Rubbish) {
	if r.Empty() {
		fmt.Fprintln(w, "nothing to remove")
		return
	}
	var rows [][]string
	for _, o := range r.Definitions {
		rows = append(rows, []string{provision.KindDefinition, o.Name, "-", "no deployment or run uses it"})
	}
	for _, i := range r.Images {
		why := "no deployment or run uses it"
		if len(i.Tags) == 0 {
			why = "untagged"
		}
		rows = append(rows, []string{"image", i.Digest, humanize.Bytes(uint64(i.Bytes)), why})
	}
	for _, o := range r.Outputs {
		rows = append(rows, []string{"outputs", o.Run, humanize.Bytes(uint64(o.Bytes)), count(o.Objects, "object")})
	}
	for _, o := range r.Retired {
		rows = append(rows, []string{o.Kind, o.Name, "-", "retired, " + o.Detail})
	}
	d.term.Table(w, []string{"KIND", "NAME", "SIZE", "DETAIL"}, rows)
}
