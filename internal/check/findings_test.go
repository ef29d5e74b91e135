package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

func TestFindings(t *testing.T) {
	for name, tt := range map[string]struct {
		files  string
		change func(*project.Snapshot)
		absent []string
		want   []string
	}{
		"a project that needs nothing": {files: `
-- conf/base/catalog.yml --
raw: {type: pandas.CSVDataset, filepath: data/raw.csv}
-- conf/base/parameters.yml --
limits: {low: 1}
day: monday
-- conf/local/parameters.yml --
limits: {low: 1}
unused: 2
-- conf/local/credentials.yml --
lake: {key: x}
-- conf/local/README.md --
-- conf/local/.gitkeep --
`},
		"parameters, catalog entries, globals and files that only conf/local has": {
			files: `
-- conf/local/parameters.yml --
limits:
  low: 1
day: monday
unused: 2
-- conf/local/catalog_mine.yml --
end: {type: pandas.CSVDataset, filepath: data/end.csv}
other: {type: pandas.CSVDataset, filepath: data/other.csv}
-- conf/local/globals.yml --
root: /data
-- conf/local/mlflow.yml --
server: {}
`,
			change: func(s *project.Snapshot) { s.MissingParameters = []string{"params:day"} },
			want: []string{
				"error parameter-missing params:day conf/local/parameters.yml:3",
				"warning local-only end conf/local/catalog_mine.yml:1",
				"warning local-only limits.low conf/local/parameters.yml:2",
				"warning local-only mlflow.yml conf/local/mlflow.yml",
				"warning local-only root conf/local/globals.yml:1",
			},
		},
		"what conf/local has otherwise": {
			files: `
-- conf/base/parameters.yml --
limits: {low: 1, high: 2}
day: monday
-- conf/aws_batch/parameters.yml --
day: sunday
-- conf/local/parameters.yml --
limits: {low: 5, high: 6}
day: tuesday
`,
			want: []string{"note local-differs day, limits.low conf/local/parameters.yml"},
		},
		"another environment that is not in images": {
			files: `
-- conf/mine/mlflow.yml --
server: {}
-- conf/local/mlflow.yml --
server: {}
`,
			change: func(s *project.Snapshot) { s.LocalEnv = "mine" },
			want:   []string{"warning local-only mlflow.yml conf/mine/mlflow.yml"},
		},
		"credentials in the environment, in a file that stays out, only here, and nowhere": {
			files: `
-- conf/aws_batch/credentials.yml --
a: {key: "${oc.env:A_KEY,none}"}
-- conf/base/credentials.yml --
b: {key: literal}
-- conf/local/credentials.yml --

c: {key: literal}
`,
			change: func(s *project.Snapshot) {
				for name, entry := range map[string]string{"raw": "a", "table": "b", "end": "c"} {
					d := s.Datasets[name]
					d.Credentials = entry
					s.Datasets[name] = d
				}
			},
			absent: []string{"conf/base/credentials.yml"},
			want:   []string{"warning credentials b conf/base/credentials.yml:1", "warning credentials c conf/local/credentials.yml:2"},
		},
		"an entry of the environment that differs in more than its place": {
			files: `
-- conf/base/catalog.yml --
_csv: &csv
  type: pandas.CSVDataset
  load_args: {sep: ";"}
raw:
  <<: *csv
  filepath: data/raw.csv
table: {type: pandas.CSVDataset, filepath: data/table.csv, save_args: {index: false}, versioned: true}
end: {type: MemoryDataset}
-- conf/aws_batch/catalog.yml --
raw: {type: pandas.CSVDataset, filepath: "s3://b/raw.csv", load_args: {sep: ";"}, fs_args: {open_args_load: {}}}
table: {type: pandas.ParquetDataset, filepath: "s3://b/table.csv", versioned: true, load_args: {columns: [a]}}
end: {type: pickle.PickleDataset, filepath: "s3://b/end.pkl"}
`,
			want: []string{"warning entry-differs table conf/aws_batch/catalog.yml:2"},
		},
		"with soft merging the environment's entry says only what differs": {
			files: `
-- conf/base/catalog.yml --
raw: {type: pandas.CSVDataset, filepath: data/raw.csv, load_args: {sep: ";"}}
-- conf/aws_batch/catalog.yml --
raw: {filepath: "s3://b/raw.csv"}
`,
			change: func(s *project.Snapshot) { s.SoftMerge = []string{"catalog"} },
		},
		"interpolations cannot be compared": {files: `
-- conf/base/catalog.yml --
raw: {type: "${_type}", filepath: data/raw.csv}
-- conf/aws_batch/catalog.yml --
raw: {type: pandas.CSVDataset, filepath: "s3://b/raw.csv"}
`},
		"variables that jobs do not have": {
			files: `
-- pyproject.toml --
` + pyproject + `
[tool.kedroctl.job]
environment = { LEVEL = "info" }
secrets = { A_KEY = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a" }
[tool.kedroctl.job.groups.make]
environment = { FOR_ONE = "x" }
-- conf/base/credentials.yml --
a: {key: "${oc.env:A_KEY}", level: "${oc.env: LEVEL}", token: "${oc.env:AWS_SESSION_TOKEN}", user: "${oc.env:DB_USER,ann}"}
# was: ${oc.env:OLD}
db:
  con: mysql://${oc.env:DB_USER}:${oc.env:DB_PASSWORD}@host
-- conf/aws_batch/parameters.yml --
day: ${oc.env:FOR_ONE}
limits: {low: 1}
-- conf/aws_batch/credentials_left.yml --
x: {key: "${oc.env:ELSEWHERE}", secret: literal}
`,
			absent: []string{"conf/aws_batch/credentials_left.yml"},
			want: []string{
				"error variable-missing DB_PASSWORD conf/base/credentials.yml:4", "error variable-missing DB_USER conf/base/credentials.yml:4",
				"error variable-missing FOR_ONE conf/aws_batch/parameters.yml:1",
			},
		},
		"hooks": {
			change: func(s *project.Snapshot) {
				s.Hooks = []project.Hook{
					{Name: "shop.hooks.Audit", Calls: []string{"after_node_run", "before_pipeline_run"}},
					{Name: "shop.hooks.Nodes", Calls: []string{"after_node_run"}}, {Name: "kedro-viz", Plugin: true},
				}
			},
			want: []string{"note hooks kedro-viz", "note hooks shop.hooks.Audit"},
		},
		"a registry that composes pipelines": {
			files: `
-- src/shop/pipeline_registry.py --
from kedro.framework.project import find_pipelines
-- src/shop/pipelines/make/__init__.py --
-- src/shop/pipelines/use.py --
`,
			change: func(s *project.Snapshot) { s.Pipelines["all"] = s.Pipelines["__default__"] },
			want:   []string{"note pipeline-composed all src/shop/pipeline_registry.py"},
		},
		"one that Kedro runs by name": {
			files: `
-- src/shop/pipeline_registry.py --
from kedro.framework.project import find_pipelines
`,
			change: func(s *project.Snapshot) { s.KedroVersion = "1.4.0" },
		},
		"nodes that Kedro names": {
			change: func(s *project.Snapshot) {
				for _, pipeline := range s.Pipelines {
					for i := range pipeline.Nodes {
						pipeline.Nodes[i].Name = map[string]string{"make": "make__1a2b3c4d", "use": "<lambda>__deadbeef"}[pipeline.Nodes[i].Name]
					}
				}
			},
			want: []string{"note node-unnamed make__1a2b3c4d, <lambda>__deadbeef"},
		},
		"a versioned input": {
			files: `
-- conf/base/catalog.yml --
raw: {type: pandas.CSVDataset, filepath: data/raw.csv, versioned: true}
table: {type: pandas.CSVDataset, filepath: data/table.csv, versioned: true}
`,
			change: func(s *project.Snapshot) {
				for _, name := range []string{"raw", "table"} {
					d := s.Datasets[name]
					d.Versioned = true
					s.Datasets[name] = d
				}
			},
			want: []string{"note version-latest raw conf/base/catalog.yml:1"},
		},
		"a factory in the configuration of logging, and files, where jobs have their own": {
			files: `
-- conf/logging.yml --
version: 1
handlers:
  console: {"()": shop.log.Handler}
  file: {class: logging.FileHandler, filename: logs/info.log}
`,
			want: []string{"warning logging-factory logging conf/logging.yml:3"},
		},
		"and where jobs log like the project": {
			files: `
-- pyproject.toml --
` + pyproject + `
[tool.kedroctl.image]
logging = "project"
-- conf/logging.yml --
handlers:
  console:
    (): shop.log.Handler
  deep: {class: logging.FileHandler, filename: logs/info.log}
  here: {class: logging.FileHandler, filename: info.log}
`,
			want: []string{
				"error logging-factory logging conf/logging.yml:3", "error logging-file logs/info.log conf/logging.yml:4",
				"note logging-file info.log conf/logging.yml:5",
			},
		},
		"a factory was good before Kedro 1.3": {
			files: `
-- conf/logging.yml --
handlers: {console: {"()": shop.log.Handler}}
`,
			change: func(s *project.Snapshot) { s.KedroVersion = "1.2.0" },
		},
		"a class that has another name now": {
			files: `
-- conf/base/catalog.yml --
# type: matplotlib.MatplotlibWriter
raw:
  type: matplotlib.MatplotlibWriter
table: {type: kedro_datasets.matplotlib.matplotlib_writer.MatplotlibWriter, filepath: data/table}
end: {type: shop.MatplotlibWriter, filepath: data/end}
`,
			want: []string{
				"warning class-renamed matplotlib.MatplotlibWriter conf/base/catalog.yml:3",
				"warning class-renamed matplotlib.matplotlib_writer.MatplotlibWriter conf/base/catalog.yml:4",
			},
		},
		"kedro-mlflow without a server": {
			change: withMLflow,
			want:   []string{"warning mlflow-local mlflow.yml", "note hooks kedro_mlflow"},
		},
		"kedro-mlflow on disk": {
			files: `
-- conf/base/mlflow.yml --
server:
  mlflow_tracking_uri: https://mlflow.example
-- conf/aws_batch/mlflow.yml --
server:
  mlflow_tracking_uri: mlruns
`,
			change: withMLflow,
			want:   []string{"warning mlflow-local mlflow.yml conf/aws_batch/mlflow.yml:2", "note hooks kedro_mlflow"},
		},
		"kedro-mlflow with a server": {
			files: `
-- conf/base/mlflow.yml --
server: {mlflow_tracking_uri: "https://mlflow.example"}
`,
			change: withMLflow,
			want:   []string{"note hooks kedro_mlflow"},
		},
		"kedro-mlflow with a server by a variable": {
			files: `
-- pyproject.toml --
` + pyproject + `
[tool.kedroctl.job.environment]
MLFLOW_TRACKING_URI = "https://mlflow.example"
-- conf/base/mlflow.yml --
server: {mlflow_tracking_uri: null}
`,
			change: withMLflow,
			want:   []string{"note hooks kedro_mlflow"},
		},
		"kedro-mlflow on disk, whatever a variable says": {
			files: `
-- pyproject.toml --
` + pyproject + `
[tool.kedroctl.job.environment]
MLFLOW_TRACKING_URI = "https://mlflow.example"
-- conf/base/mlflow.yml --
server: {mlflow_tracking_uri: "sqlite:///mlflow.db"}
`,
			change: withMLflow,
			want:   []string{"warning mlflow-local mlflow.yml conf/base/mlflow.yml:1", "note hooks kedro_mlflow"},
		},
		"kedro-mlflow with a server that only one person has": {
			files: `
-- conf/local/mlflow.yml --
server: {mlflow_tracking_uri: "https://mlflow.example"}
`,
			change: withMLflow,
			want:   []string{"warning local-only mlflow.yml conf/local/mlflow.yml", "warning mlflow-local mlflow.yml", "note hooks kedro_mlflow"},
		},
		"kedro-mlflow that is off": {
			files: `
-- pyproject.toml --
` + strings.Replace(pyproject, "[tool.kedroctl]", "[tool.kedroctl]\nmlflow = \"off\"", 1) + `
`,
			change: withMLflow,
			want:   []string{"note hooks kedro_mlflow"},
		},
		"an image for ARM where Batch chooses": {
			files: `
-- pyproject.toml --
` + pyproject + `
[tool.kedroctl.image]
platform = "linux/arm64"
`,
		},
		"a base image that the project cannot be installed in": {
			files: `
-- pyproject.toml --
` + strings.Replace(pyproject, ">=3.10", "==3.13.*", 1) + `
[tool.kedroctl.image]
base = "registry.example:5000/mirror/python:3.12-slim"
`,
			want: []string{"error python-mismatch registry.example:5000/mirror/python:3.12-slim pyproject.toml"},
		},
		"another Python than the one that is worked with": {
			change: func(s *project.Snapshot) { s.PythonVersion = "3.11.7" },
			want:   []string{"note python-differs python:3.12-slim"},
		},
		"a base image of which nothing is known": {
			files: `
-- pyproject.toml --
` + pyproject + `
[tool.kedroctl.image]
base = "company/spark-python:3.5"
`,
		},
		"dependencies": {
			files: `
-- pyproject.toml --
` + strings.Replace(pyproject, `"s3fs"`, `"kedro-viz>=6", "jupyterlab", "pandas"`, 1) + `
[tool.kedroctl.image]
exclude = ["jupyterlab"]
`,
			want: []string{"warning s3fs-missing s3fs pyproject.toml"},
		},
		"tools that the sources import": {
			files: `
-- pyproject.toml --
` + strings.Replace(pyproject, `"s3fs"`, `"s3fs", "kedro-viz>=6", "IPython", "jupyterlab", "pytest", "ruff"`, 1) + `
[tool.kedroctl.image]
exclude = ["pytest"]
keep = ["jupyterlab"]
-- src/shop/look.py --
import jupyterlab
import pytest

def show():
    from IPython.display import display
`,
			want: []string{"note image-heavy ipython pyproject.toml"},
		},
		"data files that setuptools leaves out": {
			files: `
-- pyproject.toml --
` + strings.Replace(pyproject, "hatchling.build", "setuptools.build_meta", 1) + `
[tool.setuptools.package-data]
shop = ["*.json", "templates/**/*.txt"]
"shop.deep" = ["*.csv"]
-- src/shop/named.json --
-- src/shop/templates/a/b.txt --
-- src/shop/deep/c.csv --
-- src/shop/deep/d.json --
-- src/shop/sql/q.sql --
-- src/shop/README.md --
-- src/shop/py.typed --
-- src/other.sql --
`,
			want: []string{"warning wheel-lacks src/shop/deep/d.json, src/shop/sql/q.sql pyproject.toml"},
		},
		"data files that MANIFEST.in may name": {files: `
-- pyproject.toml --
` + strings.Replace(pyproject, "hatchling.build", "setuptools.build_meta", 1) + `
-- MANIFEST.in --
recursive-include src *.sql
-- src/shop/q.sql --
`},
		"files that are no YAML": {files: `
-- conf/base/catalog.yml --
raw: {type
-- conf/logging.yml --
a: [
`},
	} {
		t.Run(name, func(t *testing.T) {
			got, findings := found(t, tt.files, tt.change, tt.absent...)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%+v", diff, findings)
			}
		})
	}
}

// withMLflow has the name that release 2.0.3 gives itself.
func withMLflow(s *project.Snapshot) { s.Hooks = []project.Hook{{Name: "kedro_mlflow", Plugin: true}} }
