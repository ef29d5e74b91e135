//go:build real

package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

// newerRoot names the root directory of a Debian with a newer Docker Engine, which scripts/test-long makes.
const newerRoot = "KEDROCTL_TEST_NEWER_ROOT"

// TestRealNewerEngine builds, tries and pushes with a newer engine, on both of its image stores.
func TestRealNewerEngine(t *testing.T) {
	root := os.Getenv(newerRoot)
	if root == "" {
		t.Skip("SKIPPED: scripts/test-long runs it with a newer engine")
	}
	for store, flags := range map[string]string{"graph driver": "", "containerd store": " --feature containerd-snapshotter=true"} {
		t.Run(store, func(t *testing.T) { onEngine(t, "ROOT="+root, "DOCKERD_FLAGS=--insecure-registry 10.199.0.0/16"+flags) })
	}
}

// onEngine takes a project from the tree to a registry that the engine reaches, and changes a line on the way.
func onEngine(t *testing.T, settings ...string) {
	host, address := realtest.StartApart(t, settings...)
	t.Setenv("DOCKER_HOST", host)
	r := realParts(t)
	version, err := r.engine.docker.ServerVersion(t.Context(), client.ServerVersionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("Docker Engine %s, API %s", version.Version, version.APIVersion)
	p := r.miniature(t)
	s := r.inspect(t, p)
	spec := r.spec(t, p, s)
	image, err := r.build(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.engine.Smoke(t.Context(), image, s, p.Settings); err != nil {
		t.Error(err)
	}
	repository := serveRegistryAt(t, address, "word") + "/mini"
	registry := login(t, "AWS:word")
	first, err := r.engine.Push(t.Context(), image, Target{Repository: repository, Tag: spec.InputKey}, registry, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ref, ok, err := registry.Find(t.Context(), repository, spec.InputKey); !ok || err != nil || ref != first.Ref {
		t.Errorf("the registry has %s, %v, %v, pushed %s", ref, ok, err, first.Ref)
	}
	changeLine(t, p)
	spec = r.spec(t, p, s)
	changed, err := r.build(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.engine.Push(t.Context(), changed, Target{Repository: repository, Tag: spec.InputKey}, registry, nil)
	if err != nil || second.Sent > 50e3 || second.Ref == first.Ref {
		t.Errorf("after a changed line: pushed %+v, %v, before %+v", second, err, first)
	}
	t.Logf("first push %d bytes, after a changed line %d", first.Sent, second.Sent)
}

// changeLine changes one line of a node of the miniature.
func changeLine(t *testing.T, p project.Project) {
	t.Helper()
	const file = "src/mini/pipelines/a/nodes.py"
	write(t, p.Dir, map[string]string{file: strings.Replace(read(t, filepath.Join(p.Dir, file)), "2 * x", "x + x", 1)})
}
