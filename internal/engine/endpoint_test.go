package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// dockerConfig writes Docker's configuration with one context.
func dockerConfig(t *testing.T, current, name, host string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "config.json"), `{"currentContext": "`+current+`"}`)
	write(t, filepath.Join(dir, "contexts/meta", contextID(name), "meta.json"), `{"Name": "`+name+`", "Endpoints": {"docker": {"Host": "`+host+`"}}}`)
	return dir
}

func contextID(name string) string {
	id := sha256.Sum256([]byte(name))
	return hex.EncodeToString(id[:])
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// settings are Docker's variables, all others unset.
func settings(t *testing.T, values map[string]string) {
	t.Helper()
	for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "DOCKER_TLS", "DOCKER_API_VERSION"} {
		t.Setenv(name, values[name])
	}
}

func TestFind(t *testing.T) {
	const rootless = "unix:///run/user/1000/docker.sock"
	const remote = "tcp://build.example:2376"
	tests := []struct {
		name, current, host string // the context that is current, the address of the one that there is
		env                 map[string]string
		want                Endpoint // DIR stands for Docker's configuration directory
	}{
		{"nothing set", "", rootless, nil, Endpoint{Host: "unix:///var/run/docker.sock", From: "default"}},
		{"default context", "default", rootless, nil, Endpoint{Host: "unix:///var/run/docker.sock", From: "default"}},
		{"current context", "mine", rootless, nil, Endpoint{Host: rootless, From: "context mine"}},
		{"context by variable", "other", rootless, map[string]string{"DOCKER_CONTEXT": "mine"}, Endpoint{Host: rootless, From: "context mine"}},
		{"host before context", "mine", rootless, map[string]string{"DOCKER_HOST": "unix:///x.sock", "DOCKER_CONTEXT": "mine"}, Endpoint{Host: "unix:///x.sock", From: "DOCKER_HOST"}},
		{"host without TLS", "", rootless, map[string]string{"DOCKER_HOST": remote, "DOCKER_CERT_PATH": "/certs"}, Endpoint{Host: remote, From: "DOCKER_HOST"}},
		{"host with TLS", "", rootless, map[string]string{"DOCKER_HOST": remote, "DOCKER_CERT_PATH": "/certs", "DOCKER_TLS_VERIFY": "1"},
			Endpoint{Host: remote, From: "DOCKER_HOST", TLS: "/certs"}},
		{"host with Docker's own certificates", "", rootless, map[string]string{"DOCKER_HOST": remote, "DOCKER_TLS_VERIFY": "1"},
			Endpoint{Host: remote, From: "DOCKER_HOST", TLS: "DIR"}},
		{"host with TLS that is not verified", "", rootless, map[string]string{"DOCKER_HOST": remote, "DOCKER_CERT_PATH": "/certs", "DOCKER_TLS": "1"},
			Endpoint{Host: remote, From: "DOCKER_HOST", TLS: "/certs", SkipVerify: true}},
		{"socket where TLS is set", "", rootless, map[string]string{"DOCKER_HOST": rootless, "DOCKER_TLS_VERIFY": "1"}, Endpoint{Host: rootless, From: "DOCKER_HOST"}},
		{"context with TLS", "mine", remote, nil, Endpoint{Host: remote, From: "context mine", TLS: "DIR/contexts/tls/" + contextID("mine") + "/docker"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			settings(t, tt.env)
			dir := dockerConfig(t, tt.current, "mine", tt.host)
			t.Setenv("DOCKER_CONFIG", dir)
			if strings.Contains(tt.want.TLS, "contexts") {
				write(t, filepath.Join(dir, "contexts/tls", contextID("mine"), "docker/ca.pem"), "")
			}
			tt.want.TLS = strings.Replace(tt.want.TLS, "DIR", dir, 1)
			if got, err := Find(); err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestFindErrors(t *testing.T) {
	tests := []struct{ name, current, host, want, hint string }{
		{"ssh", "mine", "ssh://me@build.example:2222", "context mine is reached by ssh (ssh://me@build.example:2222)",
			"ssh -fNL /tmp/docker.sock:/var/run/docker.sock -p 2222 me@build.example'"},
		{"ssh with a socket", "mine", "ssh://build.example/run/podman/podman.sock", "reached by ssh", "ssh -fNL /tmp/docker.sock:/run/podman/podman.sock build.example'"},
		{"no address", "mine", "build.example:2376", `context mine has the address "build.example:2376", which is none`, "unix:///var/run/docker.sock"},
		{"context without an address", "mine", "", `docker context "mine": it has no docker endpoint`, ""},
		{"context that is not there", "gone", "", `docker context "gone": there is no such context`, "docker context ls"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			settings(t, map[string]string{"DOCKER_CONFIG": dockerConfig(t, tt.current, "mine", tt.host)})
			_, err := Find()
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(ui.Hint(err), tt.hint) {
				t.Errorf("error %v, hint %q", err, ui.Hint(err))
			}
		})
	}
}
