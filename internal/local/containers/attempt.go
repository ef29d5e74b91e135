package containers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/local/batch"
)

const (
	graceSeconds = 30               // from SIGTERM to SIGKILL (job_timeouts page of the Batch user guide)
	createTime   = 2 * time.Minute  // to make a container, on a busy machine
	cleanUpTime  = 30 * time.Second // to remove a container
	mib          = 1 << 20
)

// lostInstance is the instance that a job was on when its engine went away.
const lostInstance = "i-00000000000000001"

// attempt is one container on its way.
type attempt struct {
	batch.Attempt
	runner *Runner
	events batch.Events
	cancel context.CancelFunc

	mu      sync.Mutex
	id      string // of the container, once it runs
	stopped bool
}

// run pulls the image, runs the container, and gives its end.
func (a *attempt) run(ctx context.Context) batch.Exit {
	if err := a.runner.pull(ctx, a.Image); err != nil {
		return batch.NotStarted("CannotPullContainerError: " + err.Error())
	}
	id, err := a.create(ctx)
	if err != nil {
		return batch.NotStarted("CannotCreateContainerError: " + err.Error())
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
		defer cancel()
		a.runner.remove(ctx, id)
	}()
	if ctx.Err() != nil {
		return batch.NotStarted("CannotStartContainerError: stopped before the start")
	}
	return a.follow(ctx, id)
}

// create goes on when ctx ends: the engine makes a container all the same, which nobody could remove without its id.
func (a *attempt) create(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), createTime)
	defer cancel()
	info, err := a.runner.docker.Info(ctx, client.InfoOptions{})
	if err != nil {
		return "", err
	}
	out, err := a.runner.docker.ContainerCreate(ctx, client.ContainerCreateOptions{
		Config:     a.config(),
		HostConfig: a.hostConfig(info.Info.NCPU),
	})
	return out.ID, err
}

func (a *attempt) config() *container.Config {
	c := &container.Config{
		Image: a.Image, Cmd: a.Command, User: a.User,
		Labels: map[string]string{labelOwner: a.runner.owner, labelJob: fmt.Sprintf("%s-%d", a.JobID, a.Number)},
	}
	for _, name := range slices.Sorted(maps.Keys(a.Env)) {
		c.Env = append(c.Env, name+"="+a.Env[name])
	}
	return c
}

// hostConfig limits a container. More CPUs than the machine has are refused by the engine.
func (a *attempt) hostConfig(cpus int) *container.HostConfig {
	h := &container.HostConfig{
		NetworkMode:    "host",
		Privileged:     a.Privileged,
		ReadonlyRootfs: a.ReadOnly,
		ShmSize:        a.SharedMemoryMiB * mib,
		Resources: container.Resources{
			Memory:     a.MemoryMiB * mib,
			MemorySwap: a.MemoryMiB * mib, // the sum of memory and swap: none
			NanoCPUs:   int64(min(a.VCPUs, float64(cpus)) * 1e9),
		},
	}
	if a.GPUs > 0 {
		h.DeviceRequests = []container.DeviceRequest{{Count: a.GPUs, Capabilities: [][]string{{"gpu"}}}}
	}
	return h
}

// follow starts the container, passes its lines on while it runs, and waits for its end.
func (a *attempt) follow(ctx context.Context, id string) batch.Exit {
	docker := a.runner.docker
	wait := docker.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := docker.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		return batch.NotStarted("CannotStartContainerError: " + err.Error())
	}
	a.events.Running()
	a.started(id)
	lines := make(chan struct{})
	go func() {
		defer close(lines)
		a.lines(ctx, id)
	}()
	select {
	case <-wait.Result:
	case err := <-wait.Error:
		if ctx.Err() == nil && err != nil {
			return batch.HostLost(lostInstance)
		}
	}
	<-lines
	return a.end(ctx, id)
}

// end reads how the container ended.
func (a *attempt) end(ctx context.Context, id string) batch.Exit {
	out, err := a.runner.docker.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil || out.Container.State == nil {
		return batch.HostLost(lostInstance)
	}
	exit := batch.Exited(int32(out.Container.State.ExitCode))
	if out.Container.State.OOMKilled && out.Container.State.ExitCode != 0 {
		exit.Reason = batch.OutOfMemory().Reason
	}
	return exit
}

// started notes that there is something to stop, and stops it where that was asked for meanwhile.
func (a *attempt) started(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.id = id
	if a.stopped {
		go a.terminate(id)
	}
}

// stop sends SIGTERM to the container, and SIGKILL 30 s later. An attempt that has none yet gives up.
func (a *attempt) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return
	}
	a.stopped = true
	if a.id == "" {
		a.cancel()
		return
	}
	go a.terminate(a.id)
}

// terminate waits in the engine; a container that has ended by itself, or an engine that has gone, ends the attempt anyway.
func (a *attempt) terminate(id string) {
	grace := graceSeconds
	_, _ = a.runner.docker.ContainerStop(context.Background(), id, client.ContainerStopOptions{Timeout: &grace})
}
