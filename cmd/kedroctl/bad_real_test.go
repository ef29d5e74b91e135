//go:build real

package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

// tiny is a project that installs in seconds: two nodes and no datasets but those that kedroctl keeps. The first node takes as long as it is told.
var tiny = map[string]string{
	"pyproject.toml": `[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "tiny"
version = "0.1"
requires-python = ">=3.10"
dependencies = ["kedro~=1.7"]

[tool.kedro]
package_name = "tiny"
project_name = "Tiny"
kedro_init_version = "1.7.0"
`,
	"conf/base/parameters.yml":       "seconds: 0\n",
	"src/tiny/__init__.py":           "",
	"src/tiny/settings.py":           "",
	"src/tiny/pipelines/__init__.py": "",
	"src/tiny/pipeline_registry.py":  "from kedro.framework.project import find_pipelines\n\n\ndef register_pipelines():\n    pipelines = find_pipelines()\n    pipelines[\"__default__\"] = sum(pipelines.values())\n    return pipelines\n",
	"src/tiny/pipelines/sum/__init__.py": `import time

from kedro.pipeline import node, pipeline


def wait(seconds):
    time.sleep(seconds)
    return seconds


def create_pipeline(**kwargs):
    return pipeline([
        node(wait, "params:seconds", "waited", name="wait"),
        node(lambda waited: waited + 1, "waited", "sum", name="add"),
    ])
`,
}

// newTinyWorkshop is a workshop on the tiny project.
func newTinyWorkshop(t *testing.T) *workshop {
	t.Helper()
	w := newWorkshop(t)
	w.dir = filepath.Join(t.TempDir(), "tiny")
	w.global[1] = w.dir // after -C
	for name, text := range tiny {
		file := filepath.Join(w.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// TestRealBadInput has the bad input and the interrupts that take a Docker Engine. The cases share the project, so that its dependencies are installed
// once; each leaves its sources as they were.
func TestRealBadInput(t *testing.T) {
	w := newTinyWorkshop(t)
	w.do("init")
	t.Cleanup(w.removeImages)
	for _, c := range []struct {
		name string
		test func(*workshop)
	}{
		{"no base image", (*workshop).noBaseImage},
		{"dependencies that do not resolve", (*workshop).noResolution},
		{"a module that the image lacks", (*workshop).missingInImage},
		{"interrupted build", (*workshop).interruptedBuild},
		{"interrupted push", (*workshop).interruptedPush},
		{"interrupted run", (*workshop).interruptedRun},
	} {
		t.Run(c.name, func(t *testing.T) {
			inner := *w
			inner.t = t
			c.test(&inner)
		})
	}
}

func (w *workshop) noBaseImage() {
	stderr := w.refused(1, "build", "--set", "image.base=registry.invalid/none:1")
	w.wantWords(stderr, 6, "get base image registry.invalid/none:1: ", "kedroctl: hint: ", "docker pull registry.invalid/none:1")
}

func (w *workshop) noResolution() {
	w.edited("pyproject.toml", `"kedro~=1.7"`, `"kedro~=1.7", "kedro<1"`, func() {
		stderr := w.refused(1, "build")
		w.wantWords(stderr, 16, "resolve dependencies: pyproject.toml", "No solution found when resolving dependencies", "kedro<1", "unsatisfiable",
			"kedroctl: hint: ")
	})
}

// missingInImage: pytest is where the tests' interpreter is, and no dependency of the project.
func (w *workshop) missingInImage() {
	w.edited("src/tiny/pipelines/sum/__init__.py", "import time\n", "import time\n\nimport pytest\n", func() {
		for _, command := range []string{"deploy", "push"} { // the engine keeps the image, which must not leave it later
			stderr := w.refused(1, command)
			w.wantWords(stderr, 25, "No module named 'pytest'", "sum/__init__.py", "line 3",
				"kedroctl: hint: add the distribution that has the module pytest")
			if strings.Contains(stderr, "push  ") {
				w.t.Errorf("%s pushes an image that fails:\n%s", command, stderr)
			}
		}
	})
}

func (w *workshop) interruptedBuild() {
	w.interrupted("package    done", 500*time.Millisecond, "build")
	w.do("build")
}

func (w *workshop) interruptedPush() {
	w.do("provision")
	w.interrupted("try        done", 100*time.Millisecond, "push")
	w.do("push")
}

// interruptedRun: without a terminal an interrupt cancels the run. It comes once while the engine makes the container, and once while that runs.
func (w *workshop) interruptedRun() {
	w.do("deploy")
	before := w.files()
	for _, state := range []string{"STARTING", "RUNNING"} {
		c, s := w.start("run", "--params", "seconds=60")
		w.until(state, func() bool { return strings.Contains(s.String(), state) })
		w.wantWords(w.interrupt(c, s), 12, "cancelling run", "is cancelled")
		w.until("no container", func() bool { return len(w.containers()) == 0 })
		for _, j := range answer[jobs](w, "status").Jobs {
			if j.State != "FAILED" {
				w.t.Errorf("job %s is %s after the interrupt", j.Group, j.State)
			}
		}
	}
	w.wantFiles(before)
	w.wantSucceeded(answer[jobs](w, "run"), 1)
}

// refused runs a command that must fail, with the project as it was, and gives its story.
func (w *workshop) refused(code int, args ...string) string {
	w.t.Helper()
	before := w.files()
	got, stdout, stderr := w.try(args...)
	if got != code || stdout != "" {
		w.t.Errorf("exit code %d and %q on stdout, want %d and nothing", got, stdout, code)
	}
	w.wantFiles(before)
	return stderr
}

// wantWords wants a short story with some words in it.
func (w *workshop) wantWords(stderr string, maxLines int, words ...string) {
	w.t.Helper()
	if n := strings.Count(stderr, "\n"); n > maxLines {
		w.t.Errorf("%d lines on stderr, want at most %d:\n%s", n, maxLines, stderr)
	}
	for _, word := range words {
		if !strings.Contains(stderr, word) {
			w.t.Errorf("stderr lacks %q:\n%s", word, stderr)
		}
	}
}

// edited runs do while a file of the project has new in place of old.
func (w *workshop) edited(name, old, new string, do func()) {
	w.t.Helper()
	file := filepath.Join(w.dir, name)
	content, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	changed := strings.Replace(string(content), old, new, 1)
	if changed == string(content) {
		w.t.Fatalf("%s lacks %q", name, old)
	}
	w.write(file, []byte(changed))
	defer w.write(file, content)
	do()
}

func (w *workshop) write(file string, content []byte) {
	w.t.Helper()
	if err := os.WriteFile(file, content, 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// files is the content of every file of the project, without .kedroctl, which is kedroctl's own.
func (w *workshop) files() map[string]string {
	w.t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(w.dir), ".", func(name string, d fs.DirEntry, err error) error {
		if name == ".kedroctl" {
			return fs.SkipDir
		}
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(w.dir, name))
		files[name] = string(content)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return files
}

func (w *workshop) wantFiles(before map[string]string) {
	w.t.Helper()
	after := w.files()
	delete(after, project.OwnLock) // which a build keeps what it has resolved in
	delete(before, project.OwnLock)
	if diff := cmp.Diff(before, after); diff != "" {
		w.t.Errorf("the project's files changed (-before +after):\n%s", diff)
	}
}

// story is what a running command writes to stderr.
type story struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *story) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *story) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (w *workshop) start(args ...string) (*exec.Cmd, *story) {
	w.t.Helper()
	c, s := w.command(args...), &story{}
	c.Stderr = s
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Process.Kill() }) // does nothing after its end
	return c, s
}

// interrupted interrupts a command some time after it has said something. Nothing of the project may change.
func (w *workshop) interrupted(said string, after time.Duration, args ...string) {
	w.t.Helper()
	before := w.files()
	c, s := w.start(args...)
	w.until(said, func() bool { return strings.Contains(s.String(), said) })
	time.Sleep(after)
	w.wantWords(w.interrupt(c, s), 12, "kedroctl: error: interrupted")
	w.wantFiles(before)
}

// interrupt ends a command as Ctrl-C does and gives its story.
func (w *workshop) interrupt(c *exec.Cmd, s *story) string {
	w.t.Helper()
	sent := time.Now()
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		w.t.Fatal(err)
	}
	_ = c.Wait() // its exit code tells
	w.t.Logf("$ kedroctl %s\n%s", strings.Join(c.Args[1:], " "), s)
	if code := c.ProcessState.ExitCode(); code != 130 {
		w.t.Errorf("exit code %d, want 130", code)
	}
	if took := time.Since(sent); took > 45*time.Second {
		w.t.Errorf("it took %s to end", took)
	}
	return s.String()
}

func (w *workshop) until(what string, ok func() bool) {
	w.t.Helper()
	for range 600 {
		if ok() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.t.Fatalf("waited a minute for %s", what)
}

// containers are those of the jobs of this workshop's embedded AWS.
func (w *workshop) containers() []string {
	w.t.Helper()
	out, err := exec.Command("docker", "ps", "--all", "--quiet", "--filter", "label=kedroctl:local="+w.localDir).Output()
	if err != nil {
		w.t.Fatalf("docker ps: %v", err)
	}
	return strings.Fields(string(out))
}

// removeImages takes the tiny project's images out of the engine.
func (w *workshop) removeImages() {
	out, err := exec.Command("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "reference=tiny-batch", "--filter", "reference=*/tiny-batch").Output()
	if err != nil {
		w.t.Logf("docker images: %v", err)
	}
	for _, ref := range strings.Fields(string(out)) {
		_ = exec.Command("docker", "image", "rm", ref).Run()
	}
}
