package cmd

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/run"
)

// mlflow says where the MLflow run of a run is, as far as that is known. Not to know it is no failure of the run.
func (d *deps) mlflow(ctx context.Context, clients run.Clients, r run.Run) *run.MLflowRun {
	m, err := run.MLflow(ctx, clients, r)
	if err != nil {
		d.term.Warn("%v", err)
	}
	if m != nil {
		d.term.Line("MLflow run: %s", printable(m.String()))
	}
	return m
}

// jobColumns are those of a table of jobs. Narrow terminals lack some: never what a group does, and for how long.
var jobColumns = []ui.Column{
	{Title: "GROUP"}, {Title: "STATE", Least: 9}, {Title: "SINCE", Least: 8, Rank: 3}, {Title: "TIME", Least: 6}, {Title: "ATTEMPT", Rank: 2},
	{Title: "MEMORY", Least: 11, Rank: 1}, {Title: "JOB", Rank: 4, Spare: true},
}

const (
	patience   = 15 * time.Second // for which a job may wait before it is said what it waits for
	instanceBy = 5 * time.Minute  // by which most instances are there
	nearly     = 80               // percent of the timeout from which on there is a warning
)

// jobRow is a job in a table: group, state, since when, for how long, attempt, memory used of memory asked, Batch's id, and what else is to be known.
func (b *board) jobRow(j run.Job, now time.Time) ui.Row {
	r := ui.Row{Cells: []string{j.Group, j.State, b.since(j, now), elapsed(j, now), attemptOf(j, b.groups[j.Group]), memoryOf(j, b.groups[j.Group]), j.ID}}
	r.Note, r.Warn = b.note(j, now)
	return r
}

// since is when the state began: the time of today, else the day. Of jobs that wait who looks for the first time does not know it but by others.
func (b *board) since(j run.Job, now time.Time) string {
	began := j.Since
	switch j.State {
	case run.Submitted, run.Pending:
		began = cmp.Or(j.Created, j.Since)
	case run.Runnable:
		began = b.waitingSince(j)
	}
	at := began.In(now.Location())
	switch {
	case began.IsZero():
		return "-"
	case at.YearDay() == now.YearDay() && at.Year() == now.Year():
		return at.Format(time.TimeOnly)
	}
	return at.Format("Jan 02")
}

// elapsed is how long the job ran, or has been running.
func elapsed(j run.Job, now time.Time) string {
	if j.Started.IsZero() {
		return "-"
	}
	if !j.Stopped.IsZero() {
		now = j.Stopped
	}
	return ui.Seconds(max(now.Sub(j.Started), 0))
}

// attemptOf writes Batch's attempt, of those that it may make, and the try where it is not the first.
func attemptOf(j run.Job, g plan.Group) string {
	var parts []string
	if j.Attempt > 0 {
		parts = append(parts, fmt.Sprintf("%d/%d", j.Attempt, max(g.Resources.Attempts, j.Attempt)))
	}
	if j.Try > 1 {
		parts = append(parts, "try "+strconv.Itoa(j.Try))
	}
	return cmp.Or(strings.Join(parts, " "), "-")
}

// memoryOf writes the memory that the job used of what it asked for, once it has ended, and what it asks for before.
func memoryOf(j run.Job, g plan.Group) string {
	asked := cmp.Or(j.Memory, g.Resources.Memory)
	amount, unit := func(mib int) string { return strconv.Itoa(mib) }, " MiB"
	if asked >= 1024 {
		amount, unit = func(mib int) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(mib)/1024), ".0") }, " GiB"
	}
	switch {
	case j.Peak > asked: // as nothing limits processes
		return amount(j.Peak) + unit
	case j.Peak > 0:
		return amount(j.Peak) + "/" + amount(asked) + unit
	}
	return amount(asked) + unit
}

// note is what else a person needs to know of a job: why it failed, what it waits for, that it is about to run out of time.
func (b *board) note(j run.Job, now time.Time) (text string, warn bool) {
	switch j.State {
	case run.Running:
		if used := timeUsed(j, now); used >= nearly {
			return fmt.Sprintf("%d %% of its timeout of %s", used, ui.Seconds(time.Duration(j.Timeout)*time.Second)), true
		}
	case run.Unsubmitted, run.Submitted, run.Pending:
		if parents := b.waitsFor(j.Group); len(parents) > 0 {
			return "after " + some(parents, 3), false
		}
	case run.Runnable:
		if j.Reason != "" {
			return printable(run.ExplainWait(b.groups[j.Group], j.Reason)), true
		}
		if waits := now.Sub(b.waitingSince(j)); waits >= patience {
			return b.place(waits), false
		}
	}
	return why(j), false
}

// timeUsed is the percentage of its timeout that a running attempt has used, 0 where it has none.
func timeUsed(j run.Job, now time.Time) int {
	if j.State != run.Running || j.Timeout == 0 || j.Started.IsZero() {
		return 0
	}
	return int(100 * now.Sub(j.Started) / (time.Duration(j.Timeout) * time.Second))
}

// some names the first of a list, and counts the others.
func some(names []string, most int) string {
	if len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// why is what a person needs to know of a job that did not succeed.
func why(j run.Job) string {
	var parts []string
	if j.Cause != "" {
		parts = append(parts, j.Cause)
	}
	if j.State != run.Succeeded {
		if j.Reason != "" {
			parts = append(parts, printable(j.Reason))
		}
		if j.State == run.Failed && j.ExitCode != nil {
			parts = append(parts, fmt.Sprintf("exit code %d", *j.ExitCode))
		}
	}
	return strings.Join(parts, ", ")
}
