//go:build real

package project

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kedroctl/kedroctl/internal/realtest"
)

// kedroPython is a Python with Kedro and the example's dependencies.
func kedroPython(t *testing.T) Python {
	t.Helper()
	python, err := FindPython(t.Context(), Project{Dir: t.TempDir()}, realtest.Python(t), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	return python
}

// copyExample copies examples/spaceflights, so that a test may write into it.
func copyExample(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "spaceflights")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "examples", "spaceflights"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRealInitAndInspect(t *testing.T) {
	python := kedroPython(t)
	dir := copyExample(t)
	take := func(ctx context.Context, env string) (Snapshot, error) {
		return Inspect(ctx, mustLoad(t, dir, LoadOptions{}), python, InspectOptions{Env: env})
	}
	before, err := take(t.Context(), "base")
	if err != nil {
		t.Fatal(err)
	}
	got, err := initialise(t, dir, "", InitOptions{Catalog: true, Snapshot: take})
	if err != nil || got[catalogFile] != Written {
		t.Fatalf("%v %v", err, got)
	}
	files := tree(t, dir)
	after, err := take(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	// Kedro itself now resolves every dataset to the place that S3Key names, and nothing is left in memory.
	for _, name := range usedDatasets(after) {
		want := "s3://kedro-spaceflights-abababab/" + S3Key(before.Datasets[name].Path)
		if before.Datasets[name].Path == "" {
			want = "s3://kedro-spaceflights-abababab/memory/" + name + ".pkl"
		}
		if path := after.Datasets[name].Path; path != want {
			t.Errorf("%s: %s, want %s", name, path, want)
		}
	}
	if diff := cmp.Diff(before.Pipelines, after.Pipelines); diff != "" {
		t.Error(diff)
	}
	again, err := initialise(t, dir, "", InitOptions{Catalog: true, Snapshot: take})
	if diff := cmp.Diff(files, tree(t, dir)); err != nil || diff != "" {
		t.Errorf("second run: %v %v\n%s", err, again, diff)
	}
}

// TestRealCache: the second snapshot of the example is the first one, and nothing of what introspection does is doubtful there.
func TestRealCache(t *testing.T) {
	python := kedroPython(t)
	c := Cache{Project: mustLoad(t, copyExample(t), LoadOptions{Env: "base"}), Flag: python.Command[0], Getenv: os.Getenv}
	cold, why, err := c.Inspect(t.Context(), python, InspectOptions{})
	if err != nil || why != "" {
		t.Fatal(why, err)
	}
	again, _, hit := c.Find(t.Context(), InspectOptions{})
	if diff := cmp.Diff(cold, again, cmpopts.EquateEmpty()); !hit || diff != "" {
		t.Errorf("found: %v\n%s", hit, diff)
	}
	write(t, c.Project.Dir, "src/spaceflights/settings.py", "CONF_SOURCE = 'conf'\n")
	if _, _, hit := c.Find(t.Context(), InspectOptions{}); hit {
		t.Error("the snapshot of other sources is given")
	}
}

func TestRealProjectErrors(t *testing.T) {
	python := kedroPython(t)
	dir := copyExample(t)
	p := mustLoad(t, dir, LoadOptions{})
	_, err := Inspect(t.Context(), p, python, InspectOptions{})
	if project, ok := errors.AsType[*ProjectError](err); !ok || !strings.Contains(project.Hint(), "kedroctl init --env aws_batch") {
		t.Errorf("environment absent: %v", err)
	}
	registry := filepath.Join(p.SourceDir, p.Package, "pipeline_registry.py")
	write(t, registry, "", "def register_pipelines():\n    return helper()\n\ndef helper():\n    raise RuntimeError('no pipelines today')\n")
	_, err = Inspect(t.Context(), p, python, InspectOptions{Env: "base"})
	if project, ok := errors.AsType[*ProjectError](err); !ok || !strings.Contains(err.Error(), "pipelines: RuntimeError: no pipelines today\n") ||
		!strings.Contains(err.Error(), "pipeline_registry.py\", line 5") || strings.Contains(err.Error(), "site-packages") {
		t.Errorf("registry raises: %v %v", project, err)
	}
}

func TestRealEditsPleasePython(t *testing.T) {
	python := kedroPython(t)
	dir := copyExample(t)
	if _, err := initialise(t, dir, "", InitOptions{Region: "eu-west-1"}); err != nil {
		t.Fatal(err)
	}
	script := `import sys, pathlib
from kedro.framework.startup import bootstrap_project
from kedro.utils import is_kedro_project
assert is_kedro_project(sys.argv[1])
bootstrap_project(pathlib.Path(sys.argv[1]))`
	if out, err := exec.CommandContext(t.Context(), python.Command[0], "-c", script, dir).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
