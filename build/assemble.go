package build

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/textproto"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	version "github.com/aquasecurity/go-pep440-version"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/scratch"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// Assembler makes images without an engine: from a base image that it gets from its registry, dependencies that uv installs here for the image's platform,
// and the files of the project. They have the paths, modes, owners and contents that [Engine.Build] gives them.
type Assembler struct {
	store  *store
	python []string
	keep   string
}

// NewAssembler is one whose images, and what they are made of, are kept in the user's cache directory. python is the command of the project's interpreter.
func NewAssembler(python []string) (*Assembler, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("find a place for images: %w", err)
	}
	store, err := openStore(filepath.Join(cache, "kedroctl", "images"))
	if err != nil {
		return nil, fmt.Errorf("open the images of this machine: %w", err)
	}
	return &Assembler{store: store, python: python, keep: filepath.Join(cache, "kedroctl", "python")}, nil
}

// Lookup finds the image of an input key among those that were assembled here.
func (a *Assembler) Lookup(ctx context.Context, p project.Project, key string) (Image, bool, error) {
	ref := localRef(p, key)
	found, err := a.store.find(ctx, "image "+ref)
	if err != nil || found == nil {
		return Image{}, false, err
	}
	image, err := describe(found, ref, key)
	return image, err == nil, err
}

func describe(found *stored, ref, key string) (Image, error) {
	digest, err := found.Digest()
	if err != nil {
		return Image{}, err
	}
	size, err := packedSize(found)
	return Image{ID: digest.String(), Ref: ref, InputKey: key, Size: size}, err
}

// Build assembles the image. The same inputs give the same bytes. What the tools tell goes to story, line by line.
func (a *Assembler) Build(ctx context.Context, s Spec, story io.Writer) (Image, error) {
	image, err := a.build(ctx, s, story)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if errors.Is(err, syscall.ENOSPC) {
		err = ui.WithHint(err, "free some space; what "+a.store.dir+" holds may be deleted")
	}
	if err != nil {
		return Image{}, fmt.Errorf("assemble image: %w", err)
	}
	return image, nil
}

// Base asks the registry of the base image, and gets the image.
func (a *Assembler) Base(ctx context.Context, p project.Project) (Base, error) {
	b, err := getBase(ctx, a.store, p.Settings.Image.Base, p.Settings.Image.Platform, io.Discard)
	if err != nil {
		return Base{}, err
	}
	return Base{Python: b.python.version, Digest: b.digest()}, nil
}

// CanAssemble says why an image takes an engine, nil where it does not.
func CanAssemble(p project.Project) error {
	if p.Settings.Image.Use != "" {
		return nil // nothing is made
	}
	if names := p.Settings.Image.SystemPackages; len(names) > 0 {
		return ui.WithHint(fmt.Errorf("[tool.kedroctl.image] system_packages (%s) cannot be installed without an engine", strings.Join(names, ", ")),
			"build with an engine, or name a base image that has them and no system_packages")
	}
	if file := p.Settings.Image.Dockerfile; file != "" {
		return ui.WithHint(fmt.Errorf("[tool.kedroctl.image] dockerfile (%s) cannot be built without an engine", file),
			"build with an engine; another image can be named by [tool.kedroctl.image] use")
	}
	return newDockerfile(p).check(p.Settings.Image.Platform)
}

func (a *Assembler) build(ctx context.Context, s Spec, story io.Writer) (Image, error) {
	if err := CanAssemble(s.Project); err != nil {
		return Image{}, err
	}
	// Beside the caches: files of uv's become links where they are on the same disk, and a small /tmp does not fill up.
	dir, remove, err := scratch.New(filepath.Join(filepath.Dir(a.keep), "work"), "image")
	if err != nil {
		return Image{}, err
	}
	defer remove()
	l, err := newLayout(ctx, filepath.Join(dir, "context"), s)
	if err != nil {
		return Image{}, fmt.Errorf("lay out its files: %w", err)
	}
	settings := s.Project.Settings.Image
	b, err := getBase(ctx, a.store, s.Dependencies.baseOf(s.Project), settings.Platform, story)
	if err != nil {
		return Image{}, err
	}
	if err := l.allows(b.python.version); err != nil {
		return Image{}, ui.WithHint(fmt.Errorf("base image %s: %w", settings.Base, err), "name an image with another Python in [tool.kedroctl.image] base")
	}
	h, err := newHost(ctx, s.Project.Dir, a.python, b.python.minor(), a.keep, story)
	if err != nil {
		return Image{}, err
	}
	w := work{Assembler: a, host: h, base: b, layout: l, root: filepath.Join(dir, "root")}
	image, err := w.assemble(ctx, s)
	if err != nil {
		return Image{}, err
	}
	ref := localRef(s.Project, s.InputKey)
	kept, err := a.store.put(ctx, "image "+ref, image, nil)
	if err != nil {
		return Image{}, err
	}
	made, err := describe(kept, ref, s.InputKey)
	made.Left = l.left
	if !h.compiles {
		made.Warnings = append(made.Warnings, fmt.Sprintf("the image has no bytecode, so that jobs start later: it takes a Python %s on this machine (uv python install %[1]s)",
			b.python.minor()))
	}
	return made, err
}

// allows sees whether the wheel allows a Python, as pip would.
func (l layout) allows(python string) error {
	files, err := filepath.Glob(filepath.Join(l.dir, "project", "*.dist-info", "METADATA"))
	if err != nil || len(files) != 1 {
		return fmt.Errorf("the wheel has %d METADATA, not one", len(files))
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		return err
	}
	requires := metadata(content).Get("Requires-Python")
	if requires == "" {
		return nil
	}
	specifiers, err := version.NewSpecifiers(requires)
	if err != nil {
		return fmt.Errorf("read requires-python: %w", err)
	}
	v, err := version.Parse(python)
	if err != nil {
		return fmt.Errorf("read the version of its Python: %w", err)
	}
	if !specifiers.Check(v) {
		return fmt.Errorf("the project requires a different Python: %s not in %q", python, requires)
	}
	return nil
}

// metadata are the fields of a distribution's METADATA, as far as they can be read.
func metadata(content []byte) textproto.MIMEHeader {
	fields, _ := textproto.NewReader(bufio.NewReader(bytes.NewReader(content))).ReadMIMEHeader()
	return fields
}

// work is one image under way.
type work struct {
	*Assembler
	host   *host
	base   base
	layout layout
	root   string // of what is installed: it stands for / of the image
}

func (w work) assemble(ctx context.Context, s Spec) (v1.Image, error) {
	dependencies, err := w.dependencies(ctx, s)
	if err != nil {
		return nil, err
	}
	top := path.Dir(dependencyDir)
	for _, part := range []string{"boot", "project"} {
		if err := os.CopyFS(filepath.Join(w.root, filepath.FromSlash(top), part), os.DirFS(filepath.Join(w.layout.dir, part))); err != nil {
			return nil, err
		}
	}
	if err := w.host.compile(ctx, w.root, top+"/boot", top+"/project"); err != nil {
		return nil, fmt.Errorf("compile the project: %w", err)
	}
	library, err := w.library(ctx)
	if err != nil {
		return nil, err
	}
	var adds []mutate.Addendum
	for _, part := range []struct {
		what  string
		image v1.Image
	}{{"bytecode of the standard library", library}, {"dependencies", dependencies}} {
		layers, err := part.image.Layers()
		if err != nil {
			return nil, err
		}
		for _, layer := range layers {
			adds = append(adds, w.addendum(part.what, layer))
		}
	}
	adds = append(adds,
		w.addendum("the entry of jobs", tree{root: w.root, below: top + "/boot"}.layer()),
		w.addendum("the project's wheel", tree{root: w.root, below: top + "/project"}.layer()),
		w.addendum("configuration", tree{root: filepath.Join(w.layout.dir, "root"), below: "app", owner: user}.layer()))
	config, err := w.config(s)
	if err != nil {
		return nil, err
	}
	image, err := mutate.ConfigFile(w.base, config)
	if err != nil {
		return nil, err
	}
	return mutate.Append(image, adds...)
}

func (w work) addendum(what string, layer v1.Layer) mutate.Addendum {
	a := mutate.Addendum{Layer: layer, MediaType: types.DockerLayer, History: v1.History{CreatedBy: "kedroctl: " + what, Created: v1.Time{Time: epoch}}}
	if kind, err := w.base.MediaType(); err == nil && kind == types.OCIManifestSchema1 {
		a.MediaType = types.OCILayer
	}
	return a
}

// config is the configuration of the base image with what the Dockerfile says.
func (w work) config(s Spec) (*v1.ConfigFile, error) {
	config, err := w.base.ConfigFile()
	if err != nil {
		return nil, err
	}
	d := newDockerfile(s.Project)
	config = config.DeepCopy()
	config.Created = v1.Time{Time: epoch}
	c := &config.Config
	for _, variable := range d.Variables {
		c.Env = withVariable(c.Env, variable)
	}
	if c.Labels == nil {
		c.Labels = map[string]string{}
	}
	maps.Copy(c.Labels, labels(s))
	c.Labels["org.opencontainers.image.base.digest"] = w.base.digest()
	c.Entrypoint, c.Cmd, c.WorkingDir, c.User = nil, d.Command, appDir, fmt.Sprintf("%d:%d", user, user)
	return config, nil
}

// withVariable puts a NAME=value in the place of one of the same name.
func withVariable(env []string, variable string) []string {
	name, _, _ := strings.Cut(variable, "=")
	env = slices.Clone(env)
	for i, v := range env {
		if strings.HasPrefix(v, name+"=") {
			env[i] = variable
			return env
		}
	}
	return append(env, variable)
}

// dependencies are the layers of the dependencies, as an image of the store: those that were installed of the same list, or new ones.
func (w work) dependencies(ctx context.Context, s Spec) (v1.Image, error) {
	settings := s.Project.Settings.Image
	key, err := w.dependencyKey(settings)
	if err != nil {
		return nil, err
	}
	if found, err := w.store.find(ctx, "dependencies "+key); err != nil || found != nil {
		return found, err
	}
	root := w.root + "-dependencies"
	if err := w.host.installDependencies(ctx, w.layout, s.Dependencies, settings, w.base.python, root); err != nil {
		return nil, err
	}
	image := v1.Image(empty.Image)
	for _, number := range layerNumbers() {
		part := tree{root: filepath.Join(root, layersOf, strconv.Itoa(number)), below: "."}
		if image, err = mutate.AppendLayers(image, part.layer()); err != nil {
			return nil, err
		}
	}
	return w.store.put(ctx, "dependencies "+key, image, nil)
}

// dependencyKey names what the layers of the dependencies depend on.
func (w work) dependencyKey(settings project.ImageSettings) (string, error) {
	h := project.NewDigest()
	compiler := ""
	if w.host.compiles {
		compiler = w.host.version
	}
	if err := h.Add("dependencies", layoutVersion, settings.Platform, settings.Slim, w.base.python.program, w.base.python.minor(), w.base.python.site, compiler); err != nil {
		return "", err
	}
	files := os.DirFS(w.layout.dir)
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if part, _, _ := strings.Cut(name, "/"); part != "dependencies" && part != "sources" {
			return nil
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return h.Add(name, content)
	})
	return h.Sum(), err
}
