package build

import (
	"io"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// TestPlatformOfTheBuilder has a builder of one platform: what runs on another is refused before anything is sent, and what only copies is not.
func TestPlatformOfTheBuilder(t *testing.T) {
	p := &podman{}
	e := dialPodman(t, p)
	for platform, want := range map[string]bool{"linux/amd64": true, "linux/arm64": false, "linux/arm64/v8": false, "linux/x86_64": true} {
		if runs, err := e.Runs(t.Context(), platform); runs != want || err != nil {
			t.Errorf("%s: %v, %v", platform, runs, err)
		}
	}
	s := podmanSpec(t)
	s.Project.Settings.Image.Platform = "linux/arm64"
	if _, err := e.Build(t.Context(), s, io.Discard); err != nil || len(p.files) == 0 {
		t.Errorf("without Debian packages: %v", err)
	}
	clear(p.files)
	s.Project.Settings.Image.SystemPackages = []string{"libgomp1"}
	_, err := e.Build(t.Context(), s, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "install Debian packages for linux/arm64: the engine runs only linux/amd64") ||
		!strings.Contains(ui.Hint(err), "tonistiigi/binfmt") || len(p.files) > 0 {
		t.Errorf("with Debian packages: %v, hint %s, %d files sent", err, ui.Hint(err), len(p.files))
	}
}
