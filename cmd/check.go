package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

func newCheck(d *deps) *cli.Command {
	return &cli.Command{
		Name: "check", Category: catSteps, Usage: "Find what would fail or surprise on AWS Batch, before AWS is touched",
		UsageText: "$ kedroctl check --pipelines data_science",
		Description: `Introspects the project, plans its jobs and reports findings: errors, warnings and notes, each with its reason and what to do.
Needs neither AWS nor Docker. Ends with 4 where there are errors. docs/findings.md explains each code.`,
		Flags: append(append(selectionFlags(), jobFlags()...), &cli.BoolFlag{
			Name: "fix", DisableDefaultText: true, Usage: "write what has one right answer into the project, after showing the changes and asking",
		}),
		Action: func(c *cli.Context) error {
			if err := d.setJobFlags(c); err != nil {
				return err
			}
			found, err := d.checked(c)
			if err != nil {
				return err
			}
			if err := d.term.Answer(newCheckReport(found), func(w io.Writer) { showFindings(w, found) }); err != nil {
				return err
			}
			return errorsIn(found, "project")
		},
	}
}

// checked gives the findings of what the flags select; with --fix, those that are left after it.
func (d *deps) checked(c *cli.Context) ([]plan.Finding, error) {
	for fixed := !c.Bool("fix"); ; fixed = true {
		p, err := d.initialized()
		if err != nil {
			return nil, err
		}
		found, s, err := d.check(c.Context, p, plan.Options{Selection: selection(c), Whole: true}, c.String("params"))
		if err != nil || fixed {
			return found, err
		}
		if changed, err := d.fix(p, s, found); err != nil || !changed {
			return found, err
		}
	}
}

// check gives all findings of the project. One that cannot be loaded has those that say why, and those of its files.
func (d *deps) check(ctx context.Context, p project.Project, o plan.Options, params string) ([]plan.Finding, project.Snapshot, error) {
	pl, s, err := d.plan(ctx, p, o, params)
	found := pl.Findings
	if problems := plan.Problems(err); len(problems) > 0 {
		found, err = treeFindings(p, s, plan.Plan{Findings: problems})
	}
	if err != nil {
		return nil, s, err
	}
	more, err := configFindings(p, s)
	return plan.Sort(append(found, more...)), s, err
}

// configFindings are about what an image gets of the configuration. Building one warns of the same in its own words.
func configFindings(p project.Project, s project.Snapshot) ([]plan.Finding, error) {
	left, err := leftOut(p, s)
	if err != nil || s.ConfSource == "" {
		return nil, err
	}
	exposed, err := build.Exposed(p, s)
	if err != nil {
		return nil, err
	}
	const fix = "write ${oc.env:NAME} in its place, with NAME in [tool.kedroctl.job] secrets"
	var found []plan.Finding
	for _, l := range left {
		found = append(found, plan.Finding{Code: plan.CodeConfigLeftOut, Level: plan.Warning, Thing: l.Path, Reason: "it stays out of the image: " + l.Reason})
	}
	for _, e := range exposed {
		found = append(found, plan.Finding{Code: plan.CodeConfigExposed, Level: plan.Warning, Thing: e.Path, Reason: "it is in the image: " + e.Reason, Fix: fix})
	}
	return found, nil
}

// checkReport is the answer of check.
type checkReport struct {
	Errors   int            `json:"errors"`
	Warnings int            `json:"warnings"`
	Notes    int            `json:"notes"`
	Findings []plan.Finding `json:"findings"`
}

func newCheckReport(found []plan.Finding) checkReport {
	return checkReport{
		countLevel(found, plan.Error), countLevel(found, plan.Warning), countLevel(found, plan.Note), append([]plan.Finding{}, found...),
	}
}

func showFindings(w io.Writer, found []plan.Finding) {
	for _, f := range found {
		writeFinding(w, f)
	}
	if len(found) > 0 {
		fmt.Fprintln(w)
	}
	r := newCheckReport(found)
	fmt.Fprintf(w, "%s, %s, %s\n", count(r.Errors, "error"), count(r.Warnings, "warning"), count(r.Notes, "note"))
}
