package build

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/templates"
)

// library is where the standard library is: /usr/local/lib/python3.12.
func (p imagePython) library() string {
	return path.Join(path.Dir(path.Dir(p.program)), "lib", "python"+p.minor())
}

// library is the layer of the standard library's bytecode, as an image of the store. It has no layer where the base image brings the bytecode, or where no
// Python of this machine could make it.
func (w work) library(ctx context.Context) (v1.Image, error) {
	if !w.host.compiles {
		return empty.Image, nil
	}
	h := project.NewDigest()
	if err := h.Add("library", layoutVersion, string(templates.Library()), w.base.digest(), w.host.version); err != nil {
		return nil, err
	}
	name := "library " + h.Sum()
	if found, err := w.store.find(ctx, name); err != nil || found != nil {
		return found, err
	}
	at, sources, out := w.base.python.library(), w.root+"-library", w.root+"-bytecode"
	compiled, err := extractLibrary(w.base, at, sources)
	if err != nil {
		return nil, fmt.Errorf("read the standard library of the base image: %w", err)
	}
	image := v1.Image(empty.Image)
	if !compiled {
		if _, err := w.host.run(ctx, filepath.Join(w.layout.dir, "library"), w.host.python, "-I", "-S", "-B", "-X", "no_debug_ranges",
			"library.py", "--library", sources, "--site", at, "--out", out); err != nil {
			return nil, fmt.Errorf("compile the standard library of the base image: %w", err)
		}
		if image, err = mutate.AppendLayers(image, tree{root: out, below: "."}.layer()); err != nil {
			return nil, err
		}
	}
	return w.store.put(ctx, name, image, nil)
}

// extractLibrary writes the modules of the standard library at a path of an image to dir, and says whether their bytecode is there already.
func extractLibrary(image v1.Image, at, dir string) (compiled bool, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return false, err
	}
	defer root.Close()
	err = walkImage(image, func(h *tar.Header, content io.Reader) error {
		name, ok := strings.CutPrefix(path.Clean("/"+h.Name), at+"/")
		if !ok || h.Typeflag != tar.TypeReg {
			return nil
		}
		compiled = compiled || path.Dir(name) == "__pycache__"
		if path.Ext(name) != ".py" {
			return nil
		}
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
		file, err := root.Create(name)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.Copy(file, content)
		return err
	})
	return compiled, err
}
