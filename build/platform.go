package build

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	bkclient "github.com/moby/buildkit/client"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// Runs says whether the engine can run programs of a platform, such as linux/arm64: its own, and those that this machine emulates for it.
func (e *Engine) Runs(ctx context.Context, platform string) (bool, error) {
	known, err := e.platforms(ctx)
	if err != nil {
		return false, fmt.Errorf("ask the engine for its platforms: %w", err)
	}
	return slices.Contains(known, normalized(platform)), nil
}

// platforms are those that the builder can run steps for, as BuildKit says at each call; an engine without it has its own alone.
func (e *Engine) platforms(ctx context.Context) ([]string, error) {
	bk, workers, err := e.buildKit(ctx)
	if err == nil {
		return workerPlatforms(workers), bk.Close()
	}
	version, err := e.docker.ServerVersion(ctx, client.ServerVersionOptions{})
	return []string{version.Os + "/" + version.Arch}, err
}

func workerPlatforms(workers []*bkclient.WorkerInfo) []string {
	var names []string
	for _, w := range workers {
		for _, p := range w.Platforms {
			names = append(names, platforms.Format(platforms.Normalize(p)))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func normalized(platform string) string {
	p, err := platforms.Parse(platform)
	if err != nil {
		return platform
	}
	return platforms.Format(platforms.Normalize(p))
}

// checkSteps refuses, before anything is built, a build whose steps the engine cannot run. Our Dockerfile runs nothing on the image's platform but the
// installation of Debian packages; what the project's own one runs it may run on any.
func checkSteps(image project.ImageSettings, known []string) error {
	if len(image.SystemPackages) == 0 || image.Dockerfile != "" || slices.Contains(known, normalized(image.Platform)) {
		return nil
	}
	return ui.WithHint(fmt.Errorf("install Debian packages for %s: the engine runs only %s", image.Platform, strings.Join(known, ", ")),
		"install emulation for it ('docker run --privileged --rm tonistiigi/binfmt --install all'), build on a machine of that platform, "+
			"or leave [tool.kedroctl.image] system_packages empty and name a base image that has them")
}
