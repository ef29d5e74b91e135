package build

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// CheckUsed looks at the image that others built, which [tool.kedroctl.image] use names: that a registry has it, for the platform of jobs, and that it has
// the entry of jobs and the project.
func (r *Registry) CheckUsed(ctx context.Context, p project.Project) error {
	image := p.Settings.Image.Use
	config, err := r.config(ctx, image, p.Settings.Image.Platform)
	if err != nil {
		return fmt.Errorf("image.use %s: %w", image, err)
	}
	if is := config.OS + "/" + config.Architecture; is != p.Settings.Image.Platform {
		return fmt.Errorf("image.use %s: it is for %s, and jobs run on %s", image, is, p.Settings.Image.Platform)
	}
	if has := variable(config.Config.Env, bringsBoot); has != p.Package {
		err := fmt.Errorf("image.use %s: it is not made for jobs of package %s: %s in it is %q", image, p.Package, bringsBoot, has)
		return ui.WithHint(err, "without kedroctl's entry of jobs an image can neither read requests nor record outputs; 'kedroctl build --write-dockerfile' writes what "+
			"an image needs, [tool.kedroctl.image] dockerfile adds it to yours")
	}
	if entry := config.Config.Entrypoint; len(entry) > 0 {
		return ui.WithHint(fmt.Errorf("image.use %s: it has the entry point %q, which would take the commands of jobs for its arguments", image, entry),
			"AWS Batch cannot replace it: build the image with ENTRYPOINT []")
	}
	return nil
}

func variable(env []string, name string) string {
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// config reads the configuration of an image by its digest.
func (r *Registry) config(ctx context.Context, image, platform string) (*v1.ConfigFile, error) {
	ref, options, err := r.access(ctx, image)
	if err != nil {
		return nil, err
	}
	want, err := v1.ParsePlatform(platform)
	if err != nil {
		return nil, err
	}
	if !r.serves(ref) {
		options = append(options, remote.WithAuth(authn.Anonymous)) // the password is ECR's
	}
	found, err := remote.Image(ref, append(options, remote.WithPlatform(*want))...)
	if err == nil {
		var config *v1.ConfigFile
		if config, err = found.ConfigFile(); err == nil {
			return config, nil
		}
	}
	return nil, usedError(ref, err)
}

// serves says whether the password is for the registry of an image: those of ECR that the account may use.
func (r *Registry) serves(ref name.Reference) bool {
	host := ref.Context().RegistryStr()
	return host == r.host || strings.Contains(host, ".dkr.ecr.") || strings.Contains(host, ".dkr-ecr.")
}

func usedError(ref name.Reference, err error) error {
	var failure *transport.Error
	if !errors.As(err, &failure) {
		return err
	}
	switch failure.StatusCode {
	case http.StatusNotFound:
		return ui.WithHint(fmt.Errorf("registry %s has no such image", ref.Context().RegistryStr()), "name repository@sha256:… of an image that is there")
	case http.StatusUnauthorized, http.StatusForbidden:
		return ui.WithHint(fmt.Errorf("registry %s does not give it: %w", ref.Context().RegistryStr(), err),
			"jobs pull from ECR with the rights of their instances or execution role, from other registries what is public: copy the image to ECR")
	}
	return err
}

// Has finds an image that is named by its digest in the engine's store.
func (e *Engine) Has(ctx context.Context, ref string) (Image, bool, error) {
	found, err := e.docker.ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		return Image{}, false, nil
	}
	if err != nil {
		return Image{}, false, fmt.Errorf("look for image %s: %w", ref, err)
	}
	return Image{ID: found.ID, Ref: ref, Size: found.Size}, true, nil
}
