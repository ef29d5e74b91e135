//go:build real

package plan

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

// The snapshot of the example that the other tests read is the one that its code and configuration give.
func TestRealSnapshotOfTheExample(t *testing.T) {
	p, err := project.Load(filepath.Join("..", "..", "examples", "spaceflights"), project.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	python, err := project.FindPython(t.Context(), p, realtest.Python(t), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	got, err := project.Inspect(t.Context(), p, python, project.InspectOptions{Env: "base"})
	if err != nil {
		t.Fatal(err)
	}
	want := snapshot(t, "example")
	if diff := cmp.Diff(want.Pipelines, got.Pipelines, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("pipelines (-testdata +Kedro):\n%s", diff)
	}
	if diff := cmp.Diff(want.Datasets, got.Datasets, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("datasets (-testdata +Kedro):\n%s", diff)
	}
}
