package build

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// base is a base image that a registry has, in the store.
type base struct {
	*stored
	ref    string // repository@sha256:…
	python imagePython
}

// imagePython is the Python of a base image.
type imagePython struct {
	program string // what programs of its packages are started by: /usr/local/bin/python
	version string // 3.12.4 where the image says so, else 3.12
	site    string // where it looks for packages: /usr/local/lib/python3.12/site-packages
}

// minor is the version that wheels and bytecode are for.
func (p imagePython) minor() string {
	parts := strings.SplitN(p.version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// getBase looks a base image up at its registry, and gets it where the store has it not.
func getBase(ctx context.Context, s *store, image, platform string, story io.Writer) (base, error) {
	b, err := fetchBase(ctx, s, image, platform, story)
	if err == nil {
		return b, nil
	}
	if ctx.Err() != nil {
		return b, ctx.Err()
	}
	err = fmt.Errorf("get base image %s: %w", image, err)
	if ui.Hint(err) != "" {
		return b, err
	}
	hint := "see that this machine reaches its registry, or name another image in [tool.kedroctl.image] base; without an engine it must be in a registry"
	if failure, ok := errors.AsType[*transport.Error](err); ok && (failure.StatusCode == http.StatusUnauthorized || failure.StatusCode == http.StatusForbidden) {
		hint = "log in to its registry ('docker login' or 'podman login' keep credentials where kedroctl finds them), or correct [tool.kedroctl.image] base"
	}
	return b, ui.WithHint(err, hint)
}

func fetchBase(ctx context.Context, s *store, image, platform string, story io.Writer) (base, error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return base{}, err
	}
	key := baseKey(ref, platform)
	_, fixed := ref.(name.Digest)
	var found *stored
	if fixed { // its registry would say nothing new
		if found, err = s.find(ctx, key); err != nil {
			return base{}, err
		}
	}
	if found == nil {
		if found, err = askBase(ctx, s, ref, platform, story); err != nil {
			return base{}, err
		}
	}
	digest, err := found.Digest()
	return base{
		stored: found, ref: ref.Context().Name() + "@" + digest.String(),
		python: imagePython{program: found.notes["kedroctl.python"], version: found.notes["kedroctl.python-version"], site: found.notes["kedroctl.python-site"]},
	}, err
}

func baseKey(ref name.Reference, platform string) string {
	return "base " + ref.Name() + " " + platform
}

// askBase asks the registry what the reference means now.
func askBase(ctx context.Context, s *store, ref name.Reference, platform string, story io.Writer) (*stored, error) {
	wanted, err := v1.ParsePlatform(platform)
	if err != nil {
		return nil, err
	}
	transport, err := registryTransport(ref)
	if err != nil {
		return nil, err
	}
	// Of the user's credentials those of this host alone are read; without any, anonymously.
	image, err := remote.Image(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithPlatform(*wanted),
		remote.WithTransport(transport))
	if err != nil {
		return nil, err
	}
	key := baseKey(ref, platform)
	if _, fixed := ref.(name.Digest); !fixed {
		digest, err := image.Digest()
		if err != nil {
			return nil, err
		}
		key = baseKey(ref.Context().Digest(digest.String()), platform)
		if found, err := s.find(ctx, key); err != nil || found != nil {
			return found, err
		}
	}
	return keepBase(ctx, s, key, image, *wanted, story)
}

// keepBase downloads a base image and notes which Python it has.
func keepBase(ctx context.Context, s *store, key string, image v1.Image, wanted v1.Platform, story io.Writer) (*stored, error) {
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	if config.OS != wanted.OS || config.Architecture != wanted.Architecture {
		return nil, ui.WithHint(fmt.Errorf("it is for %s/%s, not for %s", config.OS, config.Architecture, wanted),
			"name an image for "+wanted.String()+" in [tool.kedroctl.image] base, or another platform")
	}
	size, err := packedSize(image)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(story, "get %s, %d MB\n", key, size/1e6)
	kept, err := s.put(ctx, key, image, nil)
	if err != nil {
		return nil, err
	}
	python, err := findImagePython(kept)
	if err != nil {
		return nil, err
	}
	return s.put(ctx, key, kept, map[string]string{
		"kedroctl.python": python.program, "kedroctl.python-version": python.version, "kedroctl.python-site": python.site,
	})
}

// packedSize is the size of the layers as they travel, in bytes.
func packedSize(image v1.Image) (int64, error) {
	manifest, err := image.Manifest()
	if err != nil {
		return 0, err
	}
	var size int64
	for _, layer := range manifest.Layers {
		size += layer.Size
	}
	return size, nil
}

// pythonDirs are where the steps of the Dockerfile look for programs, in this order.
var pythonDirs = []string{"usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"}

var pythonProgram = regexp.MustCompile(`^python3\.\d+$`)

// findImagePython looks for the Python of an image among its files: nothing of it can be run here.
func findImagePython(image v1.Image) (imagePython, error) {
	programs := map[string]string{} // path: where it links to, "" for a file
	err := walkImage(image, func(h *tar.Header, _ io.Reader) error {
		file := path.Clean(strings.TrimPrefix(h.Name, "/"))
		if strings.HasPrefix(path.Base(file), "python") && (h.Typeflag == tar.TypeReg || h.Typeflag == tar.TypeSymlink || h.Typeflag == tar.TypeLink) {
			programs[file] = h.Linkname
		}
		return nil
	})
	if err != nil {
		return imagePython{}, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return imagePython{}, err
	}
	for _, dir := range pythonDirs {
		file := pythonIn(programs, path.Join(dir, "python3"))
		if file == "" {
			continue
		}
		p := imagePython{program: "/" + path.Join(dir, "python3"), version: strings.TrimPrefix(path.Base(file), "python")}
		if pythonIn(programs, path.Join(dir, "python")) == file {
			p.program = "/" + path.Join(dir, "python")
		}
		p.site = "/usr/local/lib/python" + p.version + "/dist-packages" // Debian's
		if strings.HasPrefix(dir, "usr/local/") {
			p.site = "/usr/local/lib/python" + p.version + "/site-packages"
		}
		for _, variable := range config.Config.Env {
			if full, ok := strings.CutPrefix(variable, "PYTHON_VERSION="); ok && strings.HasPrefix(full, p.version+".") { // the official images have it
				p.version = full
			}
		}
		return p, nil
	}
	return imagePython{}, ui.WithHint(errors.New("it has no Python 3 in /usr/local/bin or /usr/bin"), "name an image with Python in [tool.kedroctl.image] base, such as python:3.12-slim")
}

// pythonIn follows links to the program of a version, such as usr/bin/python3.11; "" where there is none.
func pythonIn(programs map[string]string, file string) string {
	for range 8 { // a circle of links ends somewhere
		link, ok := programs[file]
		switch {
		case !ok:
			return ""
		case pythonProgram.MatchString(path.Base(file)):
			return file
		case path.IsAbs(link):
			file = strings.TrimPrefix(path.Clean(link), "/")
		default:
			file = path.Join(path.Dir(file), link)
		}
	}
	return ""
}

// walkImage goes through the files of an image as a container sees them.
func walkImage(image v1.Image, visit func(*tar.Header, io.Reader) error) error {
	content := mutate.Extract(image)
	defer content.Close()
	return walkTar(content, visit)
}

func walkTar(content io.Reader, visit func(*tar.Header, io.Reader) error) error {
	files := tar.NewReader(content)
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(h, files); err != nil {
			return err
		}
	}
}

// digest is that of the base image's manifest.
func (b base) digest() string {
	_, digest, _ := strings.Cut(b.ref, "@")
	return digest
}
