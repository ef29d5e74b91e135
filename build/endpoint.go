package build

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// Endpoint is the address of a Docker Engine and what named it.
type Endpoint struct {
	Host string // unix:///var/run/docker.sock
	From string // DOCKER_HOST, context NAME or default
}

// FindEndpoint finds the engine that the docker CLI would use: DOCKER_HOST, else the context that DOCKER_CONTEXT or Docker's config.json names, else
// the default socket. Engines that are not reached by a unix socket are refused.
func FindEndpoint() (Endpoint, error) {
	e, err := findEndpoint()
	if err != nil {
		return Endpoint{}, fmt.Errorf("find the Docker Engine: %w", err)
	}
	scheme, _, _ := strings.Cut(e.Host, "://")
	if scheme == "unix" || e.From == "default" {
		return e, nil
	}
	return Endpoint{}, ui.WithHint(fmt.Errorf("the Docker Engine of %s is reached by %s (%s), which is not supported yet", e.From, scheme, e.Host),
		"forward its socket to this machine and set DOCKER_HOST=unix://PATH")
}

func findEndpoint() (Endpoint, error) {
	if host := os.Getenv(client.EnvOverrideHost); host != "" {
		return Endpoint{Host: host, From: client.EnvOverrideHost}, nil
	}
	dir, err := configDir()
	if err != nil {
		return Endpoint{}, err
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
	host, err := contextHost(dir, name)
	if err != nil {
		return Endpoint{}, fmt.Errorf("docker context %q: %w", name, err)
	}
	return Endpoint{Host: host, From: "context " + name}, nil
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

// contextHost reads a context's address. Docker keeps a context in a directory named by the SHA-256 of its name.
func contextHost(dir, name string) (string, error) {
	id := sha256.Sum256([]byte(name))
	content, err := os.ReadFile(filepath.Join(dir, "contexts", "meta", hex.EncodeToString(id[:]), "meta.json"))
	if err != nil {
		return "", err
	}
	var meta struct {
		Endpoints map[string]struct{ Host string }
	}
	if err := json.Unmarshal(content, &meta); err != nil {
		return "", err
	}
	host := meta.Endpoints["docker"].Host
	if host == "" {
		return "", errors.New("it has no docker endpoint")
	}
	return host, nil
}
