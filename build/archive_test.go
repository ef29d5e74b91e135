package build

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

func packed(t *testing.T, p project.Project, s project.Snapshot) (Archive, map[string]string) {
	t.Helper()
	a, err := Code(p, s)
	if err != nil {
		t.Fatal(err)
	}
	compressed, err := gzip.NewReader(bytes.NewReader(a.Body))
	if err != nil {
		t.Fatal(err)
	}
	files, r := map[string]string{}, tar.NewReader(compressed)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return a, files
		}
		content, readErr := io.ReadAll(r)
		if err != nil || readErr != nil {
			t.Fatal(err, readErr)
		}
		files[h.Name] = string(content)
	}
}

func TestCodeHasSourcesAndConfigurationAlone(t *testing.T) {
	p, s := fixture(t)
	write(t, p.Dir, map[string]string{
		"src/demo/.env": "TOKEN=hunter2\n", "src/.hidden/x.py": "", "src/demo/secret_credentials.yml": "db: {password: hunter2}\n",
		"src/demo/key.py": "KEY = 'AKIAABCDEFGHIJKLMNOP'\n", "src/demo/__pycache__/nodes.cpython-312.pyc": "x", "conf/local/parameters.yml": "token: hunter2\n",
		"conf/base/more_credentials.yml": "db: {password: hunter2}\n", ".env": "TOKEN=hunter2\n", "notebooks/a.ipynb": "{}", "tests/test_a.py": "",
	})
	a, files := packed(t, p, s)
	delete(files, aboutFile)
	want := map[string]string{
		"conf/base/": "", "conf/aws_batch/": "", "source/": "",
		"conf/logging.yml":           "version: 1\n",
		"conf/base/catalog.yml":      "a: {type: pandas.CSVDataset, filepath: data/a.csv}\n",
		"conf/base/credentials.yml":  "s3:\n  key: ${oc.env:S3_KEY}\n  secret: ${oc.env:S3_SECRET}\n",
		"conf/aws_batch/globals.yml": "bucket: b\n",
		"source/demo/__init__.py":    "",
		"source/demo/nodes.py":       "def f(x): return x\n",
		"source/demo/table.csv":      "a,b\n",
		"source/demo/key.py":         "KEY = 'AKIAABCDEFGHIJKLMNOP'\n",
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	var left []string
	for _, l := range a.Left {
		left = append(left, l.Path)
	}
	if diff := cmp.Diff([]string{"src/demo/.env", "src/demo/secret_credentials.yml"}, left); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	if len(a.Exposed) != 1 || a.Exposed[0].Path != "src/demo/key.py" {
		t.Errorf("exposed: %v", a.Exposed)
	}
	if a.Files != 8 {
		t.Errorf("%d files, want 8", a.Files)
	}
}

func TestCodeDependsOnContentAlone(t *testing.T) {
	p, s := fixture(t)
	first, _ := packed(t, p, s)
	file := filepath.Join(p.SourceDir, "demo", "nodes.py")
	if err := errors.Join(os.Chtimes(file, time.Now(), time.Now()), os.Chmod(file, 0o700)); err != nil {
		t.Fatal(err)
	}
	if again, _ := packed(t, p, s); again.SHA256 != first.SHA256 || !bytes.Equal(again.Body, first.Body) {
		t.Error("times and modes of files change the archive")
	}
	write(t, p.Dir, map[string]string{"src/demo/nodes.py": "def f(x): return 1\n"})
	if changed, _ := packed(t, p, s); changed.SHA256 == first.SHA256 {
		t.Error("a changed line does not change the archive")
	}
}

func TestCodeTellsTheEntryPointsOfTheTree(t *testing.T) {
	const kedro = "[tool.kedro]\npackage_name = \"demo\"\nproject_name = \"demo\"\nkedro_init_version = \"1.0.0\"\n"
	tests := map[string]struct {
		pyproject, distribution, points string
		unknown                         bool
	}{
		"project": {"[project]\nname = \"Demo.App\"\n[project.scripts]\nx = \"demo:main\"\n[project.entry-points.\"kedro.hooks\"]\nours = \"demo.hooks:hooks\"\n",
			"Demo.App", "[console_scripts]\nx = demo:main\n\n[kedro.hooks]\nours = demo.hooks:hooks\n\n", false},
		"none":     {"[project]\nname = \"demo\"\n", "demo", "", false},
		"dynamic":  {"[project]\nname = \"demo\"\ndynamic = [\"entry-points\"]\n", "demo", "", true},
		"poetry":   {"[tool.poetry]\nname = \"demo\"\n[tool.poetry.plugins.\"kedro.hooks\"]\nours = \"demo.hooks:hooks\"\n", "demo", "[kedro.hooks]\nours = demo.hooks:hooks\n\n", false},
		"setup.py": {"", "", "", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, s := fixture(t)
			write(t, p.Dir, map[string]string{"pyproject.toml": tt.pyproject + kedro})
			_, files := packed(t, p, s)
			var got about
			if err := json.Unmarshal([]byte(files[aboutFile]), &got); err != nil {
				t.Fatal(err)
			}
			if got.Distribution != tt.distribution || (got.EntryPoints == nil) != tt.unknown || got.EntryPoints != nil && *got.EntryPoints != tt.points {
				t.Errorf("%s", files[aboutFile])
			}
		})
	}
}

func TestDependencyKey(t *testing.T) {
	sum := func(p project.Project) string {
		key, err := DependencyKey(p)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	for file, changes := range map[string]bool{
		"src/demo/nodes.py": false, "conf/base/catalog.yml": false, "README.md": false, "requirements.txt": true, "setup.cfg": true,
	} {
		p, _ := fixture(t)
		before := sum(p)
		write(t, p.Dir, map[string]string{file: "numpy\n"})
		if (sum(p) != before) != changes {
			t.Errorf("%s: changes the key %v, want %v", file, !changes, changes)
		}
	}
	p, _ := fixture(t)
	before := sum(p)
	p.Settings.Image.Repository = "elsewhere"
	if sum(p) != before {
		t.Error("the key depends on where the image goes")
	}
	p.Settings.Image.SystemPackages = []string{"libgomp1"}
	if sum(p) == before {
		t.Error("the key ignores system packages")
	}
	p.Settings.Image.SystemPackages, p.Dependencies = nil, append(p.Dependencies, "tabulate")
	if sum(p) == before || strings.Trim(before, "0123456789abcdef") != "" {
		t.Error("the key ignores a dependency")
	}
}
