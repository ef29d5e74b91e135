package cmd

import (
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/local/process"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/run"
)

func newRuns(d *deps) *cli.Command {
	return &cli.Command{
		Name: "runs", Category: catRuns, Usage: "List the runs of the environment, the newest first",
		UsageText: "$ kedroctl runs --limit 5",
		Description: `Takes them from the bucket, and from Batch what goes on. A run that waits has groups that are still to be submitted
and no job under way.`,
		Flags: []cli.Flag{&cli.IntFlag{Name: "limit", Usage: "at most `N` runs", Value: 20}},
		Action: func(c *cli.Context) error {
			if c.Int("limit") < 1 {
				return usageError{fmt.Errorf("--limit %d: want a number above 0", c.Int("limit"))}
			}
			p, err := d.home()
			if err != nil {
				return err
			}
			clients, err := d.runClients(c.Context, &p)
			if err != nil {
				return err
			}
			runs, err := run.List(c.Context, clients, p.Settings.Bucket, c.Int("limit"))
			if err != nil {
				return err
			}
			if len(runs) == 0 {
				d.term.Line("no run yet in environment %s", p.Env)
				runs = []run.Summary{}
			}
			return d.term.Answer(runs, func(w io.Writer) { d.showRuns(w, runs) })
		},
	}
}

func (d *deps) showRuns(w io.Writer, runs []run.Summary) {
	if len(runs) == 0 {
		return
	}
	rows := make([][]string, len(runs))
	for i, r := range runs {
		deployment := deploymentName(r.Deployment)
		if r.Developed {
			deployment += ", development"
		}
		if r.Sandbox != "" {
			deployment += ", sandbox " + r.Sandbox
		}
		rows[i] = []string{
			r.Run, age(max(time.Since(r.Created), 0)) + " ago", printable(r.Owner), deployment, r.State, fmt.Sprintf("%d/%d", r.Done, r.Groups),
			ui.Seconds(time.Duration(r.Seconds * float64(time.Second))),
		}
	}
	d.term.Table(w, []string{"RUN", "STARTED", "OWNER", "DEPLOYMENT", "STATE", "GROUPS", "TIME"}, rows)
}

// deploymentName is what people call the deployment of a run.
func deploymentName(id string) string {
	if process.Ours(id) {
		return "no image"
	}
	return id
}
