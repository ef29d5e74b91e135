//go:build real

package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/realtest"
)

// TestRealPushOverTLS pushes to a registry that speaks TLS under ECR's name, with certificates that only Docker's directory has.
func TestRealPushOverTLS(t *testing.T) {
	r := realParts(t)
	if os.Getuid() != 0 {
		realtest.Missing(t, "not root: no registry under ECR's name")
	}
	// The last digit of the account makes a host of its own: other tests may have a stand-in, but not on this port at the same time.
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "../scripts/fake-ecr", dir, "123456789013").Output()
	if err != nil {
		realtest.Missing(t, "scripts/fake-ecr: "+err.Error())
	}
	t.Cleanup(func() {
		pid, _ := os.ReadFile(filepath.Join(dir, "registry.pid"))
		exec.Command("kill", strings.TrimSpace(string(pid))).Run()
	})
	found, err := r.engine.docker.ImageInspect(t.Context(), r.base)
	if err != nil {
		realtest.Missing(t, err.Error())
	}
	repository := strings.TrimSpace(string(out)) + "/base"
	t.Cleanup(func() {
		exec.Command("docker", "image", "rm", repository+":key").Run()
	})
	registry := login(t, "AWS:123456789013-auth-token") // as moto makes them
	if _, ok, err := registry.Find(t.Context(), repository, "key"); ok || err != nil {
		t.Fatalf("before the push: %v, %v", ok, err)
	}
	var layers int
	pushed, err := r.engine.Push(t.Context(), Image{ID: found.ID, Ref: r.base}, Target{Repository: repository, Tag: "key"}, registry,
		func(e LayerEvent) {
			if e.State == "Pushed" {
				layers++
			}
		})
	if err != nil {
		t.Fatal(err)
	}
	if ref, ok, err := registry.Find(t.Context(), repository, "key"); !ok || err != nil || ref != pushed.Ref {
		t.Errorf("after the push: %s, %v, %v, want %s", ref, ok, err, pushed.Ref)
	}
	if layers == 0 || pushed.Sent < 1e6 {
		t.Errorf("%d layers, %d bytes sent", layers, pushed.Sent)
	}
	_, err = r.engine.Push(t.Context(), Image{ID: found.ID, Ref: r.base}, Target{Repository: repository, Tag: "key"}, login(t, "AWS:wrong"), nil)
	if err == nil || !strings.Contains(err.Error(), "push "+repository+":key: ") {
		t.Errorf("wrong password: %v", err)
	}
	t.Logf("wrong password: %v", err)
}
