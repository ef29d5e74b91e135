package run

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Peaks notes in jobs that have ended how much memory they used, by their records. A job that left none keeps 0.
func Peaks(ctx context.Context, c Clients, r Run, jobs []Job) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(lookers)
	for i := range jobs {
		j := &jobs[i]
		if j.ID == "" || j.Attempt == 0 || j.Peak > 0 || !j.Ended() {
			continue
		}
		work.Go(func() error {
			rec, err := c.record(ctx, r, j.Submission, j.Attempt)
			if err == nil && rec != nil {
				j.Peak = rec.PeakMemory
			}
			return err
		})
	}
	return work.Wait()
}
