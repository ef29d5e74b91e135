package build

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// dockerConfig writes Docker's configuration with one context.
func dockerConfig(t *testing.T, current, name, host string) string {
	t.Helper()
	dir := t.TempDir()
	id := sha256.Sum256([]byte(name))
	write(t, dir, map[string]string{
		"config.json": `{"currentContext": "` + current + `"}`,
		filepath.Join("contexts/meta", hex.EncodeToString(id[:]), "meta.json"): `{"Name": "` + name + `", "Endpoints": {"docker": {"Host": "` + host + `"}}}`,
	})
	return dir
}

func TestFindEndpoint(t *testing.T) {
	const rootless = "unix:///run/user/1000/docker.sock"
	tests := []struct {
		name, hostVar, contextVar, current string
		want                               Endpoint
	}{
		{"nothing set", "", "", "", Endpoint{"unix:///var/run/docker.sock", "default"}},
		{"default context", "", "", "default", Endpoint{"unix:///var/run/docker.sock", "default"}},
		{"current context", "", "", "rootless", Endpoint{rootless, "context rootless"}},
		{"context by variable", "", "rootless", "other", Endpoint{rootless, "context rootless"}},
		{"host before context", "unix:///x.sock", "rootless", "rootless", Endpoint{"unix:///x.sock", "DOCKER_HOST"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("DOCKER_CONFIG", dockerConfig(t, tt.current, "rootless", rootless))
			t.Setenv("DOCKER_HOST", tt.hostVar)
			t.Setenv("DOCKER_CONTEXT", tt.contextVar)
			if got, err := FindEndpoint(); err != nil || got != tt.want {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

func TestFindEndpointErrors(t *testing.T) {
	tests := []struct{ name, host, want, hint string }{
		{"ssh", "ssh://me@build.example", "reached by ssh", "forward its socket"},
		{"tcp", "tcp://build.example:2376", "reached by tcp", "forward its socket"},
		{"context without an address", "", "no docker endpoint", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("DOCKER_CONFIG", dockerConfig(t, "remote", "remote", tt.host))
			t.Setenv("DOCKER_HOST", "")
			t.Setenv("DOCKER_CONTEXT", "")
			_, err := FindEndpoint()
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "context") || !strings.Contains(ui.Hint(err), tt.hint) {
				t.Errorf("error %v, hint %q", err, ui.Hint(err))
			}
		})
	}
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv("DOCKER_CONTEXT", "gone")
	t.Setenv("DOCKER_HOST", "")
	if _, err := FindEndpoint(); err == nil || !strings.Contains(err.Error(), `docker context "gone"`) {
		t.Errorf("context that is not there: %v", err)
	}
}

func TestDialWithoutAnEngine(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "docker.sock"))
	_, err := Dial(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no Docker Engine answers at unix://") || !strings.Contains(ui.Hint(err), "start Docker") {
		t.Errorf("error %v, hint %q", err, ui.Hint(err))
	}
}
