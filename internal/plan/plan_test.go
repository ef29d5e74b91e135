package plan

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

var update = flag.Bool("update", false, "write the golden files anew")

func settings(groupBy string) project.Settings {
	return project.Settings{
		Bucket: "kedro-test-0a1b2c3d", GroupBy: groupBy, Crossing: "persist",
		Job: project.JobSettings{Resources: project.Resources{VCPUs: 2, Memory: 4096, Timeout: 86400, Attempts: 2}},
	}
}

func snapshot(t *testing.T, name string) project.Snapshot {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "snapshots", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var s project.Snapshot
	if err := json.Unmarshal(content, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// The whole plan of real projects, as it is written to the bucket.
func TestPlansOfRealProjects(t *testing.T) {
	for _, tt := range []struct {
		project   string
		selection Selection
	}{
		{project: "spaceflights-starter"},
		{project: "spaceflights-guide"},
		{project: "viz-demo"},
		{project: "fifa"},
		{project: "polislike", selection: Selection{Pipelines: []string{"polis_classic"}}},
		{project: "dagster-example"},
		{project: "hr-crew"},
	} {
		t.Run(tt.project, func(t *testing.T) {
			p, err := New(snapshot(t, tt.project), settings("auto"), Options{Project: tt.project, Selection: tt.selection})
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			enc := json.NewEncoder(&got)
			enc.SetIndent("", " ")
			enc.SetEscapeHTML(false)
			if err := enc.Encode(p); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "plans", tt.project+".json")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("plan differs from %s (-want +got); go test -update writes it anew:\n%s", golden, diff)
			}
		})
	}
}

// How much in-memory data groups by namespace would hand over, and how much would be lost, is known of these projects.
func TestMemoryDataOfRealProjects(t *testing.T) {
	for name, want := range map[string][2]int{
		"spaceflights-starter": {4, 1},
		"spaceflights-guide":   {0, 1},
		"viz-demo":             {4, 5},
		"fifa":                 {4, 0},
		"polislike":            {5, 1},
		"dagster-example":      {0, 0},
		"hr-crew":              {8, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshot(t, name)
			var sel Selection
			if name == "polislike" {
				sel.Pipelines = []string{"polis_classic"}
			}
			p := mustPlan(t, s, settings("namespace"), Options{Selection: sel})
			var got [2]int
			for _, d := range p.Datasets {
				if d.Action == Persist && d.Role == Crossing {
					got[0]++
				} else if d.Action == Persist {
					got[1]++
				}
			}
			if got != want {
				t.Errorf("%v cross and are lost, want %v", got, want)
			}
		})
	}
}
