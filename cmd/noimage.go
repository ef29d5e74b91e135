package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/engine"
	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/containers"
	"github.com/kedroctl/kedroctl/internal/local/process"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
	"github.com/kedroctl/kedroctl/run"
)

// undeployed prepares a run of the project as it is, on the embedded AWS: it makes what a deployment would, with a directory in place of the image. No
// deployment is recorded, so that a run without --no-image never finds this one.
func (d *deps) undeployed(c *cli.Context) (run.Clients, run.Input, error) {
	if !d.flags.local {
		return run.Clients{}, run.Input{}, ui.WithHint(usageError{errors.New("--no-image is for the embedded AWS alone")},
			"add --local to try the project here, or 'kedroctl deploy' it to run it on AWS")
	}
	t, err := d.unpackedTarget(c)
	if err != nil {
		return run.Clients{}, run.Input{}, err
	}
	dep, err := t.assemble(c.Context, d.term.Tasks(), t.unpacked)
	if err != nil {
		return run.Clients{}, run.Input{}, err
	}
	dep.ID = dep.Image
	d.term.Line("no image: each job is a process of the project's interpreter; its memory is not limited")
	clients, err := d.runClients(c.Context, &t.project)
	return clients, runInput(t.plan, t.snapshot, dep, t.spec), err
}

// unpackedTarget is what the flags select of the project as it is, with the stack for it.
func (d *deps) unpackedTarget(c *cli.Context) (*target, error) {
	p, err := d.initialized()
	if err != nil {
		return nil, err
	}
	pl, s, err := d.plan(c.Context, p, plan.Options{Selection: selection(c), Sandbox: c.String("sandbox")}, c.String("params"))
	if err != nil {
		return nil, err
	}
	pl, begun, err := d.unpackedMissing(c, p, s, pl)
	if err != nil {
		return nil, err
	}
	if err := d.findings(pl, true); err != nil {
		return nil, err
	}
	t, err := d.sourceOf(c.Context, p, pl, s)
	if err != nil {
		return nil, err
	}
	t.begun = begun
	t.force = true // as it is, with its data
	for i := range t.plan.Groups {
		t.plan.Groups[i].Resources.Memory = leastMemory
	}
	return t, t.connect(c.Context)
}

// unpackedMissing narrows a plan where the flag says so.
func (d *deps) unpackedMissing(c *cli.Context, p project.Project, s project.Snapshot, whole plan.Plan) (plan.Plan, []string, error) {
	if !c.Bool(onlyMissingFlag) {
		return whole, nil, nil
	}
	clients, err := d.runClients(c.Context, &p)
	if err != nil {
		return whole, nil, err
	}
	pl, begun, err := d.onlyMissing(c, p.Settings, plan.Options{Project: p.Name, Selection: whole.Selection, Params: paramNames(c.String("params"))}, s, clients, whole)
	if err == nil {
		pl.Findings, err = treeFindings(p, s, pl)
	}
	return pl, begun, err
}

// leastMemory is what Batch takes at least, MiB. As nothing limits the processes, none is to wait until the machine has the memory that it may use.
const leastMemory = 4

// unpacked is what stands in for the image of the project as it is: in the state of the embedded AWS already, or put there.
func (t *target) unpacked(ctx context.Context, tasks *ui.Tasks, _ func() (provision.Repository, error)) (string, error) {
	k := tasks.Start("unpack")
	ref, found, err := t.unpack(ctx)
	switch {
	case err != nil:
		k.Failed()
		return "", err
	case found:
		k.Unchanged("%s", ref)
	default:
		k.Done("%s", ref)
	}
	return ref, t.tellLeftOut("the image", t.project, t.snapshot)
}

// unpack lays out the project for the interpreter that it is worked on with. The reference names all that jobs see.
func (t *target) unpack(ctx context.Context) (ref string, found bool, err error) {
	python, err := t.interpreter(ctx, t.project)
	if err != nil {
		return "", false, err
	}
	interpreter, err := python.Describe(ctx, os.Environ())
	if err != nil {
		return "", false, err
	}
	env := hostEnv(t.getenv, interpreter)
	key, err := keyOf(t.key, interpreter.Path, env)
	if err != nil {
		return "", false, err
	}
	state := local.Dir(t.project.Dir, t.getenv)
	if ref, found := process.Find(state, key); found {
		return ref, true, nil
	}
	dir, err := process.NewDir(state)
	if err != nil {
		return "", false, err
	}
	u, err := build.Unpack(dir, t.project, t.snapshot)
	if err != nil {
		return "", false, errors.Join(err, os.RemoveAll(dir))
	}
	maps.Copy(env, u.Env)
	if err := t.checkModules(ctx, interpreter.Path, env); err != nil {
		return "", false, errors.Join(err, os.RemoveAll(dir))
	}
	ref, err = process.Save(state, key, process.Image{Dir: dir, Python: interpreter.Path, App: u.App, Env: env})
	return ref, false, err
}

// checkModules looks for what each job imports, in the environment of jobs.
func (t *target) checkModules(ctx context.Context, path string, env map[string]string) error {
	modules := []string{t.project.Package, "s3fs"}
	if slices.ContainsFunc(t.plan.Datasets, func(d plan.Dataset) bool { return d.Action == plan.Persist }) {
		modules = append(modules, "cloudpickle")
	}
	var list []string
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	in, err := project.Python{Command: []string{path}}.Describe(ctx, list, modules...)
	if err != nil || len(in.Missing) == 0 {
		return err
	}
	return ui.WithHint(fmt.Errorf("%s cannot import what jobs need: %s", path, strings.Join(in.Missing, ", ")),
		fmt.Sprintf("'%s -m pip install %s'; an image gets them by itself", path, strings.Join(in.Missing, " ")))
}

// hostVariables are those that programs need to find their parts on this machine. Nothing else of the user's environment reaches jobs.
var hostVariables = []string{
	"PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "VIRTUAL_ENV", "CONDA_PREFIX",
	"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH",
}

// hostEnv has the interpreter's own directory first on PATH, as an image has. Jobs have another HOME: the user's own packages are found all the same.
func hostEnv(getenv func(string) string, in project.Interpreter) map[string]string {
	env := map[string]string{"PYTHONUSERBASE": in.UserBase}
	for _, name := range hostVariables {
		if value := getenv(name); value != "" {
			env[name] = value
		}
	}
	env["PATH"] = filepath.Dir(in.Path) + string(filepath.ListSeparator) + env["PATH"]
	return env
}

func keyOf(values ...any) (string, error) {
	text, err := json.Marshal(values) // with the keys of maps in order
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), err
}

// jobRunners runs jobs in containers, and those without an image as processes, which want no Docker Engine.
func jobRunners(state string) local.MakeRunner {
	return func(ctx context.Context, info local.Info) (local.JobRunner, func(), error) {
		others, end, err := containerRunner(state)(ctx, info)
		if err != nil {
			return nil, nil, err
		}
		processes := process.New(state, others)
		return processes, func() { processes.Close(); end() }, nil
	}
}

func containerRunner(state string) local.MakeRunner {
	at, err := engine.Find()
	if err != nil {
		return func(context.Context, local.Info) (local.JobRunner, func(), error) {
			return noEngine{err}, func() {}, nil
		}
	}
	return containers.Maker(at, state)
}

// noEngine starts no container.
type noEngine struct{ why error }

func (n noEngine) Start(_ batch.Attempt, e batch.Events) func() {
	e.Done(batch.NotStarted("CannotStartContainerError: " + n.why.Error()))
	return func() {}
}
