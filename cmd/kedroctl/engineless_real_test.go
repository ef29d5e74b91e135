//go:build real

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/realtest"
)

// TestRealDeployWithoutAnEngine makes an image where no engine answers, changes a line, and runs the image as a job.
func TestRealDeployWithoutAnEngine(t *testing.T) {
	source := filepath.Join("..", "..", "testdata", "projects", "flat")
	w := newWorkshopFor(t, source, realtest.Python(t), t.TempDir())
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	w.env = append(w.env, "PATH="+realtest.PythonOfBase(t)+":"+os.Getenv("PATH"), "UV_CACHE_DIR="+filepath.Join(cache, "uv"), "XDG_CACHE_HOME="+t.TempDir())
	w.global = append(w.global, "--set", "image.base="+realtest.ServeBase(t, "amd64"))
	w.do("init")
	w.do("provision") // starts the embedded AWS, which has an engine: it runs jobs
	engine := len(w.env)
	w.env = append(w.env, noEngine(t), "KEDROCTL_ENGINE=none")
	w.wantStory(`build +done`, `try +skipped .* no engine`, `push +done .* sent`)
	file := filepath.Join(w.dir, "flat", "__init__.py")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w.write(file, append(text, "\nCHANGED = True\n"...))
	story := w.wantStory(`build +done`, `push +done`)
	if !regexp.MustCompile(`push +done +\S+ +[1-4]?\d(\.\d)? kB sent`).MatchString(story) {
		t.Error("a changed line sent 50 kB or more")
	}
	w.wantStory(`image +unchanged`)
	w.env = w.env[:engine]
	first := answer[jobs](w, "run")
	w.wantSucceeded(first, 1)
	report := answer[jobs](w, "verify")
	if !report.OK {
		t.Errorf("verify: %+v", report)
	}
	w.compare(t, source, report)
}

// wantStory deploys, and looks for lines of what is told.
func (w *workshop) wantStory(lines ...string) string {
	w.t.Helper()
	code, _, story := w.try("deploy")
	if code != 0 {
		w.t.Fatalf("exit code %d", code)
	}
	for _, line := range lines {
		if !regexp.MustCompile(`(?m)^` + line).MatchString(story) {
			w.t.Errorf("no line %s in %s", line, strings.TrimSpace(story))
		}
	}
	return story
}
