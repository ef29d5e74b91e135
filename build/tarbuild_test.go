package build

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/image"

	"github.com/kedroctl/kedroctl/internal/engine"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// podman is as much of a Podman as a build asks for: no BuildKit, and a builder that says what it is told to.
type podman struct {
	says   []string // lines of the build, as Podman's builder writes them
	fails  string   // its error in the end
	files  map[string]tar.Header
	query  url.Values
	before func() // called when the build has begun; may be nil
}

// dialPodman serves a Podman on a socket.
func dialPodman(t *testing.T, p *podman) *Engine {
	t.Helper()
	p.files = map[string]tar.Header{}
	mux := http.NewServeMux()
	mux.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.41") })
	mux.HandleFunc("GET /v1.41/version", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"Os":"linux","Arch":"amd64"}`) })
	mux.HandleFunc("POST /v1.41/build", func(w http.ResponseWriter, r *http.Request) {
		p.query = r.URL.Query()
		for archive := tar.NewReader(r.Body); ; {
			header, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Error(err)
				return
			}
			p.files[header.Name] = *header
		}
		if p.before != nil {
			w.(http.Flusher).Flush()
			p.before()
			<-r.Context().Done()
			return
		}
		for _, line := range p.says {
			json.NewEncoder(w).Encode(map[string]string{"stream": line + "\n"})
		}
		if p.fails != "" {
			json.NewEncoder(w).Encode(map[string]any{"errorDetail": map[string]string{"message": p.fails}, "error": p.fails})
		}
	})
	mux.HandleFunc("GET /v1.41/images/{name}/json", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(image.InspectResponse{ID: "sha256:1", Size: 42})
	})
	return dialFake(t, mux)
}

// dialFake serves what stands in for an engine on a socket.
func dialFake(t *testing.T, h http.Handler) *Engine {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "engine.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	s.Start()
	t.Cleanup(s.Close)
	docker, err := engine.Endpoint{Host: "unix://" + socket}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{docker: docker}
	t.Cleanup(func() { e.Close() })
	return e
}

// podmanSpec is what to build of the fixture.
func podmanSpec(t *testing.T) Spec {
	t.Helper()
	p, s := fixture(t)
	return Spec{
		Project: p, Snapshot: s, Wheel: wheelOf(t, map[string]string{"demo/__init__.py": "", "demo-0.1.dist-info/METADATA": ""}), InputKey: "key", Revision: "0123abc",
		Dependencies: Dependencies{Source: project.OwnLock, pins: readPins("kedro==1.7.0")},
	}
}

func TestTarBuild(t *testing.T) {
	p := &podman{says: []string{"[1/6] STEP 1/4: FROM python:3.12-slim AS tools", "Successfully built 1"}}
	var story strings.Builder
	built, err := dialPodman(t, p).Build(t.Context(), podmanSpec(t), &story)
	if err != nil || built.ID != "sha256:1" || built.Size != 42 || built.Ref != "demo:key" {
		t.Fatalf("%+v, %v", built, err)
	}
	if !strings.Contains(story.String(), "STEP 1/4: FROM python:3.12-slim AS tools\n") {
		t.Errorf("story: %s", story.String())
	}
	for _, name := range []string{"Dockerfile", "dependencies-*/requirements.txt", "root-*/app/conf/base/catalog.yml"} {
		h, ok := matching(p.files, name)
		if !ok || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Mode != 0o644 {
			t.Errorf("%s in the archive: %v, %+v", name, ok, h)
		}
	}
	for name := range p.files {
		if strings.Contains(name, "local") || strings.Contains(name, "credentials/") {
			t.Errorf("%s was sent", name)
		}
	}
	if got := fmt.Sprint(p.query["t"], p.query["platform"]); got != "[demo:key] [linux/amd64]" || !strings.Contains(p.query["labels"][0], `"kedroctl.input-key":"key"`) {
		t.Errorf("query: %v", p.query)
	}
}

func matching(files map[string]tar.Header, pattern string) (tar.Header, bool) {
	for name, h := range files {
		if ok, _ := path.Match(pattern, name); ok {
			return h, true
		}
	}
	return tar.Header{}, false
}

// TestKeyMounts has what keeps Podman's builder from taking a step for done whose files have changed: another text for each content.
func TestKeyMounts(t *testing.T) {
	s := podmanSpec(t)
	lines := func() []string {
		dir := t.TempDir()
		l, err := s.layout(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if unkeyed, err := keyMounts(l); unkeyed || err != nil {
			t.Fatal(unkeyed, err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
		if err != nil {
			t.Fatal(err)
		}
		var mounts []string
		for _, m := range bindMount.FindAllStringSubmatch(string(text), -1) {
			mounts = append(mounts, m[1])
			if _, err := os.Stat(filepath.Join(dir, m[1])); err != nil {
				t.Errorf("a mount of what is not there: %v", err)
			}
		}
		return mounts
	}
	first, second := lines(), lines()
	if !slices.Equal(first, second) || len(first) < 4 {
		t.Errorf("mounts of the same context: %v, %v", first, second)
	}
	write(t, s.Project.Dir, map[string]string{"conf/base/catalog.yml": "b: {type: pandas.CSVDataset, filepath: data/b.csv}\n"})
	third := lines()
	for i := range first {
		if (first[i] == third[i]) == strings.HasPrefix(first[i], "root-") {
			t.Errorf("after a change of the configuration: %s, before %s", third[i], first[i])
		}
	}
}

// TestTarBuildErrors has what Podman 4.3.1 writes when a step fails.
func TestTarBuildErrors(t *testing.T) {
	tests := []struct {
		name       string
		podman     podman
		want, hint string
	}{
		{"dependencies", podman{
			says: []string{"[1/6] STEP 1/4: FROM python:3.12-slim AS tools", "[2/6] STEP 1/2: FROM 0f018a3512a0 AS dependencies", "[2/6] STEP 2/2: RUN --mount=type=cache uv pip install; echo \"it\"",
				"  × No solution found when resolving dependencies:", "  ╰─▶ Because nothing-like-it was not found in the package registry, we can conclude that your requirements are unsatisfiable.",
				"[3/6] STEP 1/2: FROM 0f018a3512a0 AS boot"}, // stages take turns
			fails: `building at STEP "RUN --mount=type=cache     uv pip install; echo "it"": while running runtime: exit status 1`,
		}, "install the dependencies of requirements.kedroctl.lock: No solution found when resolving dependencies:\nBecause nothing-like-it", "exclude"},
		{"base image", podman{
			says:  []string{"[1/6] STEP 1/4: FROM registry.invalid/python:3.12-slim AS tools", "Trying to pull registry.invalid/python:3.12-slim..."},
			fails: `creating build container: initializing source docker://registry.invalid/python:3.12-slim: pinging container registry registry.invalid: dial tcp: no such host`,
		}, "get base image python:3.12-slim: creating build container: ", "name another image"},
		{"last stage", podman{
			says:  []string{"[6/6] STEP 1/17: FROM python:3.12-slim", "[6/6] STEP 2/17: RUN apt-get update", "E: Unable to locate package libnone1"},
			fails: `building at STEP "RUN apt-get update": while running runtime: exit status 100`,
		}, "RUN apt-get update: E: Unable to locate package libnone1", ""},
		{"nothing is said", podman{fails: "Error: no space left on device"}, "the engine's disk is full: Error: no space left on device", "docker builder prune"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := dialPodman(t, &tt.podman).Build(t.Context(), podmanSpec(t), io.Discard)
			if err == nil || !strings.Contains(err.Error(), "build image: "+tt.want) || !strings.Contains(ui.Hint(err), tt.hint) {
				t.Errorf("error: %v\nhint: %s", err, ui.Hint(err))
			}
		})
	}
}

func TestTarBuildEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := dialPodman(t, &podman{before: cancel}).Build(ctx, podmanSpec(t), io.Discard)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}
}

// TestTarBuildOfOwnDockerfile sends what the project's own Dockerfile may see, and trusts no step that sees a directory to be done.
func TestTarBuildOfOwnDockerfile(t *testing.T) {
	for text, nocache := range map[string]string{
		"FROM python:3.12-slim\nCOPY src /src\n":                                                    "",
		"FROM python:3.12-slim\nRUN --mount=type=bind,source=src,target=/build cp -R /build /src\n": "1",
	} {
		p := &podman{}
		s := podmanSpec(t)
		s.Project.Settings.Image.Dockerfile = "docker/Dockerfile"
		write(t, s.Project.Dir, map[string]string{"docker/Dockerfile": text})
		if _, err := dialPodman(t, p).Build(t.Context(), s, io.Discard); err != nil {
			t.Fatal(err)
		}
		if file, got := p.query.Get("dockerfile"), p.query.Get("nocache"); file != ".kedroctl/image/Dockerfile" || got != nocache {
			t.Errorf("Dockerfile %s, nocache %q, want %q", file, got, nocache)
		}
		for name, want := range map[string]bool{"src/demo/nodes.py": true, ".kedroctl/image/Dockerfile": true, "conf/local/credentials.yml": false, ".env": false} {
			if h, sent := p.files[name]; sent != want || sent && h.Uid != 0 {
				t.Errorf("%s was sent: %v, %+v", name, sent, h)
			}
		}
	}
}
