package containers

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/engine"
	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/batch"
)

// Labels of a job's container.
const (
	labelOwner = "kedroctl:local" // absolute state directory of the server whose job it is
	labelJob   = "kedroctl:job"   // job id, a hyphen, and the attempt

	labelAddress = "kedroctl:address" // host:port by which the container reaches the server, where that is not the server's own
)

const (
	askTime     = 5 * time.Second  // for the engine to tell what machine it is on
	recoverTime = 2 * time.Minute  // to look through what an earlier server left
	cleanUpTime = 30 * time.Second // to remove a container
	pollTime    = 50 * time.Millisecond

	// reservedMiB is left to the machine itself, as ECS_RESERVED_MEMORY does in the example of the Batch user guide's page on memory management.
	reservedMiB = 256
	mib         = 1 << 20
)

// Runner runs jobs as containers. It is a batch.Runner, batch.Recoverer and batch.Machine.
type Runner struct {
	docker  *client.Client
	owner   string
	server  local.Info
	link    *link
	machine atomic.Pointer[system.Info] // without values until the engine has told them

	mu    sync.Mutex      // lets no attempt begin while the runner closes
	life  context.Context // ends with Close
	end   context.CancelFunc
	going sync.WaitGroup
}

// Maker gives what local.ServeOptions.Runner wants: a runner on an engine for the server of a state directory, which works until it is closed. The
// engine need not answer yet; jobs that find none fail to start.
func Maker(at engine.Endpoint, dir string) func(context.Context, local.Info) (local.JobRunner, func(), error) {
	return func(ctx context.Context, server local.Info) (local.JobRunner, func(), error) {
		docker, err := at.Connect()
		if err != nil {
			return nil, nil, err
		}
		owner, err := filepath.Abs(dir)
		if err != nil {
			return nil, nil, fmt.Errorf("state directory of the embedded AWS: %w", err)
		}
		r := &Runner{docker: docker, owner: owner, server: server, link: newLink(docker, server.Endpoint)}
		r.life, r.end = context.WithCancel(context.WithoutCancel(ctx))
		r.machine.Store(&system.Info{})
		ctx, cancel := context.WithTimeout(ctx, askTime)
		defer cancel()
		r.ask(ctx)
		return r, r.Close, nil
	}
}

// ask lets the engine tell what machine it is on, unless it has.
func (r *Runner) ask(ctx context.Context) {
	if r.machine.Load().NCPU > 0 {
		return
	}
	if out, err := r.docker.Info(ctx, client.InfoOptions{}); err == nil {
		r.machine.Store(&out.Info)
	}
}

// MemoryMiB is the machine's memory without what it needs itself; 0 while the engine has not told it.
func (r *Runner) MemoryMiB() int64 { return max(r.machine.Load().MemTotal/mib-reservedMiB, 0) }

// Start begins an attempt. A closed runner begins none.
func (r *Runner) Start(a batch.Attempt, e batch.Events) func() {
	return r.begin(&attempt{Attempt: a, events: e})
}

// begin lets an attempt go its way; stop asks for its end.
func (r *Runner) begin(a *attempt) (stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.life.Err() != nil {
		return func() {}
	}
	asked, stop := context.WithCancel(r.life)
	r.going.Go(func() {
		defer stop()
		r.finish(a, r.run(asked, a))
	})
	return stop
}

// finish reports how an attempt ended. A container that has ended stays until that is known: should the server be killed before, the next one finds it.
// One that counts as lost is removed before, so that it does not run beside the next attempt. The jobs of a runner that was closed have lost their
// host, which the next server says.
func (r *Runner) finish(a *attempt, exit batch.Exit) {
	if exit.Code != nil {
		a.events.Done(exit)
	}
	r.remove(a.id)
	if exit.Code == nil && r.life.Err() == nil {
		a.events.Done(exit)
	}
}

// Recover takes up what an earlier server of the state directory left when it was killed. An attempt that had not begun to run begins again. All
// containers of the directory that belong to none of the attempts are gone when it returns.
func (r *Runner) Recover(left []batch.Recovered) []func() {
	ctx, cancel := context.WithTimeout(r.life, recoverTime)
	defer cancel()
	stops, keep := make([]func(), len(left)), map[string]bool{}
	for i, l := range left {
		a := &attempt{Attempt: l.Attempt, events: l.Events, told: l.Running, skip: l.Lines}
		if keep[a.ID()] = r.adopt(ctx, a); keep[a.ID()] {
			stops[i] = r.begin(a)
		}
	}
	r.sweep(ctx, keep)
	return stops
}

// adopt gives an attempt the container that it had, and tells whether it can go on. Without one it can begin anew unless it had run. A container that is
// created was not started: the engine answers when a start that was under way is over.
func (r *Runner) adopt(ctx context.Context, a *attempt) bool {
	out, err := r.docker.ContainerInspect(ctx, a.container(), client.ContainerInspectOptions{})
	if err != nil || out.Container.State == nil {
		return !a.told
	}
	state := out.Container.State.Status
	a.id, a.started = out.Container.ID, state != container.StateCreated
	if c := out.Container.Config; c != nil && c.Labels[labelAddress] != "" {
		_, _ = r.link.forward(c.Labels[labelAddress]) // without it the job fails, and says so
	}
	return slices.Contains([]container.ContainerState{container.StateCreated, container.StateRunning, container.StatePaused, container.StateExited}, state)
}

// sweep removes the containers of the state directory but those of the attempts to keep, and returns when they are gone. Where the engine does not
// answer, its containers don't run either.
func (r *Runner) sweep(ctx context.Context, keep map[string]bool) {
	for rest := true; rest; pause(ctx) { // again where another removal is under way
		rest = false
		out, _ := r.docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", labelOwner+"="+r.owner)})
		for _, c := range out.Items {
			if !keep[c.Labels[labelJob]] {
				rest = true
				r.remove(c.ID)
			}
		}
	}
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(pollTime):
	}
}

// remove makes sure that a container is gone; one that is gone already is as good.
func (r *Runner) remove(id string) {
	if id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cleanUpTime)
	defer cancel()
	_, _ = r.docker.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
}

// Close kills and removes the containers that still run, without a report, and returns when they are gone.
func (r *Runner) Close() {
	r.mu.Lock()
	r.end()
	r.mu.Unlock()
	r.going.Wait()
	r.link.close()
	_ = r.docker.Close() // only idle connections
}
