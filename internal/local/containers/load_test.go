package containers

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/kedroctl/kedroctl/internal/engine"
)

// TestLoad gives an engine that does not reach the registry an image of it, once.
func TestLoad(t *testing.T) {
	images := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer images.Close()
	image, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewDigest(strings.TrimPrefix(images.URL, "http://") + "/own@" + digest.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	var known []string // names and ids that the engine has
	loads, fails := 0, false
	mux := http.NewServeMux()
	mux.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.44") })
	mux.HandleFunc("POST /{version}/images/load", func(w http.ResponseWriter, r *http.Request) {
		loads++
		if fails {
			io.WriteString(w, `{"errorDetail":{"message":"no space left on device"},"error":"no space left on device"}`)
			return
		}
		file := filepath.Join(t.TempDir(), "image.tar")
		content, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(file, content, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
		tag, err := name.NewTag(ref.Context().String() + ":sha256-" + digest.Hex)
		if err != nil {
			t.Error(err)
		}
		loaded, err := tarball.ImageFromPath(file, &tag)
		if err != nil {
			t.Error(err)
			return
		}
		if got, err := loaded.ConfigName(); err == nil {
			known = append(known, tag.String(), got.String())
		}
		io.WriteString(w, `{"stream":"Loaded image: `+tag.String()+`\n"}`)
	})
	mux.HandleFunc("GET /{version}/images/{name...}", func(w http.ResponseWriter, r *http.Request) {
		for _, have := range known {
			if r.PathValue("name") == have+"/json" {
				io.WriteString(w, `{"Id":"sha256:1"}`)
				return
			}
		}
		refuse(w, http.StatusNotFound, "No such image")
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	docker, err := engine.Endpoint{Host: "tcp://" + s.Listener.Addr().String()}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer docker.Close()

	fails = true
	if _, err := load(t.Context(), docker, ref.String(), "AWS", "word"); err == nil || !strings.Contains(err.Error(), "into the engine: no space left on device") {
		t.Errorf("an engine without room: %v", err)
	}
	fails = false
	for range 2 {
		got, err := load(t.Context(), docker, ref.String(), "AWS", "word")
		if err != nil || got != known[0] && got != known[1] {
			t.Errorf("loaded %s, %v, the engine has %v", got, err, known)
		}
	}
	if loads != 2 {
		t.Errorf("loaded %d times, want once and the failure", loads)
	}
}
