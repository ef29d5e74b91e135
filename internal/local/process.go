package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/ui"
)

const (
	startTime = 30 * time.Second // until a new server has to answer
	pingTime  = 10 * time.Second // for a server to say who it is, on a machine that is busy with its jobs
	pollTime  = 50 * time.Millisecond
)

// Ensure gives the server of a state directory. Where none answers, start (a program and its arguments, which is to call Serve) is run as a process
// that outlives this one. Several processes may call it at once: one of them starts the server.
func Ensure(ctx context.Context, dir string, start []string) (Info, error) {
	if info, running := Running(ctx, dir); running {
		return info, nil
	}
	if err := claim(dir); err != nil {
		return Info{}, err
	}
	lock := startLock(dir)
	if _, err := lock.TryLockContext(ctx, pollTime); err != nil {
		return Info{}, fmt.Errorf("wait for the start of the embedded AWS: %w", err)
	}
	defer func() { _ = lock.Close() }() // the end of the process gives it back too
	if info, running := Running(ctx, dir); running {
		return info, nil // another process was first
	}
	file := filepath.Join(dir, "server.log")
	info, err := launch(ctx, dir, file, start)
	if err != nil {
		log, _ := os.ReadFile(file) // why, if it could say so
		said := cmp.Or(strings.ReplaceAll(strings.TrimSpace(string(log)), "\n", "; "), "it said nothing")
		return Info{}, ui.WithHint(fmt.Errorf("start the embedded AWS: %w: %s", err, said), "its log is "+file)
	}
	return info, nil
}

// launch starts a server and waits until it answers.
func launch(ctx context.Context, dir, logFile string, start []string) (Info, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return Info{}, err
	}
	defer log.Close()
	c := exec.Command(start[0], start[1:]...) //nolint:noctx // the server is to outlive whoever started it
	c.Stdout, c.Stderr, c.SysProcAttr = log, log, Detached()
	if err := c.Start(); err != nil {
		return Info{}, err
	}
	ended := make(chan struct{})
	go func() {
		_ = c.Wait() // its log says why
		close(ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		if info, running := Running(ctx, dir); running {
			return info, nil
		}
		select {
		case <-ended:
			if info, running := Running(ctx, dir); running {
				return info, nil // one that a person has started meanwhile, and ours has left it the directory
			}
			return Info{}, errors.New("the process ended")
		case <-ctx.Done():
			return Info{}, ctx.Err()
		case <-time.After(pollTime):
		}
	}
}

// pingPath is where a server says which one it is.
const pingPath = "/kedroctl/ping"

// direct asks the server without a proxy, whatever the environment names.
var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: pingTime}

// Running gives the server of a state directory, if it answers: a stranger on its port has another key, its successor another process.
func Running(ctx context.Context, dir string) (Info, bool) {
	info, err := readInfo(dir)
	if err != nil || info.Endpoint == "" {
		return info, false
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, info.Endpoint+pingPath, nil)
	if err != nil {
		return info, false
	}
	resp, err := direct.Do(r)
	if err != nil {
		return info, false
	}
	defer resp.Body.Close()
	who, err := io.ReadAll(io.LimitReader(resp.Body, 1000))
	return info, err == nil && string(who) == info.who()
}

// Stop ends the server of a state directory and waits until it has; where none runs there is nothing to do, nor where a test has published its own.
func Stop(ctx context.Context, dir string) error {
	info, running := Running(ctx, dir)
	if !running {
		return nil
	}
	lock := serverLock(dir)
	defer func() { _ = lock.Close() }() // the end of the process gives it back too
	if free, err := lock.TryLock(); err != nil || free {
		return err
	}
	p, err := os.FindProcess(info.PID)
	if err == nil && p.Signal(syscall.SIGTERM) != nil { // there is no such signal on Windows; a killed server loses nothing
		err = p.Kill()
	}
	if err != nil {
		return fmt.Errorf("stop the embedded AWS: %w", err)
	}
	if _, err := lock.TryLockContext(ctx, pollTime); err != nil {
		return fmt.Errorf("wait for the end of the embedded AWS: %w", err)
	}
	return nil
}

// Reset stops the server of a state directory and removes all that it kept: resources, objects, images, its keys and its port. Where a server was
// killed, the runner that jobs makes ends what that has left.
func Reset(ctx context.Context, dir string, jobs MakeRunner) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := errors.Join(claim(dir), Stop(ctx, dir)); err != nil {
		return err
	}
	info, err := readInfo(dir)
	if err == nil && info.PID != 0 { // else none has served, or it can't be known which
		runner, end, err := jobs(ctx, info)
		if err != nil {
			return fmt.Errorf("end the jobs of the embedded AWS: %w", err)
		}
		batch.TakeUp(runner, nil)
		end()
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove the state of the embedded AWS: %w", err)
	}
	return nil
}

// serverLock is held by the process that serves a state directory, startLock by one that starts it.
func serverLock(dir string) *flock.Flock { return flock.New(filepath.Join(dir, "server.lock")) }
func startLock(dir string) *flock.Flock  { return flock.New(filepath.Join(dir, "start.lock")) }
