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
		Description: `Also of a run that somebody else follows, or that nobody does. Of each job that failed it shows why, with the traceback and what to
do about it. Without RUN the latest run is meant.`,
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
			for i, f := range failures {
				failures[i] = d.typed(r, f)
			}
			answer := struct {
				Run      string         `json:"run"`
				Code     *run.Code      `json:"code,omitempty"` // of a development run
				Jobs     []run.Job      `json:"jobs"`
				Failures []run.Failure  `json:"failures,omitempty"`
				MLflow   *run.MLflowRun `json:"mlflow,omitempty"`
			}{r.ID, r.Code, jobs, failures, d.mlflow(c.Context, clients, r)}
			if text := codeText(r); text != "" {
				d.term.Line("%s", text)
			}
			if err := d.tellDrivers(c.Context, clients, r); err != nil {
				return err
			}
			return d.term.Answer(answer, func(w io.Writer) {
				d.showJobs(w, b, time.Now())
				showFailures(w, failures)
			})
		},
	}
}

// tellDrivers says what became of a run's drivers: whether one was told to submit no more, and where one writes that lost its terminal here.
func (d *deps) tellDrivers(ctx context.Context, clients run.Clients, r run.Run) error {
	m, err := run.Marked(ctx, clients, r)
	if m != nil {
		d.term.Line("the run was cancelled by %s: %s", m.By, m.Reason)
	}
	d.tellDriverLog(r.ID)
	return err
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
