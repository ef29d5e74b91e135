package run

import (
	"context"
	"fmt"
	"net/http"
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
	inputs, err := findInputs(ctx, c, in)
	if err != nil {
		return Run{}, err
	}
	if err := findOverlap(ctx, c, in); err != nil {
		return Run{}, err
	}
	r, err := claim(ctx, c, in, inputs)
	if err != nil {
		return Run{}, err
	}
	rep.Started(r)
	requests, err := storeRequests(ctx, c, r, in)
	if err != nil {
		return r, err
	}
	if err := submitAll(ctx, c, &r, requests, rep); err != nil {
		return r, abandon(ctx, c, r, err)
	}
	if late := r.Late(); len(late) > 0 {
		rep.Notice(Notice{NoticeLate, fmt.Sprintf("%d groups wait for more than %d jobs and are submitted later, by this command: %s",
			len(late), parentsMax, strings.Join(late, ", "))})
	}
	return r, nil
}

// claim writes the run's record under an id that nobody has: a taken one moves on by a millisecond.
func claim(ctx context.Context, c Clients, in Input, inputs map[string]string) (Run, error) {
	created := c.now().UTC()
	for at := created; ; at = at.Add(time.Millisecond) {
		r := Run{
			Schema: schema, ID: newID(at), Created: created, Owner: in.Owner, Deployment: in.Deployment, Queue: in.Queue, JobDefinition: in.JobDefinition, Definitions: in.Definitions,
			LogGroup: in.LogGroup, Tags: in.Tags, Args: in.Args, Params: in.Params, Plan: in.Plan,
		}
		r.Versions = pins(in, r.ID, inputs)
		if err := checkLimits(r); err != nil {
			return Run{}, err
		}
		err := c.put(ctx, r.Plan.Bucket, r.object("plan.json"), r, aws.String("*"))
		if err == nil {
			return r, nil
		}
		if s := status(err); s != http.StatusPreconditionFailed && s != http.StatusConflict {
			return Run{}, fmt.Errorf("claim run id: %w", err)
		}
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

// storeRequests gives each group's request as its job gets it: itself, or where it lies in the bucket when it is too long or the group is late.
func storeRequests(ctx context.Context, c Clients, r Run, in Input) (map[string]string, error) {
	nodes, late := selected(in.Snapshot, r.Plan.Selection), lateGroups(r.Plan)
	requests := make(map[string]string, len(r.Plan.Groups))
	for _, g := range r.Plan.Groups {
		q := newRequest(r, g, nodes)
		body, err := encode(q)
		if err != nil {
			return nil, fmt.Errorf("encode request of group %s: %w", g.Name, err)
		}
		requests[g.Name] = string(body)
		if !late[g.Name] && size(overrides(r, g, string(body))) < offloadFrom {
			continue
		}
		if err := c.put(ctx, r.Plan.Bucket, r.requestKey(g, 1), q, nil); err != nil {
			return nil, fmt.Errorf("store request of group %s: %w", g.Name, err)
		}
		requests[g.Name] = r.requestURI(g, 1)
	}
	return requests, nil
}

// lateGroups are those with more parents than Batch takes, and all that comes after them.
func lateGroups(p plan.Plan) map[string]bool {
	late := make(map[string]bool)
	for _, g := range p.Groups {
		late[g.Name] = len(g.DependsOn) > parentsMax || slices.ContainsFunc(g.DependsOn, func(parent string) bool { return late[parent] })
	}
	return late
}

// submitAll submits what is not late, in the plan's order: parents first.
func submitAll(ctx context.Context, c Clients, r *Run, requests map[string]string, rep Reporter) error {
	late := lateGroups(r.Plan)
	for _, g := range r.Plan.Groups {
		if late[g.Name] {
			continue
		}
		if err := submitGroup(ctx, c, r, g, g.DependsOn, requests[g.Name], rep); err != nil {
			return err
		}
	}
	return saveJobs(ctx, c, *r)
}

// submitGroup submits the first try of a group that waits for the given parents, and adds it to the run.
func submitGroup(ctx context.Context, c Clients, r *Run, g plan.Group, parents []string, request string, rep Reporter) error {
	id, err := submit(ctx, c, jobInput(*r, g, parents, request))
	if err != nil {
		return fmt.Errorf("submit group %s: %w", g.Name, err)
	}
	s := Submission{Group: g.Name, Key: g.Key, Try: 1, ID: id}
	r.Jobs = append(r.Jobs, s)
	rep.Submitted(Job{Submission: s, State: Submitted, Since: c.now()})
	return nil
}

type jobsFile struct {
	Schema int          `json:"schema"`
	Jobs   []Submission `json:"jobs"`
}

func saveJobs(ctx context.Context, c Clients, r Run) error {
	return c.put(ctx, r.Plan.Bucket, r.object("jobs.json"), jobsFile{schema, r.Jobs}, nil)
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
	_ = saveJobs(ctx, c, r) // for the list of runs; jobs that are not noted are found by name
	return e
}
