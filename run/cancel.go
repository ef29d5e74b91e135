package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"golang.org/x/sync/errgroup"

	"github.com/kedroctl/kedroctl/internal/ui"
)

const (
	terminators = 4                // TerminateJob calls at the same time
	sweepEvery  = 2 * time.Second  // between two looks for what is left
	sweepFor    = 90 * time.Second // Batch kills a container 30 s after it asked it to end
	listLag     = 15 * time.Second // after which a job that was accepted is shown to everyone
)

// Cancel terminates all unfinished jobs of a run, those that come last first, and returns when none is left. It finds the jobs by name, so that it
// also reaches one whose submission had no clear answer. Trouble that may pass is sat out; the error names what is still unfinished after 90 s.
func Cancel(ctx context.Context, c Clients, r Run, reason string) error {
	return sweep(ctx, c, r, reason, c.now())
}

// sweep is Cancel that does not believe before the given time that nothing is left: Batch shows new jobs late.
func sweep(ctx context.Context, c Clients, r Run, reason string, until time.Time) error {
	told := make(map[string]bool)
	seenBy := c.now().Add(listLag)
	for deadline := c.now().Add(sweepFor); ; {
		left, unseen, err := unfinished(ctx, c, r)
		if now := c.now(); err == nil && len(left) == 0 && !now.Before(until) && (unseen == 0 || !now.Before(seenBy)) {
			return nil
		}
		open := strings.Join(left, ", ")
		ids := slices.DeleteFunc(left, func(id string) bool { return told[id] })
		reached, terminateErr := terminate(ctx, c, ids, reason)
		for _, id := range reached {
			told[id] = true
		}
		err = cmp.Or(err, terminateErr)
		switch {
		case err != nil && (!passing(err) || c.now().After(deadline)):
			return ui.WithHint(fmt.Errorf("cancel run %s: %w", r.ID, err), "its jobs may go on: repeat 'kedroctl cancel "+r.ID+"'")
		case c.now().After(deadline):
			return fmt.Errorf("cancel run %s: still unfinished: %s", r.ID, open)
		}
		if err := c.sleep(ctx, sweepEvery); err != nil {
			return err
		}
	}
}

// unfinished gives the ids of a run's unfinished jobs, the last submitted first, and how many Batch does not know, not yet or not any more.
// A job that ListJobs does not show is asked for by its id.
func unfinished(ctx context.Context, c Clients, r Run) (open []string, unseen int, err error) {
	listed, err := listRun(ctx, c, r)
	if err != nil {
		return nil, 0, err
	}
	states := make(map[string]types.JobStatus, len(listed))
	for _, j := range listed {
		states[aws.ToString(j.JobId)] = j.Status
	}
	var unlisted []string
	for _, s := range r.Jobs {
		if _, ok := states[s.ID]; !ok {
			unlisted = append(unlisted, s.ID)
		}
	}
	details, err := describe(ctx, c, unlisted)
	if err != nil {
		return nil, 0, err
	}
	for id, d := range details {
		states[id] = d.Status
	}
	return openJobs(states, r.Jobs), len(unlisted) - len(details), nil
}

func openJobs(states map[string]types.JobStatus, order []Submission) []string {
	var open []string
	for id, state := range states {
		if state != types.JobStatusSucceeded && state != types.JobStatusFailed {
			open = append(open, id)
		}
	}
	place := make(map[string]int, len(order))
	for i, s := range order {
		place[s.ID] = i
	}
	slices.SortFunc(open, func(a, b string) int { return place[b] - place[a] })
	return open
}

// terminate tells Batch to end jobs, in their order, and gives those that it was told of. TerminateJob and not CancelJob: the latter does nothing
// once a job has started.
func terminate(ctx context.Context, c Clients, ids []string, reason string) (told []string, err error) {
	reason = reasonFor(reason)
	var work errgroup.Group
	work.SetLimit(terminators)
	failed := make([]error, len(ids))
	for i, id := range ids {
		work.Go(func() error {
			if _, err := c.Batch.TerminateJob(ctx, &batch.TerminateJobInput{JobId: &id, Reason: &reason}); err != nil {
				failed[i] = fmt.Errorf("terminate job %s: %w", id, err)
			}
			return nil
		})
	}
	err = errors.Join(work.Wait(), errors.Join(failed...))
	for i, id := range ids {
		if failed[i] == nil {
			told = append(told, id)
		}
	}
	return told, err
}
