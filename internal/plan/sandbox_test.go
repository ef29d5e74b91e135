package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

func TestWhereASandboxHasData(t *testing.T) {
	set := project.Settings{Bucket: "kedro-test-0a1b2c3d", Crossing: "persist"}
	s := chain(map[string]project.Dataset{
		"raw": file("data/01_raw/raw.csv"), "y": file("data/02_primary/y.csv"),
		"end": file("s3://company-lake/marts/end.csv"),
	})
	s.Datasets["lookup"] = file("s3://kedro-test-0a1b2c3d/01_raw/lookup.csv")
	s.Datasets["model"] = file("s3a://kedro-test-0a1b2c3d/06_models/model.pkl")
	p := s.Pipelines[defaultPipeline]
	p.Nodes = append(p.Nodes, node("two.d: lookup y -> model"))
	s.Pipelines[defaultPipeline] = p
	got := mustPlan(t, s, set, Options{Sandbox: "ann.2"})
	want := []string{
		"end leaving move s3://kedro-test-0a1b2c3d/sandbox/ann.2/company-lake/marts/end.csv",
		"lookup input s3://kedro-test-0a1b2c3d/01_raw/lookup.csv",
		"model leaving move s3a://kedro-test-0a1b2c3d/sandbox/ann.2/06_models/model.pkl",
		"raw input move s3://kedro-test-0a1b2c3d/01_raw/raw.csv (data/01_raw/raw.csv)",
		"x crossing persist s3://kedro-test-0a1b2c3d/sandbox/ann.2/runs/{run}/x.pkl",
		"y internal move s3://kedro-test-0a1b2c3d/sandbox/ann.2/02_primary/y.csv (data/02_primary/y.csv)",
	}
	if diff := cmp.Diff(want, placed(got)); diff != "" {
		t.Errorf("datasets (-want +got):\n%s", diff)
	}
	for _, d := range got.Datasets {
		if enclosed := d.Role != Input; (d.Under == "sandbox/ann.2/") != enclosed {
			t.Errorf("%s %s is under %q", d.Role, d.Name, d.Under)
		}
	}
	if len(got.Grants.Write) > 0 {
		t.Errorf("jobs in a sandbox may write to %v", got.Grants.Write)
	}
	if len(got.Errors()) > 0 {
		t.Errorf("findings %v", found(got))
	}
}

// TestASandboxReadsWhatItDoesNotMake takes a part of the pipeline: what an earlier part made is read from the main paths.
func TestASandboxReadsWhatItDoesNotMake(t *testing.T) {
	set := project.Settings{Bucket: "kedro-test-0a1b2c3d", Crossing: "persist"}
	s := chain(map[string]project.Dataset{"x": file("data/x.csv"), "y": file("data/y.csv"), "end": file("data/end.csv")})
	got := placed(mustPlan(t, s, set, Options{Sandbox: "ann", Selection: Selection{FromNodes: []string{"two.b"}}}))
	want := []string{
		"end leaving move s3://kedro-test-0a1b2c3d/sandbox/ann/end.csv (data/end.csv)",
		"x input move s3://kedro-test-0a1b2c3d/x.csv (data/x.csv)",
		"y internal move s3://kedro-test-0a1b2c3d/sandbox/ann/y.csv (data/y.csv)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("datasets (-want +got):\n%s", diff)
	}
}

func TestWhatASandboxCannotHold(t *testing.T) {
	set := project.Settings{Bucket: "kedro-test-0a1b2c3d", Crossing: "persist"}
	for name, tt := range map[string]struct {
		dataset project.Dataset
		node    project.Node
		want    string
	}{
		"a table":               {project.Dataset{Source: "catalog", Type: "pandas.SQLTableDataset"}, node("n: raw -> out"), "error sandbox-escape out"},
		"another cloud's store": {file("gs://lake/out.csv"), node("n: raw -> out"), "error sandbox-escape out"},
		"a checkpoint of an input": {project.Dataset{Source: "catalog", Type: "partitions.IncrementalDataset", Path: "data/out", Nested: true},
			node("n: out -> seen", "confirms=out"), "error sandbox-escape out"},
	} {
		t.Run(name, func(t *testing.T) {
			s := registry(map[string][]project.Node{"p": {tt.node}})
			s.Datasets["out"] = tt.dataset
			got := strings.Join(found(mustPlan(t, s, set, Options{Sandbox: "ann"})), "\n")
			if !strings.Contains(got, tt.want) {
				t.Errorf("findings %q, want %s", got, tt.want)
			}
			if got := strings.Join(found(mustPlan(t, s, set, Options{})), "\n"); strings.Contains(got, CodeSandboxEscape) {
				t.Errorf("without a sandbox: %q", got)
			}
		})
	}
}

func TestNamesOfSandboxes(t *testing.T) {
	for name, want := range map[string]bool{
		"ann": true, "Ann_2.x-y": true, "7": true, strings.Repeat("x", 63): true,
		"": false, "..": false, ".x": false, "-x": false, "a/b": false, "a b": false, "ä": false, strings.Repeat("x", 64): false,
	} {
		if ValidSandbox(name) != want {
			t.Errorf("ValidSandbox(%q) is %v", name, !want)
		}
	}
}
