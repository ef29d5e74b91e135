package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// host is what on this machine makes the layers of an image that no engine builds.
type host struct {
	uv      string // its path
	python  string // of an interpreter; of the image's minor version where compiles is set
	version string // of that interpreter: 3.12.4
	// compiles says whether the interpreter makes bytecode that the image's reads. Bytecode is of a minor version.
	compiles bool
	keep     string // directory for interpreters of kedroctl's own
	story    io.Writer
}

// newHost finds uv, and an interpreter of the image's minor version: the project's own, else one that uv finds on this machine or gets. Without any, it has
// the project's, for which uv can install too.
func newHost(ctx context.Context, dir string, command []string, minor, keep string, story io.Writer) (*host, error) {
	uv, err := FindUV(ctx, dir, os.Getenv)
	if err != nil {
		return nil, err
	}
	h := &host{uv: uv, keep: keep, story: story}
	if h.python, err = interpreter(ctx, command, dir); err != nil {
		return nil, err
	}
	if h.python, h.version, err = describePython(ctx, h.python); err != nil {
		return nil, err
	}
	if h.compiles = isOf(h.version, minor); h.compiles {
		return h, nil
	}
	if found, err := exec.LookPath("python" + minor); err == nil && h.take(ctx, found, minor) {
		return h, nil
	}
	for _, find := range [][]string{
		{"python", "find", "--no-project", "--system", minor},
		{"python", "install", "--no-bin", minor}, // into kedroctl's own directory
		{"python", "find", "--no-project", "--managed-python", minor},
	} {
		out, err := h.runUV(ctx, "", find...)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if found := strings.TrimSpace(out); err == nil && filepath.IsAbs(found) && h.take(ctx, found, minor) {
			return h, nil
		}
	}
	return h, nil
}

// take takes an interpreter that is of the minor version and works, which those of version managers may not.
func (h *host) take(ctx context.Context, found, minor string) bool {
	python, version, err := describePython(ctx, found)
	if err != nil || !isOf(version, minor) {
		return false
	}
	h.python, h.version, h.compiles = python, version, true
	return true
}

func isOf(version, minor string) bool { return strings.HasPrefix(version, minor+".") }

// describePython asks an interpreter for its path, which is not always that by which it was started, and version.
func describePython(ctx context.Context, program string) (python, version string, err error) {
	out, err := exec.CommandContext(ctx, program, "-c", "import platform, sys; print(sys.executable); print(platform.python_version())").Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err == nil && len(lines) != 2 {
		err = fmt.Errorf("it answers %q", out)
	}
	if err != nil {
		return "", "", fmt.Errorf("run %s: %w", program, err)
	}
	return strings.TrimSpace(lines[0]), strings.TrimSpace(lines[1]), nil
}

// run runs a program below dir and gives its output; what it tells goes to the story too.
func (h *host) run(ctx context.Context, dir, program string, args ...string) (stdout string, err error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PYTHON") }),
		"NO_COLOR=1", "UV_NO_PROGRESS=1", "PYTHONHASHSEED=0", "PYTHONDONTWRITEBYTECODE=1", "UV_PYTHON_INSTALL_DIR="+h.keep)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, io.MultiWriter(&log, h.story)
	err = cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return out.String(), &toolError{resolverMessage(log.String() + out.String()), err}
	}
	return out.String(), nil
}

// toolError is what a program said of its failure.
type toolError struct {
	said  string
	cause error
}

func (e *toolError) Error() string {
	if e.said == "" {
		return e.cause.Error()
	}
	return e.said
}

func (e *toolError) Unwrap() error { return e.cause }

func (h *host) runUV(ctx context.Context, dir string, args ...string) (string, error) {
	return h.run(ctx, dir, h.uv, args...)
}

// compile writes bytecode beside the modules below each of some directories of root, which stands for / of the image. It has no times in it, so that it is as
// good in another place. A file that does not compile, such as a template, is no error.
func (h *host) compile(ctx context.Context, root string, below ...string) error {
	if !h.compiles {
		return nil
	}
	var group errgroup.Group
	for _, b := range below { // each in a process of its own: what a process has compiled before shows in what it writes
		group.Go(func() error {
			_, err := h.run(ctx, root, h.python, "-m", "compileall", "-qq", "-s", root, "-p", "/", "--invalidation-mode", "unchecked-hash",
				filepath.Join(root, filepath.FromSlash(b)))
			if _, ended := errors.AsType[*exec.ExitError](err); ended {
				return nil
			}
			return err
		})
	}
	return group.Wait()
}
