package engine

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// Endpoint is the address of an engine and what named it.
type Endpoint struct {
	Host string // unix:///var/run/docker.sock
	From string // DOCKER_HOST, context NAME or default

	TLS        string // directory of ca.pem, cert.pem and key.pem, any of which may be absent; "" without TLS
	SkipVerify bool   // the engine's certificate is not looked at
}

// schemes are the ways to an engine that the client has.
var schemes = []string{"unix", "npipe", "tcp", "http"}

// Find finds the engine that the docker CLI would use: DOCKER_HOST, else the context that DOCKER_CONTEXT or Docker's config.json names, else the
// default socket. Engines that are reached by ssh are refused.
func Find() (Endpoint, error) {
	e, err := find()
	if err != nil {
		return Endpoint{}, fmt.Errorf("find the Docker Engine: %w", err)
	}
	at, err := url.Parse(e.Host)
	switch {
	case err != nil:
		return Endpoint{}, fmt.Errorf("find the Docker Engine: %s: %w", e.From, err)
	case at.Scheme == "ssh":
		return Endpoint{}, ui.WithHint(fmt.Errorf("the Docker Engine of %s is reached by ssh (%s), which kedroctl does not speak", e.From, e.Host), forwarding(at))
	case !slices.Contains(schemes, at.Scheme):
		return Endpoint{}, ui.WithHint(fmt.Errorf("the Docker Engine of %s has the address %q, which is none", e.From, e.Host),
			"give one such as unix:///var/run/docker.sock or tcp://HOST:2376, or unset it for the default")
	}
	if at.Scheme != "tcp" {
		e.TLS, e.SkipVerify = "", false // nobody listens in on a socket
	}
	return e, nil
}

// forwarding is the way round for an engine that is reached by ssh.
func forwarding(at *url.URL) string {
	to := at.Hostname()
	if at.User != nil {
		to = at.User.Username() + "@" + to
	}
	if at.Port() != "" {
		to = "-p " + at.Port() + " " + to
	}
	return fmt.Sprintf("forward its socket with 'ssh -fNL /tmp/docker.sock:%s %s' and set DOCKER_HOST=unix:///tmp/docker.sock; or let it listen on tcp with TLS",
		cmp.Or(at.Path, "/var/run/docker.sock"), to)
}

func find() (Endpoint, error) {
	dir, err := configDir()
	if err != nil {
		return Endpoint{}, err
	}
	if host := os.Getenv(client.EnvOverrideHost); host != "" {
		e := Endpoint{Host: host, From: client.EnvOverrideHost}
		if verify := os.Getenv(client.EnvTLSVerify) != ""; verify || os.Getenv("DOCKER_TLS") != "" {
			e.TLS, e.SkipVerify = cmp.Or(os.Getenv(client.EnvOverrideCertPath), dir), !verify
		}
		return e, nil
	}
	name := os.Getenv("DOCKER_CONTEXT")
	if name == "" {
		if name, err = currentContext(filepath.Join(dir, "config.json")); err != nil {
			return Endpoint{}, err
		}
	}
	if name == "" || name == "default" {
		return Endpoint{Host: client.DefaultDockerHost, From: "default"}, nil
	}
	e, err := contextEndpoint(filepath.Join(dir, "contexts"), name)
	if err != nil {
		return Endpoint{}, fmt.Errorf("docker context %q: %w", name, err)
	}
	return e, nil
}

func configDir() (string, error) {
	if dir := os.Getenv("DOCKER_CONFIG"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".docker"), err
}

func currentContext(file string) (string, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var config struct{ CurrentContext string }
	if err := json.Unmarshal(content, &config); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return config.CurrentContext, nil
}

// contextEndpoint reads a context's address. Docker keeps a context, and its certificates, in directories named by the SHA-256 of its name.
func contextEndpoint(dir, name string) (Endpoint, error) {
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	content, err := os.ReadFile(filepath.Join(dir, "meta", id, "meta.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return Endpoint{}, ui.WithHint(errors.New("there is no such context"), "'docker context ls' lists those that there are, 'docker context use' takes one")
	}
	if err != nil {
		return Endpoint{}, err
	}
	var meta struct {
		Endpoints map[string]struct {
			Host          string
			SkipTLSVerify bool
		}
	}
	if err := json.Unmarshal(content, &meta); err != nil {
		return Endpoint{}, err
	}
	docker := meta.Endpoints["docker"]
	if docker.Host == "" {
		return Endpoint{}, errors.New("it has no docker endpoint")
	}
	e := Endpoint{Host: docker.Host, From: "context " + name, SkipVerify: docker.SkipTLSVerify}
	certificates := filepath.Join(dir, "tls", id, "docker")
	if _, err := os.Stat(certificates); err == nil || e.SkipVerify {
		e.TLS = certificates
	}
	return e, nil
}
