//go:build real

package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/realtest"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// podmanParts are the parts with Podman in place of the Docker Engine.
func podmanParts(t *testing.T) parts {
	t.Helper()
	t.Setenv("DOCKER_HOST", realtest.Podman(t))
	return realParts(t)
}

// TestRealPodman takes a project from the tree to a registry with Podman: the same image by the same Dockerfile, tried, pushed, and found by its digest.
func TestRealPodman(t *testing.T) {
	r := podmanParts(t)
	p := r.miniature(t)
	s := r.inspect(t, p)
	spec := r.spec(t, p, s)
	spec.Revision = "0123abc"
	image, err := r.build(t, spec)
	if err != nil {
		t.Fatal(err)
	}
	if found, ok, err := r.engine.Lookup(t.Context(), p, spec.InputKey); !ok || err != nil || found.ID != image.ID {
		t.Errorf("look-up: %+v, %v, %v, built %s", found, ok, err, image.ID)
	}
	found, err := r.engine.docker.ImageInspect(t.Context(), image.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(labels(spec), ours(found.Config.Labels)); diff != "" || found.Architecture != "amd64" || found.Config.User != "10001:10001" {
		t.Errorf("image for %s, user %s, labels (-want +got):\n%s", found.Architecture, found.Config.User, diff)
	}
	if err := r.engine.Smoke(t.Context(), image, s, p.Settings); err != nil {
		t.Error(err)
	}
	first := r.layers(t, image)

	changeLine(t, p)
	changed, err := r.build(t, r.spec(t, p, s))
	if err != nil {
		t.Fatal(err)
	}
	if second := r.layers(t, changed); second[1] != first[1] || slices.Equal(first, second) {
		t.Errorf("a changed line made the layer of the dependencies anew, or none:\n%v\n%v", first, second)
	}

	repository := fakeECR(t, "123456789014")
	registry := login(t, "AWS:123456789014-auth-token")
	pushed, err := r.engine.Push(t.Context(), image, Target{Repository: repository, Tag: "key"}, registry, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ref, ok, err := registry.Find(t.Context(), repository, "key"); !ok || err != nil || ref != pushed.Ref {
		t.Errorf("the registry has %s, %v, %v, pushed %s", ref, ok, err, pushed.Ref)
	}
	if pushed.Sent != -1 {
		t.Errorf("%d bytes are said to be sent, though Podman tells of no layer", pushed.Sent)
	}
	again, err := r.engine.Push(t.Context(), image, Target{Repository: repository, Tag: "again"}, registry, nil)
	if err != nil || again.Ref != pushed.Ref {
		t.Errorf("pushed again: %+v, %v, before %+v", again, err, pushed)
	}

	broken := r.spec(t, p, s)
	broken.InputKey += "-broken"
	broken.Dependencies.pins = append(slices.Clone(broken.Dependencies.pins), pin{name: "kedroctl-no-such-distribution", line: "kedroctl-no-such-distribution==1"})
	_, err = r.build(t, broken)
	if err == nil || !strings.Contains(err.Error(), "install the dependencies of "+project.OwnLock+": No solution found") || !strings.Contains(ui.Hint(err), "exclude") {
		t.Errorf("dependency that is nowhere: %v, hint %s", err, ui.Hint(err))
	}
}

// ours are the labels that no builder adds by itself.
func ours(labels map[string]string) map[string]string {
	kept := map[string]string{}
	for name, value := range labels {
		if !strings.HasPrefix(name, "io.buildah.") {
			kept[name] = value
		}
	}
	return kept
}

// fakeECR is a registry that speaks TLS under ECR's name, for an account of its own, with one repository.
func fakeECR(t *testing.T, account string) (repository string) {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "../scripts/fake-ecr", dir, account).Output()
	if err != nil {
		realtest.Missing(t, "scripts/fake-ecr: "+err.Error())
	}
	t.Cleanup(func() {
		exec.Command("kill", strings.TrimSpace(read(t, filepath.Join(dir, "registry.pid")))).Run()
	})
	return strings.TrimSpace(string(out)) + "/mini"
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
