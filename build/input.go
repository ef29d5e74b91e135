package build

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/BurntSushi/toml"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/templates"
)

// layoutVersion changes where this package lays out images differently though no template has changed.
const layoutVersion = "1"

// InputKey is the hash of all that a build of the image may read, 32 hexadecimal digits, and the image's tag: the files under the source directory and
// in the copied configuration, pyproject.toml without kedroctl's own settings, requirements and locks, the settings of the image and the
// templates. It depends neither on the order of files nor on their times; where it is doubtful whether a file matters, the file counts.
func InputKey(p project.Project, s project.Snapshot) (string, error) {
	h := sha256.New()
	settings := p.Settings.Image
	settings.Repository = "" // where the image goes is no part of it
	if err := addJSON(h, "image", layoutVersion, p.Package, p.Name, s.Env, s.BaseEnv, settings); err != nil {
		return "", err
	}
	if err := addPyproject(h, p); err != nil {
		return "", fmt.Errorf("input key: %w", err)
	}
	files, err := inputFiles(p, s)
	if err != nil {
		return "", fmt.Errorf("input key: %w", err)
	}
	for _, f := range files {
		if err := addFile(h, f.name, f.path); err != nil {
			return "", fmt.Errorf("input key: %w", err)
		}
	}
	if err := addTemplates(h); err != nil {
		return "", fmt.Errorf("input key: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// inputFiles are the sources and the configuration, without pyproject.toml.
func inputFiles(p project.Project, s project.Snapshot) ([]configFile, error) {
	names, err := sources(p)
	if err != nil {
		return nil, err
	}
	var files []configFile
	for _, name := range names {
		if name != "pyproject.toml" {
			files = append(files, configFile{name: name, path: filepath.Join(p.Dir, filepath.FromSlash(name))})
		}
	}
	conf, _, err := configFiles(p, s)
	for _, f := range conf {
		files = append(files, configFile{name: "conf/" + f.name, path: f.path})
	}
	return files, err
}

// addPyproject adds pyproject.toml without [tool.kedroctl], whose settings of the image are added by themselves, and without the id that Kedro's
// telemetry writes: a job's memory is no reason for another image.
func addPyproject(h hash.Hash, p project.Project) error {
	var doc map[string]any
	if _, err := toml.DecodeFile(filepath.Join(p.Dir, "pyproject.toml"), &doc); err != nil {
		return err
	}
	if tool, ok := doc["tool"].(map[string]any); ok {
		delete(tool, "kedroctl")
		delete(tool, "kedro_telemetry")
	}
	return addJSON(h, doc) // which sorts the keys
}

func addTemplates(h hash.Hash) error {
	io.WriteString(h, templates.Dockerfile())
	boot := templates.Boot()
	return fs.WalkDir(boot, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(boot, name)
		if err != nil {
			return err
		}
		return addJSON(h, name, content)
	})
}

func addJSON(h hash.Hash, values ...any) error {
	return json.NewEncoder(h).Encode(values)
}

// addFile adds a file's name and content. A link to a directory counts by where it points.
func addFile(h hash.Hash, name, path string) error {
	sum := sha256.New()
	if target, err := os.Readlink(path); err == nil {
		io.WriteString(sum, target)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) { // a dangling link
		return addJSON(h, name, sum.Sum(nil))
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		if _, err := io.Copy(sum, f); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
	return addJSON(h, name, sum.Sum(nil))
}
