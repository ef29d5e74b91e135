package run

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

func TestLookReadsWhatTheJobReadsAndWritesNothingOfTheRun(t *testing.T) {
	r := Run{ID: "2026-11-23T09.55.12.345Z", JobDefinition: "kedro:1", Args: []string{"--params", "a=it's"}, Params: map[string]any{"nested": "secret"},
		Versions: map[string]string{"model@pickle": "2026-11-23T09.55.12.345Z", "metrics": "2026-11-23T09.55.12.345Z", "other": "2020"},
		Plan: plan.Plan{Bucket: bucket, MLflow: "one", Groups: []plan.Group{{
			Name: "learn", Key: "learn-abc123", Nodes: []string{"a", "b"}, Command: []string{"python", "-m", "kedroctl_boot", "--nodes", "a,b"}, Inputs: []string{"table", "raw", "model@pickle"}, Outputs: []string{"metrics", "plot/x"},
		}}, Datasets: []plan.Dataset{
			{Name: "table", Role: plan.Crossing, Action: plan.Persist, Path: "s3://" + bucket + "/runs/" + plan.RunID + "/table.pkl"}, {Name: "raw", Role: plan.Input, Action: plan.Move},
			{Name: "model", Role: plan.Input}, {Name: "metrics", Role: plan.Leaving, Path: "s3://" + bucket + "/metrics.json", Versioned: true}, {Name: "plot/x", Role: plan.Leaving, Action: plan.Stage},
		}},
	}
	l, err := r.Look("learn")
	if err != nil {
		t.Fatal(err)
	}
	var q request
	if err := json.Unmarshal([]byte(l.Files["/tmp/kedroctl/request.json"]), &q); err != nil {
		t.Fatal(err)
	}
	want := request{Schema: 1, Bucket: bucket, Run: r.ID, Group: "learn", Key: "learn-abc123", Try: 1, Outputs: []string{"metrics", "plot/x"},
		Versions: map[string]string{"model@pickle": "2026-11-23T09.55.12.345Z"},
		Crossing: []action{
			{Name: "raw", Action: plan.Move}, {Name: "table", Action: plan.Persist, Path: "s3://" + bucket + "/runs/" + r.ID + "/table.pkl"},
			{Name: "metrics", Action: plan.Persist, Path: "/tmp/kedroctl/outputs/metrics.pkl"}, {Name: "plot/x", Action: plan.Persist, Path: "/tmp/kedroctl/outputs/plot%2Fx.pkl"},
		}}
	if diff := cmp.Diff(want, q); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if l.Env["KEDROCTL_REQUEST"] != "" || l.Env["KEDROCTL_JOB_DIR"] != LookDir || l.Definition != "kedro:1" || strings.Join(l.Left, " ") != "nested" {
		t.Errorf("%+v", l)
	}
	line := `python -m kedroctl_boot --nodes 'a,b' --params 'a=it'\''s' --load-versions 'model@pickle:2026-11-23T09.55.12.345Z'`
	if got := l.Line(); got != line || l.Files["/tmp/kedroctl/job"] != "#!/bin/sh\nexec "+line+" \"$@\"\n" {
		t.Errorf("line\n%s\nwant\n%s", got, line)
	}
	if _, err := r.Look("lern"); err == nil || !strings.Contains(ui.Hint(err), "did you mean learn") {
		t.Errorf("error %v", err)
	}
}
