package cmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/run"
)

func newVerify(d *deps) *cli.Command {
	return &cli.Command{
		Name: "verify", Category: catMain, ArgsUsage: "[RUN]",
		Usage:     "Check that all jobs of a run succeeded and every output is in S3",
		UsageText: "$ kedroctl verify 2026-11-23T09.55.12.345Z",
		Description: `Compares the bucket with what the jobs recorded: path, size, ETag, version. Outputs that are not on S3 are listed
as not checked, and files that code wrote past the catalog as not kept. Without RUN the latest run is meant.`,
		Action: func(c *cli.Context) error {
			clients, r, err := d.recordedRun(c)
			if err != nil {
				return err
			}
			report, err := run.Verify(c.Context, clients, r)
			if err != nil {
				return err
			}
			b := d.boardOf(r, report.Jobs)
			d.look(c.Context, clients, &b)
			report.Jobs = b.all()
			if err := d.term.Answer(report, func(w io.Writer) { d.showReport(w, b, report) }); err != nil {
				return err
			}
			if !report.OK {
				return codedError{error: fmt.Errorf("run %s is not complete", r.ID), code: exitFailed}
			}
			d.tellVerified(report)
			return nil
		},
	}
}

// tellVerified counts what was looked at; what could not be is no success.
func (d *deps) tellVerified(report run.Report) {
	checked := 0
	for _, o := range report.Outputs {
		if o.State == run.OutputOK {
			checked++
		}
	}
	d.term.Line("run %s: %s succeeded, %s as recorded", report.Run, count(len(report.Jobs), "job"), count(checked, "output"))
	if n := len(report.Outputs) - checked; n > 0 {
		d.term.Warn("%s not on S3 and not checked", count(n, "output"))
	}
	for _, u := range report.NotKept {
		d.term.Warn("%s", unkept(u))
	}
}

func (d *deps) showReport(w io.Writer, b board, report run.Report) {
	d.listJobs(w, b, time.Now())
	fmt.Fprintln(w)
	var rows [][]string
	for _, o := range report.Outputs {
		size := "-"
		if o.Size != nil {
			size = humanize.Bytes(uint64(*o.Size))
		}
		state := o.State
		if o.Detail != "" {
			state += ": " + o.Detail
		}
		rows = append(rows, []string{o.Dataset, o.Group, size, state, cmp.Or(o.Path, "-")})
	}
	d.term.Table(w, []string{"OUTPUT", "GROUP", "SIZE", "STATE", "WHERE"}, rows)
}

func unkept(u run.Unkept) string {
	if u.Dataset != "" {
		return fmt.Sprintf("group %s: dataset %s was not kept: %s", u.Group, u.Dataset, u.Reason)
	}
	return fmt.Sprintf("group %s: %s (%s) was written past the catalog and ended with the job: save it as a dataset to keep it",
		u.Group, u.File, humanize.Bytes(uint64(u.Size)))
}

// recordedRun is the run that the argument names, or the latest one, as the bucket has it.
func (d *deps) recordedRun(c *cli.Context) (run.Clients, run.Run, error) {
	return d.runOf(c.Context, c.Args().First())
}

// runOf is the run of an id, "" for the latest one.
func (d *deps) runOf(ctx context.Context, id string) (run.Clients, run.Run, error) {
	p, err := d.home()
	if err != nil {
		return run.Clients{}, run.Run{}, err
	}
	clients, err := d.runClients(ctx, &p)
	if err != nil {
		return run.Clients{}, run.Run{}, err
	}
	r, err := loadRun(ctx, clients, p.Settings.Bucket, id)
	return clients, r, err
}

func loadRun(ctx context.Context, clients run.Clients, bucket, id string) (run.Run, error) {
	if id == "" {
		return run.Latest(ctx, clients, bucket)
	}
	return run.Load(ctx, clients, bucket, id)
}
