package build

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

func snapshotOf(types ...string) project.Snapshot {
	s := project.Snapshot{
		Pipelines: map[string]project.Pipeline{"__default__": {Nodes: []project.Node{
			{Name: "a", Inputs: []string{"x"}, Outputs: []string{"y"}}, {Name: "b", Inputs: []string{"y"}, Outputs: []string{"z"}},
		}}},
		Datasets: map[string]project.Dataset{"x": {Type: "pandas.CSVDataset", Path: "data/x.csv"}},
	}
	for _, name := range types {
		s.Datasets["x"] = project.Dataset{Type: name, Path: "/app/data/x.csv"}
	}
	return s
}

func TestCompare(t *testing.T) {
	broken := project.Problem{Stage: "pipelines", Type: "ModuleNotFoundError", Message: "No module named 'polars'", Traceback: "demo/pipeline.py line 3\n"}
	tests := []struct {
		name   string
		change func(*project.Snapshot)
		want   []string
	}{
		{"equal but for paths and versions", func(s *project.Snapshot) { s.PythonVersion = "3.12.1" }, nil},
		{"class", func(s *project.Snapshot) { *s = snapshotOf("pandas.ParquetDataset") }, []string{"dataset x is pandas.ParquetDataset, not pandas.CSVDataset"}},
		{"pipelines", func(s *project.Snapshot) {
			s.Pipelines = map[string]project.Pipeline{"extra": s.Pipelines["__default__"]}
		}, []string{"pipeline __default__ is missing", "pipeline extra is new"}},
		{"nodes", func(s *project.Snapshot) {
			s.Pipelines["__default__"] = project.Pipeline{Nodes: []project.Node{{Name: "a", Inputs: []string{"w"}, Outputs: []string{"y"}}, {Name: "c"}}}
		}, []string{"node a of pipeline __default__ has other inputs or outputs", "node b of pipeline __default__ is missing", "node c of pipeline __default__ is new"}},
		{"error inside", func(s *project.Snapshot) { s.Errors = []project.Problem{broken} }, []string{"pipelines fails"}},
	}
	for _, tt := range tests {
		got := snapshotOf()
		tt.change(&got)
		var failure *SmokeError
		err := compare(snapshotOf(), got)
		if err == nil && tt.want == nil {
			continue
		}
		if !errors.As(err, &failure) {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, failure.Differences); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestSmokeErrorShowsModuleAndTraceback(t *testing.T) {
	got := snapshotOf()
	delete(got.Pipelines, "__default__")
	// Kedro only warns where a pipeline cannot be imported.
	got.Warnings = []project.Problem{{Stage: "pipelines", Type: "UserWarning", Message: "…\nModuleNotFoundError: No module named 'polars.io'"}}
	err := compare(snapshotOf(), got)
	if err == nil || !strings.Contains(err.Error(), "pipeline __default__ is missing") || !strings.Contains(err.Error(), "No module named 'polars.io'") {
		t.Errorf("error: %v", err)
	}
	if hint := ui.Hint(err); !strings.Contains(hint, "module polars ") {
		t.Errorf("hint: %s", hint)
	}
}
