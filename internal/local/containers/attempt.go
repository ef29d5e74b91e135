package containers

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/local/batch"
)

const (
	graceSeconds = 30              // from SIGTERM to SIGKILL (job_timeouts page of the Batch user guide)
	createTime   = 2 * time.Minute // to make a container, on a busy machine
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

// container is the name of the attempt's container, which the engine gives to no other one.
func (a *attempt) container() string { return "kedroctl-" + a.ID() }

// run pulls the image, runs the container, and gives its end; asked ends when the attempt is to be stopped. Errors have the names that the ECS agent
// gives them (aws/amazon-ecs-agent, agent/engine/errors.go).
func (r *Runner) run(asked context.Context, a *attempt) batch.Exit {
	if a.id == "" {
		image, err := r.pull(asked, a.Image)
		if err != nil {
			return batch.NotStarted("CannotPullContainerError: " + err.Error())
		}
		if err := r.create(a, image); err != nil {
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

// create goes on when the attempt is stopped: the engine makes the container all the same, which nobody could remove without its id. Where the name is
// taken, an earlier server asked for the container in the moment of its end, and the engine may still be making it.
func (r *Runner) create(a *attempt, image string) error {
	ctx, cancel := context.WithTimeout(context.Background(), createTime)
	defer cancel()
	r.ask(ctx)
	o := client.ContainerCreateOptions{Name: a.container(), Config: r.config(a, image), HostConfig: a.hostConfig(r.machine.Load().NCPU)}
	if err := r.link.join(ctx, image, o.Config, o.HostConfig); err != nil {
		return err
	}
	for {
		out, err := r.docker.ContainerCreate(ctx, o)
		if !errdefs.IsConflict(err) {
			a.id = out.ID
			return err
		}
		if r.adopt(ctx, a) && a.id != "" {
			return nil
		}
		pause(ctx)
	}
}

func (r *Runner) config(a *attempt, image string) *container.Config {
	c := &container.Config{Image: image, Cmd: a.Command, Labels: map[string]string{labelOwner: r.owner, labelJob: a.ID()}}
	for name, value := range a.Env {
		c.Env = append(c.Env, name+"="+value)
	}
	return c
}

// hostConfig limits a container. More CPUs than the machine has are refused by the engine.
func (a *attempt) hostConfig(cpus int) *container.HostConfig {
	h := &container.HostConfig{
		ShmSize:   a.SharedMemoryMiB * mib,                // 0: the engine's own default
		LogConfig: container.LogConfig{Type: "json-file"}, // can be read again, in the same order
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

// follow passes a container's lines on while it runs, and gives its end. A stop waits in the engine; it is of no use to a container that has ended by
// itself, and where the engine has gone the attempt ends anyway.
func (r *Runner) follow(asked context.Context, a *attempt) batch.Exit {
	if !a.told {
		a.events.Running()
	}
	defer context.AfterFunc(asked, func() {
		grace := graceSeconds
		_, _ = r.docker.ContainerStop(r.life, a.id, client.ContainerStopOptions{Timeout: &grace})
	})()
	r.lines(a)
	wait := r.docker.ContainerWait(r.life, a.id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case <-wait.Result:
	case <-wait.Error:
		return batch.HostLost(lostInstance)
	}
	out, err := r.docker.ContainerInspect(r.life, a.id, client.ContainerInspectOptions{})
	if err != nil || out.Container.State == nil {
		return batch.HostLost(lostInstance)
	}
	exit := batch.Exited(int32(out.Container.State.ExitCode))
	if out.Container.State.OOMKilled && *exit.Code != 0 { // where only some process within was killed the job may have gone on
		exit.Reason = batch.OutOfMemory().Reason
	}
	return exit
}

// lines passes on what a container writes until it ends, but for what was passed on before. Where the log can't be read the engine has gone, which is
// told by the wait for the end.
func (r *Runner) lines(a *attempt) {
	stream, err := r.docker.ContainerLogs(r.life, a.id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: true})
	if err != nil {
		return
	}
	defer stream.Close()
	out, errs := &liner{line: a.line}, &liner{line: a.line}
	_, _ = stdcopy.StdCopy(out, errs, stream)
	out.flush()
	errs.flush()
}

// line takes a line of the container's. Empty ones are no events of a log.
func (a *attempt) line(text string) {
	text = strings.TrimRight(strings.ToValidUTF8(text, "\uFFFD"), "\r\n")
	switch {
	case text == "":
	case a.skip > 0:
		a.skip--
	default:
		a.events.Line(text)
	}
}

// maxLine is as much of a line as Docker keeps in one, in bytes, also with AWS's log driver.
const maxLine = 16 << 10

// liner hands on lines. Docker writes one at a time, Podman what the program wrote at once.
type liner struct {
	line func(string)
	rest []byte
}

func (l *liner) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	if bytes.HasSuffix(p, []byte("\n")) || len(l.rest) >= maxLine {
		l.flush()
	}
	return len(p), nil
}

func (l *liner) flush() {
	for line := range strings.Lines(string(l.rest)) {
		l.line(line)
	}
	l.rest = l.rest[:0]
}
