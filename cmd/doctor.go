package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
	"github.com/kedroctl/kedroctl/run"
)

func newDoctor(d *deps) *cli.Command {
	return &cli.Command{
		Name: "doctor", Category: catRuns, ArgsUsage: "[RUN]", Usage: "Say what is wrong with the stack, the deployment or a run, and how to mend it",
		UsageText: "$ kedroctl doctor",
		Description: `Looks at credentials, bucket, repository, log group, roles, network, compute environment, queue, image, job definitions,
raw data, and at why jobs of the latest run, or of RUN, are stuck or failed. Changes nothing. Ends with code 1 where
something is wrong. docs/doctor.md explains all that it finds.`,
		Action: d.doctor,
	}
}

// Codes of what doctor itself finds (docs/doctor.md).
const (
	codeNotDeployed = "not-deployed" // no deployment is recorded
	codeNoData      = "data-missing" // of what the pipeline starts from
	codePlan        = "plan"         // the deployment cannot be planned with today's settings
)

func (d *deps) doctor(c *cli.Context) error {
	p, err := d.initialized()
	if err != nil {
		return err
	}
	found, err := d.examine(c.Context, &p, c.Args().First())
	if err != nil {
		return err
	}
	answer := struct {
		OK       bool           `json:"ok"`
		Findings []plan.Finding `json:"findings"`
	}{countLevel(found, plan.Error) == 0, append([]plan.Finding{}, found...)}
	err = d.term.Answer(answer, func(w io.Writer) {
		for _, f := range found {
			writeFinding(w, f)
		}
		if len(found) == 0 {
			fmt.Fprintln(w, "nothing is wrong")
		}
	})
	if n := countLevel(found, plan.Error); err == nil && n > 0 {
		return codedError{error: fmt.Errorf("doctor: %s", count(n, "error")), code: exitFailed}
	}
	return err
}

// examine looks at everything, each part only as far as those before it allow.
func (d *deps) examine(ctx context.Context, p *project.Project, id string) ([]plan.Finding, error) {
	clients, err := d.provisionClients(ctx, p)
	if err != nil {
		return nil, err
	}
	runs, err := d.runClients(ctx, p)
	if err != nil {
		return nil, err
	}
	dep, depErr := provision.LatestDeployment(ctx, runs.S3, p.Settings.Bucket)
	var pl plan.Plan
	var planned error
	if depErr == nil {
		pl, planned = plan.New(dep.Snapshot, p.Settings, plan.Options{Project: p.Name, Whole: true})
	}
	spec, err := provision.New(*p, pl.Grants)
	if err != nil {
		return nil, err
	}
	found := provision.Examine(ctx, clients, spec)
	if len(found) > 0 && found[0].Code == provision.CodeCredentials {
		if depErr != nil { // the same refusal, which explain puts into words for people
			err := explain(ctx, depErr)
			found[0].Reason, found[0].Fix = err.Error(), ui.Hint(err)
		}
		return found, nil
	}
	if depErr != nil {
		f := plan.Finding{Code: codeNotDeployed, Level: plan.Error, Thing: "bucket " + p.Settings.Bucket, Reason: depErr.Error(), Fix: "kedroctl deploy"}
		if !errors.Is(depErr, provision.ErrNotDeployed) {
			return append(found, f), nil
		}
		f.Reason = "no deployment is recorded"
		more, err := examineRun(ctx, runs, p.Settings.Bucket, id) // a run without an image has none
		return slices.Concat(found, []plan.Finding{f}, more), err
	}
	found = append(found, provision.ExamineDeployment(ctx, clients, ecr.NewFromConfig(*d.config), dep)...)
	if planned != nil {
		return append(found, plan.Finding{Code: codePlan, Level: plan.Error, Thing: "deployment " + dep.ID, Reason: planned.Error(), Fix: "kedroctl check"}), nil
	}
	found = append(found, provision.ExamineQuotas(ctx, servicequotas.NewFromConfig(*d.config), spec, largest(pl))...)
	found = append(found, examineJobs(ctx, runs, *p, pl)...)
	more, err := examineRun(ctx, runs, p.Settings.Bucket, id)
	return append(found, more...), err
}

// largest is how many vCPUs the largest job asks for.
func largest(pl plan.Plan) float64 {
	most := 0.0
	for _, g := range pl.Groups {
		most = max(most, g.Resources.VCPUs)
	}
	return most
}

// examineJobs looks for what jobs of a new run start from.
func examineJobs(ctx context.Context, clients run.Clients, p project.Project, pl plan.Plan) []plan.Finding {
	inputs, err := provision.NewInputs(p, pl)
	if err == nil {
		err = inputs.CheckBucket(ctx, clients.S3)
	}
	if err != nil {
		return []plan.Finding{{Code: codeNoData, Level: plan.Error, Thing: "bucket " + p.Settings.Bucket, Reason: err.Error(), Fix: "kedroctl upload"}}
	}
	return nil
}

// examineRun says what is wrong with the run of an id, or with the latest where there is one.
func examineRun(ctx context.Context, clients run.Clients, bucket, id string) ([]plan.Finding, error) {
	if id == "" {
		latest, err := run.List(ctx, clients, bucket, 1)
		if err != nil || len(latest) == 0 {
			return nil, err
		}
		id = latest[0].Run
	}
	r, err := run.Load(ctx, clients, bucket, id)
	if err != nil {
		return nil, err
	}
	return run.Examine(ctx, clients, r)
}
