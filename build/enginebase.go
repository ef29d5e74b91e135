package build

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// digestTime is how long a registry may take to say an image's digest; without it the tag is built from.
const digestTime = 20 * time.Second

// pythonTag is a tag of the official Python image, or of one that is made like it.
var pythonTag = regexp.MustCompile(`^(3\.\d+(?:\.\d+)?)(?:$|[^.\d])`)

// Base finds out about a base image what a resolution has to know. Its Python is the one that the image's own variable PYTHON_VERSION says, where the engine
// has the image, else its tag where it is called python, else what its interpreter answers. What nobody says is left empty.
func (e *Engine) Base(ctx context.Context, p project.Project) (Base, error) {
	var base Base
	ref := p.Settings.Image.Base
	found, err := e.docker.ImageInspect(ctx, ref)
	switch {
	case errdefs.IsNotFound(err):
		base.Python = taggedPython(ref)
		base.Digest = e.registryDigest(ctx, ref)
		if base.Python == "" {
			err = ui.WithHint(fmt.Errorf("get base image %s: the engine has none of that name, and the name does not tell its Python", ref),
				fmt.Sprintf("fetch it with 'docker pull %s', or say its Python in pyproject.toml: [tool.kedroctl.image] python = \"3.12\"", ref))
			return base, err
		}
		return base, nil
	case err != nil:
		return base, fmt.Errorf("look for image %s: %w", ref, err)
	}
	base.Digest = repoDigest(ref, found.RepoDigests)
	if found.Config != nil {
		for _, variable := range found.Config.Env {
			if version, ok := strings.CutPrefix(variable, "PYTHON_VERSION="); ok && pythonTag.MatchString(version) {
				base.Python = version
			}
		}
	}
	if base.Python == "" {
		base.Python = taggedPython(ref)
	}
	if base.Python == "" {
		base.Python, err = e.askPython(ctx, found.ID)
	}
	return base, err
}

// taggedPython is the version in a tag such as python:3.12-slim.
func taggedPython(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil || path.Base(reference.Path(named)) != "python" {
		return ""
	}
	tagged, ok := named.(reference.Tagged)
	if !ok {
		return ""
	}
	if m := pythonTag.FindStringSubmatch(tagged.Tag()); m != nil {
		return m[1]
	}
	return ""
}

// repoDigest is the digest by which the repository of ref knows an image.
func repoDigest(ref string, digests []string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ""
	}
	for _, text := range digests {
		known, err := reference.ParseNormalizedNamed(text)
		if err != nil || known.Name() != named.Name() {
			continue
		}
		if digested, ok := known.(reference.Digested); ok {
			return digested.Digest().String()
		}
	}
	return ""
}

// registryDigest asks the registry for the digest of an image that the engine has not. Podman cannot, and a registry that wants a password may refuse: the
// build goes on with the tag.
func (e *Engine) registryDigest(ctx context.Context, ref string) string {
	ctx, cancel := context.WithTimeout(ctx, digestTime)
	defer cancel()
	found, err := e.docker.DistributionInspect(ctx, ref, client.DistributionInspectOptions{})
	if err != nil {
		return ""
	}
	return found.Descriptor.Digest.String()
}

// askPython runs the interpreter of an image of another platform than the engine's in vain: then it is not known.
func (e *Engine) askPython(ctx context.Context, image string) (string, error) {
	id, remove, err := e.inside(ctx, container.Config{
		Image: image, Entrypoint: []string{"python3"}, Cmd: []string{"-c", `import sys; print("%d.%d.%d" % sys.version_info[:3])`},
	})
	if err != nil {
		return "", err
	}
	defer remove()
	if _, err := e.run(ctx, id); err != nil {
		return "", fmt.Errorf("ask its python3: %w", err)
	}
	logs, err := e.docker.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true})
	if err != nil {
		return "", err
	}
	defer logs.Close()
	var out bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &out, logs); err != nil {
		return "", err
	}
	if m := pythonTag.FindStringSubmatch(strings.TrimSpace(out.String())); m != nil {
		return m[1], nil
	}
	return "", nil
}
