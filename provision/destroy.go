package provision

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"

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
	if err := endJobs(ctx, c, s, o.Force); err != nil {
		return Destroyed{}, err
	}
	var done Destroyed
	for _, r := range removals(c, s, acc, o.Data) {
		report.Step(Resource{Kind: r.kind, Name: r.name, State: Working, Detail: "remove"})
		is, err := r.destroy(ctx)
		if err != nil {
			return done, explain(fmt.Sprintf("%s %s: remove", r.kind, r.name), err)
		}
		done.add(is)
		if is.State != "" {
			report.Step(is)
		}
	}
	return done, nil
}

func (d *Destroyed) add(r Resource) {
	switch r.State {
	case Removed:
		d.Removed = append(d.Removed, r)
	case Kept:
		d.Kept = append(d.Kept, r)
	}
}

// removal removes one resource. A resource that is not there comes back without a state.
type removal struct {
	kind, name string
	destroy    func(context.Context) (Resource, error)
}

// removals are in the order in which AWS lets go: the queue holds the environment, the environment the profile, the profile the role.
func removals(c Clients, s Spec, a account, data bool) []removal {
	repo := &repository{Clients: c, spec: s}
	return []removal{
		{KindQueue, s.Name, queue{Clients: c, spec: s}.destroy},
		{KindEnvironment, s.Name, environment{Clients: c, spec: s}.destroy},
		{KindDefinition, s.Name, definitions{c.Batch, s}.destroy},
		{KindInstanceProfile, s.InstanceProfile, profile{c, s}.destroy},
		{KindRole, s.InstanceRole, s.instanceRole(c, a).destroy},
		{KindRole, s.ExecutionRole, s.executionRole(c, a).destroy},
		{KindRole, s.JobRole, s.jobRole(c, a).destroy},
		{KindLogGroup, s.LogGroup, logGroup{c, s}.destroy},
		{KindRepository, s.Repository, func(ctx context.Context) (Resource, error) { return repo.destroy(ctx, data) }},
		{KindBucket, s.Bucket, func(ctx context.Context) (Resource, error) { return bucket{c, s, a}.destroy(ctx, data) }},
	}
}

// endJobs refuses where jobs of the stack are unfinished or, with force, ends them: in its own queue all jobs, in one of the settings those of
// its job definition.
func endJobs(ctx context.Context, c Clients, s Spec, force bool) error {
	q := queue{Clients: c, spec: s}
	names := []string{s.Name}
	if s.Compute.Queue != "" {
		names = append(names, s.Compute.Queue)
	}
	for _, name := range names {
		found, err := q.find(ctx, name)
		if err != nil {
			return explain("job queue "+name, err)
		}
		if found == nil || name == s.Name && !s.owns(found.Tags) {
			continue
		}
		if err := q.endJobs(ctx, *found, force); err != nil {
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
	var list []Job
	for _, status := range []batchtypes.JobStatus{batchtypes.JobStatusSubmitted, batchtypes.JobStatusPending, batchtypes.JobStatusRunnable,
		batchtypes.JobStatusStarting, batchtypes.JobStatusRunning} {
		pages := batch.NewListJobsPaginator(q.Batch, &batch.ListJobsInput{JobQueue: found.JobQueueArn, JobStatus: status})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, j := range page.JobSummaryList {
				if q.spec.owns(found.Tags) || strings.Contains(aws.ToString(j.JobDefinition), "/"+q.spec.Name+":") {
					list = append(list, Job{aws.ToString(j.JobId), aws.ToString(j.JobName)})
				}
			}
		}
	}
	return list, nil
}
