package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

// chain is two groups, one and two: one.a makes x, which two.b loads; it makes y, which two.c loads and makes end.
func chain(datasets map[string]project.Dataset) project.Snapshot {
	s := registry(map[string][]project.Node{"p": {node("one.a: raw -> x"), node("two.b: x -> y"), node("two.c: y params:n -> end")}})
	for name, d := range datasets {
		s.Datasets[name] = d
	}
	return s
}

// placed writes a plan's datasets in one line each: name role action path (local).
func placed(p Plan) []string {
	var lines []string
	for _, d := range p.Datasets {
		line := strings.Join(strings.Fields(d.Name+" "+d.Role+" "+d.Action+" "+d.Path), " ")
		if d.Local != "" {
			line += " (" + d.Local + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

func TestWhereDataLies(t *testing.T) {
	for name, tt := range map[string]struct {
		datasets map[string]project.Dataset
		crossing string
		want     []string
		findings []string
	}{
		"in memory": {
			want: []string{
				"end leaving persist s3://kedro-test-0a1b2c3d/outputs/{run}/end.pkl",
				"raw input move s3://kedro-test-0a1b2c3d/01_raw/raw.csv (data/01_raw/raw.csv)",
				"x crossing persist s3://kedro-test-0a1b2c3d/runs/{run}/x.pkl",
			},
		},
		"local files, also those that stay in a group": {
			datasets: map[string]project.Dataset{
				"raw": file("./data//raw.csv"), "x": file("out/x.csv"), "y": file(`data\y.csv`), "end": file("file://data/end.csv"),
			},
			want: []string{
				"end leaving move s3://kedro-test-0a1b2c3d/end.csv (data/end.csv)",
				"raw input move s3://kedro-test-0a1b2c3d/raw.csv (data/raw.csv)",
				"x crossing move s3://kedro-test-0a1b2c3d/out/x.csv (out/x.csv)",
				"y internal move s3://kedro-test-0a1b2c3d/y.csv (data/y.csv)",
			},
		},
		"where the catalog says": {
			datasets: map[string]project.Dataset{
				"raw": file("s3://lake/raw.csv"), "x": file("gs://other/x.csv"), "y": {Source: "catalog", Type: "pandas.SQLTableDataset"}, "end": file("s3://kedro-test-0a1b2c3d/end.csv"),
			},
			want: []string{
				"end leaving s3://kedro-test-0a1b2c3d/end.csv",
				"raw input s3://lake/raw.csv",
				"x crossing gs://other/x.csv",
				"y internal",
			},
		},
		"a class without a path": {
			datasets: map[string]project.Dataset{"x": {Source: "catalog", Type: "pandas.SQLTableDataset"}},
			want: []string{
				"end leaving persist s3://kedro-test-0a1b2c3d/outputs/{run}/end.pkl",
				"raw input move s3://kedro-test-0a1b2c3d/01_raw/raw.csv (data/01_raw/raw.csv)",
				"x crossing",
			},
			findings: []string{"note crossing-elsewhere x"},
		},
		"outside the project": {
			datasets: map[string]project.Dataset{"raw": file("/mnt/raw.csv"), "x": file("../x.csv"), "y": file("/tmp/y.csv"), "end": file("/tmp/end.csv")},
			want:     []string{"end leaving", "raw input", "x crossing", "y internal"},
			findings: []string{"error path-outside raw", "error path-outside x", "warning path-outside end", "warning path-outside y"},
		},
		"classes that cannot write to S3": {
			datasets: map[string]project.Dataset{
				"x":   {Source: "catalog", Type: "kedro_datasets.spark.spark_dataset.SparkDataset", Path: "data/x"},
				"end": {Source: "catalog", Type: "shop.io.ImageDataset", Path: "data/end.png"},
			},
			want: []string{
				"end leaving stage s3://kedro-test-0a1b2c3d/end.png (data/end.png)",
				"raw input move s3://kedro-test-0a1b2c3d/01_raw/raw.csv (data/01_raw/raw.csv)",
				"x crossing stage s3://kedro-test-0a1b2c3d/x (data/x)",
			},
			findings: []string{"note class-local-only kedro_datasets.spark.spark_dataset.SparkDataset", "note class-own shop.io.ImageDataset"},
		},
		"crossing = error, in memory": {
			crossing: "error",
			datasets: map[string]project.Dataset{"raw": file("s3://lake/raw.csv")},
			want:     []string{"end leaving", "raw input s3://lake/raw.csv", "x crossing"},
			findings: []string{"error crossing-memory x", "warning output-lost end"},
		},
		"crossing = error, local": {
			crossing: "error",
			datasets: map[string]project.Dataset{"x": file("data/x.csv"), "y": file("data/y.csv"), "end": file("data/end.csv")},
			want:     []string{"end leaving (data/end.csv)", "raw input (data/01_raw/raw.csv)", "x crossing (data/x.csv)", "y internal (data/y.csv)"},
			findings: []string{"error crossing-local x", "error input-local raw", "warning output-lost end", "warning output-lost y"},
		},
		"reserved directories": {
			datasets: map[string]project.Dataset{"x": file("data/runs/x.csv"), "end": file(".kedroctl/end.csv")},
			want: []string{
				"end leaving move s3://kedro-test-0a1b2c3d/.kedroctl/end.csv (.kedroctl/end.csv)",
				"raw input move s3://kedro-test-0a1b2c3d/01_raw/raw.csv (data/01_raw/raw.csv)",
				"x crossing move s3://kedro-test-0a1b2c3d/runs/x.csv (data/runs/x.csv)",
			},
			findings: []string{"error path-reserved end", "warning path-reserved x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			set := settings("namespace")
			if tt.crossing != "" {
				set.Crossing = tt.crossing
			}
			p := mustPlan(t, chain(tt.datasets), set, Options{})
			if diff := cmp.Diff(tt.want, placed(p)); diff != "" {
				t.Errorf("datasets (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.findings, found(p)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFreeInputWithoutAPlace(t *testing.T) {
	s := chain(nil)
	delete(s.Datasets, "raw")
	p := mustPlan(t, s, settings("auto"), Options{})
	want := []Finding{{
		Code: "input-missing", Level: Error, Thing: "raw",
		Reason: "it is a free input, and neither a catalog entry nor a pattern says where it is", Fix: "add it to the catalog",
	}}
	if diff := cmp.Diff(want, p.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}

	s.Datasets["raw"] = project.Dataset{Source: "catch_all", Type: "kedro.io.MemoryDataset"}
	p = mustPlan(t, s, settings("auto"), Options{})
	if got := p.Findings[0].Reason; got != "it is a free input, and the catalog says that it is in memory" {
		t.Errorf("reason is %q", got)
	}

	p = mustPlan(t, chain(nil), settings("auto"), Options{Selection: Selection{FromNodes: []string{"two.c"}}})
	if got := p.Findings[0].Fix; got != "select node two.b too, which makes it, or add it to the catalog" {
		t.Errorf("fix is %q", got)
	}
}

func TestSidesOfATranscodedDataset(t *testing.T) {
	pipelines := map[string][]project.Node{"p": {node("one.a: raw -> x@csv"), node("two.b: x@table -> end")}}
	p := mustPlan(t, registry(pipelines), settings("namespace"), Options{})
	want := []string{
		"end leaving persist s3://kedro-test-0a1b2c3d/outputs/{run}/end.pkl",
		"raw input move s3://kedro-test-0a1b2c3d/01_raw/raw.csv (data/01_raw/raw.csv)",
		"x crossing persist s3://kedro-test-0a1b2c3d/runs/{run}/x.pkl",
	}
	if diff := cmp.Diff(want, placed(p)); diff != "" {
		t.Errorf("in memory the sides share one row (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"x"}, p.Groups[1].Inputs); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}

	s := registry(pipelines)
	s.Datasets["x@csv"], s.Datasets["x@table"] = file("data/x.csv"), file("data/x/")
	if diff := cmp.Diff([]string{"error transcoding-differs x@table"}, found(mustPlan(t, s, settings("auto"), Options{}))); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}

	s.Datasets["x@csv"], s.Datasets["x@table"] = file("data/x"), file("data/x/")
	if p = mustPlan(t, s, settings("auto"), Options{}); len(p.Findings) > 0 {
		t.Errorf("findings are %v", p.Findings)
	}
}

func TestDatasetsAtOnePath(t *testing.T) {
	p := mustPlan(t, chain(map[string]project.Dataset{"x": file("data/a.csv"), "end": file("a.csv")}), settings("auto"), Options{})
	want := []string{"error path-collision x", "note path-shared end, x"}
	if diff := cmp.Diff(want, found(p)); diff != "" {
		t.Errorf("two places in the project, one in the bucket (-want +got):\n%s", diff)
	}

	p = mustPlan(t, chain(map[string]project.Dataset{"raw": file("data/state.csv"), "end": file("data/state.csv")}), settings("auto"), Options{})
	if diff := cmp.Diff([]string{"note path-shared end, raw"}, found(p)); diff != "" {
		t.Errorf("a state that is read and then replaced (-want +got):\n%s", diff)
	}
	if p.Datasets[1].Role != Input {
		t.Errorf("what is read before it is saved has to be there: %+v", p.Datasets[1])
	}

	s := registry(map[string][]project.Node{"p": {node("one.a: raw -> parts done"), node("two.b: all done -> end")}})
	s.Datasets["parts"], s.Datasets["all"] = file("data/parts/"), file("data/parts")
	p = mustPlan(t, s, settings("namespace"), Options{})
	if len(p.Findings) > 0 || p.Datasets[0].Name != "all" || p.Datasets[0].Role != Crossing {
		t.Errorf("what is read only after it is saved is no input: %+v, findings %v", p.Datasets[0], p.Findings)
	}
}

func TestOtherFindings(t *testing.T) {
	s := chain(map[string]project.Dataset{
		"raw": {Source: "catalog", Type: "pandas.CSVDataset", Path: "s3://lake/raw.csv", Credentials: "lake"},
		"end": {Source: "catalog", Type: "pandas.CSVDataset", Path: "data/end.csv", Runtime: true},
	})
	s.MissingParameters = []string{"params:n", "params:unused"}
	s.Errors = []project.Problem{
		{Stage: "dataset x", Type: "ValueError", Message: "bad"}, {Stage: "dataset unused", Type: "ValueError", Message: "bad"},
		{Stage: "parameters", Type: "KeyError", Message: "k"},
	}
	s.Warnings = []project.Problem{{Stage: "pipelines", Type: "UserWarning", Message: "an import failed"}}
	p := mustPlan(t, s, settings("auto"), Options{})
	want := []string{
		"error parameter-missing params:n", "error project-raises dataset x", "error project-raises parameters",
		"warning credentials lake", "warning project-warns pipelines", "note runtime-parameters end",
	}
	if diff := cmp.Diff(want, found(p)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if got := len(p.Errors()); got != 3 {
		t.Errorf("%d errors, want 3", got)
	}

	p = mustPlan(t, s, settings("auto"), Options{Params: []string{"n"}})
	if strings.Contains(strings.Join(found(p), ","), "parameter-missing") {
		t.Errorf("a parameter that --params gives is not missing: %v", found(p))
	}
}

func TestCredentialsThatAreASecretAreNoFinding(t *testing.T) {
	s := chain(map[string]project.Dataset{"raw": {Source: "catalog", Type: "pandas.CSVDataset", Path: "s3://lake/raw.csv", Credentials: "lake"}})
	set := settings("auto")
	set.Credentials = map[string]string{"lake": "arn:aws:ssm:eu-west-1:123456789012:parameter/lake"}
	p := mustPlan(t, s, set, Options{})
	if len(p.Findings) > 0 {
		t.Errorf("findings: %v", p.Findings)
	}
	if diff := cmp.Diff([]string{"KEDROCTL_CREDENTIALS_lake"}, p.Groups[0].Settings.Secrets); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
}

func TestSecretsInTheEnvironmentOfJobs(t *testing.T) {
	set := settings("auto")
	set.Job.Environment = map[string]string{"DB_PASSWORD": "hunter2", "AWS_SECRET_ACCESS_KEY": "x", "LOG_LEVEL": "info", "TOKENIZERS_PARALLELISM": "1", "API_KEY": ""}
	p := mustPlan(t, chain(nil), set, Options{})
	want := []string{"warning secret-in-environment AWS_SECRET_ACCESS_KEY", "warning secret-in-environment DB_PASSWORD"}
	if diff := cmp.Diff(want, found(p)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestGrants(t *testing.T) {
	s := chain(map[string]project.Dataset{
		"raw": file("s3://lake/raw/"), "x": file("s3a://lake/out/x.csv"), "y": file("s3://kedro-test-0a1b2c3d/y.csv"), "end": file("s3://lake/out/end.csv"),
	})
	set := settings("auto")
	set.Access = project.AccessSettings{Read: []string{"s3://lake/raw/"}, Write: []string{"lake/out/"}}
	p := mustPlan(t, s, set, Options{})
	want := Grants{Read: []string{"lake/out/end.csv", "lake/out/x.csv", "lake/raw/"}, Write: []string{"lake/out/"}}
	if diff := cmp.Diff(want, p.Grants); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
}

func TestQuote(t *testing.T) {
	if got, want := quote("ns.a b/ü~x"), "ns.a%20b%2F%C3%BC~x"; got != want {
		t.Errorf("quote is %q, want %q", got, want)
	}
}
