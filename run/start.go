package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// cleanUp is how long a driver that was told to stop may take to end what it started.
const cleanUp = 2 * time.Minute

// Start claims a run's id and submits its jobs, each with the jobs that it waits for. It does not wait for them: Follow does.
//
// Every check that needs no job comes first. Where a submission fails for good, the jobs already submitted are terminated: an *AbandonedError.
// An input that is not in S3 gives a *MissingInputsError, a run under way that writes the same paths an *OverlapError.
func Start(ctx context.Context, c Clients, in Input, rep Reporter) (Run, error) {
	if len(in.Plan.Groups) == 0 {
		return Run{}, errNothingToRun
	}
	if err := checkDefinitions(in); err != nil {
		return Run{}, err
	}
	if e := late(in.Plan, in.MaxWorkers); e != nil && in.LeaveNow {
		return Run{}, e
	}
	inputs, err := findInputs(ctx, c, in)
	if err != nil {
		return Run{}, err
	}
	r, err := claim(ctx, c, in, inputs)
	if err != nil {
		return Run{}, err
	}
	rep.Started(r)
	f := newFollower(c, r, Options{}, rep)
	_, err = f.submitDue(ctx, math.MaxInt)
	if err = cmp.Or(err, f.save(ctx, true)); err != nil {
		return f.run, abandon(ctx, c, f.run, err)
	}
	if e := late(in.Plan, in.MaxWorkers); e != nil {
		rep.Notice(Notice{NoticeLate, fmt.Sprintf("until they are submitted, this command or 'kedroctl attach %s' is needed for groups that %s: %s",
			r.ID, e.Reason, some(e.Groups))})
	}
	return f.run, nil
}

// claim writes the run's record under an id that nobody has: a taken one moves on by a millisecond.
func claim(ctx context.Context, c Clients, in Input, inputs map[string]string) (Run, error) {
	created, driver := c.now().UTC(), newDriver()
	for at := created; ; at = at.Add(time.Millisecond) {
		r := Run{
			Schema: schema, ID: newID(at), Created: created, Owner: in.Owner, Driver: driver, Deployment: in.Deployment, Code: in.Code, Queue: in.Queue,
			JobDefinition: in.JobDefinition,
			Definitions:   in.Definitions, LogGroup: in.LogGroup, Tags: in.Tags, Args: in.Args, Params: in.Params, MaxWorkers: in.MaxWorkers, Plan: in.Plan,
		}
		r.Only = plan.OnlyOf(in.Snapshot, in.Plan)
		r.Versions = pins(in, r.ID, inputs)
		if err := checkLimits(r); err != nil {
			return Run{}, err
		}
		if err := enter(ctx, c, r, in.AllowOverlap); errors.Is(err, errIDTaken) {
			continue
		} else if err != nil {
			return Run{}, err
		}
		err := c.put(ctx, r.Plan.Bucket, r.object("plan.json"), r, aws.String("*"))
		if err == nil {
			return r, nil
		}
		if !lostRace(err) {
			leave(ctx, c, r)
			return Run{}, fmt.Errorf("claim run id: %w", err)
		}
		var other Run
		if err := c.get(ctx, r.Plan.Bucket, r.object("plan.json"), &other); err == nil && other.Driver == driver {
			return r, nil // the answer to an earlier PUT got lost
		}
		leave(ctx, c, r)
	}
}

// checkDefinitions refuses groups whose settings need a job definition that the deployment has not.
func checkDefinitions(in Input) error {
	for _, g := range in.Plan.Groups {
		if name := g.Settings.Definition; name != "" && in.Definitions[name] == "" {
			return ui.WithHint(fmt.Errorf("group %s: the deployment has no job definition for job.groups.%q", g.Name, name),
				"environment, secrets and shared memory of a group are part of a job definition: 'kedroctl deploy' first")
		}
	}
	return nil
}

// AbandonedError says that a run could not be submitted as a whole, and what became of the jobs that were.
type AbandonedError struct {
	Run   string
	Ended []string // groups whose jobs were terminated again
	Cause error
	Left  error // why jobs may go on; nil where none does
}

func (e *AbandonedError) Error() string {
	switch {
	case e.Left != nil:
		return fmt.Sprintf("run %s: %v (terminate what was submitted: %v)", e.Run, e.Cause, e.Left)
	case len(e.Ended) == 0:
		return fmt.Sprintf("run %s: %v (no job was submitted before)", e.Run, e.Cause)
	}
	return fmt.Sprintf("run %s: %v (already submitted and terminated again: %s)", e.Run, e.Cause, strings.Join(e.Ended, ", "))
}

// Unwrap gives both errors that it is about.
func (e *AbandonedError) Unwrap() []error {
	return slices.DeleteFunc([]error{e.Left, e.Cause}, func(err error) bool { return err == nil })
}

// abandon ends what a failed Start has submitted, also when the user interrupted it.
func abandon(ctx context.Context, c Clients, r Run, cause error) error {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
	defer done()
	until := c.now()
	if unclear(cause) { // Batch may have taken a job that it does not show yet
		until = until.Add(listLag)
	}
	e := &AbandonedError{Run: r.ID, Cause: cause, Left: sweep(ctx, c, r, "kedroctl: the run could not be submitted as a whole", until)}
	for _, s := range r.Jobs {
		e.Ended = append(e.Ended, s.Group)
	}
	if e.Left == nil {
		leave(ctx, c, r)
	}
	_ = new(ledger).save(ctx, c, &r) // for the list of runs; jobs that are not noted are found by name
	return e
}
