package cmd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/run"
)

const onlyMissingFlag = "only-missing-outputs"

// errAllMade ends the preparation of a run that has nothing to do.
var errAllMade = errors.New("nothing is missing")

// checkPassed refuses to hand Kedro's own flag on: each job would decide anew, by what the jobs before it have just made.
func (d *deps) checkPassed() error {
	if !slices.Contains(d.passed, "--"+onlyMissingFlag) {
		return nil
	}
	return ui.WithHint(usageError{fmt.Errorf("--%s is decided before the jobs, not by each of them", onlyMissingFlag)}, "write it before --")
}

// onlyMissing narrows the plan of a run to the nodes whose outputs are not in S3, and what they need. It also gives the
// datasets that are there and that the plan begins with. The error is errAllMade where no node is left.
func (d *deps) onlyMissing(c *cli.Context, p project.Project, s project.Snapshot, clients run.Clients, whole plan.Plan) (plan.Plan, []string, error) {
	versions, err := loadVersions(c.String("load-versions"))
	if err != nil {
		return plan.Plan{}, nil, err
	}
	made, err := run.FindMade(c.Context, clients, whole, versions)
	if err != nil {
		return plan.Plan{}, nil, err
	}
	if len(made.Unseen) > 0 {
		d.term.Line("only S3 was looked at: what these hold counts as missing: %s", strings.Join(made.Unseen, ", "))
	}
	nodes, skipped, err := plan.OnlyMissing(s, whole.Selection, func(name string) bool { return made.There[plan.BaseName(name)] })
	if err != nil {
		return plan.Plan{}, nil, err
	}
	if len(nodes) == 0 {
		d.term.Line("nothing is missing: what the %s save is in S3", count(len(skipped), "node"))
		return plan.Plan{}, nil, errAllMade
	}
	d.term.Line("%s of %d run for what is missing", count(len(nodes), "node"), len(nodes)+len(skipped))
	if len(skipped) > 0 {
		d.term.Detail("skipped: %s", strings.Join(skipped, ", "))
	}
	sel := whole.Selection
	sel.Nodes = nodes
	pl, err := plan.New(s, p.Settings, plan.Options{Project: p.Name, Selection: sel, Params: paramNames(c.String("params"))})
	return pl, begun(pl, made), err
}

// begun are the free inputs of a plan that other nodes have made before.
func begun(pl plan.Plan, made run.Made) []string {
	var names []string
	for _, d := range pl.Datasets {
		if d.Role == plan.Input && made.There[d.Name] {
			names = append(names, d.Name)
		}
	}
	return names
}

// noRun is the answer of a run that was not made.
func (d *deps) noRun() error {
	d.term.Event(end{eventEnd, time.Now().UTC(), runAnswer{Result: run.Result{Jobs: []run.Job{}}}})
	return d.term.Unsent()
}
