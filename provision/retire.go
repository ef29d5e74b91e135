package provision

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/batchjob"
)

// tagRetired marks an environment or a queue that another one has taken the place of. It stays until it is empty: jobs of runs that have begun go on there.
const tagRetired = "kedroctl:retired"

func isRetired(tags map[string]string) bool { return tags[tagRetired] != "" }

// fleet are all environments and queues of the region, and those of the stack among them.
type fleet struct {
	everyQueue       []batchtypes.JobQueueDetail
	queues           []batchtypes.JobQueueDetail
	everyEnvironment []batchtypes.ComputeEnvironmentDetail
	environments     []batchtypes.ComputeEnvironmentDetail
}

// fleet lists what Batch has of the stack, whatever its names: what was made by other settings too.
func (s Spec) fleet(ctx context.Context, api interface {
	environments
	queues
}) (fleet, error) {
	var f fleet
	queuePages := batch.NewDescribeJobQueuesPaginator(api, &batch.DescribeJobQueuesInput{})
	for queuePages.HasMorePages() {
		page, err := queuePages.NextPage(ctx)
		if err != nil {
			return f, explain("job queues", err)
		}
		f.everyQueue = append(f.everyQueue, page.JobQueues...)
	}
	pages := batch.NewDescribeComputeEnvironmentsPaginator(api, &batch.DescribeComputeEnvironmentsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return f, explain("compute environments", err)
		}
		for _, e := range page.ComputeEnvironments {
			if e.Status == batchtypes.CEStatusDeleted {
				continue
			}
			f.everyEnvironment = append(f.everyEnvironment, e)
			if s.owns(e.Tags) {
				f.environments = append(f.environments, e)
			}
		}
	}
	for _, q := range f.everyQueue {
		if s.owns(q.Tags) && q.Status != batchtypes.JQStatusDeleted {
			f.queues = append(f.queues, q)
		}
	}
	return f, nil
}

// holds says whether a queue still has an environment.
func (f fleet) holds(arn string) bool {
	return slices.ContainsFunc(f.everyQueue, func(q batchtypes.JobQueueDetail) bool { return slices.Contains(inOrder(q), arn) })
}

// without is a fleet when some of its queues have gone.
func (f fleet) without(gone []string) fleet {
	is := func(q batchtypes.JobQueueDetail) bool { return slices.Contains(gone, aws.ToString(q.JobQueueArn)) }
	f.everyQueue, f.queues = slices.DeleteFunc(f.everyQueue, is), slices.DeleteFunc(f.queues, is)
	return f
}

// retire lets go what the stack's settings have no use for any more: at first it is marked, and disabled where nothing uses it; the next time it is removed
// when it is empty.
func (a *Applying) retire(ctx context.Context) error {
	got := a.resources()
	err := a.letGo(ctx, func(arn string, _ map[string]string) bool {
		return arn != got.Queue && !slices.Contains(got.Environments, arn)
	})
	if err != nil {
		return err
	}
	return a.letTemplatesGo(ctx, got.Environments, func(string) bool { return true })
}

// letGo retires what is unwanted by its ARN and tags.
func (a *Applying) letGo(ctx context.Context, unwanted func(arn string, tags map[string]string) bool) error {
	f, err := a.spec.fleet(ctx, a.clients.Batch)
	if err != nil {
		return err
	}
	for _, q := range f.queues {
		if unwanted(aws.ToString(q.JobQueueArn), q.Tags) {
			if err := a.one(ctx, retiredQueue{queue{Clients: a.clients, spec: a.spec, name: aws.ToString(q.JobQueueName)}, q}, nil); err != nil {
				return err
			}
		}
	}
	f = f.without(a.removed(KindQueue))
	var on *occupied
	for _, e := range f.environments {
		if !unwanted(aws.ToString(e.ComputeEnvironmentArn), e.Tags) {
			continue
		}
		if on == nil {
			if on, err = a.clients.occupied(ctx, f.queues); err != nil {
				return err
			}
		}
		env := environment{Clients: a.clients, spec: a.spec, name: aws.ToString(e.ComputeEnvironmentName)}
		if err := a.one(ctx, retiredEnvironment{env, e, f.holds(aws.ToString(e.ComputeEnvironmentArn)), on.by(e)}, nil); err != nil {
			return err
		}
	}
	return nil
}

// removed are the ARNs of what was removed of a kind or, where nothing is changed, of what would be.
func (a *Applying) removed(kind string) []string {
	var arns []string
	for _, r := range a.resources().All {
		if r.Kind == kind && r.State == Removed {
			arns = append(arns, r.ARN)
		}
	}
	return arns
}

// findRetired gives the retired environments and queues of a stack that are empty by now, and the launch templates that no environment has: removeRetired
// would remove them.
func findRetired(ctx context.Context, c Clients, s Spec, acc account) ([]Resource, error) {
	a := &Applying{clients: c, spec: s, dry: true, account: acc}
	err := a.letGo(ctx, func(_ string, tags map[string]string) bool { return isRetired(tags) })
	if err == nil {
		err = a.letTemplatesGo(ctx, nil, func(string) bool { return true })
	}
	found := []Resource{} // a list in JSON too
	for _, r := range a.got.All {
		if r.State == Removed {
			r.State = Retired
			found = append(found, r)
		}
	}
	return found, err
}

// removeRetired removes those of what was found that are still empty and still retired, or still of no environment.
func removeRetired(ctx context.Context, c Clients, s Spec, found []Resource, report Reporter) error {
	acc, err := identify(ctx, c.STS)
	if err != nil {
		return err
	}
	a := &Applying{clients: c, spec: s, report: report, account: acc}
	err = a.letGo(ctx, func(arn string, tags map[string]string) bool {
		return isRetired(tags) && slices.ContainsFunc(found, func(r Resource) bool { return r.ARN == arn })
	})
	if err != nil {
		return err
	}
	return a.letTemplatesGo(ctx, nil, func(name string) bool {
		return slices.ContainsFunc(found, func(r Resource) bool { return r.Kind == KindLaunchTemplate && r.Name == name })
	})
}

// retiredQueue is one that no settings want any more.
type retiredQueue struct {
	queue
	found batchtypes.JobQueueDetail
}

func (r retiredQueue) diff(ctx context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindQueue, Name: r.name, ARN: aws.ToString(r.found.JobQueueArn), State: Retired, Detail: "nothing uses it"}
	jobs, err := batchjob.Unfinished(ctx, r.Batch, is.ARN)
	if err != nil {
		return is, nil, fmt.Errorf("list jobs: %w", err)
	}
	if r.found.Status == batchtypes.JQStatusDeleting {
		return is, []change{{what: "wait until it is gone", then: Removed, do: r.gone}}, nil
	}
	disable := change{what: "disable", then: Retired, do: func(ctx context.Context) error {
		return r.change(ctx, &batch.UpdateJobQueueInput{JobQueue: &r.name, State: batchtypes.JQStateDisabled})
	}}
	switch {
	case len(jobs) > 0 && isRetired(r.found.Tags):
		is.Detail = fmt.Sprintf("unfinished jobs: %d", len(jobs))
		return is, nil, nil
	case len(jobs) > 0:
		is.Detail = fmt.Sprintf("unfinished jobs: %d", len(jobs))
		return is, []change{r.mark(is.ARN)}, nil
	case isRetired(r.found.Tags):
		return is, []change{{what: "remove", then: Removed, do: func(ctx context.Context) error { return r.remove(ctx, r.found) }}}, nil
	}
	return is, []change{r.mark(is.ARN), disable}, nil
}

// retiredEnvironment is one that no settings want any more.
type retiredEnvironment struct {
	environment
	found batchtypes.ComputeEnvironmentDetail
	held  bool // a queue has it
	busy  bool // jobs run on it
}

// diff leaves an environment that a queue has as it is: jobs that wait there are still to start.
func (r retiredEnvironment) diff(context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindEnvironment, Name: r.name, ARN: aws.ToString(r.found.ComputeEnvironmentArn), State: Retired, Detail: "nothing uses it"}
	if r.found.Status == batchtypes.CEStatusDeleting {
		return is, []change{{what: "wait until it is gone", then: Removed, do: r.gone}}, nil
	}
	disable := change{what: "disable", then: Retired, do: func(ctx context.Context) error {
		return r.change(ctx, &batch.UpdateComputeEnvironmentInput{ComputeEnvironment: &r.name, State: batchtypes.CEStateDisabled})
	}}
	var changes []change
	if !isRetired(r.found.Tags) {
		changes = []change{r.mark(is.ARN)}
	}
	switch {
	case r.held:
		is.Detail = "a queue still has it"
	case r.busy:
		is.Detail = "jobs still run on it"
	}
	switch {
	case r.held:
	case len(changes) == 0 && !r.busy:
		changes = []change{{what: "remove", then: Removed, do: func(ctx context.Context) error { return r.remove(ctx, r.notYet) }}}
	case r.found.State == batchtypes.CEStateEnabled:
		changes = append(changes, disable)
	}
	return is, changes, nil
}

func (c Clients) mark(arn string) change {
	return change{what: "mark as retired", then: Retired, attributes: attribute("tags."+tagRetired, "", "true"), do: func(ctx context.Context) error {
		_, err := c.Batch.TagResource(ctx, &batch.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{tagRetired: "true"}})
		return err
	}}
}

// takeBack is for what the settings want again before it was removed.
func (c Clients) takeBack(arn string) change {
	return change{what: "take back", attributes: attribute("tags."+tagRetired, "true", ""), do: func(ctx context.Context) error {
		_, err := c.Batch.UntagResource(ctx, &batch.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{tagRetired}})
		return err
	}}
}

// occupied are the ECS clusters that jobs run on: each environment has one.
type occupied struct {
	clusters map[string]bool
	unknown  bool // a job has started that does not tell yet
}

func (o *occupied) by(e batchtypes.ComputeEnvironmentDetail) bool {
	cluster := lastPart(aws.ToString(e.EcsClusterArn))
	return o.unknown || o.clusters[cluster] || cluster == "" && len(o.clusters) > 0
}

// occupied looks at the running jobs of queues.
func (c Clients) occupied(ctx context.Context, queues []batchtypes.JobQueueDetail) (*occupied, error) {
	o := &occupied{clusters: map[string]bool{}}
	var ids []string
	for _, q := range queues {
		jobs, err := batchjob.Unfinished(ctx, c.Batch, aws.ToString(q.JobQueueArn))
		if err != nil {
			return nil, explain("job queue "+aws.ToString(q.JobQueueName)+": list jobs", err)
		}
		for _, j := range jobs {
			if j.Status == batchtypes.JobStatusStarting || j.Status == batchtypes.JobStatusRunning {
				ids = append(ids, aws.ToString(j.JobId))
			}
		}
	}
	for some := range slices.Chunk(ids, maxDescribed) {
		out, err := c.Batch.DescribeJobs(ctx, &batch.DescribeJobsInput{Jobs: some})
		if err != nil {
			return nil, explain("describe jobs", err)
		}
		for _, j := range out.Jobs {
			o.add(j)
		}
	}
	return o, nil
}

// maxDescribed is how many jobs DescribeJobs takes at a time: DescribeJobs of the Batch API reference.
const maxDescribed = 100

// add takes a job's cluster from its task: arn:aws:ecs:<region>:<account>:task/<cluster>/<id>.
func (o *occupied) add(j batchtypes.JobDetail) {
	parts := []string{}
	if j.Container != nil {
		parts = strings.Split(aws.ToString(j.Container.TaskArn), "/")
	}
	if len(parts) < 3 { // there is no task yet, or its ARN has the form of old accounts
		o.unknown = true
		return
	}
	o.clusters[parts[1]] = true
}
