package cmd

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/run"
)

var jobHeader = []string{"GROUP", "STATUS", "TIME", "JOB", "REASON"}

// jobRows are the table of a run's jobs.
func jobRows(jobs []run.Job, now time.Time) [][]string {
	rows := make([][]string, len(jobs))
	for i, j := range jobs {
		rows[i] = []string{j.Group, j.State, elapsed(j, now), j.ID, why(j)}
	}
	return rows
}

// showJobs is the answer of commands about a run: its id, then the table of its jobs.
func (d *deps) showJobs(w io.Writer, id string, jobs []run.Job) {
	fmt.Fprintln(w, id)
	d.term.Table(w, jobHeader, jobRows(jobs, time.Now()))
}

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

// elapsed is how long the job ran, or has been running.
func elapsed(j run.Job, now time.Time) string {
	switch {
	case j.Started.IsZero():
		return "-"
	case j.Stopped.IsZero():
		return ui.Seconds(now.Sub(j.Started))
	}
	return ui.Seconds(j.Stopped.Sub(j.Started))
}

// why is what a person needs to know of a job that did not succeed, or waits.
func why(j run.Job) string {
	var parts []string
	if j.Cause != "" {
		parts = append(parts, j.Cause)
	}
	if j.Attempt > 1 {
		parts = append(parts, "attempt "+strconv.Itoa(j.Attempt))
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

// jobTable shows a run as it goes on: a table in the status area, and a line for each change where there is no terminal.
type jobTable struct {
	term *ui.Terminal
	mu   sync.Mutex
	jobs []run.Job
}

func (d *deps) newJobTable(pl plan.Plan) *jobTable {
	t := &jobTable{term: d.term}
	for _, g := range pl.Groups {
		t.jobs = append(t.jobs, run.Job{Submission: run.Submission{Group: g.Name}, State: run.Unsubmitted})
	}
	return t
}

func (t *jobTable) Started(run.Run) {}

func (t *jobTable) Submitted(j run.Job) { t.show(j) }

func (t *jobTable) Changed(j run.Job) {
	t.show(j)
	if !t.term.Live() {
		t.term.Line("%-24s %-9s %s", j.Group, j.State, why(j))
	}
}

func (t *jobTable) show(j run.Job) {
	t.mu.Lock()
	if i := slices.IndexFunc(t.jobs, func(o run.Job) bool { return o.Group == j.Group }); i >= 0 {
		t.jobs[i] = j
	}
	t.mu.Unlock()
	t.term.Redraw(t.lines)
}

// lines are the table as the status area shows it now.
func (t *jobTable) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.term.StatusTable(jobHeader, jobRows(t.jobs, time.Now()))
}

// Failed tells all that is known of a failed job: Batch's reason, the exit code, the last lines of each attempt's log.
func (t *jobTable) Failed(f run.Failure) {
	t.term.Line("%s failed: %s", f.Job.Group, why(f.Job))
	for _, a := range f.Attempts {
		t.term.Line("  attempt %d: %s", a.Number, attemptText(a))
		for _, l := range a.Lines {
			t.term.Line("    | %s", printable(l))
		}
	}
}

func attemptText(a run.Attempt) string {
	var parts []string
	if a.Reason != "" {
		parts = append(parts, printable(a.Reason))
	}
	if a.ExitCode != nil {
		parts = append(parts, fmt.Sprintf("exit code %d", *a.ExitCode))
	}
	if a.Error != nil {
		parts = append(parts, printable(a.Error.Type+": "+a.Error.Message))
	}
	if a.Trouble != "" {
		parts = append(parts, "its log could not be read: "+a.Trouble)
	}
	if len(parts) == 0 {
		return "no reason given"
	}
	return strings.Join(parts, ", ")
}

// printable drops what would steer the terminal: a job's words come from a container, and may hold any bytes.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\t' && c != '\n' {
			return -1
		}
		return c
	}, text)
}

func (t *jobTable) Notice(n run.Notice) {
	if n.Code == run.NoticeTrouble {
		t.term.Warn("%s", n.Text)
		return
	}
	t.term.Line("%s", n.Text)
}
