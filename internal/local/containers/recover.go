package containers

import (
	"context"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/local/batch"
)

const (
	recoverTime = 2 * time.Minute // to look through what an earlier server left
	pollTime    = 50 * time.Millisecond
)

// Recover takes up what an earlier server of the state directory left when it was killed. An attempt that had not begun to run begins again. All
// containers of the directory that belong to none of the attempts are gone when it returns.
func (r *Runner) Recover(left []batch.Recovered) []func() {
	ctx, cancel := context.WithTimeout(r.life, recoverTime)
	defer cancel()
	ids, keep := map[string]string{}, map[string]bool{}
	for _, c := range r.list(ctx) {
		ids[c.Labels[labelJob]] = c.ID
	}
	attempts := make([]*attempt, len(left))
	for i, l := range left {
		if a := (&attempt{Attempt: l.Attempt, events: l.Events, told: l.Running, skip: l.Lines}); r.adopt(ctx, a, ids[a.name()]) {
			attempts[i], keep[a.id] = a, true
		}
	}
	r.sweep(ctx, keep)
	stops := make([]func(), len(left))
	for i, a := range attempts {
		if a != nil {
			stops[i] = r.begin(a)
		}
	}
	return stops
}

// adopt gives an attempt the container that it had, if that is of any use. Without a container it can begin anew unless it had run.
func (r *Runner) adopt(ctx context.Context, a *attempt, id string) bool {
	if id == "" {
		return !a.told
	}
	out, err := r.docker.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil || out.Container.State == nil {
		return false
	}
	switch out.Container.State.Status {
	case container.StateCreated: // a start that was under way is over when the engine answers
	case container.StateRunning, container.StatePaused, container.StateExited:
		a.started = true
	default:
		return false
	}
	a.id = id
	return true
}

// list gives the containers of the state directory. Where the engine does not answer, its containers don't run either.
func (r *Runner) list(ctx context.Context) []container.Summary {
	out, _ := r.docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", labelOwner+"="+r.owner)})
	return out.Items
}

// sweep removes the containers of the state directory but those of keep, and returns when none is left.
func (r *Runner) sweep(ctx context.Context, keep map[string]bool) {
	for {
		var removals sync.WaitGroup
		rest := false
		for _, c := range r.list(ctx) {
			if !keep[c.ID] {
				rest = true
				removals.Go(func() { r.remove(c.ID) })
			}
		}
		if !rest {
			return
		}
		removals.Wait() // in vain where another removal is under way
		pause(ctx)
	}
}

// pause waits a moment.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(pollTime):
	}
}
