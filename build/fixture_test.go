package build

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kedroctl/kedroctl/internal/project"
)

// fixture is a small project on disk, with what must never enter an image, and its snapshot.
func fixture(t *testing.T) (project.Project, project.Snapshot) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"pyproject.toml": `[project]
name = "demo"
version = "0.1"
readme = "docs/front.md"
dependencies = ["kedro~=1.0"]
[tool.kedro]
package_name = "demo"
project_name = "Demo"
kedro_init_version = "1.7.0"
[tool.kedroctl.job]
memory = 4096
`,
		"docs/front.md":                          "# Demo\n",
		"docs/other.md":                          "not read\n",
		"requirements.txt":                       "pandas\n",
		"src/demo/__init__.py":                   "",
		"src/demo/nodes.py":                      "def f(x): return x\n",
		"src/demo/table.csv":                     "a,b\n",
		"src/demo/__pycache__/nodes.pyc":         "bytecode",
		"src/demo.egg-info/PKG-INFO":             "Name: demo\n",
		"conf/logging.yml":                       "version: 1\n",
		"conf/base/catalog.yml":                  "a: {type: pandas.CSVDataset, filepath: data/a.csv}\n",
		"conf/base/.gitkeep":                     "",
		"conf/base/credentials.yml":              "s3:\n  key: ${oc.env:S3_KEY}\n  secret: ${oc.env:S3_SECRET}\n",
		"conf/base/sub/db_credentials.yml":       "db:\n  con: postgresql://me:hunter2@db/x\n",
		"conf/base/local/parameters.yml":         "a: PLANTED-nested-local\n",
		"conf/base/.env":                         "TOKEN=PLANTED-env\n",
		"conf/aws_batch/globals.yml":             "bucket: b\n",
		"conf/aws_batch/credentials/service.yml": "svc:\n  token: PLANTED-token\n",
		"conf/local/credentials.yml":             "s3:\n  secret: PLANTED-local\n",
		"conf/prod/catalog.yml":                  "b: PLANTED-other-environment\n",
		".env":                                   "SECRET=PLANTED-root\n",
		"data/a.csv":                             "1\n",
	})
	p := project.Project{
		Dir: dir, Package: "demo", Name: "Demo", SourceDir: filepath.Join(dir, "src"), Env: "aws_batch",
		Dependencies: []string{"kedro~=1.0"}, DependencyFile: "pyproject.toml",
		Settings: project.Settings{Image: project.ImageSettings{
			Base: "python:3.12-slim", Platform: "linux/amd64", Repository: "demo", Logging: "plain", Slim: true,
		}},
	}
	return p, project.Snapshot{Package: "demo", Env: "aws_batch", ConfSource: "conf", BaseEnv: "base", KedroVersion: "1.7.0"}
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
