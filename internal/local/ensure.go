package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/kedroctl/kedroctl/internal/ui"
)

const (
	startTime = 30 * time.Second // until a new server has to answer
	pollTime  = 50 * time.Millisecond
)

// Ensure gives the server of a state directory. Where none answers, start (a program and its arguments, which is to call Serve) is run as a process
// that outlives this one. Several processes may call it at once: one of them starts the server.
func Ensure(ctx context.Context, dir string, start []string) (Info, error) {
	if info, running := Running(ctx, dir); running {
		return info, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Info{}, fmt.Errorf("make the directory of the embedded AWS: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "start.lock"))
	if _, err := lock.TryLockContext(ctx, pollTime); err != nil {
		return Info{}, fmt.Errorf("wait for the start of the embedded AWS: %w", err)
	}
	defer func() { _ = lock.Close() }() // the end of the process gives it back too
	info, known, err := readInfo(dir)
	if err != nil {
		return Info{}, fmt.Errorf("read where the embedded AWS is: %w", err)
	}
	if known && answers(ctx, info) {
		return info, nil
	}
	return launch(ctx, dir, start)
}

// Running gives the server of a state directory, if one answers.
func Running(ctx context.Context, dir string) (Info, bool) {
	info, known, err := readInfo(dir)
	return info, err == nil && known && answers(ctx, info)
}

// launch starts a server and waits until it answers.
func launch(ctx context.Context, dir string, start []string) (Info, error) {
	logFile := filepath.Join(dir, "server.log")
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return Info{}, fmt.Errorf("start the embedded AWS: %w", err)
	}
	defer log.Close()
	c := exec.Command(start[0], start[1:]...) //nolint:noctx // the server is to outlive whoever started it
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = detached()
	if err := c.Start(); err != nil {
		return Info{}, fmt.Errorf("start the embedded AWS: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = c.Wait() // its log says why
		close(ended)
	}()
	return await(ctx, dir, ended, logFile)
}

func await(ctx context.Context, dir string, ended <-chan struct{}, logFile string) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	tick := time.NewTicker(pollTime)
	defer tick.Stop()
	for {
		if info, running := Running(ctx, dir); running {
			return info, nil
		}
		select {
		case <-ended:
			return Info{}, startError(errors.New("the process ended"), logFile)
		case <-ctx.Done():
			return Info{}, startError(ctx.Err(), logFile)
		case <-tick.C:
		}
	}
}

// startError has the last words of a server that did not come up.
func startError(err error, logFile string) error {
	log, _ := os.ReadFile(logFile) // without it the error is shorter
	if last := lastLine(log); last != "" {
		return fmt.Errorf("start the embedded AWS: %w: %s", err, last)
	}
	return ui.WithHint(fmt.Errorf("start the embedded AWS: %w", err), "its log is "+logFile)
}

func lastLine(text []byte) string {
	text = bytes.TrimSpace(text)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}

// Stop ends the server of a state directory and waits until it has; where none runs there is nothing to do. Jobs that run are lost with it.
func Stop(ctx context.Context, dir string) error {
	info, known, err := readInfo(dir)
	if err != nil || !known || !answers(ctx, info) {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, info.Endpoint+controlPath+"stop", nil)
	if err != nil {
		return fmt.Errorf("stop the embedded AWS: %w", err)
	}
	r.Header.Set(secretHeader, info.SecretKey)
	resp, err := direct.Do(r)
	if err != nil {
		return fmt.Errorf("stop the embedded AWS: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 200)) // the status alone says enough
		return fmt.Errorf("stop the embedded AWS: %s: %s", resp.Status, bytes.TrimSpace(why))
	}
	lock := serverLock(dir)
	if _, err := lock.TryLockContext(ctx, pollTime); err != nil {
		return fmt.Errorf("wait for the end of the embedded AWS: %w", err)
	}
	return lock.Close()
}

// Reset stops the server of a state directory and removes all that it kept: resources, objects, images, its keys and its port.
func Reset(ctx context.Context, dir string) error {
	if err := Stop(ctx, dir); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove the state of the embedded AWS: %w", err)
	}
	return nil
}

// serverLock is held by the process that serves a state directory.
func serverLock(dir string) *flock.Flock { return flock.New(filepath.Join(dir, "server.lock")) }
