package cmd

import (
	"fmt"
	"io"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/check"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

// treeFindings are the findings of a plan and those that the project's files tell.
func treeFindings(p project.Project, s project.Snapshot, pl plan.Plan) ([]plan.Finding, error) {
	left, err := leftOut(p, s)
	if err != nil {
		return nil, err
	}
	absent := make([]string, len(left))
	for i, l := range left {
		absent[i] = l.Path
	}
	return check.Tree(p, s, pl, absent)
}

// leftOut are the files of the configuration that stay out of an image; of a project whose settings cannot be loaded nothing is known.
func leftOut(p project.Project, s project.Snapshot) ([]build.Left, error) {
	if s.ConfSource == "" {
		return nil, nil
	}
	return build.LeftOut(p, s)
}

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

// tellLacking warns of files of the project's package that its wheel has not.
func (d *deps) tellLacking(files []string) {
	if len(files) == 0 {
		return
	}
	d.finding(plan.Finding{
		Code: plan.CodeWheelLacks, Level: plan.Warning, Thing: files[0], Place: project.Pyproject,
		Reason: fmt.Sprintf("the wheel lacks it, and %s of the package in all: code that reads them fails in the jobs", count(len(files), "file")),
		Fix:    "let the build backend take them, setuptools by package-data; --verbose lists them",
	})
	for _, file := range files {
		d.term.Detail("the wheel lacks %s", file)
	}
}
