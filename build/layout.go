package build

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/tonistiigi/fsutil"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/templates"
)

// layout is a build context on disk: nothing but what may enter the image. Modes and times of the files depend on their content alone.
type layout struct {
	dir        string
	left       []Left
	source     string    // where the dependencies come from
	dockerfile string    // relative to dir; "" is Dockerfile
	under      fsutil.FS // what the context has besides dir; may be nil
}

func (l layout) dockerfilePath() string { return cmp.Or(l.dockerfile, "Dockerfile") }

// context is all that the builder may ask for.
func (l layout) context() (fsutil.FS, error) {
	src, err := contextFS(l.dir)
	if err != nil || l.under == nil {
		return src, err
	}
	return overlay{over: src, under: l.under}, nil
}

// newLayout writes the context below dir:
//
//	Dockerfile
//	library/        the script that compiles the standard library
//	dependencies/   requirements.txt, of what is installed as wheels, and the script that makes layers of it
//	sources/        what wheels are made of, where something comes as sources
//	boot/           the entry of jobs, an installed distribution
//	dist/           the wheel, alone
//	project/        the wheel, installed
//	root/app/conf/  the configuration, as it lies in the image
func newLayout(ctx context.Context, dir string, spec Spec) (layout, error) {
	deps := spec.Dependencies
	l := layout{dir: dir, source: deps.Source}
	text, err := renderDockerfile(spec.Project, deps)
	if err != nil {
		return l, err
	}
	if err := l.write("Dockerfile", []byte(text)); err != nil {
		return l, err
	}
	if err := l.write("library/library.py", templates.Library()); err != nil {
		return l, err
	}
	used, err := usedModules(spec.Project)
	if err != nil {
		return l, err
	}
	wheels := deps.requirements(func(p pin) bool { return !deps.isSource(p) })
	for name, content := range map[string][]byte{
		"requirements.txt": slices.Concat(joined(deps.options), wheels), "used.txt": used, "arrange.py": templates.Arrange(),
	} {
		if err := l.write("dependencies/"+name, content); err != nil {
			return l, err
		}
	}
	if err := deps.writeSources(ctx, filepath.Join(dir, "sources")); err != nil {
		return l, err
	}
	if err := l.addFixed(spec.Project, spec.Snapshot, spec.Wheel); err != nil {
		return l, err
	}
	return l, l.fixTimes()
}

func (l *layout) addBoot() error {
	boot := templates.Boot()
	return fs.WalkDir(boot, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(boot, name)
		if err != nil {
			return err
		}
		return l.write("boot/"+name, content)
	})
}

// addProject installs the wheel.
func (l *layout) addProject(w Wheel) error {
	files, err := w.install()
	if err != nil {
		return err
	}
	for name, f := range files {
		if err := l.write("project/"+name, f.content); err != nil {
			return err
		}
		if f.program {
			if err := os.Chmod(filepath.Join(l.dir, "project", filepath.FromSlash(name)), 0o755); err != nil {
				return err
			}
		}
	}
	return nil
}

// addConfig copies the configuration, file by file, without those that hold secrets. The environments' directories are made also where they are empty:
// Kedro wants them.
func (l *layout) addConfig(p project.Project, s project.Snapshot) error {
	root := path.Join("root", confRoot)
	for _, env := range []string{s.BaseEnv, s.Env} {
		if err := os.MkdirAll(filepath.Join(l.dir, filepath.FromSlash(root), env), 0o755); err != nil {
			return err
		}
	}
	files, left, err := configContents(p, s)
	if err != nil {
		return err
	}
	l.left = left
	for name, content := range files {
		if err := l.write(path.Join(root, name), content); err != nil {
			return err
		}
	}
	return nil
}

func (l *layout) write(name string, content []byte) error {
	file := filepath.Join(l.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}

// fixTimes gives everything its final mode, whatever the umask is, and its final time.
func (l *layout) fixTimes() error {
	return filepath.WalkDir(l.dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode, when := fs.FileMode(0o755), epoch
		if !d.IsDir() {
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			when = timeOf(content)
			if info, err := d.Info(); err != nil || info.Mode()&0o100 == 0 {
				mode = 0o644
			}
		}
		if err := os.Chmod(file, mode); err != nil {
			return err
		}
		return os.Chtimes(file, when, when)
	})
}

// timeOf is a time that depends on a file's content. BuildKit takes a file of the same name, size and time as last time for the same file and does not
// send it: with one fixed time for all, a change that keeps the size would be lost. (The image has none of these times: the Dockerfile sets its own.)
func timeOf(content []byte) time.Time {
	sum := sha256.Sum256(content)
	return epoch.Add(time.Duration(binary.BigEndian.Uint64(sum[:]) >> 4)) // up to 36 years, in nanoseconds
}
