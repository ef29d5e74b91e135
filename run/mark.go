package run

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Mark says in the bucket that a run was cancelled: its drivers submit no more of it. A resumed run has its own, so that nothing has to lift one.
type Mark struct {
	Schema int       `json:"schema"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

func (r Run) markKey() string { return r.object(fmt.Sprintf("cancelled-%d.json", len(r.Resumed))) }

// markCancelled marks a run, unless it is marked already.
func (c Clients) markCancelled(ctx context.Context, r Run, by, reason string) error {
	err := c.put(ctx, r.Plan.Bucket, r.markKey(), Mark{schema, by, reason, c.now().UTC()}, aws.String("*"))
	if err != nil && !lostRace(err) {
		return fmt.Errorf("mark the run as cancelled: %w", err)
	}
	return nil
}

// Marked gives the mark of a run that was cancelled and not resumed since; nil where there is none.
func Marked(ctx context.Context, c Clients, r Run) (*Mark, error) {
	var m Mark
	err := c.get(ctx, r.Plan.Bucket, r.markKey(), &m)
	switch {
	case absent(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look whether run %s was cancelled: %w", r.ID, err)
	}
	return &m, nil
}
