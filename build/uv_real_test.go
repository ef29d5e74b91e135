//go:build real

package build

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestRealFindUVFromTheIndex(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("PATH", "")
	for range 2 {
		program, err := FindUV(t.Context(), t.TempDir(), os.Getenv)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), program, "--version").Output()
		if err != nil || !strings.HasPrefix(string(out), "uv "+uvVersion) {
			t.Errorf("%s: %v", out, err)
		}
	}
}
