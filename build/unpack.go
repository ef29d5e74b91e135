package build

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/templates"
)

// Unpacked is what the image of a project would hold besides its dependencies, in directories.
type Unpacked struct {
	App string            // working directory of jobs, with the configuration in conf
	Env map[string]string // variables as the image has them
}

// Unpack writes below dir, which is absolute, what the image of a project would hold, for an interpreter that has the dependencies already: the
// configuration without what stays out of images, the entry of jobs, and the sources, as they are now.
func Unpack(dir string, p project.Project, s project.Snapshot) (Unpacked, error) {
	l := layout{dir: dir}
	if err := l.addBoot(); err != nil {
		return Unpacked{}, fmt.Errorf("unpack the entry of jobs: %w", err)
	}
	if err := l.addConfig(p, s); err != nil {
		return Unpacked{}, fmt.Errorf("unpack the configuration: %w", err)
	}
	if err := l.addSources(p); err != nil {
		return Unpacked{}, fmt.Errorf("unpack the sources: %w", err)
	}
	source, err := filepath.Rel(p.Dir, p.SourceDir)
	if err != nil {
		return Unpacked{}, fmt.Errorf("unpack the sources: %w", err)
	}
	boot := filepath.Join(dir, "boot")
	u := Unpacked{App: filepath.Join(dir, "root", "app"), Env: map[string]string{
		"KEDROCTL_PACKAGE": p.Package, "KEDRO_LOGGING_CONFIG": filepath.Join(boot, filepath.FromSlash(templates.BootLogging)),
		"DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1", "COLUMNS": "200",
		"PYTHONPATH": strings.Join([]string{filepath.Join(dir, "project", source), boot}, string(filepath.ListSeparator)),
	}}
	if p.Settings.Image.Logging == "project" {
		u.Env["KEDRO_LOGGING_CONFIG"] = filepath.Join(u.App, "conf", "logging.yml")
	}
	return u, nil
}

// addSources copies the files under the source directory. What is no regular file, such as a dangling link, is no source.
func (l *layout) addSources(p project.Project) error {
	names, err := project.SourceFiles(p)
	if err != nil {
		return err
	}
	for _, name := range names {
		file := filepath.Join(p.Dir, filepath.FromSlash(name))
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := l.write("project/"+name, content); err != nil {
			return err
		}
	}
	return nil
}
