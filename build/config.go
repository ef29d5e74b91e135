package build

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// Left is a configuration file that stays out of the image, and why.
type Left struct {
	Path   string `json:"path"` // relative to the project
	Reason string `json:"reason"`
}

// configFile is a file of the configuration: name is relative to the configuration source, with slashes.
type configFile struct{ name, path string }

// LeftOut lists the configuration files of the copied environments that stay out of the image, and what is kept back from the project's own Dockerfile.
func LeftOut(p project.Project, s project.Snapshot) ([]Left, error) {
	_, left, err := configContents(p, s)
	if err != nil || p.Settings.Image.Dockerfile == "" {
		return left, err
	}
	context, err := newOwnContext(p, s)
	if err != nil {
		return nil, err
	}
	return mergeLeft(left, context.left), nil
}

// configContents reads the files of the configuration that may be copied, by their names, and lists what of it stays out.
func configContents(p project.Project, s project.Snapshot) (map[string][]byte, []Left, error) {
	files, left, err := configFiles(p, s)
	if err != nil {
		return nil, nil, err
	}
	contents := map[string][]byte{}
	for _, f := range files {
		content, err := os.ReadFile(f.path)
		if err != nil {
			return nil, nil, fmt.Errorf("read configuration: %w", err)
		}
		if reason := secretIn(f.name, content); reason != "" {
			left = append(left, Left{Path: confPath(s, f.name), Reason: reason})
			continue
		}
		contents[f.name] = content
	}
	return contents, left, nil
}

// configFiles lists what of the configuration may be copied by its place and name: the base environment, the environment, and logging.yml of the
// configuration source. Files are judged by their content later.
func configFiles(p project.Project, s project.Snapshot) ([]configFile, []Left, error) {
	c := configWalk{source: s.ConfSource, base: s.BaseEnv, project: p.Dir}
	if !filepath.IsAbs(c.source) {
		c.source = filepath.Join(p.Dir, c.source)
	}
	for _, env := range slices.Compact([]string{s.BaseEnv, s.Env}) {
		if err := c.environment(env); err != nil {
			return nil, nil, fmt.Errorf("read configuration: %w", err)
		}
	}
	if logging := filepath.Join(c.source, "logging.yml"); isRegular(logging) && s.BaseEnv != "" {
		c.files = append(c.files, configFile{name: "logging.yml", path: logging})
	}
	slices.SortFunc(c.files, func(a, b configFile) int { return strings.Compare(a.name, b.name) })
	return slices.Compact(c.files), c.left, nil
}

func isRegular(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}

type configWalk struct {
	source, base, project string
	files                 []configFile
	left                  []Left
}

// environment adds the files of one environment. An empty base environment means that the configuration source itself holds the base files.
func (c *configWalk) environment(env string) error {
	if env == "" && c.base != "" {
		return nil
	}
	dir := filepath.Join(c.source, env)
	if (env != "" && !filepath.IsLocal(env)) || c.isLocal(dir) {
		return fmt.Errorf("environment %q: what is local to a machine is never copied into an image", env)
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	// Not dir itself: a walk does not follow a link at its start.
	return filepath.WalkDir(dir+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Clean(path) == dir {
			return err
		}
		return c.visit(path, d)
	})
}

func (c *configWalk) visit(path string, d fs.DirEntry) error {
	name, err := filepath.Rel(c.source, path)
	if err != nil {
		return err
	}
	reason := c.objection(path, d)
	switch {
	case reason != "":
		if d.Name() != ".gitkeep" {
			rel, _ := filepath.Rel(c.project, path)
			c.left = append(c.left, Left{Path: filepath.ToSlash(rel), Reason: reason})
		}
		if d.IsDir() {
			return fs.SkipDir
		}
	case !d.IsDir():
		c.files = append(c.files, configFile{name: filepath.ToSlash(name), path: path})
	}
	return nil
}

// objection says why a file or directory may not be copied, "" where it may.
func (c *configWalk) objection(path string, d fs.DirEntry) string {
	switch {
	case d.IsDir() && d.Name() == "local":
		return "a directory called local is never copied"
	case strings.HasPrefix(d.Name(), "."):
		return "hidden files are not copied"
	case d.Type()&fs.ModeSymlink != 0:
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() || c.isLocal(path) {
			return "a link to what is no file of the configuration"
		}
	case !d.IsDir() && !d.Type().IsRegular():
		return "not a regular file"
	}
	return ""
}

// isLocal says whether a path, links resolved, lies outside the configuration source or below a directory called local.
func (c *configWalk) isLocal(path string) bool {
	source, err := filepath.EvalSymlinks(c.source)
	if err != nil {
		return false // nothing is there
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		real = path
	}
	rel, err := filepath.Rel(source, real)
	return err != nil || rel != "." && !filepath.IsLocal(rel) || slices.Contains(strings.Split(filepath.ToSlash(rel), "/"), "local")
}

// confPath is the path of a file of the configuration relative to the project.
func confPath(s project.Snapshot, name string) string {
	return filepath.ToSlash(filepath.Join(s.ConfSource, filepath.FromSlash(name)))
}
