package containers

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"

	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/batch"
)

// Labels of a job's container.
const (
	labelOwner = "kedroctl:local" // absolute state directory of the server whose job it is
	labelJob   = "kedroctl:job"   // job id, a hyphen, and the attempt
)

// Runner runs jobs as containers.
type Runner struct {
	docker   *client.Client
	owner    string
	registry string // host:port of the server's own registry
	server   local.Info

	mu      sync.Mutex
	closed  bool
	running map[*attempt]bool
	done    sync.WaitGroup
}

// Maker gives what local.ServeOptions.Runner wants: a runner on the engine at host (such as unix:///var/run/docker.sock) for the server of a state
// directory. The engine need not answer yet; jobs that find none fail to start.
func Maker(host, dir string) func(context.Context, local.Info) (local.JobRunner, func(), error) {
	return func(ctx context.Context, info local.Info) (local.JobRunner, func(), error) {
		r, err := New(ctx, host, dir, info)
		if err != nil {
			return nil, nil, err
		}
		return r, r.Close, nil
	}
}

// New makes a runner, and removes the containers that an earlier server of the directory left when it was killed: their jobs count as lost with their host.
func New(ctx context.Context, host, dir string, server local.Info) (*Runner, error) {
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
	r := &Runner{docker: docker, owner: owner, registry: endpoint.Host, server: server, running: map[*attempt]bool{}}
	r.sweep(ctx)
	return r, nil
}

// sweep removes what is left of earlier jobs. Where the engine does not answer, its containers don't run either.
func (r *Runner) sweep(ctx context.Context) {
	found, err := r.docker.ContainerList(ctx, client.ContainerListOptions{
		All: true, Filters: make(client.Filters).Add("label", labelOwner+"="+r.owner),
	})
	if err != nil {
		return
	}
	for _, c := range found.Items {
		r.remove(ctx, c.ID)
	}
}

// Start begins an attempt. A closed runner begins none.
func (r *Runner) Start(a batch.Attempt, e batch.Events) func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	run := &attempt{Attempt: a, runner: r, events: e, cancel: cancel}
	r.running[run] = true
	r.done.Go(func() {
		exit := run.run(ctx)
		cancel()
		if r.finished(run) {
			e.Done(exit)
		}
	})
	return run.stop
}

// finished forgets an attempt, and tells whether its end is to be reported: not when the runner was closed, as the job has then lost its host.
func (r *Runner) finished(a *attempt) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, a)
	return !r.closed
}

// Close kills and removes the containers that still run, without a report, and returns when they are gone.
func (r *Runner) Close() {
	r.mu.Lock()
	r.closed = true
	for a := range r.running {
		a.cancel()
	}
	r.mu.Unlock()
	r.done.Wait()
	_ = r.docker.Close() // only idle connections
}

// remove makes sure that a container is gone; one that is gone already is as good.
func (r *Runner) remove(ctx context.Context, id string) {
	_, _ = r.docker.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
}
