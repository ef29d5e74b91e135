package build

import (
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/templates"
)

// layoutVersion changes where this package lays out images differently though no template has changed.
const layoutVersion = "2"

// InputKey is the hash of all that a build of the image may read, 32 hexadecimal digits, and the image's tag: the files under the source directory and
// in the copied configuration, pyproject.toml without kedroctl's own settings, requirements and locks, the settings of the image and the
// templates. It depends neither on the order of files nor on their times; where it is doubtful whether a file matters, the file counts.
//
// For an image that others built it is a hash of its name.
func InputKey(p project.Project, s project.Snapshot) (string, error) {
	h := project.NewDigest()
	if use := p.Settings.Image.Use; use != "" {
		err := h.Add("use", use, p.Package, s.Env)
		return h.Sum(), err
	}
	settings := p.Settings.Image
	settings.Repository = "" // where the image goes is no part of it
	if err := h.Add("image", layoutVersion, p.Package, p.Name, s.Env, s.BaseEnv, settings); err != nil {
		return "", err
	}
	if err := h.AddPyproject(p); err != nil {
		return "", fmt.Errorf("input key: %w", err)
	}
	files, err := inputFiles(p, s)
	if err != nil {
		return "", fmt.Errorf("input key: %w", err)
	}
	for _, f := range files {
		if err := h.AddFile(f.name, f.path); err != nil {
			return "", fmt.Errorf("input key: %w", err)
		}
	}
	if err := addTemplates(h); err != nil {
		return "", fmt.Errorf("input key: %w", err)
	}
	if settings.Dockerfile != "" {
		if err := addOwn(h, p, s); err != nil {
			return "", fmt.Errorf("input key: %w", err)
		}
	}
	return h.Sum(), nil
}

// addOwn adds what a build with the project's own Dockerfile may read besides: all of its context.
func addOwn(h *project.Digest, p project.Project, s project.Snapshot) error {
	text, err := ownDockerfile(p)
	if err != nil {
		return err
	}
	h.AddText(text)
	context, err := newOwnContext(p, s)
	if err != nil {
		return err
	}
	for _, f := range context.files {
		if err := h.AddFile(f.name, f.path); err != nil {
			return err
		}
	}
	return nil
}

// inputFiles are the sources, what kedroctl has resolved, and the configuration, without pyproject.toml.
func inputFiles(p project.Project, s project.Snapshot) ([]configFile, error) {
	names, err := project.Sources(p)
	if err != nil {
		return nil, err
	}
	files := []configFile{{name: project.OwnLock, path: filepath.Join(p.Dir, project.OwnLock)}}
	for _, name := range names {
		if name != "pyproject.toml" {
			files = append(files, configFile{name: name, path: filepath.Join(p.Dir, filepath.FromSlash(name))})
		}
	}
	conf, _, err := configFiles(p, s)
	for _, f := range conf {
		files = append(files, configFile{name: "conf/" + f.name, path: f.path})
	}
	if err != nil {
		return nil, err
	}
	local, err := localSources(p)
	return append(files, local...), err
}

func addTemplates(h *project.Digest) error {
	h.AddText(templates.Dockerfile())
	h.AddText(string(templates.Arrange()))
	h.AddText(string(templates.Library()))
	boot := templates.Boot()
	return fs.WalkDir(boot, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(boot, name)
		if err != nil {
			return err
		}
		return h.Add(name, content)
	})
}
