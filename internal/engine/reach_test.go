package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"testing"
)

// pulls is an engine that goes to the registry of the image that it is to pull, as far as get does.
func pulls(get func(registry string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.44")
		if image := r.URL.Query().Get("fromImage"); image != "" {
			get(image[:len(image)-len("/kedroctl/probe")])
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
}

func TestProbe(t *testing.T) {
	secure := func(registry string) {
		if conn, err := tls.Dial("tcp", registry, nil); err == nil {
			conn.Close()
		}
	}
	plain := func(registry string) {
		if answer, err := http.Get("http://" + registry + "/v2/"); err == nil {
			answer.Body.Close()
		}
	}
	for name, tt := range map[string]struct {
		get  func(string)
		want Reach
	}{
		"another loopback": {func(string) {}, Apart},
		"Podman":           {secure, Guarded},
		"Docker":           {func(registry string) { secure(registry); plain(registry) }, Direct},
	} {
		t.Run(name, func(t *testing.T) {
			docker, err := Endpoint{Host: socket(t, pulls(tt.get))}.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer docker.Close()
			if got, err := Probe(t.Context(), docker); got != tt.want || err != nil {
				t.Errorf("got %d, %v, want %d", got, err, tt.want)
			}
		})
	}
	docker, err := Endpoint{Host: "tcp://127.0.0.1:1"}.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer docker.Close()
	if _, err := Probe(t.Context(), docker); err == nil {
		t.Error("an engine that does not answer counts as one")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Probe(ctx, docker); !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: %v", err)
	}
}
