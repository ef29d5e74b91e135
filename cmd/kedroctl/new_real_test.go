//go:build real

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/project/edit"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

// TestRealNewProject takes what 'kedro new' makes, under a name of two words, with the code and data of the example, to verified outputs: init is all that
// is done to it.
func TestRealNewProject(t *testing.T) {
	python := realtest.Python(t)
	dir := newKedroProject(t, python, "New Flights")
	addExample(t, dir, "new_flights")
	w := newWorkshopFor(t, dir, python, t.TempDir())
	w.env = append(w.env, noEngine(t))
	w.do("init", "--yes")
	first := answer[jobs](w, "run", "--no-image")
	w.wantSucceeded(first, 3)
	report := answer[jobs](w, "verify")
	if !report.OK || report.Run != first.Run {
		t.Errorf("verify: %+v", report)
	}
	w.compare(t, dir, report)
	wantUntouched(t, w.dir)
}

// newKedroProject is the template that the kedro package carries: no tools, no example, and so no starter from a git host.
func newKedroProject(t *testing.T, python, name string) string {
	t.Helper()
	parent := t.TempDir()
	c := exec.Command(python, "-m", "kedro", "new", "--name", name, "--tools", "none", "--example", "n")
	c.Dir = parent
	c.Env = append(os.Environ(), "DO_NOT_TRACK=1")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("kedro new: %v\n%s", err, out)
	}
	made, err := filepath.Glob(filepath.Join(parent, "*", project.Pyproject))
	if err != nil || len(made) != 1 {
		t.Fatalf("kedro new made %v, %v", made, err)
	}
	return filepath.Dir(made[0])
}

// addExample adds the example's pipelines, parameters, catalog, raw data and dependencies to a project that has none yet.
func addExample(t *testing.T, dir, pkg string) {
	t.Helper()
	example := filepath.Join("..", "..", "examples", "spaceflights")
	for from, to := range map[string]string{"src/spaceflights/pipelines": "src/" + pkg + "/pipelines", "conf/base": "conf/base", "data": "data"} {
		err := filepath.WalkDir(filepath.Join(example, from), func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			rel, err := filepath.Rel(filepath.Join(example, from), path)
			if err != nil {
				return err
			}
			return copyFile(path, filepath.Join(dir, to, rel))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	p, err := project.Load(example, project.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, project.Pyproject)
	text, err := os.ReadFile(file)
	for _, requirement := range p.Dependencies {
		var edited string
		if err == nil {
			edited, err = edit.Append(string(text), []string{"project"}, "dependencies", requirement)
			text = []byte(edited)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// copyFile copies over what is there.
func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}
