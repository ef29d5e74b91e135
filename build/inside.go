package build

import (
	"context"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// labelInside marks the containers in which kedroctl looks into images.
const labelInside = "kedroctl:inside"

// insideTime is longer than any of them is needed: one that is older and does not run was left by a killed command.
const insideTime = time.Hour

// inside makes a container without a network to look into an image. remove must be called. What killed commands have left goes first.
func (e *Engine) inside(ctx context.Context, config container.Config) (id string, remove func(), err error) {
	e.removeLeft(ctx, time.Now())
	config.Labels = map[string]string{labelInside: ""}
	// Not ctx: the engine makes the container even when nobody waits for it any more, and it has to be removed.
	ctx = context.WithoutCancel(ctx)
	created, err := e.docker.ContainerCreate(ctx, client.ContainerCreateOptions{Config: &config, HostConfig: &container.HostConfig{NetworkMode: "none"}})
	if err != nil {
		return "", nil, err
	}
	return created.ID, func() { _, _ = e.docker.ContainerRemove(ctx, created.ID, client.ContainerRemoveOptions{Force: true}) }, nil
}

// removeLeft removes what it can: what stays has no name and does nothing.
func (e *Engine) removeLeft(ctx context.Context, now time.Time) {
	filters := make(client.Filters).Add("label", labelInside).Add("status", string(container.StateCreated), string(container.StateExited))
	found, err := e.docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filters})
	if err != nil {
		return
	}
	for _, c := range found.Items {
		if now.Sub(time.Unix(c.Created, 0)) > insideTime {
			_, _ = e.docker.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{})
		}
	}
}
