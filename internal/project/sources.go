package project

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// OwnLock is the file in the project's directory that holds what kedroctl has resolved itself. It is no source: introspection and the wheel come before it,
// and would not be up to date as soon as it is made.
const OwnLock = "requirements.kedroctl.lock"

// rootPatterns are the files beside pyproject.toml that build backends read unasked (setuptools: its own files and the default globs of license-files),
// and those that name dependencies.
var rootPatterns = []string{
	"pyproject.toml", "setup.py", "setup.cfg", "MANIFEST.in", "hatch.toml", "hatch_build.py", "build.py", "VERSION*",
	"README*", "LICEN[CS]E*", "COPYING*", "NOTICE*", "AUTHORS*",
	"requirements*.txt", "requirements*.in", "constraints*.txt", "*.lock",
}

// besideSources are directories of a project whose source directory is the project itself that hold no sources. Names that begin with a dot belong to
// them too.
var besideSources = []string{"build", "data", "dist", "docs", "logs", "node_modules", "notebooks", "tests"}

// Sources lists the files that making the wheel may read, relative to the project, with slashes, sorted: all under the source directory, ignored by
// git or not, and the files of the project's root that tools know or pyproject.toml names.
func Sources(p Project) ([]string, error) {
	files, err := rootFiles(p)
	if err != nil {
		return nil, err
	}
	under, err := SourceFiles(p)
	if err != nil {
		return nil, fmt.Errorf("read source directory: %w", err)
	}
	files = append(files, under...)
	slices.Sort(files)
	return slices.Compact(files), nil
}

// SourceFiles are the files under the source directory, as in [Sources].
func SourceFiles(p Project) ([]string, error) {
	var files []string
	err := filepath.WalkDir(p.SourceDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != p.SourceDir && skipDir(p, path) {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(d.Name(), ".pyc") || filepath.Dir(path) == p.Dir && !strings.HasSuffix(d.Name(), ".py") {
			return nil // files of the project's root are rootFiles' business, but modules are sources
		}
		rel, err := filepath.Rel(p.Dir, path)
		files = append(files, filepath.ToSlash(rel))
		return err
	})
	return files, err
}

// confDir is the directory of the configuration, relative to the project, with slashes.
func confDir(p Project) string { return filepath.ToSlash(filepath.Clean(p.ConfSource())) }

func skipDir(p Project, path string) bool {
	name := filepath.Base(path)
	if name == "__pycache__" || strings.HasSuffix(name, ".egg-info") {
		return true
	}
	if p.SourceDir != p.Dir {
		return false
	}
	if _, err := os.Stat(filepath.Join(path, "pyvenv.cfg")); err == nil {
		return true
	}
	// A directory of that name that is a package may be meant as one; configuration has no __init__.py.
	_, err := os.Stat(filepath.Join(path, "__init__.py"))
	if err != nil && path == filepath.Join(p.Dir, filepath.FromSlash(confDir(p))) {
		return true
	}
	inRoot := filepath.Dir(path) == p.Dir
	return inRoot && (strings.HasPrefix(name, ".") || slices.Contains(besideSources, name))
}

func rootFiles(p Project) ([]string, error) {
	named, err := namedFiles(p)
	if err != nil {
		return nil, err
	}
	if p.Settings.Image.Lock != "" {
		named = append(named, p.Settings.Image.Lock)
	}
	entries, err := os.ReadDir(p.Dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.IsDir() && e.Name() != OwnLock && slices.ContainsFunc(rootPatterns, func(pattern string) bool { ok, _ := filepath.Match(pattern, e.Name()); return ok }) {
			named = append(named, e.Name())
		}
	}
	return named, nil
}

// namedFiles are the files of the project that a string in pyproject.toml names, such as the readme, a licence or the file with the version: which key
// names a file depends on the build backend. What lies among the configuration is never one.
func namedFiles(p Project) ([]string, error) {
	var doc map[string]any
	if _, err := toml.DecodeFile(filepath.Join(p.Dir, "pyproject.toml"), &doc); err != nil {
		return nil, fmt.Errorf("read pyproject.toml: %w", err)
	}
	conf := confDir(p)
	var files []string
	for text := range texts(doc) {
		if !filepath.IsLocal(text) || strings.HasPrefix(filepath.ToSlash(filepath.Clean(text)), conf+"/") {
			continue
		}
		if info, err := os.Lstat(filepath.Join(p.Dir, text)); err == nil && info.Mode().IsRegular() {
			files = append(files, filepath.ToSlash(filepath.Clean(text)))
		}
	}
	return files, nil
}

// texts yields every string value of a decoded document.
func texts(value any) func(yield func(string) bool) {
	return func(yield func(string) bool) { walkTexts(value, yield) }
}

func walkTexts(value any, yield func(string) bool) bool {
	switch v := value.(type) {
	case string:
		return yield(v)
	case []any:
		for _, item := range v {
			if !walkTexts(item, yield) {
				return false
			}
		}
	case []map[string]any:
		for _, item := range v {
			if !walkTexts(item, yield) {
				return false
			}
		}
	case map[string]any:
		for _, item := range v {
			if !walkTexts(item, yield) {
				return false
			}
		}
	}
	return true
}
