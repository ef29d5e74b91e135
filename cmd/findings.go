package cmd

import (
	"fmt"
	"io"

	"github.com/kedroctl/kedroctl/internal/plan"
)

// findings tells what the plan found; errors among them end the command.
func (d *deps) findings(pl plan.Plan, tell bool) error {
	if tell {
		for _, f := range pl.Findings {
			d.finding(f)
		}
	}
	return errorsIn(pl.Findings, "plan")
}

// errorsIn ends a command whose findings have errors in them.
func errorsIn(findings []plan.Finding, where string) error {
	if n := countLevel(findings, plan.Error); n > 0 {
		return codedError{error: fmt.Errorf("%s in the %s", count(n, "error"), where), code: exitProject}
	}
	return nil
}

func countLevel(findings []plan.Finding, level string) int {
	n := 0
	for _, f := range findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

// finding tells a finding as part of the story; notes are details.
func (d *deps) finding(f plan.Finding) {
	switch f.Level {
	case plan.Note:
		d.term.Detail("note: %s", describe(f))
	case plan.Warning:
		d.term.Warn("%s", describe(f))
	default:
		d.term.Line("%s: %s", f.Level, describe(f))
	}
	if f.Fix != "" && f.Level != plan.Note {
		d.term.Hint("%s", f.Fix)
	}
}

// writeFinding writes a finding as part of an answer.
func writeFinding(w io.Writer, f plan.Finding) {
	fmt.Fprintf(w, "%s %s\n", f.Level, describe(f))
	if f.Fix != "" {
		fmt.Fprintf(w, "  fix: %s\n", f.Fix)
	}
}

func describe(f plan.Finding) string {
	at := ""
	if f.Place != "" {
		at = " (" + f.Place + ")"
	}
	return fmt.Sprintf("%s%s: %s (%s)", f.Thing, at, f.Reason, f.Code)
}
