//go:build real

package build

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/realtest"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// parts are what the tests here need: an engine with a base image and a Python with Kedro.
type parts struct {
	engine *Engine
	python []string
	base   string
}

func realParts(t *testing.T) parts {
	t.Helper()
	python := realtest.Python(t)
	engine, err := Dial(t.Context())
	if err != nil {
		realtest.Missing(t, err.Error())
	}
	t.Cleanup(func() { engine.Close() })
	return parts{engine: engine, python: []string{python}, base: realtest.Base()}
}

// miniature is a Kedro project of two pipelines that needs nothing but Kedro.
func (r parts) miniature(t *testing.T) project.Project {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mini")
	write(t, dir, map[string]string{
		"pyproject.toml": `[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "mini"
version = "0.1"
requires-python = ">=3.10"
dependencies = ["kedro~=1.0"]
[tool.kedro]
package_name = "mini"
project_name = "Mini"
kedro_init_version = "1.7.0"
[tool.kedroctl.image]
exclude = ["kedro-telemetry"]
base = "` + r.base + `"
`,
		"src/mini/__init__.py":             "",
		"src/mini/__main__.py":             "",
		"src/mini/settings.py":             "",
		"src/mini/pipeline_registry.py":    "from kedro.framework.project import find_pipelines\n\n\ndef register_pipelines():\n    pipelines = find_pipelines(raise_errors=True)\n    pipelines[\"__default__\"] = sum(pipelines.values())\n    return pipelines\n",
		"src/mini/pipelines/__init__.py":   "",
		"src/mini/pipelines/a/__init__.py": "from .nodes import create_pipeline  # noqa: F401\n",
		"src/mini/pipelines/a/nodes.py":    "from kedro.pipeline import Pipeline, node\n\n\ndef double(x):\n    return 2 * x\n\n\ndef create_pipeline(**_):\n    return Pipeline([node(double, \"x\", \"y\", name=\"double\")])\n",
		"conf/base/catalog.yml":            "x: {type: pickle.PickleDataset, filepath: data/x.pkl}\n",
		"conf/base/credentials.yml":        "dev: {secret: PLANTED}\n",
		"conf/aws_batch/parameters.yml":    "a: 1\n",
		"conf/local/parameters.yml":        "a: PLANTED\n",
		"conf/logging.yml":                 "version: 1\n",
	})
	p, err := project.Load(dir, project.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (r parts) inspect(t *testing.T, p project.Project) project.Snapshot {
	t.Helper()
	s, err := project.Inspect(t.Context(), p, project.Python{Command: r.python}, project.InspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (r parts) resolver(p project.Project) Resolver {
	return Resolver{
		Project: p, Host: r.python, Getenv: os.Getenv,
		Base: func(ctx context.Context) (Base, error) { return r.engine.Base(ctx, p) },
	}
}

func (r parts) resolve(t *testing.T, p project.Project) Dependencies {
	t.Helper()
	deps, err := r.resolver(p).Resolve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return deps
}

// spec packages a project and says what to build.
func (r parts) spec(t *testing.T, p project.Project, s project.Snapshot) Spec {
	t.Helper()
	deps := r.resolve(t, p)
	key, err := InputKey(p, s)
	if err != nil {
		t.Fatal(err)
	}
	w, err := Package(t.Context(), p, r.python)
	if err != nil {
		t.Fatal(err)
	}
	return Spec{Project: p, Snapshot: s, Wheel: w, InputKey: key, Dependencies: deps}
}

func (r parts) build(t *testing.T, s Spec) (Image, error) {
	t.Helper()
	image, err := r.engine.Build(t.Context(), s, t.Output())
	if err == nil {
		t.Cleanup(func() {
			r.engine.docker.ImageRemove(context.Background(), image.ID, client.ImageRemoveOptions{Force: true}) // with all its names
		})
	}
	return image, err
}

func (r parts) layers(t *testing.T, image Image) []string {
	t.Helper()
	found, err := r.engine.docker.ImageInspect(t.Context(), image.ID)
	if err != nil {
		t.Fatal(err)
	}
	return found.RootFS.Layers
}

func TestRealPackageIsReproducibleAndLeavesNothing(t *testing.T) {
	r := realParts(t)
	p := r.miniature(t)
	tree := func() string {
		var names []string
		for _, pattern := range []string{"*", "*/*", "*/*/*", "*/*/*/*"} {
			found, _ := filepath.Glob(filepath.Join(p.Dir, pattern))
			names = append(names, slices.DeleteFunc(found, func(name string) bool { return strings.Contains(name, ".kedroctl") })...)
		}
		return strings.Join(names, "\n")
	}
	before := tree()
	first, err := Package(t.Context(), p, r.python)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, tree()); diff != "" {
		t.Errorf("packaging changed the tree:\n%s", diff)
	}
	second, err := Package(t.Context(), p, r.python)
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Errorf("two wheels of the same sources: %+v and %+v", first, second)
	}
}

func TestRealPackageErrors(t *testing.T) {
	r := realParts(t)
	p := r.miniature(t)
	write(t, p.Dir, map[string]string{"setup.py": "raise RuntimeError('no wheel today')\n"})
	_, err := Package(t.Context(), p, r.python)
	if err == nil || !strings.Contains(err.Error(), "no wheel today") || strings.Contains(err.Error(), "Traceback") || strings.Count(err.Error(), "\n") > maxMessage {
		t.Errorf("backend that raises: %v", err)
	}
	plain, lookErr := exec.LookPath("/usr/bin/python3")
	if lookErr != nil {
		t.Skip("SKIPPED: no Python without Kedro")
	}
	_, err = Package(t.Context(), p, []string{plain})
	if err == nil || !strings.Contains(err.Error(), "No module named kedro") || ui.Hint(err) == "" {
		t.Errorf("no Kedro: %v, hint %q", err, ui.Hint(err))
	}
}

// TestRealImage takes one project from the tree to the registry, and changes it on the way.
func TestRealImage(t *testing.T) {
	r := realParts(t)
	p := r.miniature(t)
	s := r.inspect(t, p)
	spec := r.spec(t, p, s)
	image, err := r.build(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	first := r.layers(t, image)
	if len(image.Left) != 1 || image.Left[0].Path != "conf/base/credentials.yml" {
		t.Errorf("left out: %+v", image.Left)
	}
	if err := r.engine.Smoke(t.Context(), image, s, p.Settings); err != nil {
		t.Error(err)
	}
	r.checkContent(t, image)
	repository := serveRegistry(t, "word") + "/mini"
	registry := login(t, "AWS:word")
	push := func(image Image) Pushed {
		t.Helper()
		pushed, err := r.engine.Push(t.Context(), image, Target{Repository: repository, Tag: image.InputKey}, registry, nil)
		if err != nil {
			t.Fatal(err)
		}
		return pushed
	}
	cold := push(image)
	if ref, ok, err := registry.Find(t.Context(), repository, spec.InputKey); !ok || err != nil || ref != cold.Ref {
		t.Errorf("the registry has %s, %v, %v, pushed %s", ref, ok, err, cold.Ref)
	}

	t.Run("nothing changed", func(t *testing.T) {
		again, err := r.build(t, r.spec(t, p, s))
		if err != nil {
			t.Fatal(err)
		}
		if again.ID != image.ID {
			t.Errorf("another image: %s, before %s", again.ID, image.ID)
		}
		if found, ok, err := r.engine.Lookup(t.Context(), p, spec.InputKey); !ok || err != nil || found.ID != image.ID {
			t.Errorf("look-up: %+v, %v, %v", found, ok, err)
		}
		if pushed := push(again); pushed.Ref != cold.Ref || pushed.Sent > 10e3 {
			t.Errorf("pushed %+v, before %+v", pushed, cold)
		}
	})
	t.Run("one line changed", func(t *testing.T) {
		file := filepath.Join(p.Dir, "src/mini/pipelines/a/nodes.py")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, p.Dir, map[string]string{"src/mini/pipelines/a/nodes.py": strings.Replace(string(text), "2 * x", "x + x", 1)})
		changed, err := r.build(t, r.spec(t, p, s))
		if err != nil {
			t.Fatal(err)
		}
		second := r.layers(t, changed)
		var different []int
		for i := range first {
			if first[i] != second[i] {
				different = append(different, len(first)-i)
			}
		}
		if len(different) != 1 || different[0] != 3 { // the wheel's, before the configuration's and that of WORKDIR
			t.Errorf("layers that changed, from the end: %v", different)
		}
		if pushed := push(changed); pushed.Sent > 50e3 || pushed.Ref == cold.Ref {
			t.Errorf("pushed %+v: more than 50 kB", pushed)
		}
		t.Logf("cold %d bytes", cold.Sent)
	})
	t.Run("a module that the image lacks", func(t *testing.T) {
		write(t, p.Dir, map[string]string{"src/mini/pipelines/a/__init__.py": "import pytest\n\nfrom .nodes import create_pipeline  # noqa: F401\n"})
		broken, err := r.build(t, r.spec(t, p, s))
		if err != nil {
			t.Fatal(err)
		}
		err = r.engine.Smoke(t.Context(), broken, s, p.Settings)
		var failure *SmokeError
		if !errors.As(err, &failure) || !strings.Contains(err.Error(), "No module named 'pytest'") || !strings.Contains(err.Error(), "pipelines/a/__init__.py") {
			t.Errorf("smoke test: %v", err)
		}
		if !strings.Contains(ui.Hint(err), "pytest") {
			t.Errorf("hint: %s", ui.Hint(err))
		}
	})
}

// checkContent looks into an image as a container's user sees it.
func (r parts) checkContent(t *testing.T, image Image) {
	t.Helper()
	script := `id -u; grep -rl PLANTED / --exclude-dir=proc --exclude-dir=sys 2>/dev/null
find /app -type f | sort; find /app /srv/kedro -newermt 1981-01-01 | head; find /app /build /srv /tmp -name '*.whl' 2>/dev/null
python -c 'import importlib.util as u; print(bool(u.find_spec("kedro_telemetry")), u.find_spec("kedro").cached.startswith("/srv"))'
python -v -c 'import asyncio, email.parser, inspect' 2>&1 | grep -c '^# code object from /' # compiled just now
touch /app/info.log && echo writable`
	out, err := exec.CommandContext(t.Context(), "docker", "run", "--rm", "--network", "none", image.Ref, "sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := "10001\n/app/conf/aws_batch/parameters.yml\n/app/conf/base/catalog.yml\n/app/conf/logging.yml\nFalse True\n0\nwritable\n"
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("content of the image (-want +got):\n%s", diff)
	}
}

func TestRealUncachedBuildsAreEqual(t *testing.T) {
	r := realParts(t)
	p := r.miniature(t)
	spec := r.spec(t, p, r.inspect(t, p))
	image, err := r.build(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	first := r.layers(t, image)
	p.Settings.Image.Platform = "linux/amd64"
	dir := t.TempDir()
	l, err := newLayout(t.Context(), dir, spec)
	if err != nil {
		t.Fatal(err)
	}
	// A comment in the first steps makes all others run again.
	text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	now := ": " + time.Now().Format(time.RFC3339Nano) + "; "
	write(t, dir, map[string]string{"Dockerfile": strings.NewReplacer("pip install --quiet --no-cache-dir --target", now+"pip install --quiet --no-cache-dir --target",
		"python3 -I", now+"python3 -I").Replace(string(text))})
	spec.InputKey += "-again"
	if err := r.engine.solve(t.Context(), spec, l, t.Output()); err != nil {
		t.Fatal(err)
	}
	again, _, err := r.engine.Lookup(t.Context(), p, spec.InputKey)
	if err != nil {
		t.Fatal(err)
	}
	defer r.engine.docker.ImageRemove(context.Background(), again.Ref, client.ImageRemoveOptions{Force: true})
	if diff := cmp.Diff(first, r.layers(t, again)); diff != "" {
		t.Errorf("layers of an uncached build (-first +second):\n%s", diff)
	}
}

func TestRealBuildErrors(t *testing.T) {
	r := realParts(t)
	tests := []struct {
		name       string
		change     func(*project.Project)
		want, hint string
	}{
		{"dependency that is nowhere", func(p *project.Project) { p.Dependencies = []string{"kedro~=1.0", "kedroctl-no-such-distribution>=1"} },
			"resolve dependencies: pyproject.toml for linux/amd64 and Python 3.", "exclude"},
		{"contradiction", func(p *project.Project) { p.Dependencies = []string{"kedro==1.7.0", "kedro<1.7"} }, "unsatisfiable", "exclude"},
		{"base image that is nowhere", func(p *project.Project) { p.Settings.Image.Base = "registry.invalid/python:3.12-slim" },
			"get base image registry.invalid/python:3.12-slim: ", "docker pull"},
		{"other Python", func(p *project.Project) {
			file := filepath.Join(p.Dir, "pyproject.toml")
			text, _ := os.ReadFile(file)
			os.WriteFile(file, []byte(strings.Replace(string(text), ">=3.10", ">=3.8,<3.15,!="+strings.Split(strings.TrimSuffix(r.base, "-slim"), ":")[1]+".*", 1)), 0o644)
		}, "install the project's wheel: ERROR: Package 'mini' requires a different Python", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := r.miniature(t)
			s := r.inspect(t, p)
			tt.change(&p)
			_, err := r.resolver(p).Resolve(t.Context())
			if err == nil {
				_, err = r.build(t, r.spec(t, p, s))
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(ui.Hint(err), tt.hint) || strings.Count(err.Error(), "\n") > maxMessage {
				t.Errorf("error: %v\nhint: %s", err, ui.Hint(err))
			}
			t.Logf("error: %v", err)
		})
	}
}

func TestRealCancelEndsTheBuildInTheEngine(t *testing.T) {
	r := realParts(t)
	p := r.miniature(t)
	spec := r.spec(t, p, r.inspect(t, p))
	dir := t.TempDir()
	l, err := newLayout(t.Context(), dir, spec)
	if err != nil {
		t.Fatal(err)
	}
	mark := "4242.4242"
	write(t, dir, map[string]string{"Dockerfile": "FROM " + r.base + "\nRUN echo started " + time.Now().String() + " && sleep " + mark + "\n"})
	ctx, cancel := context.WithCancel(t.Context())
	started := &signalWriter{mark: "started ", seen: make(chan struct{})}
	go func() {
		<-started.seen
		cancel()
	}()
	err = r.engine.solve(ctx, spec, l, started)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}
	for range 50 {
		if err := exec.Command("pgrep", "-f", "^sleep "+mark).Run(); err != nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("the step still runs in the engine")
}

// signalWriter closes seen when a line begins with a mark after the step's number and time.
type signalWriter struct {
	mark string
	seen chan struct{}
	done bool
}

func (w *signalWriter) Write(p []byte) (int, error) {
	if !w.done && strings.Contains(string(p), w.mark+"20") && !strings.Contains(string(p), "RUN") {
		w.done = true
		close(w.seen)
	}
	return len(p), nil
}

func TestRealImageFromUVLockWithExtraAndSystemPackages(t *testing.T) {
	r := realParts(t)
	p := r.miniature(t)
	tools := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), r.python[0], "-m", "pip", "install", "-q", "--target", tools, "uv").CombinedOutput(); err != nil {
		realtest.Missing(t, "no uv: "+string(out))
	}
	file := filepath.Join(p.Dir, "pyproject.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	declared := strings.Replace(string(text), `"kedro~=1.0"]`, `"kedro~=1.0", "s3fs>=2024.6", "six==1.16.0"]
[project.optional-dependencies]
tools = ["toolz==0.12.1"]
docs = ["iniconfig"]`, 1)
	write(t, p.Dir, map[string]string{"pyproject.toml": declared})
	lock := exec.CommandContext(t.Context(), filepath.Join(tools, "bin", "uv"), "lock", "--python", r.python[0])
	lock.Dir = p.Dir
	if out, err := lock.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p.Settings.Image.SystemPackages, p.Settings.Image.Extras = []string{"libgomp1"}, []string{"tools"}
	s := r.inspect(t, p)
	image, err := r.build(t, r.spec(t, p, s))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.engine.Smoke(t.Context(), image, s, p.Settings); err != nil {
		t.Error(err)
	}
	script := "dpkg-query -Wf '${Status}\n' libgomp1; cd /srv/kedro/dependencies; ls -d six-*.dist-info toolz-*.dist-info cloudpickle; ls -d kedro_telemetry iniconfig 2>&1"
	out, err := exec.CommandContext(t.Context(), "docker", "run", "--rm", "--network", "none", image.Ref, "sh", "-c", script).CombinedOutput()
	want := "install ok installed\ncloudpickle\nsix-1.16.0.dist-info\ntoolz-0.12.1.dist-info\n" +
		"ls: cannot access 'kedro_telemetry': No such file or directory\nls: cannot access 'iniconfig': No such file or directory\n"
	if err == nil || string(out) != want {
		t.Errorf("%v: %s", err, out)
	}
}
