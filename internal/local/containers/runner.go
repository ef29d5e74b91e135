package containers

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/batch"
)

// Labels of a job's container.
const (
	labelOwner = "kedroctl:local" // absolute state directory of the server whose job it is
	labelJob   = "kedroctl:job"   // job id, a hyphen, and the attempt
)

const (
	askTime     = 5 * time.Second  // for the engine to say what machine it has
	recoverTime = 2 * time.Minute  // to look through what an earlier server left
	cleanUpTime = 30 * time.Second // to remove a container
	pollTime    = 50 * time.Millisecond

	// reservedMiB is left to the machine itself, as ECS_RESERVED_MEMORY does in the example of the Batch user guide's page on memory management.
	reservedMiB = 256
	mib         = 1 << 20
)

// Runner runs jobs as containers. It is a batch.Runner, batch.Recoverer and batch.Machine.
type Runner struct {
	docker   *client.Client
	owner    string
	registry string // host:port of the server's own registry
	server   local.Info
	known    atomic.Pointer[system.Info]

	mu    sync.Mutex      // lets no attempt begin while the runner closes
	life  context.Context // ends with Close
	end   context.CancelFunc
	going sync.WaitGroup
}

// Maker gives what local.ServeOptions.Runner wants: a runner on the engine at host (such as unix:///var/run/docker.sock) for the server of a state
// directory. The engine need not answer yet; jobs that find none fail to start.
func Maker(host, dir string) func(context.Context, local.Info) (local.JobRunner, func(), error) {
	return func(ctx context.Context, info local.Info) (local.JobRunner, func(), error) {
		r, err := newRunner(ctx, host, dir, info)
		if err != nil {
			return nil, nil, err
		}
		return r, r.Close, nil
	}
}

func newRunner(ctx context.Context, host, dir string, server local.Info) (*Runner, error) {
	docker, err := client.New(client.FromEnv, client.WithHost(host))
	if err != nil {
		return nil, fmt.Errorf("connect to the Docker Engine at %s: %w", host, err)
	}
	owner, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("state directory of the embedded AWS: %w", err)
	}
	endpoint, err := url.Parse(server.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint of the embedded AWS: %w", err)
	}
	r := &Runner{docker: docker, owner: owner, registry: endpoint.Host, server: server}
	r.life, r.end = context.WithCancel(context.WithoutCancel(ctx))
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	_, _ = r.machine(ctx) // asked again before each container until it answers
	return r, nil
}

// machine is what the engine says of the machine that it is on.
func (r *Runner) machine(ctx context.Context) (*system.Info, error) {
	if known := r.known.Load(); known != nil {
		return known, nil
	}
	out, err := r.docker.Info(ctx, client.InfoOptions{})
	if err != nil {
		return nil, err
	}
	r.known.Store(&out.Info)
	return &out.Info, nil
}

// MemoryMiB is the machine's memory without what it needs itself; 0 while the engine has not said it.
func (r *Runner) MemoryMiB() int64 {
	known := r.known.Load()
	if known == nil {
		return 0
	}
	return max(known.MemTotal/mib-reservedMiB, 1)
}

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
	adopted, ids := make([]*attempt, len(left)), []string{}
	for i, l := range left {
		a := &attempt{Attempt: l.Attempt, events: l.Events, told: l.Running, skip: l.Lines}
		if r.adopt(ctx, a) {
			adopted[i], ids = a, append(ids, a.id)
		}
	}
	r.sweep(ctx, ids)
	stops := make([]func(), len(left))
	for i, a := range adopted {
		if a != nil {
			stops[i] = r.begin(a)
		}
	}
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
	return slices.Contains([]container.ContainerState{container.StateCreated, container.StateRunning, container.StatePaused, container.StateExited}, state)
}

// sweep removes the containers of the state directory but those to keep, and returns when they are gone. Where the engine does not answer, its
// containers don't run either.
func (r *Runner) sweep(ctx context.Context, keep []string) {
	for rest := true; rest; pause(ctx) { // an attempt is in vain where another removal is under way
		rest = false
		out, _ := r.docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", labelOwner+"="+r.owner)})
		for _, c := range out.Items {
			if !slices.Contains(keep, c.ID) {
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
	_ = r.docker.Close() // only idle connections
}
