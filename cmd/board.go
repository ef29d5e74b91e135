package cmd

import (
	"fmt"
	"io"
	"time"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/run"
)

// board is what is known of all jobs of a run, and what tables and the line of progress say of it.
type board struct {
	run     run.Run
	groups  map[string]plan.Group
	jobs    map[string]run.Job // by group
	history run.History
	local   bool // the jobs run on this machine
}

func (d *deps) newBoard(pl plan.Plan) board {
	b := board{groups: make(map[string]plan.Group), jobs: make(map[string]run.Job), local: d.flags.local}
	b.run.Plan = pl
	for _, g := range pl.Groups {
		b.groups[g.Name] = g
		b.jobs[g.Name] = run.Job{Submission: run.Submission{Group: g.Name, Key: g.Key}, State: run.Unsubmitted}
	}
	return b
}

// started takes over a run, and what was submitted of it.
func (b *board) started(r run.Run) {
	b.run = r
	for _, s := range r.Jobs { // in the order of tries
		b.jobs[s.Group] = run.Job{Submission: s, State: run.Submitted}
	}
}

// boardOf is what is known of a run that was looked at once.
func (d *deps) boardOf(r run.Run, jobs []run.Job) board {
	b := d.newBoard(r.Plan)
	b.run = r
	b.take(jobs)
	return b
}

func (b *board) take(jobs []run.Job) {
	for _, j := range jobs {
		b.jobs[j.Group] = j
	}
}

// all are the jobs in the plan's order.
func (b *board) all() []run.Job {
	jobs := make([]run.Job, len(b.run.Plan.Groups))
	for i, g := range b.run.Plan.Groups {
		jobs[i] = b.jobs[g.Name]
	}
	return jobs
}

// waitsFor are the groups before one that have not ended.
func (b *board) waitsFor(group string) []string {
	var open []string
	for _, p := range b.groups[group].DependsOn {
		if !b.jobs[p].Ended() {
			open = append(open, p)
		}
	}
	return open
}

// waitingSince is when nothing but Batch itself held up a job any more: one that was looked at for the first time may have waited long before.
func (b *board) waitingSince(j run.Job) time.Time {
	if j.Attempt > 0 {
		return j.Since
	}
	began := j.Created
	for _, p := range b.groups[j.Group].DependsOn {
		if stopped := b.jobs[p].Stopped; stopped.After(began) {
			began = stopped
		}
	}
	if began.IsZero() {
		return j.Since
	}
	return began
}

// place says what a job waits for to run on.
func (b *board) place(waits time.Duration) string {
	switch {
	case b.local:
		return "waiting for room on this machine"
	case waits > instanceBy:
		return "still waiting for an instance, usually 2 to 5 minutes"
	}
	return "waiting for an instance, usually 2 to 5 minutes"
}

// showJobs is the answer of commands about a run: its id, the table of its jobs, and how far it is.
func (d *deps) showJobs(w io.Writer, b board, now time.Time) {
	fmt.Fprintln(w, b.run.ID)
	d.listJobs(w, b, now)
	fmt.Fprintln(w, b.progress(now))
}

func (d *deps) listJobs(w io.Writer, b board, now time.Time) {
	var rows []ui.Row
	for _, j := range b.all() {
		rows = append(rows, b.jobRow(j, now))
	}
	for _, l := range d.term.Grid(jobColumns, rows) {
		fmt.Fprintln(w, l)
	}
}
