package project

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/kedroctl/kedroctl/internal/scratch"
	"github.com/kedroctl/kedroctl/templates"
)

// InspectOptions say under which conditions a snapshot is taken.
type InspectOptions struct {
	Params string // runtime parameters as Kedro's --params takes them
	Env    string // another environment than the project's; "": the project's own

	pipelines map[string]Pipeline // that the code is known to register; nil: it is imported
}

// ProjectError says that the project cannot be loaded: its own code or configuration raised.
type ProjectError struct {
	Env      string
	Problems []Problem // at least one
}

func (e *ProjectError) Error() string {
	var b strings.Builder
	for i, problem := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(problem.String())
	}
	return b.String()
}

// String is the stage, the message and the frames of the project's own files.
func (p Problem) String() string {
	what := p.Message
	if p.Type != "" {
		what = p.Type + ": " + p.Message
	}
	trace := strings.TrimRight(strings.TrimSuffix(strings.TrimRight(p.Traceback, "\n"), what), "\n")
	if trace != "" {
		trace = "\n  " + strings.ReplaceAll(trace, "\n", "\n  ")
	}
	return p.Stage + ": " + what + trace
}

// Hint is the next step where one is known.
func (e *ProjectError) Hint() string {
	_, next := e.Problems[0].Judge(e.Env)
	return next
}

// Inspect takes the snapshot of a project with the project's own interpreter. Where the project raises, the error is a *[ProjectError] and the
// snapshot holds what could be learnt all the same. The tree stays as it is.
func Inspect(ctx context.Context, p Project, py Python, o InspectOptions) (Snapshot, error) {
	snapshot, _, err := inspect(ctx, p, py, o)
	return snapshot, err
}

// inspect also tells what the snapshot depends on.
func inspect(ctx context.Context, p Project, py Python, o InspectOptions) (Snapshot, reads, error) {
	work, remove, err := scratch.New("", "inspect")
	if err != nil {
		return Snapshot{}, reads{}, fmt.Errorf("inspect project: %w", err)
	}
	defer remove()
	files := map[string][]byte{scriptFile: templates.Introspect(), watcherFile: templates.IntrospectReads(), loggingFile: templates.IntrospectLogging()}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(work, name), text, 0o600); err != nil {
			return Snapshot{}, reads{}, fmt.Errorf("inspect project: %w", err)
		}
	}
	o.Env = firstOf(o.Env, p.Env)
	runErr := runScript(ctx, p, py, o, work)
	snapshot, err := readSnapshot(filepath.Join(work, outFile), runErr)
	if err != nil {
		return Snapshot{}, reads{}, fmt.Errorf("inspect project with %s: %w", strings.Join(py.Command, " "), err)
	}
	if len(snapshot.Errors) > 0 {
		return snapshot, reads{}, &ProjectError{Env: o.Env, Problems: snapshot.Errors}
	}
	return snapshot, loadReads(filepath.Join(work, readsFile)), nil
}

// Files of one introspection, in a directory of its own.
const (
	scriptFile  = "introspect.py"
	watcherFile = "introspect_reads.py"
	loggingFile = "logging.yml"
	outFile     = "snapshot.json"
	readsFile   = "reads.json"

	pipelinesFile = "pipelines.json"
)

// crashLines is how much of what an interpreter last wrote to stderr an error shows.
const crashLines = 15

func runScript(ctx context.Context, p Project, py Python, o InspectOptions, work string) error {
	args := append(py.Command[1:len(py.Command):len(py.Command)],
		filepath.Join(work, scriptFile), "--out", filepath.Join(work, outFile), "--project", p.Dir, "--env", o.Env,
		"--reads", filepath.Join(work, readsFile))
	if o.pipelines != nil {
		text, err := json.Marshal(o.pipelines)
		if err == nil {
			err = os.WriteFile(filepath.Join(work, pipelinesFile), text, 0o600)
		}
		if err != nil {
			return err
		}
		args = append(args, "--pipelines", filepath.Join(work, pipelinesFile))
	}
	if o.Params != "" {
		args = append(args, "--params", o.Params)
	}
	command := exec.CommandContext(ctx, py.Command[0], args...)
	command.Dir = p.Dir
	command.Env = append(quietEnv(os.Environ()), "KEDRO_LOGGING_CONFIG="+filepath.Join(work, loggingFile))
	command.WaitDelay = time.Second // a grandchild that keeps stderr open must not hold us
	var stderr bytes.Buffer
	command.Stderr = &stderr
	err := command.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, lastLines(stderr.String(), crashLines))
	}
	return nil
}

// readSnapshot reads what the script wrote. The script exits with 1 when it found errors and wrote them down, so runErr counts only where
// there is no snapshot or nobody waits for it any more.
func readSnapshot(file string, runErr error) (Snapshot, error) {
	if errors.Is(runErr, context.Canceled) || errors.Is(runErr, context.DeadlineExceeded) {
		return Snapshot{}, runErr
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && runErr != nil {
		return Snapshot{}, runErr
	}
	if err != nil {
		return Snapshot{}, fmt.Errorf("the script left no snapshot: %w", err)
	}
	var snapshot Snapshot
	if err := json.Unmarshal(text, &snapshot); err != nil {
		return Snapshot{}, fmt.Errorf("read snapshot: %w", err)
	}
	return snapshot, nil
}
