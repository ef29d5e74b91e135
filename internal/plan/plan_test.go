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
		Job: project.JobSettings{Resources: project.Resources{VCPUs: 2, Memory: 4096, MemoryMax: 32768, Timeout: 86400, Attempts: 2}},
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
	for _, tt := range realProjects {
		t.Run(tt.name, func(t *testing.T) {
			p, err := New(snapshot(t, tt.name), settings("auto"), Options{Project: tt.name, Selection: tt.selection})
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
			golden := filepath.Join("testdata", "plans", tt.name+".json")
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
