package cmd

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/run"
)

func newStatus(d *deps) *cli.Command {
	return &cli.Command{
		Name: "status", Category: catRuns, ArgsUsage: "[RUN]", Usage: "Show the jobs of a run, and why some failed",
		UsageText: "$ kedroctl status --json",
		Action: func(c *cli.Context) error {
			clients, r, err := d.recordedRun(c)
			if err != nil {
				return err
			}
			jobs, err := run.Status(c.Context, clients, r)
			if err != nil {
				return err
			}
			b := d.boardOf(r, jobs)
			d.look(c.Context, clients, &b)
			jobs = b.all()
			failures, err := run.Explain(c.Context, clients, r, jobs, failureLines)
			if err != nil {
				return err
			}
			answer := struct {
				Run      string         `json:"run"`
				Jobs     []run.Job      `json:"jobs"`
				Failures []run.Failure  `json:"failures,omitempty"`
				MLflow   *run.MLflowRun `json:"mlflow,omitempty"`
			}{r.ID, jobs, failures, d.mlflow(c.Context, clients, r)}
			return d.term.Answer(answer, func(w io.Writer) {
				d.showJobs(w, b, time.Now())
				showFailures(w, failures)
			})
		},
	}
}

// look adds to a board what the bucket knows: memory that jobs used, and for a run that goes on how long an earlier one took.
func (d *deps) look(ctx context.Context, clients run.Clients, b *board) {
	jobs := b.all()
	if err := run.Peaks(ctx, clients, b.run, jobs); err != nil {
		d.term.Detail("memory that jobs used: %v", err)
	}
	b.take(jobs)
	if slices.ContainsFunc(jobs, func(j run.Job) bool { return !j.Ended() }) {
		past, err := run.Past(ctx, clients, b.run)
		if err != nil {
			d.term.Detail("no estimate: %v", err)
		}
		b.history = past
	}
}
