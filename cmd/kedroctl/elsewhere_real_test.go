//go:build real

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/realtest"
)

// TestRealEngines runs the tiny project on engines that do not reach the registry of the embedded AWS by themselves. The image is built once, by the engine
// of this machine, and given to them: how they build is tested elsewhere.
func TestRealEngines(t *testing.T) {
	w := newTinyWorkshop(t)
	w.do("init")
	image := answer[struct{ Ref string }](w, "build").Ref
	t.Cleanup(w.removeImages)
	saved := filepath.Join(t.TempDir(), "image.tar")
	w.docker("save", "--output", saved, image)

	for _, tt := range []struct {
		name   string
		engine func(*testing.T) string
		warns  bool
	}{
		{"an engine that is not on this machine", func(t *testing.T) string { host, _ := realtest.StartApart(t); return host }, true},
		{"Podman", func(t *testing.T) string { return realtest.Podman(t) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inner := *w
			inner.t, inner.localDir = t, t.TempDir()
			inner.env = []string{"KEDROCTL_LOCAL_DIR=" + inner.localDir, "DOCKER_HOST=" + tt.engine(t)}
			t.Cleanup(func() { inner.command("local", "stop").Run() })
			inner.docker("load", "--input", saved)
			inner.jobsElsewhere(tt.warns)
		})
	}
}

// docker runs Docker's own command line with the engine of the workshop.
func (w *workshop) docker(args ...string) string {
	w.t.Helper()
	c := exec.Command("docker", args...)
	c.Env = append(os.Environ(), w.env...)
	out, err := c.CombinedOutput()
	if err != nil {
		w.t.Fatalf("docker %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// jobsElsewhere deploys, and runs jobs that save to and load from S3.
func (w *workshop) jobsElsewhere(warns bool) {
	code, _, story := w.try("deploy")
	if code != 0 {
		w.t.Fatalf("deploy: exit code %d", code)
	}
	if !strings.Contains(story, "build      unchanged") {
		w.t.Errorf("the image was built again:\n%s", story)
	}
	if got := strings.Contains(story, "the engine is not on this machine"); got != warns {
		w.t.Errorf("the story warns: %v, want %v", got, warns)
	}
	j := answer[jobs](w, "run", "--group-by", "node")
	w.wantSucceeded(j, 2)
	if report := answer[jobs](w, "verify"); !report.OK || report.Run != j.Run {
		w.t.Errorf("verify: %+v", report)
	}
	if left := strings.Fields(w.docker("ps", "--all", "--quiet", "--filter", "label=kedroctl:local="+w.localDir)); len(left) > 0 {
		w.t.Errorf("containers left: %v", left)
	}
}
