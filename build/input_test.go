package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kedroctl/kedroctl/internal/project"
)

func key(t *testing.T, p project.Project, s project.Snapshot) string {
	t.Helper()
	k, err := InputKey(p, s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestInputKeyChangesWithWhatABuildReads(t *testing.T) {
	for _, file := range []string{
		"src/demo/nodes.py", "src/demo/table.csv", "src/demo/new.py", "requirements.txt", "requirements.lock", project.OwnLock, "docs/front.md", "LICENSE",
		"conf/base/catalog.yml", "conf/base/sub/db_credentials.yml", "conf/aws_batch/new.yml", "conf/logging.yml",
	} {
		t.Run(file, func(t *testing.T) {
			p, s := fixture(t)
			before := key(t, p, s)
			write(t, p.Dir, map[string]string{file: "changed: 1\n"})
			if key(t, p, s) == before {
				t.Errorf("the key ignores %s", file)
			}
		})
	}
}

func TestInputKeyIgnoresWhatNoBuildReads(t *testing.T) {
	for _, file := range []string{
		"docs/other.md", "data/a.csv", "conf/local/credentials.yml", "conf/prod/catalog.yml", "src/demo/__pycache__/nodes.pyc",
		"src/demo.egg-info/PKG-INFO", "notebooks/a.ipynb", "info.log", ".env", "tests/test_a.py",
	} {
		t.Run(file, func(t *testing.T) {
			p, s := fixture(t)
			before := key(t, p, s)
			write(t, p.Dir, map[string]string{file: "changed: 1\n"})
			if key(t, p, s) != before {
				t.Errorf("the key depends on %s", file)
			}
		})
	}
}

func TestInputKeyAndSettings(t *testing.T) {
	p, s := fixture(t)
	before := key(t, p, s)
	tests := []struct {
		name    string
		change  func(*project.Project, *project.Snapshot)
		changes bool
	}{
		{"base image", func(p *project.Project, _ *project.Snapshot) { p.Settings.Image.Base = "python:3.13-slim" }, true},
		{"platform", func(p *project.Project, _ *project.Snapshot) { p.Settings.Image.Platform = "linux/arm64" }, true},
		{"exclude", func(p *project.Project, _ *project.Snapshot) { p.Settings.Image.Exclude = []string{"ipython"} }, true},
		{"slim", func(p *project.Project, _ *project.Snapshot) { p.Settings.Image.Slim = false }, true},
		{"environment", func(_ *project.Project, s *project.Snapshot) { s.Env = "prod" }, true},
		{"repository", func(p *project.Project, _ *project.Snapshot) { p.Settings.Image.Repository = "elsewhere" }, false},
		{"memory of jobs", func(p *project.Project, _ *project.Snapshot) { p.Settings.Job.Memory = 1 }, false},
		{"Kedro outside", func(_ *project.Project, s *project.Snapshot) { s.KedroVersion = "1.8.0" }, false},
	}
	for _, tt := range tests {
		p, s := p, s
		tt.change(&p, &s)
		if changed := key(t, p, s) != before; changed != tt.changes {
			t.Errorf("%s: key changed: %v, want %v", tt.name, changed, tt.changes)
		}
	}
}

func TestInputKeyOfPyproject(t *testing.T) {
	p, s := fixture(t)
	before := key(t, p, s)
	file := filepath.Join(p.Dir, "pyproject.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, p.Dir, map[string]string{"pyproject.toml": string(text) + "timeout = 60\n[tool.kedro_telemetry]\nproject_id = \"x\"\n"})
	if key(t, p, s) != before {
		t.Error("the key depends on kedroctl's settings of jobs or on telemetry's id")
	}
	write(t, p.Dir, map[string]string{"pyproject.toml": string(text) + "[tool.setuptools]\nzip-safe = true\n"})
	if key(t, p, s) == before {
		t.Error("the key ignores pyproject.toml")
	}
}

func TestInputKeyIgnoresTimesAndPlace(t *testing.T) {
	p, s := fixture(t)
	q, _ := fixture(t)
	old := time.Unix(1e9, 0)
	if err := os.Chtimes(filepath.Join(q.Dir, "src", "demo", "nodes.py"), old, old); err != nil {
		t.Fatal(err)
	}
	if key(t, p, s) != key(t, q, s) {
		t.Error("two copies of a project have different keys")
	}
}

func TestSourcesWhereTheSourceDirectoryIsTheProject(t *testing.T) {
	p, s := fixture(t)
	p.SourceDir = p.Dir
	write(t, p.Dir, map[string]string{"demo/__init__.py": "", "venv/pyvenv.cfg": "", "venv/lib/x.py": "", ".venv/lib/y.py": "", "setup_helper.py": ""})
	before := key(t, p, s)
	for _, file := range []string{"data/b.csv", "venv/lib/x.py", ".venv/lib/y.py", "conf/local/x.yml", "info.log", "notebooks/x.py"} {
		write(t, p.Dir, map[string]string{file: "changed"})
		if key(t, p, s) != before {
			t.Errorf("the key depends on %s", file)
		}
	}
	for _, file := range []string{"demo/nodes.py", "setup_helper.py"} {
		write(t, p.Dir, map[string]string{file: "changed"})
		after := key(t, p, s)
		if after == before {
			t.Errorf("the key ignores %s", file)
		}
		before = after
	}
}

// A renamed configuration directory is no source either: what is in its local environment must not reach the wheel.
func TestRenamedConfigurationIsNoSource(t *testing.T) {
	p, _ := fixture(t)
	write(t, p.Dir, map[string]string{p.Package + "/__init__.py": "", "src/" + p.Package + "/settings.py": "CONF_SOURCE = \"settings\"\n",
		p.Package + "/settings.py": "CONF_SOURCE = \"settings\"\n", "settings/local/credentials.yml": "key: secret\n"})
	p.SourceDir = p.Dir
	names, err := project.Sources(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "settings/") {
			t.Errorf("%s is among the sources", name)
		}
	}
}
