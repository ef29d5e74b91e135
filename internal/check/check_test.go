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
		want []string // level and code
	}{
		"dagster-example":      {want: []string{"warning pipeline-left-out"}},
		"example":              {want: []string{"note node-unnamed"}},
		"fifa":                 {want: []string{"note version-latest"}},
		"hr-crew":              {want: []string{"warning credentials", "note class-local-only"}},
		"polislike":            {want: []string{"note class-own", "note pipelines-apart"}},
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
			pl, err := plan.New(s, p.Settings, plan.Options{Project: name, Whole: true})
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
