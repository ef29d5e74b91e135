package build

import (
	"context"

	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/engine"
)

// Engine is a Docker Engine, or a Podman, that answers.
type Engine struct {
	docker *client.Client
}

// Dial connects to the engine that the docker CLI would use and sees that it answers.
func Dial(ctx context.Context) (*Engine, error) {
	endpoint, err := engine.Find()
	if err != nil {
		return nil, err
	}
	docker, err := endpoint.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return &Engine{docker: docker}, nil
}

// Close ends the connections to the engine.
func (e *Engine) Close() error { return e.docker.Close() }
