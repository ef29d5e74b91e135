package provision

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/kedroctl/kedroctl/internal/batchjob"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// DestroyOptions say how far Destroy goes.
type DestroyOptions struct {
	Data  bool // also the bucket with all objects, and the repository with all images
	Force bool // also when jobs are unfinished: they are terminated
}

// Destroyed is what Destroy did.
type Destroyed struct {
	Removed []Resource `json:"removed"`
	Kept    []Resource `json:"kept,omitempty"` // holds data, or has a name of the stack and was not made by it
}

// UnfinishedError means that jobs of the stack have not ended.
type UnfinishedError struct {
	Queue string
	Jobs  []Job
}

// Job is a job in Batch.
type Job struct{ ID, Name string }

func (e *UnfinishedError) Error() string {
	var names []string
	for _, j := range e.Jobs[:min(len(e.Jobs), 5)] {
		names = append(names, j.Name)
	}
	if len(e.Jobs) > len(names) {
		names = append(names, "…")
	}
	return fmt.Sprintf("job queue %s has unfinished jobs (%d): %s", e.Queue, len(e.Jobs), strings.Join(names, ", "))
}

// Hint is the next step.
func (e *UnfinishedError) Hint() string {
	return "wait for them, end them with 'kedroctl cancel', or destroy with --force"
}

// Destroy removes what Apply and Register made, in the order that AWS asks for, and waits until it is gone. Only what carries the stack's three tags is
// removed. It can be run again after it was interrupted, and removes what is left. On an error, what was removed by then is returned too.
func Destroy(ctx context.Context, c Clients, s Spec, o DestroyOptions, report Reporter) (Destroyed, error) {
	acc, err := identify(ctx, c.STS)
	if err != nil {
		return Destroyed{}, err
	}
	f, err := s.fleet(ctx, c.Batch)
	if err != nil {
		return Destroyed{}, err
	}
	templates, err := s.templates(ctx, c.EC2)
	if err != nil {
		return Destroyed{}, err
	}
	if err := endJobs(ctx, c, s, f, o.Force); err != nil {
		return Destroyed{}, err
	}
	var done Destroyed
	for _, r := range removables(c, s, acc, f, templates) {
		is, err := remove(ctx, r, o, report)
		if err != nil {
			return done, err
		}
		switch is.State {
		case Removed:
			done.Removed = append(done.Removed, is)
		case Kept:
			done.Kept = append(done.Kept, is)
		}
	}
	return done, nil
}

// removable is a resource that Destroy may remove.
type removable interface {
	// removal reads the resource and gives the way to remove it: nil where it is not there, or is Kept because it is not the stack's.
	removal(context.Context) (Resource, func(context.Context) error, error)
}

// removables are in the order in which AWS lets go: queues hold environments, these their launch templates and the profile, the profile the role.
func removables(c Clients, s Spec, a account, f fleet, templates []ec2types.LaunchTemplate) []removable {
	var all []removable
	for _, q := range f.queues {
		all = append(all, queue{Clients: c, spec: s, name: aws.ToString(q.JobQueueName)})
	}
	for _, e := range f.environments {
		all = append(all, environment{Clients: c, spec: s, name: aws.ToString(e.ComputeEnvironmentName)})
	}
	for _, t := range templates {
		all = append(all, launchTemplate{c, s, a, aws.ToString(t.LaunchTemplateName)})
	}
	all = append(all, definitions{c.Batch, s}, profile{c, s}, s.instanceRole(c, a), s.executionRole(c, a), s.jobRole(c, a))
	if s.Existing.LogGroup == "" {
		all = append(all, logGroup{c, s})
	}
	return append(all, &repository{Clients: c, spec: s}, bucket{c, s, a})
}

// remove removes one resource. One that is not there comes back without a state.
func remove(ctx context.Context, r removable, o DestroyOptions, report Reporter) (Resource, error) {
	is, do, err := r.removal(ctx)
	switch {
	case err != nil:
		return is, explain(is.String(), err)
	case do != nil && holdsData(is) && !o.Data:
		is.State, is.Detail = Kept, "holds data; --data removes it"
	case do != nil:
		report.Step(Resource{Kind: is.Kind, Name: is.Name, State: Working, Detail: "remove"})
		if err := do(ctx); err != nil {
			return is, explain(is.String()+": remove", err)
		}
		is.State = Removed
	}
	if is.State != "" {
		report.Step(is)
	}
	return is, nil
}

func holdsData(r Resource) bool { return r.Kind == KindBucket || r.Kind == KindRepository }

// endJobs refuses where jobs of the stack are unfinished or, with force, ends them: in its own queues all jobs, in those of the settings, for all groups or
// for some, those of its job definition.
func endJobs(ctx context.Context, c Clients, s Spec, f fleet, force bool) error {
	q, all := queue{Clients: c, spec: s}, f.queues
	for _, name := range s.Queues {
		found, err := q.find(ctx, name)
		if err != nil {
			return explain("job queue "+name, err)
		}
		if found != nil && !s.owns(found.Tags) {
			all = append(all, *found)
		}
	}
	for _, found := range all {
		if err := q.endJobs(ctx, found, force); err != nil {
			return err
		}
	}
	return nil
}

// endJobs looks until the jobs that it terminates have ended: Batch keeps a queue while it stops containers.
func (q queue) endJobs(ctx context.Context, found batchtypes.JobQueueDetail, force bool) error {
	name := aws.ToString(found.JobQueueName)
	for range looks {
		unfinished, err := q.unfinished(ctx, found)
		if err != nil {
			return explain("job queue "+name+": list jobs", err)
		}
		if len(unfinished) == 0 {
			return nil
		}
		if !force {
			return &UnfinishedError{Queue: name, Jobs: unfinished}
		}
		for _, j := range unfinished {
			_, err := q.Batch.TerminateJob(ctx, &batch.TerminateJobInput{JobId: &j.ID, Reason: aws.String("kedroctl destroy")})
			if err != nil {
				return explain("job "+j.Name+": terminate", err)
			}
		}
		if err := q.sleep(ctx, lookEvery); err != nil {
			return err
		}
	}
	return ui.WithHint(fmt.Errorf("job queue %s: jobs have not ended after %s", name, looks*lookEvery), "run the same command again")
}

// unfinished lists the jobs in a queue that have not ended. In a queue that is not the stack's, only those of its job definition are meant.
func (q queue) unfinished(ctx context.Context, found batchtypes.JobQueueDetail) ([]Job, error) {
	all, err := batchjob.Unfinished(ctx, q.Batch, aws.ToString(found.JobQueueArn))
	if err != nil {
		return nil, err
	}
	var list []Job
	for _, j := range all {
		if q.spec.owns(found.Tags) || strings.Contains(aws.ToString(j.JobDefinition), "/"+q.spec.Name+":") {
			list = append(list, Job{aws.ToString(j.JobId), aws.ToString(j.JobName)})
		}
	}
	return list, nil
}
