package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/go-connections/tlsconfig"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// Connect makes a client of the engine's API, whose first call connects.
func (e Endpoint) Connect() (*client.Client, error) {
	opts := []client.Opt{client.WithAPIVersionFromEnv()}
	if e.TLS != "" {
		config, err := tlsconfig.Client(tlsconfig.Options{
			CAFile: e.certificate("ca.pem"), CertFile: e.certificate("cert.pem"), KeyFile: e.certificate("key.pem"),
			InsecureSkipVerify: e.SkipVerify, ExclusiveRootPools: true,
		})
		if err != nil {
			return nil, fmt.Errorf("connect to %s: read the certificates in %s: %w", e, e.TLS, err)
		}
		opts = append(opts, client.WithHTTPClient(&http.Client{Transport: &http.Transport{TLSClientConfig: config}, CheckRedirect: client.CheckRedirect}))
	}
	docker, err := client.New(append(opts, client.WithHost(e.Host))...)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", e, err)
	}
	return docker, nil
}

// certificate is the path of a file for TLS, "" where it is not there.
func (e Endpoint) certificate(name string) string {
	file := filepath.Join(e.TLS, name)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return file
}

func (e Endpoint) String() string {
	return fmt.Sprintf("the Docker Engine at %s (%s)", e.Host, e.From)
}

// Dial makes a client of the engine and sees that the engine answers.
func (e Endpoint) Dial(ctx context.Context) (*client.Client, error) {
	docker, err := e.Connect()
	if err != nil {
		return nil, err
	}
	if _, err := docker.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		docker.Close()
		return nil, e.explain(ctx, err)
	}
	return docker, nil
}

// explain says why no engine answers, and what to do. The client replaces the system's errors by texts of its own.
func (e Endpoint) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	says := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(err.Error(), part) })
	}
	switch {
	case errors.Is(err, fs.ErrPermission), says("permission denied"):
		return ui.WithHint(fmt.Errorf("no permission to use %s", e), "add yourself to the group docker (sudo usermod -aG docker $USER) and log in again")
	case says("HTTP request to an HTTPS server", "HTTP response to HTTPS client", "malformed HTTP response"):
		return ui.WithHint(fmt.Errorf("%s and this side don't agree on TLS: %w", e, err),
			"set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH for an engine with TLS, usually on port 2376; unset both for one without")
	case says("x509:", "tls:"):
		return ui.WithHint(fmt.Errorf("no TLS with %s: %w", e, err), "see that DOCKER_CERT_PATH, or the context, has the ca.pem, cert.pem and key.pem of this engine")
	case says("no such host"):
		return ui.WithHint(fmt.Errorf("%s has an address that nobody knows: %w", e, err), "correct "+e.From+", or take another engine with 'docker context use'")
	case says("proxyconnect"):
		return ui.WithHint(fmt.Errorf("a proxy does not lead to %s: %w", e, err), "name the engine's host in NO_PROXY")
	case says("minimum supported API version", "is too old", "is too new"):
		return ui.WithHint(fmt.Errorf("%s is too old or too new: %w", e, err), "use Docker Engine 20.10 or newer, or Podman 4 or newer; unset DOCKER_API_VERSION")
	case client.IsErrConnectionFailed(err):
		return ui.WithHint(fmt.Errorf("no Docker Engine answers at %s (%s)", e.Host, e.From),
			"start Docker, or name a running engine with DOCKER_HOST or 'docker context use'")
	}
	return fmt.Errorf("connect to %s: %w", e, err)
}
