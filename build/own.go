package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/templates"
)

// partsDir is where the context of a project's own Dockerfile has what kedroctl lays out: boot/, dist/, project/, root/app/conf/ and, where the Dockerfile
// names it, dependencies/.
const partsDir = ".kedroctl/image"

// bringsBoot is in a Dockerfile that installs the entry of jobs itself, as the one does that kedroctl hands over.
const bringsBoot = "KEDROCTL_PACKAGE"

// layout lays out the context below dir.
func (s Spec) layout(ctx context.Context, dir string) (layout, error) {
	if s.Project.Settings.Image.Dockerfile == "" {
		return newLayout(ctx, dir, s)
	}
	return newOwnLayout(ctx, dir, s)
}

// wantsDependencies says whether the project's image is built of dependencies that are resolved here: a Dockerfile of the project's own may bring others.
func wantsDependencies(p project.Project) (bool, error) {
	if p.Settings.Image.Dockerfile == "" {
		return true, nil
	}
	text, err := ownDockerfile(p)
	return strings.Contains(text, partsDir+"/dependencies"), err
}

// newOwnLayout is the context of the project's own Dockerfile: the project's directory, with the wheel alone in dist/ and kedroctl's parts in .kedroctl/image.
func newOwnLayout(ctx context.Context, dir string, spec Spec) (layout, error) {
	p, s, w := spec.Project, spec.Snapshot, spec.Wheel
	l := layout{dir: dir, source: p.Settings.Image.Dockerfile, dockerfile: partsDir + "/Dockerfile"}
	text, err := ownDockerfile(p)
	if err != nil {
		return l, err
	}
	parts := layout{dir: filepath.Join(dir, filepath.FromSlash(partsDir))}
	if strings.Contains(text, partsDir+"/dependencies") {
		parts, err = newLayout(ctx, parts.dir, spec)
	} else {
		err = parts.addFixed(p, s, w)
	}
	l.left = parts.left
	if err != nil {
		return l, err
	}
	if err := l.addWheel("dist", w); err != nil {
		return l, err
	}
	if err := l.write(l.dockerfile, []byte(text)); err != nil {
		return l, err
	}
	context, err := newOwnContext(p, s)
	if err != nil {
		return l, err
	}
	l.under, l.left = context.fs, mergeLeft(l.left, context.left)
	return l, l.fixTimes()
}

// addFixed lays out what needs no resolver.
func (l *layout) addFixed(p project.Project, s project.Snapshot, w Wheel) error {
	if err := l.addBoot(); err != nil {
		return err
	}
	if err := l.addWheel("dist", w); err != nil {
		return err
	}
	if err := l.addProject(w); err != nil {
		return err
	}
	return l.addConfig(p, s)
}

func (l *layout) addWheel(dir string, w Wheel) error {
	wheel, err := os.ReadFile(w.Path)
	if err != nil {
		return err
	}
	return l.write(path.Join(dir, filepath.Base(w.Path)), wheel)
}

// mergeLeft adds the files that are not named yet.
func mergeLeft(left, more []Left) []Left {
	named := map[string]bool{}
	for _, l := range left {
		named[l.Path] = true
	}
	for _, l := range more {
		if !named[l.Path] {
			left = append(left, l)
		}
	}
	return left
}

// ownDockerfile is the project's Dockerfile with the entry of jobs and the configuration in its last stage.
func ownDockerfile(p project.Project) (string, error) {
	name := p.Settings.Image.Dockerfile
	content, err := os.ReadFile(filepath.Join(p.Dir, filepath.FromSlash(name)))
	if err != nil {
		err = fmt.Errorf("read the Dockerfile that [tool.kedroctl.image] names: %w", err)
		if errors.Is(err, fs.ErrNotExist) {
			err = ui.WithHint(err, "correct the path, or remove the setting dockerfile: kedroctl then makes a Dockerfile of its own")
		}
		return "", err
	}
	text := strings.TrimRight(string(content), " \t\r\n")
	if strings.Contains(text, bringsBoot) {
		return text + "\n", nil
	}
	if strings.HasSuffix(text, `\`) || strings.HasSuffix(text, "`") {
		return "", fmt.Errorf("%s: its last line goes on at its end: what kedroctl adds would become a part of it", name)
	}
	d := newDockerfile(p)
	if !packageName.MatchString(d.Package) {
		return "", fmt.Errorf("package_name %q is no name of a Python package", d.Package)
	}
	t, err := template.New("own").Parse(templates.OwnDockerfile())
	if err != nil {
		return "", err
	}
	var out strings.Builder
	out.WriteString(text + "\n")
	err = t.Execute(&out, d)
	return out.String(), err
}
