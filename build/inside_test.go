package build

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// TestWhatKilledCommandsLeft: the next container takes those of killed commands away, and no other.
func TestWhatKilledCommandsLeft(t *testing.T) {
	var mu sync.Mutex
	var asked, removed []string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1.41/containers/json", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.URL.Query().Get("filters"))
		_ = json.NewEncoder(w).Encode([]container.Summary{
			{ID: "old", Created: time.Now().Add(-2 * time.Hour).Unix()}, {ID: "young", Created: time.Now().Add(-time.Minute).Unix()},
		})
	})
	mux.HandleFunc("POST /v1.41/containers/create", func(w http.ResponseWriter, r *http.Request) {
		var config container.Config
		if err := json.NewDecoder(r.Body).Decode(&config); err != nil || !hasKey(config.Labels, labelInside) {
			t.Errorf("a container is made with %+v, %v", config, err)
		}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(container.CreateResponse{ID: "new"})
	})
	mux.HandleFunc("DELETE /v1.41/containers/{id}", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		removed = append(removed, r.PathValue("id"))
		w.WriteHeader(http.StatusNoContent)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	docker, err := client.New(client.WithHost("tcp://"+strings.TrimPrefix(server.URL, "http://")), client.WithAPIVersion("1.41"))
	if err != nil {
		t.Fatal(err)
	}
	defer docker.Close()
	e := &Engine{docker: docker}
	id, remove, err := e.inside(t.Context(), container.Config{Image: "image"})
	if err != nil || id != "new" {
		t.Fatalf("container %q, %v", id, err)
	}
	if !slices.Equal(removed, []string{"old"}) {
		t.Errorf("removed are %q", removed)
	}
	if remove(); !slices.Equal(removed, []string{"old", "new"}) {
		t.Errorf("removed are %q", removed)
	}
	if len(asked) != 1 || !strings.Contains(asked[0], labelInside) || strings.Contains(asked[0], "running") {
		t.Errorf("looked for %q", asked)
	}
}

func hasKey(labels map[string]string, key string) bool {
	_, ok := labels[key]
	return ok
}
