package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

// Use is what a run that the bucket records was made with.
type Use struct {
	Run         string
	Created     time.Time
	Succeeded   bool
	Deployments []string // ids: those of its start and of its resumptions
	Definitions []string // ARNs of job definitions, likewise
}

// Uses gives what all runs of a bucket were made with, the newest first. It reads the plan of each, and asks Batch as List does.
func Uses(ctx context.Context, c Clients, bucket string) ([]Use, error) {
	ids, err := c.folders(ctx, bucket, runsPrefix)
	if _, ok := errors.AsType[*s3types.NoSuchBucket](err); ok {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return !IsID(id) })
	slices.Sort(ids)
	slices.Reverse(ids)
	traces, err := c.traces(ctx, bucket, ids)
	if err == nil {
		err = c.judge(ctx, traces)
	}
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	uses := make([]Use, len(traces))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(lookers)
	for i, t := range traces {
		work.Go(func() (err error) {
			uses[i], err = c.use(ctx, t)
			return err
		})
	}
	return uses, work.Wait()
}

func (c Clients) use(ctx context.Context, t *trace) (Use, error) {
	r := t.run
	u := Use{Run: r.ID, Created: r.Created, Succeeded: t.state == RunSucceeded, Deployments: []string{r.Deployment}, Definitions: []string{r.JobDefinition}}
	u.Definitions = slices.AppendSeq(u.Definitions, maps.Values(r.Definitions))
	r, err := c.resumptions(ctx, r)
	for _, n := range r.Resumed {
		u.Deployments, u.Definitions = append(u.Deployments, n.Deployment), append(u.Definitions, n.JobDefinition)
		u.Definitions = slices.AppendSeq(u.Definitions, maps.Values(n.Definitions))
	}
	return u, err
}
