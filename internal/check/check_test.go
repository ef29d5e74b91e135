package check

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

const pyproject = `
[build-system]
build-backend = "hatchling.build"

[project]
name = "shop"
requires-python = ">=3.10"
dependencies = ["kedro", "s3fs"]

[tool.kedro]
package_name = "shop"
project_name = "shop"
kedro_init_version = "1.7.0"

[tool.kedroctl]
bucket = "kedro-shop-0a1b2c3d"
`

// shop is a snapshot of two nodes in two pipelines: raw and two parameters make a table, which makes an end.
func shop() project.Snapshot {
	first := project.Node{Name: "make", Inputs: []string{"raw", "params:limits.low", "params:day"}, Outputs: []string{"table"}}
	second := project.Node{Name: "use", Inputs: []string{"table"}, Outputs: []string{"end"}}
	csv := func(path string) project.Dataset {
		return project.Dataset{Source: "catalog", Type: "pandas.CSVDataset", Path: path}
	}
	return project.Snapshot{
		Schema: 1, KedroVersion: "1.7.0", PythonVersion: "3.12.4", Package: "shop", Env: "aws_batch", ConfSource: "conf", BaseEnv: "base", LocalEnv: "local",
		Pipelines: map[string]project.Pipeline{
			"__default__": {Nodes: []project.Node{first, second}}, "make": {Nodes: []project.Node{first}}, "use": {Nodes: []project.Node{second}},
		},
		Datasets: map[string]project.Dataset{"raw": csv("data/raw.csv"), "table": csv("data/table.csv"), "end": csv("data/end.csv")},
	}
}

// write makes a project of the files; they need not say what every project has.
func write(t *testing.T, files string) project.Project {
	t.Helper()
	dir := t.TempDir()
	archive := txtar.Parse([]byte(files))
	for _, f := range append([]txtar.File{{Name: "pyproject.toml", Data: []byte(pyproject)}, {Name: "src/shop/__init__.py"}}, archive.Files...) {
		file := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, err := project.Load(dir, project.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustPlan(t *testing.T, p project.Project, s project.Snapshot) plan.Plan {
	t.Helper()
	pl, err := plan.New(s, p.Settings, plan.Options{Project: p.Name})
	if err != nil {
		t.Fatal(err)
	}
	return pl
}

// found gives the findings of a project.
func found(t *testing.T, files string, change func(*project.Snapshot), absent ...string) ([]string, []plan.Finding) {
	t.Helper()
	s := shop()
	if change != nil {
		change(&s)
	}
	p := write(t, files)
	findings, err := Tree(p, s, mustPlan(t, p, s), absent)
	if err != nil {
		t.Fatal(err)
	}
	return lines(findings), findings
}

// lines writes findings in one line each: level code thing place.
func lines(findings []plan.Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, strings.TrimSpace(f.Level+" "+f.Code+" "+f.Thing+" "+f.Place))
	}
	return all
}

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
			want:   []string{"warning mlflow-local mlflow.yml", "note hooks kedro-mlflow"},
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
			want:   []string{"warning mlflow-local mlflow.yml conf/aws_batch/mlflow.yml:2", "note hooks kedro-mlflow"},
		},
		"kedro-mlflow with a server": {
			files: `
-- conf/base/mlflow.yml --
server: {mlflow_tracking_uri: "https://mlflow.example"}
`,
			change: withMLflow,
			want:   []string{"note hooks kedro-mlflow"},
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
			want:   []string{"note hooks kedro-mlflow"},
		},
		"an image for other processors": {
			files: `
-- pyproject.toml --
` + pyproject + `
[tool.kedroctl.compute]
instance_types = ["m7g.large", "c7gn", "g4dn.xlarge", "optimal", "im4gn"]
`,
			want: []string{
				"error platform-mismatch c7gn pyproject.toml", "error platform-mismatch im4gn pyproject.toml", "error platform-mismatch m7g.large pyproject.toml",
			},
		},
		"an image for ARM where Batch chooses": {
			files: `
-- pyproject.toml --
` + pyproject + `
[tool.kedroctl.image]
platform = "linux/arm64"
`,
			want: []string{"error platform-mismatch optimal pyproject.toml"},
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
			want: []string{"warning s3fs-missing s3fs pyproject.toml", "note image-heavy kedro-viz pyproject.toml"},
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

func withMLflow(s *project.Snapshot) { s.Hooks = []project.Hook{{Name: "kedro-mlflow", Plugin: true}} }

func TestReasons(t *testing.T) {
	_, findings := found(t, `
-- conf/base/catalog.yml --
table: {type: pandas.CSVDataset, filepath: data/table.csv, save_args: {index: false}, dataset: {type: a, load_args: {}}}
-- conf/aws_batch/catalog.yml --
table: {type: pandas.ParquetDataset, filepath: "s3://b/table.csv", load_args: {columns: [a]}, dataset: {type: b}}
-- conf/local/parameters.yml --
day: secret-value
`, func(s *project.Snapshot) {
		s.MissingParameters = []string{"params:day"}
		s.Hooks = []project.Hook{{Name: "shop.hooks.Audit", Calls: []string{"after_catalog_created"}}}
	})
	want := []string{
		"node make takes it, and only conf/local/parameters.yml has it, which no image gets",
		"beside its place it differs from conf/base/catalog.yml:1 in dataset.load_args (in base alone), dataset.type, load_args (not in base), save_args (in base alone), type",
		"after_catalog_created run once in each job, not once in a run; what they change in configuration or catalog no plan can see",
	}
	var got []string
	for _, f := range findings {
		got = append(got, f.Reason)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

// Findings of data are told with the line of the entry: of the environment before base, of a pattern, of a side.
func TestPlaces(t *testing.T) {
	got, _ := found(t, `
-- conf/base/catalog_raw.yml --
# Comments count.
raw:
  type: spark.SparkDataset
  filepath: data/raw.csv
table@spark: {type: spark.SparkDataset, filepath: data/table}
-- conf/base/catalog/rest.yml --

"{any}": {type: spark.SparkDataset, filepath: "data/{any}"}
-- conf/aws_batch/catalog.yml --
raw: {type: spark.SparkDataset, filepath: data/raw.csv}
-- conf/base/parameters.yml --
limits:
  low: 1
`, func(s *project.Snapshot) {
		spark := func(pattern string) project.Dataset {
			return project.Dataset{Source: "catalog", Type: "spark.SparkDataset", Path: "/elsewhere", Pattern: pattern}
		}
		s.Datasets = map[string]project.Dataset{"raw": spark(""), "table@spark": spark(""), "end": spark("{any}")}
		for _, pipeline := range s.Pipelines {
			for i, n := range pipeline.Nodes {
				pipeline.Nodes[i].Inputs = slices.Clone(n.Inputs)
				for _, list := range [][]string{pipeline.Nodes[i].Inputs, n.Outputs} {
					if at := slices.Index(list, "table"); at >= 0 {
						list[at] = "table@spark"
					}
				}
			}
		}
	})
	want := []string{
		"error path-outside raw conf/aws_batch/catalog.yml:1", "error path-outside table conf/base/catalog_raw.yml:5",
		"warning path-outside end conf/base/catalog/rest.yml:2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// What Kedro misses is where it is referred to.
func TestPlacesOfReferences(t *testing.T) {
	p := write(t, `
-- conf/base/catalog.yml --
# "${globals:root}"
a: {type: x, filepath: "${globals:root_dir}/${globals:root,data}/a"}
b: {type: x, filepath: "${ globals: root }/b"}
c: {type: x, filepath: "data/${runtime_params:day.name}"}
`)
	s := project.Snapshot{KedroVersion: "1.7.0", ConfSource: "conf", BaseEnv: "base", Env: "aws_batch"}
	problems := plan.Problems(&project.ProjectError{Env: "aws_batch", Problems: []project.Problem{
		{Stage: "catalog", Type: "InterpolationResolutionError", Message: "Globals key 'root' not found and no default value provided."},
		{Stage: "catalog", Type: "InterpolationResolutionError", Message: "Runtime parameter 'day.name' not found and no default value provided."},
		{Stage: "parameters", Type: "ParserError", Message: "Invalid YAML or JSON file " + p.Dir + "/conf/base/parameters.yml, unable to read line 7, position 0."},
	}})
	findings, err := Tree(p, s, plan.Plan{Findings: problems}, nil)
	want := []string{
		"error globals-missing catalog conf/base/catalog.yml:3", "error project-raises parameters conf/base/parameters.yml:7",
		"error runtime-parameter-missing catalog conf/base/catalog.yml:4",
	}
	if diff := cmp.Diff(want, lines(findings)); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// A project that cannot be loaded has no plan, and all the same files.
func TestWithoutAPlan(t *testing.T) {
	p := write(t, `
-- conf/logging.yml --
handlers: {console: {"()": shop.log.Handler}}
`)
	s := project.Snapshot{KedroVersion: "1.7.0", ConfSource: "conf", BaseEnv: "base"}
	findings, err := Tree(p, s, plan.Plan{Findings: []plan.Finding{{Code: plan.CodeImportFailed, Level: plan.Error, Thing: "pipelines"}}}, nil)
	if err != nil || len(findings) != 2 || findings[0].Code != plan.CodeImportFailed || findings[1].Code != plan.CodeLoggingFactory {
		t.Errorf("findings are %+v, %v", findings, err)
	}
}

// What real projects are told, and above all: no error where a run would succeed.
func TestFindingsOfRealProjects(t *testing.T) {
	for name, tt := range map[string]struct {
		selection plan.Selection
		want      []string // level and code
	}{
		"dagster-example":      {want: []string{"warning pipeline-left-out"}},
		"example":              {want: []string{"note node-unnamed"}},
		"fifa":                 {want: []string{"note version-latest"}},
		"hr-crew":              {want: []string{"warning credentials", "note class-local-only"}},
		"polislike":            {selection: plan.Selection{Pipelines: []string{"polis_classic"}}, want: []string{"note class-own"}},
		"spaceflights-guide":   {want: []string{"note node-unnamed"}},
		"spaceflights-starter": {want: []string{"note node-unnamed"}},
		"viz-demo":             {want: []string{"note class-own", "note node-unnamed"}},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "plan", "testdata", "snapshots", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var s project.Snapshot
			if err := json.Unmarshal(text, &s); err != nil {
				t.Fatal(err)
			}
			s.PythonVersion = "3.12.4"
			p := write(t, "")
			pl, err := plan.New(s, p.Settings, plan.Options{Project: name, Selection: tt.selection})
			if err != nil {
				t.Fatal(err)
			}
			findings, err := Tree(p, s, pl, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				got = append(got, f.Level+" "+f.Code)
			}
			if diff := cmp.Diff(tt.want, slices.Compact(got)); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%+v", diff, findings)
			}
		})
	}
}
