package containers

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"golang.org/x/term"

	"github.com/kedroctl/kedroctl/internal/engine"
	"github.com/kedroctl/kedroctl/internal/local/batch"
)

// labelSession marks the container of a Session.
const labelSession = "kedroctl:session"

// Session is a container beside the jobs, in which a person looks around or one command runs.
type Session struct {
	Name     string // what it is for, as its label has it
	Attempt  batch.Attempt
	Files    map[string]string // content by absolute path; their directories may be written to by everyone
	Endpoint string            // of the embedded AWS, which the container is to reach; "": AWS itself
	Registry Tokens            // rights to pull the image; nil: nobody asks for any
	In       *os.File          // a terminal; nil: the command gets no input
	Out, Err io.Writer
	Progress func(what string) // told before what takes long; may be nil
}

// Run runs a session on an engine, and gives the exit code of its command. The image is pulled where the engine has it not. The container is
// removed in the end, also when ctx ends.
func (s Session) Run(ctx context.Context, at engine.Endpoint) (code int, err error) {
	docker, err := at.Dial(ctx)
	if err != nil {
		return 0, err
	}
	defer docker.Close()
	link := newLink(docker, s.Endpoint)
	defer link.close()
	image, err := s.pull(ctx, link)
	if err != nil {
		return 0, fmt.Errorf("pull %s: %w", s.Attempt.Image, err)
	}
	id, err := s.create(ctx, link, image)
	if id != "" {
		defer func() { err = errors.Join(err, discard(ctx, docker, id)) }()
	}
	if err != nil {
		return 0, fmt.Errorf("make a container of %s: %w", s.Attempt.Image, err)
	}
	return s.follow(ctx, docker, id)
}

// discard returns when a container is gone, which the engine may be removing by itself at the moment.
func discard(ctx context.Context, docker *client.Client, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	for {
		_, err := docker.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		switch {
		case errdefs.IsNotFound(err):
			return nil
		case err != nil && !errdefs.IsConflict(err):
			return fmt.Errorf("remove the container: %w", err)
		}
		pause(ctx)
	}
}

// pull gives the name that the image has in the engine.
func (s Session) pull(ctx context.Context, l *link) (string, error) {
	image := s.Attempt.Image
	_, err := l.docker.ImageInspect(ctx, image)
	if !errdefs.IsNotFound(err) {
		return image, err
	}
	if s.Progress != nil {
		s.Progress("pulling " + image)
	}
	switch {
	case s.Registry == nil:
		return image, fetch(ctx, l.docker, image, client.ImagePullOptions{})
	case s.Endpoint == "":
		return image, fetchAllowed(ctx, l.docker, image, s.Registry)
	}
	return l.take(ctx, image, s.Registry)
}

// create makes the container with its files. It goes on when ctx ends: without its id nobody could remove it.
func (s Session) create(ctx context.Context, l *link, image string) (id string, err error) {
	docker := l.docker
	machine, err := docker.Info(ctx, client.InfoOptions{})
	if err != nil {
		return "", err
	}
	a := attempt{Attempt: s.Attempt}
	h := a.hostConfig(machine.Info.NCPU)
	h.AutoRemove = true
	c := &container.Config{
		Image: image, Cmd: s.Attempt.Command, Labels: map[string]string{labelSession: s.Name},
		Tty: s.In != nil, OpenStdin: s.In != nil, StdinOnce: s.In != nil, AttachStdin: s.In != nil, AttachStdout: true, AttachStderr: true,
	}
	for name, value := range s.Attempt.Env {
		c.Env = append(c.Env, name+"="+value)
	}
	if s.Endpoint != "" {
		if err := l.join(ctx, image, c, h); err != nil {
			return "", err
		}
	}
	made, err := docker.ContainerCreate(context.WithoutCancel(ctx), client.ContainerCreateOptions{Config: c, HostConfig: h})
	if err != nil {
		return "", err
	}
	files, err := archive(s.Files)
	if err != nil {
		return made.ID, err
	}
	_, err = docker.CopyToContainer(ctx, made.ID, client.CopyToContainerOptions{DestinationPath: "/", Content: files})
	return made.ID, err
}

// archive has the files, and each directory once, the upper ones first.
func archive(files map[string]string) (io.Reader, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	made := map[string]bool{"/": true, "/tmp": true}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		var above []string
		for dir := path.Dir(name); !made[dir]; dir = path.Dir(dir) {
			above, made[dir] = append(above, dir), true
		}
		for _, dir := range slices.Backward(above) {
			if err := w.WriteHeader(&tar.Header{Name: dir[1:] + "/", Typeflag: tar.TypeDir, Mode: 0o777}); err != nil {
				return nil, err
			}
		}
		if err := w.WriteHeader(&tar.Header{Name: name[1:], Mode: 0o755, Size: int64(len(files[name]))}); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, files[name]); err != nil {
			return nil, err
		}
	}
	return &out, w.Close()
}

// follow starts the container, joins it to the terminal, and waits for its end.
func (s Session) follow(ctx context.Context, docker *client.Client, id string) (int, error) {
	joined, err := docker.ContainerAttach(ctx, id, client.ContainerAttachOptions{Stream: true, Stdin: s.In != nil, Stdout: true, Stderr: true})
	if err != nil {
		return 0, fmt.Errorf("join the container: %w", err)
	}
	defer joined.Close()
	wait := docker.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := docker.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		return 0, fmt.Errorf("start the container: %w", err)
	}
	restore, err := s.enter(ctx, docker, id, joined)
	if err != nil {
		return 0, err
	}
	defer restore()
	written := make(chan error, 1)
	go func() {
		var err error
		if s.In != nil {
			_, err = io.Copy(s.Out, joined.Reader)
		} else {
			_, err = stdcopy.StdCopy(s.Out, s.Err, joined.Reader)
		}
		written <- err
	}()
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case end := <-wait.Result:
		select { // all that it wrote before its end
		case <-written:
		case <-time.After(drainTime):
		}
		return int(end.StatusCode), nil
	case err := <-wait.Error:
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return 0, fmt.Errorf("wait for the container: %w", err)
	}
}

const (
	drainTime  = 10 * time.Second       // for the last output of a container that has ended
	resizeTime = 500 * time.Millisecond // between two looks at the terminal's size: not every system tells of its change
)

// enter hands the keys that are typed on to the container, interrupts included, and keeps its terminal as large as this one.
func (s Session) enter(ctx context.Context, docker *client.Client, id string, joined client.ContainerAttachResult) (restore func(), err error) {
	if s.In == nil {
		return func() {}, nil
	}
	fd := int(s.In.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return nil, fmt.Errorf("set the terminal: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(joined.Conn, s.In) // ends with the program: a terminal is read until then
		_ = joined.CloseWrite()
	}()
	go func() {
		var width, height int
		for ctx.Err() == nil {
			if w, h, err := term.GetSize(fd); err == nil && (w != width || h != height) {
				width, height = w, h
				_, _ = docker.ContainerResize(ctx, id, client.ContainerResizeOptions{Width: uint(w), Height: uint(h)})
			}
			select {
			case <-ctx.Done():
			case <-time.After(resizeTime):
			}
		}
	}()
	return func() {
		stop()
		_ = term.Restore(fd, before)
	}, nil
}
