package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Python is an interpreter that can import Kedro.
type Python struct {
	Command      []string // to run it: an absolute path, or what was asked for by --python
	Version      string   // 3.12.4
	KedroVersion string   // 1.7.0
}

// NoPythonError says that no interpreter with Kedro was found, and what was tried.
type NoPythonError struct {
	Tried []string // one line for each: the interpreter, where it comes from, what is wrong with it
	next  string
}

func (e *NoPythonError) Error() string {
	if len(e.Tried) == 0 {
		return "no Python found"
	}
	return "no Python with Kedro found:\n  " + strings.Join(e.Tried, "\n  ")
}

// Hint is the next step.
func (e *NoPythonError) Hint() string { return e.next }

// candidate is an interpreter to try.
type candidate struct {
	path   string
	origin string // why it is tried
}

// FindPython finds the interpreter that the project is worked on with: the one asked for by --python and no other; else the first that can import
// Kedro of the active virtual environment, the project's .venv, the environment of uv or Poetry, the active conda environment, python3 and
// python on PATH. It changes nothing: an environment that does not exist yet is not made.
func FindPython(ctx context.Context, p Project, flag string, getenv func(string) string) (Python, error) {
	failure := &NoPythonError{next: p.installHint()}
	list := []candidate{{flag, "--python"}}
	if flag == "" {
		list = candidates(ctx, p.Dir, getenv)
	}
	seen := map[string]bool{}
	for _, c := range list {
		if seen[c.path] {
			continue
		}
		seen[c.path] = true
		python, err := probe(ctx, p.Dir, c.path)
		if err == nil {
			return python, nil
		}
		if ctx.Err() != nil {
			return Python{}, fmt.Errorf("find python: %w", ctx.Err())
		}
		failure.Tried = append(failure.Tried, fmt.Sprintf("%s (%s): %v", c.path, c.origin, err))
	}
	return Python{}, failure
}

func candidates(ctx context.Context, dir string, getenv func(string) string) []candidate {
	var list []candidate
	inEnvironment := func(root, origin string) {
		if root != "" {
			list = append(list, candidate{filepath.Join(root, "bin", "python"), origin})
		}
	}
	inEnvironment(getenv("VIRTUAL_ENV"), "VIRTUAL_ENV")
	inEnvironment(above(dir, ".venv"), ".venv")
	if root := getenv("UV_PROJECT_ENVIRONMENT"); root != "" && !filepath.IsAbs(root) {
		inEnvironment(filepath.Join(dir, root), "UV_PROJECT_ENVIRONMENT")
	} else {
		inEnvironment(root, "UV_PROJECT_ENVIRONMENT")
	}
	if python := poetryPython(ctx, dir); python != "" {
		list = append(list, candidate{python, "poetry"})
	}
	inEnvironment(getenv("CONDA_PREFIX"), "CONDA_PREFIX")
	for _, name := range []string{"python3", "python"} {
		if path, err := exec.LookPath(name); err == nil {
			list = append(list, candidate{path, "PATH"})
		}
	}
	return list
}

// above is the file or directory of that name in the project, or in the workspace or repository that it is a part of; "": there is none.
func above(dir, name string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if path := filepath.Join(at, name); exists(path) {
			return path
		}
		if exists(filepath.Join(at, ".git")) || at == filepath.Dir(at) {
			return ""
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// poetryPython asks Poetry for the project's environment. `poetry run` would make one where there is none.
func poetryPython(ctx context.Context, dir string) string {
	if !exists(filepath.Join(dir, "poetry.lock")) {
		return ""
	}
	command := exec.CommandContext(ctx, "poetry", "env", "info", "--executable")
	command.Dir = dir
	out, err := command.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// probeLine finds the answer of probeScript among whatever else an interpreter prints when it starts.
const (
	probeLine   = "kedroctl-probe "
	probeScript = `import sys, kedro; print("` + probeLine + `%d.%d.%d %s" % (*sys.version_info[:3], kedro.__version__))`
)

// probeTime is how long an interpreter may take to import Kedro: on a cold network disk that can be most of a minute.
const probeTime = 90 * time.Second

func probe(ctx context.Context, dir, python string) (Python, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	command := exec.CommandContext(ctx, python, "-c", probeScript)
	command.Dir = dir
	command.Env = quietEnv(os.Environ())
	command.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return Python{}, firstCause(err, stderr.String())
	}
	_, answer, _ := strings.Cut(stdout.String(), probeLine)
	versions := strings.Fields(answer)
	if len(versions) < 2 {
		return Python{}, fmt.Errorf("answers %q, not its version", lastLines(stdout.String(), 1))
	}
	return Python{Command: []string{python}, Version: versions[0], KedroVersion: versions[1]}, nil
}

// firstCause prefers Python's own last line to "exit status 1".
func firstCause(err error, stderr string) error {
	if last := lastLines(stderr, 1); last != "" {
		return fmt.Errorf("%s", last)
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok { // without Go's word for how a program is started
		return p.Err
	}
	return err
}

// quietEnv is the environment for the project's interpreter: kedro-telemetry would edit pyproject.toml, and byte code would dirty the tree.
func quietEnv(env []string) []string {
	return append(env, "DO_NOT_TRACK=1", "PYTHONDONTWRITEBYTECODE=1")
}

// lastLines are the last lines of text that are not empty, at most n.
func lastLines(text string, n int) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n\t "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
