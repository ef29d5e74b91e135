package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// Engine is a Docker Engine that answers.
type Engine struct {
	docker *client.Client
}

// Dial connects to the Docker Engine that the docker CLI would use and sees that it answers.
func Dial(ctx context.Context) (*Engine, error) {
	endpoint, err := FindEndpoint()
	if err != nil {
		return nil, err
	}
	docker, err := client.New(client.FromEnv, client.WithHost(endpoint.Host))
	if err != nil {
		return nil, fmt.Errorf("connect to the Docker Engine at %s: %w", endpoint.Host, err)
	}
	if _, err := docker.Ping(ctx, client.PingOptions{}); err != nil {
		docker.Close()
		return nil, dialError(ctx, endpoint, err)
	}
	return &Engine{docker: docker}, nil
}

// Close ends the connections to the engine.
func (e *Engine) Close() error { return e.docker.Close() }

func dialError(ctx context.Context, endpoint Endpoint, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	// The client replaces the system's error by a text of its own.
	case errors.Is(err, fs.ErrPermission), strings.Contains(err.Error(), "permission denied"):
		return ui.WithHint(fmt.Errorf("no permission to use the Docker Engine at %s (%s)", endpoint.Host, endpoint.From),
			"add yourself to the group docker (sudo usermod -aG docker $USER) and log in again")
	case client.IsErrConnectionFailed(err):
		return ui.WithHint(fmt.Errorf("no Docker Engine answers at %s (%s)", endpoint.Host, endpoint.From),
			"start Docker, or name a running engine with DOCKER_HOST or docker context use")
	}
	return fmt.Errorf("connect to the Docker Engine at %s (%s): %w", endpoint.Host, endpoint.From, err)
}
