package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/batchjob"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

const (
	submitRounds = 3 // submissions of one try whose answers were unclear
)

// lookUps are the pauses before each look for a job whose submission had no clear answer: 15 s in all, as ListJobs lags behind.
var lookUps = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// newSubmission is how a try that waits for the given jobs is submitted. Its request travels in it, or, where that is too long, through the bucket: then
// stored is what is to be written there first.
func newSubmission(r Run, known map[string]plan.Dataset, g plan.Group, s Submission, parents []string) (in *batch.SubmitJobInput, stored any, err error) {
	if s.Memory > 0 {
		g.Resources.Memory = s.Memory
	}
	q := newRequest(r, known, g, s.Try)
	body, err := encode(q)
	if err != nil {
		return nil, nil, fmt.Errorf("encode request: %w", err)
	}
	in = jobInput(r, g, s, parents, string(body))
	if size(in.ContainerOverrides) >= offloadFrom {
		return jobInput(r, g, s, parents, r.requestURI(s)), q, nil
	}
	return in, nil, nil
}

// jobInput is the submission of a try with its request, or the place of that.
func jobInput(r Run, g plan.Group, s Submission, parents []string, request string) *batch.SubmitJobInput {
	in := &batch.SubmitJobInput{
		JobName: aws.String(r.jobName(g, s.Try)), JobQueue: aws.String(r.queue(g)), JobDefinition: aws.String(r.definition(g)),
		ContainerOverrides: overrides(r, g, request),
		RetryStrategy:      batchjob.Retries(g.Resources.Attempts),
		Tags:               map[string]string{"kedroctl:run": r.ID, "kedroctl:group": g.Key},
	}
	maps.Copy(in.Tags, r.Tags)
	if g.Resources.Timeout > 0 {
		in.Timeout = &types.JobTimeout{AttemptDurationSeconds: aws.Int32(int32(g.Resources.Timeout))}
	}
	for _, id := range parents {
		in.DependsOn = append(in.DependsOn, types.JobDependency{JobId: &id})
	}
	return in
}

func overrides(r Run, g plan.Group, request string) *types.ContainerOverrides {
	o := fullOverrides(r, g, request)
	if tooLong(r, g) {
		o.Command = o.Command[:bareWords]
	}
	return o
}

// bareWords begin each command: python -m kedroctl_boot. The others may come with the request.
const bareWords = 3

// tooLong says whether the arguments of a group's command travel through the bucket with its request. It depends on the run alone: whoever submits the
// next try decides alike.
func tooLong(r Run, g plan.Group) bool {
	return len(g.Command) > bareWords && size(fullOverrides(r, g, r.requestURI(Submission{Key: g.Key, Try: highestTry}))) >= offloadFrom
}

// words are the whole command of a group's jobs.
func words(r Run, g plan.Group) []string { return slices.Concat(g.Command, r.Args) }

// need is what the jobs of a group ask for. What more memory makes of a size of Fargate may be none: the next larger one is, with the vCPUs that go with it.
func need(r Run, g plan.Group) project.Resources {
	n := g.Resources
	if r.Plan.Fargate {
		n.VCPUs, n.Memory, _ = project.FargateSize(n.VCPUs, n.Memory)
	}
	return n
}

func fullOverrides(r Run, g plan.Group, request string) *types.ContainerOverrides {
	return &types.ContainerOverrides{
		Command: words(r, g),
		Environment: []types.KeyValuePair{
			{Name: aws.String("KEDROCTL_RUN_ID"), Value: aws.String(r.ID)},
			{Name: aws.String("KEDROCTL_GROUP"), Value: aws.String(g.Name)},
			{Name: aws.String("KEDROCTL_REQUEST"), Value: aws.String(request)},
		},
		ResourceRequirements: batchjob.Requirements(need(r, g)),
	}
}

// size is at least the number of characters that Batch counts: bytes, of which a character has one or more, and the SDK's struct as JSON has a few empty
// members more than goes over the wire.
func size(o *types.ContainerOverrides) int {
	body, err := encode(o)
	if err != nil {
		return overridesMax
	}
	return len(body)
}

// submit submits one job exactly once, as far as can be known: SubmitJob has no client token, so that nothing may be sent again before a look
// for the job by its name. What a lost race still doubles, the container's work claim makes harmless; doubtful says that there may be such a twin.
func submit(ctx context.Context, c Clients, in *batch.SubmitJobInput) (id string, doubtful bool, err error) {
	for round := 1; ; round++ {
		out, err := c.Batch.SubmitJob(ctx, in)
		if err == nil {
			return aws.ToString(out.JobId), round > 1, nil
		}
		if !unclear(err) || ctx.Err() != nil {
			return "", round > 1, err
		}
		id, lookErr := lookUp(ctx, c, aws.ToString(in.JobQueue), aws.ToString(in.JobName))
		if id != "" {
			return id, round > 1, nil
		}
		if lookErr != nil || round == submitRounds {
			return "", true, errors.Join(err, lookErr)
		}
	}
}

// unclear errors leave open whether a call took effect: there was no answer, none that could be read to its end, or trouble at the service.
func unclear(err error) bool {
	s := status(err)
	return s < http.StatusMultipleChoices || s >= http.StatusInternalServerError
}

// lookUp searches a job by its name, for 15 s; "" where there is none. The error is that of the last look.
func lookUp(ctx context.Context, c Clients, queue, name string) (string, error) {
	var last error
	for _, pause := range lookUps {
		if err := c.sleep(ctx, pause); err != nil {
			return "", err
		}
		jobs, err := listJobs(ctx, c, queue, name)
		for _, j := range jobs {
			if strings.EqualFold(aws.ToString(j.JobName), name) {
				return aws.ToString(j.JobId), nil
			}
		}
		last = err
	}
	return "", last
}

// listRun gives the jobs of a run from all its queues, the newest of each first. A queue that is not there any more has none.
func listRun(ctx context.Context, c Clients, r Run) ([]types.JobSummary, error) {
	all, _, err := listThere(ctx, c, r)
	return all, err
}

// listThere is listRun, and says whether one of the queues is there.
func listThere(ctx context.Context, c Clients, r Run) (all []types.JobSummary, there bool, err error) {
	for _, queue := range Queues(r.Plan, r.Queue) {
		jobs, err := listJobs(ctx, c, queue, r.namePrefix()+"*")
		if badQueue(err) {
			continue
		}
		if err != nil {
			return nil, there, err
		}
		all, there = append(all, jobs...), true
	}
	return all, there, nil
}

// listJobs gives the jobs of a queue by name, in any state; a trailing * stands for any ending. Case does not count.
func listJobs(ctx context.Context, c Clients, queue, name string) ([]types.JobSummary, error) {
	var jobs []types.JobSummary
	pages := batch.NewListJobsPaginator(c.Batch, &batch.ListJobsInput{
		JobQueue: &queue, Filters: []types.KeyValuesPair{{Name: aws.String("JOB_NAME"), Values: []string{name}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return jobs, fmt.Errorf("list jobs %s of queue %s: %w", name, queue, err)
		}
		jobs = append(jobs, page.JobSummaryList...)
	}
	return jobs, nil
}
