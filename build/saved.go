package build

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/kedroctl/kedroctl/internal/engine"
	"github.com/kedroctl/kedroctl/internal/scratch"
)

// reach is how the engine gets to the registry of a repository. One on this machine's loopback, as the embedded AWS has it, can't be reached by an engine
// with another loopback, nor by one that wants TLS there.
func (e *Engine) reach(ctx context.Context, repository string) (engine.Reach, error) {
	ref, err := name.NewRepository(repository)
	if err != nil {
		return engine.Apart, err
	}
	host, _, err := net.SplitHostPort(ref.RegistryStr())
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return engine.Direct, nil
	}
	return engine.Probe(ctx, e.docker)
}

// pushSaved has the engine save an image into a file here, and sends it from there.
func (e *Engine) pushSaved(ctx context.Context, image Image, to Target, r *Registry, progress func(LayerEvent)) (Pushed, error) {
	dir, remove, err := scratch.New("", "image")
	if err != nil {
		return Pushed{}, err
	}
	defer remove()
	file, err := os.Create(filepath.Join(dir, "image.tar"))
	if err != nil {
		return Pushed{}, err
	}
	defer file.Close()
	saved, err := e.docker.ImageSave(ctx, []string{image.Ref})
	if err != nil {
		return Pushed{}, fmt.Errorf("save the image: %w", err)
	}
	defer saved.Close()
	if _, err := io.Copy(file, saved); err != nil {
		return Pushed{}, fmt.Errorf("save the image: %w", err)
	}
	content, err := tarball.ImageFromPath(file.Name(), nil)
	if err != nil {
		return Pushed{}, fmt.Errorf("read the saved image: %w", err)
	}
	return r.send(ctx, content, to, progress)
}
