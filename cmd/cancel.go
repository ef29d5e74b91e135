package cmd

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/run"
)

func newCancel(d *deps) *cli.Command {
	return &cli.Command{
		Name: "cancel", Category: catRuns, ArgsUsage: "[RUN]", Usage: "End all unfinished jobs of a run",
		UsageText: "$ kedroctl cancel",
		Description: `Tells Batch to end what runs or may start, marks the run as cancelled, so that whoever follows it submits no more of it, and waits
until Batch lists no unfinished job of it. 'kedroctl resume' takes the run up again.`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "reason", Usage: "`WHY`, as Batch shows it"}},
		Action: func(c *cli.Context) error {
			clients, r, err := d.recordedRun(c)
			if err != nil {
				return err
			}
			reason := c.String("reason")
			if reason == "" {
				reason = cancelReason()
			}
			jobs, err := run.Status(c.Context, clients, r)
			if err != nil {
				return err
			}
			done, err := run.Cancel(c.Context, clients, r, owner(), reason, jobs)
			if err != nil {
				return err
			}
			if run.Over(jobs) && done.Ended == 0 {
				d.term.Line("run %s had ended already: Batch lists no unfinished job of it", r.ID)
			} else {
				d.tellCancelled(done)
			}
			return d.term.Answer(done, func(w io.Writer) { fmt.Fprintln(w, r.ID) })
		},
	}
}

func cancelReason() string { return "cancelled by " + owner() }

// tellCancelled says what was ended, and that Batch has nothing more of the run.
func (d *deps) tellCancelled(done run.Cancelled) {
	d.term.Line("run %s is cancelled: %s ended, Batch lists no unfinished job of it", done.Run, count(done.Ended, "job"))
}
