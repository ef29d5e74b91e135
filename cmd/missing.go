package cmd

import (
	"errors"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/run"
)

const onlyMissingFlag = "only-missing-outputs"

// errAllMade ends the preparation of a run that has nothing to do.
var errAllMade = errors.New("nothing is missing")

// onlyMissing narrows the plan of a run to the nodes whose outputs are not in S3, and what they need. It also gives the
// datasets that are there and that the plan begins with. The error is errAllMade where no node is left.
func (d *deps) onlyMissing(c *cli.Context, set project.Settings, o plan.Options, s project.Snapshot, clients run.Clients, whole plan.Plan) (plan.Plan, []string, error) {
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
	o.Selection.Nodes = nodes
	pl, err := plan.New(s, set, o)
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
