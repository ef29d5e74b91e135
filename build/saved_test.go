package build

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// keeper is as much of an engine as a push asks for: it has one image, and gets to registries on this machine's loopback by get.
func keeper(t *testing.T, image v1.Image, get func(registry string)) *Engine {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.41") })
	mux.HandleFunc("POST /v1.41/images/create", func(w http.ResponseWriter, r *http.Request) {
		get(strings.TrimSuffix(r.URL.Query().Get("fromImage"), "/kedroctl/probe"))
		w.WriteHeader(http.StatusInternalServerError)
	})
	mux.HandleFunc("GET /v1.41/images/get", func(w http.ResponseWriter, r *http.Request) {
		tag, err := name.NewTag(r.URL.Query().Get("names"))
		if err == nil {
			err = tarball.Write(tag, image, w)
		}
		if err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("POST /v1.41/images/{name}/tag", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /v1.41/images/{name...}", func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(`{"errorDetail":{"message":"the engine pushes by itself"}}` + "\n"))
	})
	return dialFake(t, mux)
}

// TestPushToTheLoopback has engines that reach a registry on this machine's loopback, and those that don't.
func TestPushToTheLoopback(t *testing.T) {
	image, err := random.Image(2000, 3)
	if err != nil {
		t.Fatal(err)
	}
	repository := serveRegistry(t, "word") + "/demo"
	registry := login(t, "AWS:word")
	to := Target{Repository: repository, Tag: "key"}

	apart := keeper(t, image, func(string) {})
	var last LayerEvent
	pushed, err := apart.Push(t.Context(), Image{ID: "sha256:1", Ref: "demo:key"}, to, registry, func(e LayerEvent) { last = e })
	if err != nil || !pushed.Apart || pushed.Sent < 6000 || last.Done == 0 || last.Total != pushed.Sent {
		t.Errorf("an engine elsewhere: %+v, %v, last progress %+v", pushed, err, last)
	}
	if ref, ok, err := registry.Find(t.Context(), repository, "key"); !ok || err != nil || ref != pushed.Ref {
		t.Errorf("the registry has %s, %v, %v, pushed %s", ref, ok, err, pushed.Ref)
	}
	again, err := apart.Push(t.Context(), Image{ID: "sha256:1", Ref: "demo:key"}, to, registry, nil)
	if err != nil || again.Ref != pushed.Ref || again.Sent > 2000 {
		t.Errorf("pushed again: %+v, %v", again, err)
	}

	here := keeper(t, image, func(registry string) {
		if answer, err := http.Get("http://" + registry + "/v2/"); err == nil {
			answer.Body.Close()
		}
	})
	_, err = here.Push(t.Context(), Image{ID: "sha256:1", Ref: "demo:key"}, to, registry, nil)
	if err == nil || !strings.Contains(err.Error(), "push "+repository+":key: the engine pushes by itself") {
		t.Errorf("an engine of this machine: %v", err)
	}
}
