package cmd

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/kedroctl/kedroctl/internal/local/process"
	"github.com/kedroctl/kedroctl/run"
)

// failureLines is how many lines of a log are shown where no traceback is in it.
const failureLines = 20

// Failed tells all that is known of a failed job as soon as it is.
func (t *jobTable) Failed(f run.Failure) {
	t.mu.Lock()
	f = t.typed(t.board.run, f)
	t.mu.Unlock()
	t.event(event{Type: eventFailure, Failure: &f})
	for _, l := range describeFailure(f) {
		t.term.Line("%s", l)
	}
}

// showFailures is the part of an answer that says why jobs of a run failed.
func showFailures(w io.Writer, failures []run.Failure) {
	for _, f := range failures {
		fmt.Fprintln(w)
		for _, l := range describeFailure(f) {
			fmt.Fprintln(w, l)
		}
	}
}

// typed gives the next steps of a failure as people can type them where they have typed this command. What has no image is not deployed.
func (d *deps) typed(r run.Run, f run.Failure) run.Failure {
	f.Logs = d.commandLine("logs", r.ID) + strings.TrimPrefix(f.Logs, "kedroctl logs "+r.ID)
	f.Resume = d.commandLine("resume", r.ID)
	if f.Why != nil && process.Ours(r.Deployment) {
		why := *f.Why
		why.Fix = strings.ReplaceAll(why.Fix, "'kedroctl deploy'", "'kedroctl --local run --no-image' again")
		f.Why = &why
	}
	return f
}

// describeFailure says why a group failed: in plain words, then attempt by attempt with the traceback, else the last lines of the log, and what to do next.
func describeFailure(f run.Failure) []string {
	lines := []string{failureTitle(f)}
	for _, a := range f.Attempts {
		lines = append(lines, fmt.Sprintf("  attempt %d: %s", a.Number, attemptText(a)))
		said := a.Traceback
		if len(said) == 0 {
			said = a.Lines
		}
		for _, l := range said {
			lines = append(lines, "    | "+printable(l))
		}
	}
	if f.Why != nil && f.Why.Fix != "" {
		lines = append(lines, "  fix:       "+printable(f.Why.Fix))
	}
	if f.Logs != "" {
		lines = append(lines, "  whole log: "+f.Logs, "  go on:     "+f.Resume)
	}
	return lines
}

func failureTitle(f run.Failure) string {
	title := f.Job.Group
	switch {
	case f.Node != "":
		title += " (node " + f.Node + ")"
	case len(f.Nodes) == 1:
		title += " (node " + f.Nodes[0] + ")"
	case len(f.Nodes) > 3:
		title += fmt.Sprintf(" (nodes %s and %d more)", strings.Join(f.Nodes[:3], ", "), len(f.Nodes)-3)
	case len(f.Nodes) > 0:
		title += " (nodes " + strings.Join(f.Nodes, ", ") + ")"
	}
	reason := why(f.Job)
	if f.Why != nil {
		reason = f.Why.Text
	}
	return printable(title + " failed: " + reason)
}

// attemptText is what Batch and the job say of an attempt.
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
