package build

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/scratch"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// isSource says whether a pin is made into a wheel first.
func (d Dependencies) isSource(p pin) bool {
	return slices.ContainsFunc(d.sources, func(s source) bool { return p.name == s.Name || p.name == "" && s.Path != "" })
}

// isLocal says whether a pin is a directory or file of this machine.
func (d Dependencies) isLocal(p pin) bool {
	return slices.ContainsFunc(d.sources, func(s source) bool { return s.Path != "" && (p.name == s.Name || p.name == "") })
}

// checkSources refuses what no builder can fetch.
func (d Dependencies) checkSources() error {
	for _, p := range d.pins {
		if strings.Contains(p.line, "git+ssh:") {
			return ui.WithHint(fmt.Errorf("%s comes over ssh, for which a build has no key", p.name),
				"name it by git+https://, with user and password of a private repository in netrc")
		}
	}
	return nil
}

// writeSources lays out below dir what wheels are made of:
//
//	hashed.txt   pins of an index
//	other.txt    pins of repositories and archives, which have no hash
//	local/       directories and files of this machine
func (d Dependencies) writeSources(ctx context.Context, dir string) error {
	if len(d.sources) == 0 {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(dir, "local"), 0o755); err != nil {
		return err
	}
	hashed := func(p pin) bool { return strings.Contains(p.line, "--hash") }
	remote := func(p pin) bool { return d.isSource(p) && !d.isLocal(p) }
	for name, content := range map[string][]byte{
		"hashed.txt": d.requirements(func(p pin) bool { return remote(p) && hashed(p) }),
		"other.txt":  d.requirements(func(p pin) bool { return remote(p) && !hashed(p) }),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	for _, s := range d.sources {
		if s.Path == "" {
			continue
		}
		if err := d.writeLocal(ctx, s, filepath.Join(dir, "local")); err != nil {
			return fmt.Errorf("take %s from %s: %w", s.Name, s.Path, err)
		}
	}
	return nil
}

// writeLocal puts into dir a file as it is, and of a directory what its build backend would publish: nothing else of it leaves this machine.
func (d Dependencies) writeLocal(ctx context.Context, s source, dir string) error {
	from := filepath.FromSlash(s.Path)
	if !filepath.IsAbs(from) {
		from = filepath.Join(d.uv.dir, from)
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return copyFile(from, filepath.Join(dir, filepath.Base(from)))
	}
	tree, remove, err := scratch.New("", "source")
	if err != nil {
		return err
	}
	defer remove()
	files, err := localFiles(from)
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := copyFile(filepath.Join(from, name), filepath.Join(tree, "source", name)); err != nil {
			return err
		}
	}
	out := filepath.Join(tree, "dist")
	if err := d.uv.sdist(ctx, filepath.Join(tree, "source"), out); err != nil {
		return err
	}
	made, err := filepath.Glob(filepath.Join(out, "*.tar.gz"))
	if err != nil || len(made) != 1 {
		return fmt.Errorf("its build backend made %d archives, expected one", len(made))
	}
	return untar(made[0], dir)
}

// besideLocal are directories that no backend needs, but that may be large.
var besideLocal = []string{"__pycache__", "build", "dist", "node_modules"}

// localFiles are the regular files of a directory that a wheel is made of, relative to it, sorted. Hidden ones and environments do not count.
func localFiles(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || file == dir {
			return err
		}
		_, noEnv := os.Stat(filepath.Join(file, "pyvenv.cfg"))
		switch {
		case d.IsDir() && (noEnv == nil || slices.Contains(besideLocal, d.Name()) || strings.HasPrefix(d.Name(), ".") || strings.HasSuffix(d.Name(), ".egg-info")):
			return fs.SkipDir
		case d.Type().IsRegular() && !strings.HasPrefix(d.Name(), ".") && !strings.HasSuffix(d.Name(), ".pyc"):
			rel, err := filepath.Rel(dir, file)
			names = append(names, rel)
			return err
		}
		return nil
	})
	return names, err
}

// untar unpacks an archive of sources. Links in it are left out: no backend writes them.
func untar(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !filepath.IsLocal(h.Name) || h.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		file := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, content, 0o644)); err != nil {
			return err
		}
	}
}

// localSources are the files of directories beside or in the project that its dependencies are made of, for [InputKey].
func localSources(p project.Project) ([]configFile, error) {
	d, err := findDependencies(p)
	if err != nil {
		return nil, nil // a build says what is wrong
	}
	var places []string
	for _, line := range slices.Concat(d.requirements, p.Dependencies) {
		if place := placeOf(line); place != "" {
			places = append(places, place)
		}
	}
	more, err := uvPlaces(p)
	if err != nil {
		return nil, err
	}
	places = append(places, more...)
	slices.Sort(places)
	var files []configFile
	for _, place := range slices.Compact(places) {
		found, err := placeFiles(p, place)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return files, nil
}

// placeOf is the path of a requirement that is one of this machine.
func placeOf(line string) string {
	if target, ok := option(line, "-e", "--editable"); ok {
		line = target
	}
	if _, target, ok := strings.Cut(line, "@ "); ok {
		line = strings.TrimSpace(target)
	}
	line, _, _ = strings.Cut(line, " ;")
	if !isPath(line) {
		return ""
	}
	line, _, _ = strings.Cut(line, "[")
	return strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(line), "file://"), "file:")
}

// uvPlaces are the paths in [tool.uv.sources] and in uv.lock, which has those of a workspace too.
func uvPlaces(p project.Project) ([]string, error) {
	var places []string
	sources, err := uvSources(p)
	if err != nil {
		return nil, err
	}
	for _, entry := range sources {
		if table, ok := entry.(map[string]any); ok {
			if place, ok := table["path"].(string); ok {
				places = append(places, place)
			}
		}
	}
	var lock struct {
		Package []struct {
			Source struct {
				Editable, Directory, Path string
			} `toml:"source"`
		} `toml:"package"`
	}
	if _, err := toml.DecodeFile(filepath.Join(p.Dir, "uv.lock"), &lock); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil // a build says what is wrong
	}
	for _, pack := range lock.Package {
		for _, place := range []string{pack.Source.Editable, pack.Source.Directory, pack.Source.Path} {
			if place != "" && filepath.Clean(place) != "." {
				places = append(places, place)
			}
		}
	}
	return places, nil
}

func placeFiles(p project.Project, place string) ([]configFile, error) {
	root := place
	if !filepath.IsAbs(root) {
		root = filepath.Join(p.Dir, root)
	}
	if isRegular(root) {
		return []configFile{{name: filepath.ToSlash(place), path: root}}, nil
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return nil, nil
	}
	names, err := localFiles(root)
	var files []configFile
	for _, name := range names {
		files = append(files, configFile{name: path.Join(filepath.ToSlash(place), filepath.ToSlash(name)), path: filepath.Join(root, name)})
	}
	return files, err
}
