package containers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/local/batch"
)

const (
	graceSeconds = 30              // from SIGTERM to SIGKILL (job_timeouts page of the Batch user guide)
	createTime   = 2 * time.Minute // to make a container, on a busy machine
	mib          = 1 << 20
)

// lostInstance is the instance that a job was on when its engine went away.
const lostInstance = "i-00000000000000001"

// attempt is one container on its way.
type attempt struct {
	batch.Attempt
	events batch.Events
	told   bool // that it runs
	skip   int  // how many of its lines were passed on before

	id      string // of the container, once there is one
	started bool   // whether that has run
}

// name is what the attempt's label says. The engine has no two containers of a name.
func (a *attempt) name() string { return fmt.Sprintf("%s-%d", a.JobID, a.Number) }

// run pulls the image, runs the container, and gives its end; asked ends when the attempt is to be stopped. The errors are named as by the ECS agent
// (aws/amazon-ecs-agent, agent/engine/errors.go).
func (r *Runner) run(asked context.Context, a *attempt) batch.Exit {
	if a.id == "" {
		if err := r.pull(asked, a.Image); err != nil {
			return batch.NotStarted("CannotPullContainerError: " + err.Error())
		}
		var err error
		if a.id, err = r.create(a); err != nil {
			return batch.NotStarted("CannotCreateContainerError: " + err.Error())
		}
	}
	if !a.started {
		if asked.Err() != nil {
			return batch.NotStarted("CannotStartContainerError: stopped before the start")
		}
		if _, err := r.docker.ContainerStart(r.life, a.id, client.ContainerStartOptions{}); err != nil {
			return batch.NotStarted("CannotStartContainerError: " + err.Error())
		}
	}
	return r.follow(asked, a)
}

// create goes on when the attempt is stopped: the engine makes the container all the same, which nobody could remove without its id. A container of the
// name is one that an earlier server asked for in the moment of its end, and that the engine may still be making.
func (r *Runner) create(a *attempt) (id string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), createTime)
	defer cancel()
	machine, err := r.machine(ctx)
	if err != nil {
		return "", err
	}
	o := client.ContainerCreateOptions{Name: "kedroctl-" + a.name(), Config: r.config(a), HostConfig: a.hostConfig(machine.NCPU)}
	for {
		out, err := r.docker.ContainerCreate(ctx, o)
		if !errdefs.IsConflict(err) {
			return out.ID, err
		}
		if found, err := r.docker.ContainerInspect(ctx, o.Name, client.ContainerInspectOptions{}); err == nil {
			return found.Container.ID, nil
		}
		pause(ctx)
	}
}

func (r *Runner) config(a *attempt) *container.Config {
	c := &container.Config{
		Image: a.Image, Cmd: a.Command, User: a.User,
		Labels: map[string]string{labelOwner: r.owner, labelJob: a.name()},
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
		LogConfig:      container.LogConfig{Type: "json-file"}, // can be read again, in the same order
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

// follow passes a container's lines on while it runs, and waits for its end.
func (r *Runner) follow(asked context.Context, a *attempt) batch.Exit {
	if !a.told {
		a.events.Running()
	}
	defer context.AfterFunc(asked, func() { r.terminate(a.id) })()
	r.lines(a)
	wait := r.docker.ContainerWait(r.life, a.id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case <-wait.Result:
		return r.exit(a.id)
	case <-wait.Error:
		return batch.HostLost(lostInstance)
	}
}

// exit reads how a container ended. The engine notes too that some process in it was killed for want of memory.
func (r *Runner) exit(id string) batch.Exit {
	out, err := r.docker.ContainerInspect(r.life, id, client.ContainerInspectOptions{})
	if err != nil || out.Container.State == nil {
		return batch.HostLost(lostInstance)
	}
	exit := batch.Exited(int32(out.Container.State.ExitCode))
	if out.Container.State.OOMKilled && out.Container.State.ExitCode != 0 {
		exit.Reason = batch.OutOfMemory().Reason
	}
	return exit
}

// terminate sends SIGTERM to a container, and SIGKILL 30 s later. It waits in the engine; a container that has ended by itself, or an engine that has
// gone, ends the attempt anyway.
func (r *Runner) terminate(id string) {
	grace := graceSeconds
	_, _ = r.docker.ContainerStop(r.life, id, client.ContainerStopOptions{Timeout: &grace})
}
