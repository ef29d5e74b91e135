package run

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

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
	traces, err := c.newest(ctx, bucket, math.MaxInt)
	if err != nil {
		return nil, err
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
