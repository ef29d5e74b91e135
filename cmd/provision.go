package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
)

func newProvision(d *deps) *cli.Command {
	return &cli.Command{
		Name: "provision", Category: catSteps, Usage: "Make or update the AWS resources: bucket, repository, roles, environment, queue",
		UsageText: "$ kedroctl provision --region eu-west-1\n$ kedroctl provision --dry-run --detailed-exitcode",
		Description: `Reads each resource, compares it and changes what differs, then waits until the queue is VALID. Only resources that
carry all of this project's tags are ever changed. A second run changes nothing. With --dry-run it tells what would be
made (+), changed (~), replaced (-/+) and removed (-), and changes nothing.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "tell what would change, and change nothing", DisableDefaultText: true},
			&cli.StringFlag{Name: "print-iam", Usage: "print the policy that `WHO` needs, a deployer, runner or auditor, and change nothing"},
			&cli.BoolFlag{Name: "no-iam", DisableDefaultText: true, Usage: "change nothing in IAM: print the commands that are left to an administrator, and go on where none is"},
			&cli.BoolFlag{Name: "detailed-exitcode", Usage: "with --dry-run: end with code 2 where something would change", DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			if c.Bool("detailed-exitcode") && !c.Bool("dry-run") {
				return usageError{errors.New("--detailed-exitcode is for --dry-run")}
			}
			if who := c.String("print-iam"); who != "" && !slices.Contains(provision.Audiences, who) {
				return usageError{fmt.Errorf("--print-iam %s: want one of %s", who, strings.Join(provision.Audiences, ", "))}
			}
			clients, spec, err := d.plannedStack(c.Context)
			if err != nil {
				return err
			}
			if who := c.String("print-iam"); who != "" {
				return d.printPolicy(c.Context, clients, spec, who)
			}
			if c.Bool("no-iam") {
				if left, err := d.leftToAdministrator(c.Context, clients, spec); left || err != nil {
					return err
				}
			}
			if c.Bool("dry-run") {
				return d.diff(c, clients, spec)
			}
			res, err := provision.Apply(c.Context, clients, spec, &steps{term: d.term})
			if err != nil {
				return err
			}
			return d.term.Answer(res, func(w io.Writer) { d.showResources(w, res.All) })
		},
	}
}

// printPolicy answers with a document that AWS takes, with --json or without.
func (d *deps) printPolicy(ctx context.Context, clients provision.Clients, spec provision.Spec, who string) error {
	document, err := provision.PrintPolicy(ctx, clients, spec, who)
	if err != nil {
		return err
	}
	if len(document) > provision.MaxManagedPolicy {
		d.term.Line("warning: it has %d characters, and a managed policy at most %d: make two of its statements, or put it into a role, which takes 10240",
			len(document), provision.MaxManagedPolicy)
	}
	var text bytes.Buffer
	if err := json.Indent(&text, []byte(document), "", "  "); err != nil {
		return fmt.Errorf("write the policy: %w", err)
	}
	return d.term.Answer(json.RawMessage(document), func(w io.Writer) { fmt.Fprintln(w, &text) })
}

// stack is the project's stack by its settings alone, for what needs no plan.
func (d *deps) stack(ctx context.Context) (project.Project, provision.Clients, provision.Spec, error) {
	p, err := d.initialized()
	if err != nil {
		return p, provision.Clients{}, provision.Spec{}, err
	}
	clients, err := d.provisionClients(ctx, &p)
	if err != nil {
		return p, clients, provision.Spec{}, err
	}
	spec, err := provision.New(p, plan.Grants{})
	return p, clients, spec, err
}

// plannedStack is the project's stack with what its plan needs.
func (d *deps) plannedStack(ctx context.Context) (provision.Clients, provision.Spec, error) {
	p, err := d.initialized()
	if err != nil {
		return provision.Clients{}, provision.Spec{}, err
	}
	pl, _, err := d.checkedPlan(ctx, p, plan.Selection{}, "")
	if err != nil {
		return provision.Clients{}, provision.Spec{}, err
	}
	clients, err := d.provisionClients(ctx, &p)
	if err != nil {
		return clients, provision.Spec{}, err
	}
	spec, err := provision.New(p, pl.Grants)
	return clients, spec, err
}

// checkedPlan is the plan of what is to be deployed, whose errors end the command.
func (d *deps) checkedPlan(ctx context.Context, p project.Project, sel plan.Selection, params string) (plan.Plan, project.Snapshot, error) {
	pl, s, err := d.plan(ctx, p, plan.Options{Selection: sel, Whole: true}, params)
	if err != nil {
		return plan.Plan{}, project.Snapshot{}, err
	}
	return pl, s, d.findings(pl, true)
}

func (d *deps) showResources(w io.Writer, list []provision.Resource) {
	rows := make([][]string, len(list))
	for i, r := range list {
		rows[i] = []string{r.Kind, r.Name, r.State, r.Detail}
	}
	d.term.Table(w, []string{"RESOURCE", "NAME", "STATE", "DETAIL"}, rows)
}

// steps tells each resource that was changed as a line of the story; with --verbose also what stays, and each call.
type steps struct{ term *ui.Terminal }

func (s *steps) Step(r provision.Resource) {
	if r.Warning != "" {
		s.term.Line("warning: %s: %s", r, r.Warning)
	}
	tell := s.term.Line
	if r.State == provision.Unchanged || r.State == provision.Existing || r.State == provision.Working {
		tell = s.term.Detail
	}
	if r.Detail == "" {
		tell("%s %s", r, r.State)
		return
	}
	tell("%s %s: %s", r, r.State, r.Detail)
}
