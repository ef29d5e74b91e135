package run

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/batchjob"
	"github.com/kedroctl/kedroctl/internal/plan"
)

// OverlapError says that a run which has not ended writes what another is to write: they would read each other's data.
type OverlapError struct {
	Run, Owner string
	Paths      []string
	Starting   bool // it has no jobs yet
}

func (e *OverlapError) Error() string {
	const most = 3
	paths := strings.Join(e.Paths[:min(len(e.Paths), most)], ", ")
	if n := len(e.Paths) - most; n > 0 {
		paths += fmt.Sprintf(" and %d more", n)
	}
	state := "has not ended"
	if e.Starting {
		state = "is about to start"
	}
	return fmt.Sprintf("run %s of %s %s and writes the same paths: %s", e.Run, e.Owner, state, paths)
}

// Hint names the ways on.
func (e *OverlapError) Hint() string {
	return fmt.Sprintf("wait for it, end it with 'kedroctl cancel %s', or run beside it: with --sandbox NAME, which keeps apart what this run writes, or with --allow-overlap", e.Run)
}

// findOverlap looks for another run of the same project and environment that has unfinished jobs and writes a path of the plan. Runs keep apart what is
// versioned and what kedroctl keeps itself.
func findOverlap(ctx context.Context, c Clients, r Run) error {
	paths := sharedPaths(r.Plan)
	queues, err := c.queuesOfOthers(ctx, r)
	if err != nil {
		return fmt.Errorf("find other runs: %w", err)
	}
	var unfinished []types.JobSummary
	for _, queue := range queues {
		jobs, err := batchjob.Unfinished(ctx, c.Batch, queue)
		if err != nil {
			return fmt.Errorf("list jobs of queue %s: %w", queue, err)
		}
		unfinished = append(unfinished, jobs...)
	}
	if len(unfinished) == 0 {
		return nil
	}
	ids, err := c.folders(ctx, r.Plan.Bucket, runsPrefix)
	if err != nil {
		return fmt.Errorf("find other runs: %w", err)
	}
	for _, id := range ids {
		prefix := strings.ToLower(Run{ID: id, Plan: r.Plan}.namePrefix())
		if id == r.ID || !slices.ContainsFunc(unfinished, func(j types.JobSummary) bool {
			return strings.HasPrefix(strings.ToLower(aws.ToString(j.JobName)), prefix)
		}) {
			continue
		}
		var other Run
		if err := c.get(ctx, r.Plan.Bucket, runsPrefix+id+"/plan.json", &other); err != nil {
			return fmt.Errorf("find other runs: %w", err)
		}
		if both := common(paths, sharedPaths(other.Plan)); len(both) > 0 {
			return &OverlapError{Run: id, Owner: other.Owner, Paths: both}
		}
	}
	return nil
}

// ownQueue is the name of a queue that a stack made: a hash of what cannot be changed of it ends it.
var ownQueue = regexp.MustCompile(`^(.*-)[0-9a-f]{8}$`)

// queuesOfOthers are the queues that other runs may have jobs in: those of this one, and what the stack's queue was or will be with another kind of compute,
// as runs go on in the queue that they began in.
func (c Clients) queuesOfOthers(ctx context.Context, r Run) ([]string, error) {
	queues := Queues(r.Plan, r.Queue)
	own := ownQueue.FindStringSubmatch(path.Base(r.Queue))
	if own == nil {
		return queues, nil
	}
	for pages := batch.NewDescribeJobQueuesPaginator(c.Batch, &batch.DescribeJobQueuesInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("describe job queues: %w", err)
		}
		for _, q := range page.JobQueues {
			other := ownQueue.FindStringSubmatch(aws.ToString(q.JobQueueName))
			if arn := aws.ToString(q.JobQueueArn); other != nil && other[1] == own[1] && !slices.Contains(queues, arn) {
				queues = append(queues, arn)
			}
		}
	}
	return queues, nil
}

// sharedPaths are those that each run of a plan writes anew.
func sharedPaths(p plan.Plan) []string {
	var paths []string
	for _, d := range p.Datasets {
		if _, _, onS3 := splitURI(d.Path); onS3 && d.Role != plan.Input && !d.Versioned && !strings.Contains(d.Path, plan.RunID) {
			paths = append(paths, d.Path)
		}
	}
	return paths
}
