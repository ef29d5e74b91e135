package run

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// Change is what a resumed run has that it did not have before. The zero value changes nothing.
type Change struct {
	Owner         string // who resumes it, for people to read
	Deployment    string // id; "" for that of the run
	JobDefinition string
	Definitions   map[string]string
	Code          *Code                              // that comes with another deployment
	Resources     func(plan.Group) project.Resources // what a group's next try gets; nil: what its last one had
	Fits          func([]plan.Group) error           // whether the deployment can do the work of these groups; nil: it can
	AllowOverlap  bool
}

// Resumption is what the bucket has of one resumption: the groups that run again, and as what.
type Resumption struct {
	Schema        int               `json:"schema"`
	At            time.Time         `json:"at"`
	Owner         string            `json:"owner,omitempty"`
	Deployment    string            `json:"deployment"`
	JobDefinition string            `json:"job_definition"`
	Definitions   map[string]string `json:"group_definitions,omitempty"`
	Code          *Code             `json:"code,omitempty"` // of a development run; a run that was deployed since has none
	Groups        []Redo            `json:"groups"`         // in the plan's order
}

// Redo is a group that a resumption runs.
type Redo struct {
	Group     string            `json:"group"`
	Try       int               `json:"try"`
	Why       string            `json:"why"`
	Resources project.Resources `json:"resources"`
}

// UnfinishedError says that a run cannot be resumed while jobs of it may still do its work.
type UnfinishedError struct {
	Run  string
	Jobs int
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("run %s has %d unfinished jobs", e.Run, e.Jobs)
}

// Hint names the ways on.
func (e *UnfinishedError) Hint() string {
	return fmt.Sprintf("follow it to its end with 'kedroctl attach %s', or end it with 'kedroctl cancel %s' first", e.Run, e.Run)
}

// Resume makes a run go on that has ended: what failed, what never ran, what was lost of it since, and all that comes after these gets its next try,
// which Follow submits. What the records say was saved, and is there, is not made again. Of several who resume a run at the same time one does, for
// the others it is an error. A run that lacks nothing comes back without a Redo.
func Resume(ctx context.Context, c Clients, r Run, change Change) (Run, []Redo, error) {
	open, _, err := unfinished(ctx, c, r)
	if err != nil {
		return r, nil, fmt.Errorf("resume run %s: %w", r.ID, err)
	}
	if len(open) > 0 {
		return r, nil, &UnfinishedError{r.ID, len(open)}
	}
	report, err := Verify(ctx, c, r)
	if err != nil {
		return r, nil, fmt.Errorf("resume: %w", err)
	}
	redos := redo(r, report)
	if len(redos) == 0 {
		return r, nil, nil
	}
	n := newResumption(c, r, report.Jobs, redos, change)
	if err := c.fit(ctx, r, n, change); err != nil {
		return r, nil, err
	}
	key := r.object("resumes", fmt.Sprintf("%d.json", len(r.Resumed)+1))
	err = c.put(ctx, r.Plan.Bucket, key, n, aws.String("*"))
	if lostRace(err) {
		return r, nil, ui.WithHint(fmt.Errorf("run %s is being resumed by somebody else at this moment", r.ID), "follow it with 'kedroctl attach "+r.ID+"'")
	}
	if err != nil {
		return r, nil, fmt.Errorf("resume run %s: %w", r.ID, err)
	}
	return r.resumed(n), n.Groups, nil
}

// fit makes sure, before anything is changed, that the groups can run: with the deployment, with their free inputs in S3, beside other runs.
func (c Clients) fit(ctx context.Context, r Run, n Resumption, change Change) error {
	in := Input{Plan: r.resumed(n).Plan, Queue: r.Queue, Definitions: n.Definitions, LoadVersions: r.Versions}
	again := make(map[string]bool)
	for _, d := range n.Groups {
		again[d.Group] = true
	}
	in.Plan.Groups = slices.DeleteFunc(slices.Clone(in.Plan.Groups), func(g plan.Group) bool { return !again[g.Name] })
	in.Plan.Datasets = slices.DeleteFunc(slices.Clone(in.Plan.Datasets), func(d plan.Dataset) bool { return !touched(in.Plan.Groups, d.Name) })
	if change.Fits != nil {
		if err := change.Fits(in.Plan.Groups); err != nil {
			return err
		}
	}
	if err := checkDefinitions(in); err != nil {
		return err
	}
	if err := c.findCode(ctx, r.resumed(n)); err != nil {
		return err
	}
	if _, err := findInputs(ctx, c, in); err != nil {
		return err
	}
	if change.AllowOverlap {
		return nil
	}
	return findOverlap(ctx, c, Run{ID: r.ID, Plan: in.Plan, Queue: r.Queue})
}

// touched says whether one of the groups loads or saves a dataset.
func touched(groups []plan.Group, name string) bool {
	return slices.ContainsFunc(groups, func(g plan.Group) bool { return slices.Contains(merge(g.Inputs, g.Outputs), name) })
}

// newResumption gives each group its next try: the one that is due already, where Batch never got it, so that whoever else submits that one competes for the
// same claim.
func newResumption(c Clients, r Run, jobs []Job, redos []Redo, change Change) Resumption {
	n := Resumption{
		Schema: schema, At: c.now().UTC(), Owner: change.Owner, Deployment: r.Deployment, JobDefinition: r.JobDefinition, Definitions: r.Definitions, Code: r.Code,
		Groups: redos,
	}
	if change.Deployment != "" {
		n.Deployment, n.JobDefinition, n.Definitions, n.Code = change.Deployment, change.JobDefinition, change.Definitions, change.Code
	}
	last := make(map[string]Job, len(jobs))
	for _, j := range jobs {
		last[j.Group] = j
	}
	for i := range n.Groups {
		d := &n.Groups[i]
		g, j := r.group(d.Group), last[d.Group]
		d.Try = max(j.Try, 1)
		if j.ID != "" {
			d.Try++
		}
		d.Resources = g.Resources
		if change.Resources != nil {
			d.Resources = change.Resources(g)
		}
		d.Resources.Memory = max(d.Resources.Memory, j.Memory)
		if j.Cause == OutOfMemory {
			d.Resources.Memory = max(d.Resources.Memory, nextMemory(j.Memory, d.Resources, r.Plan.Fargate))
		}
	}
	return n
}

// resumed is the run as it goes on after a resumption.
func (r Run) resumed(n Resumption) Run {
	r.Resumed = append(slices.Clone(r.Resumed), n)
	r.Deployment, r.JobDefinition, r.Definitions, r.Code = n.Deployment, n.JobDefinition, n.Definitions, n.Code
	r.Plan.Groups = slices.Clone(r.Plan.Groups)
	again := make(map[string]Redo, len(n.Groups))
	for _, d := range n.Groups {
		again[d.Group] = d
	}
	for i := range r.Plan.Groups {
		if d, ok := again[r.Plan.Groups[i].Name]; ok {
			r.Plan.Groups[i].Resources = d.Resources
		}
	}
	return r
}

// dueTries are the tries that groups are to have had, by group, where that is more than the first.
func (r Run) dueTries() map[string]int {
	tries := make(map[string]int)
	for _, n := range r.Resumed {
		for _, d := range n.Groups {
			tries[d.Group] = d.Try
		}
	}
	return tries
}

// resumptions reads what became of a run after its start, in order.
func (c Clients) resumptions(ctx context.Context, r Run) (Run, error) {
	for {
		var n Resumption
		err := c.get(ctx, r.Plan.Bucket, r.object("resumes", fmt.Sprintf("%d.json", len(r.Resumed)+1)), &n)
		if absent(err) {
			return r, nil
		}
		if err != nil {
			return r, err
		}
		r = r.resumed(n)
	}
}

// redo are the groups that a run lacks, in the plan's order, and why: what has not succeeded; what succeeded, and whose outputs are not recorded or not
// there any more; all that comes after these. Data that only crosses groups, and may have expired, is missed by those alone that load it.
func redo(r Run, report Report) []Redo {
	why := make(map[string]string)
	for _, j := range report.Jobs {
		why[j.Group] = unfit(j)
	}
	maker, state := make(map[string]string), make(map[string]Output)
	for _, o := range report.Outputs {
		name := plan.BaseName(o.Dataset)
		maker[name], state[name] = o.Group, o
		if w := missed(o, passesOn(r.Plan, name)); w != "" && why[o.Group] == "" {
			why[o.Group] = w
		}
	}
	for again := true; again; {
		again = false
		mark := func(group, text string) {
			if why[group] == "" {
				why[group], again = text, true
			}
		}
		for _, g := range r.Plan.Groups {
			if i := slices.IndexFunc(g.DependsOn, func(p string) bool { return why[p] != "" }); i >= 0 {
				mark(g.Name, "comes after "+g.DependsOn[i])
			}
			if why[g.Name] == "" {
				continue
			}
			for _, name := range merge(g.Inputs) {
				if w := unloadable(state[name]); w != "" && maker[name] != g.Name {
					mark(maker[name], w+", and "+g.Name+" loads it")
				}
			}
		}
	}
	var all []Redo
	for _, g := range r.Plan.Groups {
		if why[g.Name] != "" {
			all = append(all, Redo{Group: g.Name, Why: why[g.Name]})
		}
	}
	return all
}

// unfit says why the latest try of a group has not done its work; "" where it has.
func unfit(j Job) string {
	switch {
	case j.State == Succeeded:
		return ""
	case j.ID == "" || j.Cause == Blocked:
		return "never ran"
	case j.State == Unknown:
		return "left no record, and Batch has forgotten it"
	case j.Cause == OutOfMemory:
		return fmt.Sprintf("ran out of its %d MiB of memory", j.Memory)
	case j.Cause != "":
		return "was " + j.Cause
	}
	return "failed"
}

// missed says what is wrong with an output, whoever may load it.
func missed(o Output, passesOn bool) string {
	switch o.State {
	case OutputNoRecord:
		return "did not record what it saved"
	case OutputUnsaved, OutputLost:
		return o.Dataset + " was not saved in S3"
	case OutputMissing:
		if !passesOn {
			return o.Dataset + " is not in S3 any more"
		}
	}
	return ""
}

// unloadable says why an output is not what its group saved.
func unloadable(o Output) string {
	switch o.State {
	case OutputMissing:
		return o.Dataset + " is not in S3 any more"
	case OutputChanged:
		return o.Dataset + " was overwritten since"
	}
	return ""
}

// passesOn says whether kedroctl keeps a dataset for the groups alone that load it.
func passesOn(p plan.Plan, name string) bool {
	return slices.ContainsFunc(p.Datasets, func(d plan.Dataset) bool {
		return d.Name == name && d.Role == plan.Crossing && d.Action == plan.Persist
	})
}
