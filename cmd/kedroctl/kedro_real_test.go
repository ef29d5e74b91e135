//go:build real

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/realtest"
)

// TestRealKedroVersions takes two small projects through every Kedro and Python that scripts/test-real (the oldest Kedro; all other tests have the newest)
// or scripts/test-long (all pairs) has made. There are no kedro-datasets in these environments.
func TestRealKedroVersions(t *testing.T) {
	localDir := t.TempDir()
	for _, python := range realtest.Kedros(t) {
		version := kedroVersion(t, python)
		for _, name := range []string{"custom", "namespaces"} {
			t.Run(filepath.Base(filepath.Dir(filepath.Dir(python)))+"/"+name, func(t *testing.T) {
				source := projectOfKedro(t, filepath.Join("..", "..", "testdata", "projects", name), version)
				w := newWorkshopFor(t, source, python, localDir)
				w.env = append(w.env, noEngine(t))
				w.do("init")
				if plan := w.do("plan"); w.keptSnapshot() && plan != w.do("plan") {
					t.Error("another plan from the snapshot that was kept")
				}
				w.wantSucceeded(answer[jobs](w, "run", "--no-image"), shapes[name].jobs)
				report := answer[jobs](w, "verify")
				if !report.OK {
					t.Errorf("verify: %+v", report)
				}
				w.compare(t, source, report)
			})
		}
	}
}

// keptSnapshot says whether the next plan needs no Python.
func (w *workshop) keptSnapshot() bool {
	w.t.Helper()
	_, _, story := w.try("plan", "--verbose")
	kept := strings.Contains(story, "nothing has changed that the last snapshot depends on")
	if !kept {
		w.t.Error("the project is introspected again, though nothing has changed")
	}
	return kept
}

func kedroVersion(t *testing.T, python string) string {
	t.Helper()
	out, err := exec.Command(python, "-c", "import kedro; print(kedro.__version__)").Output()
	if err != nil {
		t.Fatalf("%s: %v", python, err)
	}
	return strings.TrimSpace(string(out))
}

var kedroInit = regexp.MustCompile(`kedro_init_version = ".*"`)

// projectOfKedro is a copy of a project that says it is of a version of Kedro, which the oldest ones insist on.
func projectOfKedro(t *testing.T, source, version string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), filepath.Base(source))
	copyTree(t, source, dir)
	file := filepath.Join(dir, "pyproject.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = kedroInit.ReplaceAll(text, []byte(`kedro_init_version = "`+version+`"`))
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}
