package check

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

// backend is what pyproject.toml says of how setuptools makes the wheel.
type backend struct {
	Build struct {
		Requires []string `toml:"requires"`
		Backend  string   `toml:"build-backend"`
	} `toml:"build-system"`
	Tool struct {
		Setuptools struct {
			Data map[string][]string `toml:"package-data"`
		} `toml:"setuptools"`
	} `toml:"tool"`
}

// checkWheel warns of data files in the package that setuptools leaves out of the wheel: those that neither package-data nor MANIFEST.in nor a plug-in
// for version control names. Other backends take whole directories.
func (c *checker) checkWheel() error {
	var b backend
	if _, err := toml.DecodeFile(filepath.Join(c.project.Dir, project.Pyproject), &b); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("read pyproject.toml: %w", err)
	}
	isSetuptools := b.Build.Backend == "" || strings.HasPrefix(b.Build.Backend, "setuptools.")
	tracks := func(requirement string) bool {
		return strings.HasPrefix(project.DistributionName(requirement), "setuptools-")
	}
	if !isSetuptools || exists(filepath.Join(c.project.Dir, "MANIFEST.in")) || slices.ContainsFunc(b.Build.Requires, tracks) {
		return nil
	}
	files, err := project.SourceFiles(c.project)
	if err != nil {
		return fmt.Errorf("read source directory: %w", err)
	}
	var left []string
	for _, file := range files {
		if name, in := c.inPackage(file); in && !isCode(name) && !b.takes(c.project.Package, name) {
			left = append(left, file)
		}
	}
	if len(left) > 0 {
		c.find(plan.Warning, plan.CodeWheelLacks, several(left), project.Pyproject, "setuptools leaves data files out of the wheel unless they are named, so that jobs have none of them",
			fmt.Sprintf("name them: [tool.setuptools.package-data] %s = [\"**/*%s\"]", c.project.Package, path.Ext(left[0])))
	}
	return nil
}

// inPackage is the path of a file relative to the project's package.
func (c *checker) inPackage(file string) (string, bool) {
	dir := c.shown(filepath.Join(c.project.SourceDir, c.project.Package))
	return strings.CutPrefix(file, dir+"/")
}

// isCode says whether a file is a module, or is there for people alone.
func isCode(name string) bool {
	base := path.Base(name)
	return slices.Contains([]string{".py", ".pyi", ".typed", ".md", ".rst", ".ipynb"}, path.Ext(base)) || strings.HasPrefix(base, ".")
}

// takes says whether package-data names a file of a package: by globs relative to the package or to one within it, where ** stands for any directories.
func (b backend) takes(pkg, name string) bool {
	for of, globs := range b.Tool.Setuptools.Data {
		dir := strings.TrimPrefix(strings.TrimPrefix(strings.ReplaceAll(of, ".", "/"), pkg), "/")
		rel, in := strings.CutPrefix(name, strings.TrimSuffix(dir+"/", "/"))
		if of == "*" {
			rel, in = path.Base(name), true
		}
		for _, glob := range globs {
			if in && matches(glob, strings.TrimPrefix(rel, "/")) {
				return true
			}
		}
	}
	return false
}

func matches(glob, name string) bool {
	if before, after, found := strings.Cut(glob, "**/"); found {
		rest, in := strings.CutPrefix(name, before)
		return in && (matches(after, rest) || matches(after, path.Base(rest)))
	}
	ok, err := path.Match(glob, name)
	return ok && err == nil
}
