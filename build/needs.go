package build

import (
	"fmt"
	"path/filepath"

	"github.com/kedroctl/kedroctl/internal/project"
)

// DependencyKey is the hash of all that a build of the image may read besides the project's own code and configuration, 32 hexadecimal digits: an image
// with the same one needs no other dependencies, base image, variables or entry of jobs.
func DependencyKey(p project.Project) (string, error) {
	key, err := dependencyKey(p)
	if err != nil {
		return "", fmt.Errorf("dependency key: %w", err)
	}
	return key, nil
}

func dependencyKey(p project.Project) (string, error) {
	h := project.NewDigest()
	settings := p.Settings.Image
	settings.Repository, settings.Lock = "", "" // its content counts
	if err := h.Add("dependencies", layoutVersion, p.Package, p.Env, settings); err != nil {
		return "", err
	}
	if err := addDependencies(h, p); err != nil {
		return "", err
	}
	if err := addTemplates(h); err != nil {
		return "", err
	}
	return h.Sum(), nil
}

// dependencyFiles of a project's root say what is to be installed where kedroctl does not resolve it, and setuptools' own name entry points, which a code
// archive takes from the image then.
var dependencyFiles = []string{"setup.py", "setup.cfg", "requirements*", "constraints*", "*.lock"}

// addDependencies adds what is installed: what is resolved and the lock, or, for the project's own Dockerfile, that file and what such files are known to read.
func addDependencies(h *project.Digest, p project.Project) error {
	patterns := dependencyFiles[:2]
	if p.Settings.Image.Dockerfile == "" && p.Settings.Image.Use == "" {
		if err := addResolved(h, p); err != nil {
			return err
		}
	} else {
		patterns = dependencyFiles
		if err := h.Add(p.Dependencies); err != nil {
			return err
		}
		if p.Settings.Image.Dockerfile != "" {
			text, err := ownDockerfile(p)
			if err != nil {
				return err
			}
			h.AddText(text)
		}
	}
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(p.Dir, pattern)) // sorted
		if err != nil {
			return err
		}
		for _, file := range found {
			if err := h.AddFile(filepath.Base(file), file); err != nil {
				return err
			}
		}
	}
	return nil
}

// addResolved adds what is resolved, what it was resolved to, what comes from directories of this machine, and which tools the sources keep in the image.
func addResolved(h *project.Digest, p project.Project) error {
	d, err := findDependencies(p)
	if err != nil {
		return err
	}
	sum, err := d.sum(p)
	if err != nil {
		return err
	}
	lock := project.OwnLock
	if d.kind == uvLock {
		lock = d.source
	}
	if err := h.AddFile(lock, filepath.Join(p.Dir, lock)); err != nil {
		return err
	}
	kept, err := project.ImportedTools(p)
	if err != nil {
		return err
	}
	if err := h.Add(sum, kept); err != nil {
		return err
	}
	local, err := localSources(p)
	if err != nil {
		return err
	}
	for _, f := range local {
		if err := h.AddFile(f.name, f.path); err != nil {
			return err
		}
	}
	return nil
}
