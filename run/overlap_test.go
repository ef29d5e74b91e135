package run

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

func TestRunsThatWouldWriteTheSamePaths(t *testing.T) {
	shared := func() Input {
		in := input("a")
		in.Plan.Datasets = append(in.Plan.Datasets, plan.Dataset{Name: "table", Role: plan.Leaving, Path: "s3://" + bucket + "/03_primary/table.parquet"})
		return in
	}
	w := newWorld(t)
	w.script["a"] = scripted(time.Hour)
	first, _ := w.start(shared())

	_, err := Start(t.Context(), w.clients, shared(), &told{})
	e, ok := errors.AsType[*OverlapError](err)
	if !ok || e.Run != first.ID || !strings.Contains(err.Error(), "of ann@laptop has not ended and writes the same paths: s3://"+bucket+"/03_primary/table.parquet") ||
		!strings.Contains(ui.Hint(err), "kedroctl cancel "+first.ID) {
		t.Errorf("error %v, hint %q", err, ui.Hint(err))
	}
	if ids, err := w.clients.folders(t.Context(), bucket, runsPrefix); err != nil || len(ids) != 1 {
		t.Errorf("runs %v, %v: the refused one left something", ids, err)
	}

	versioned := shared()
	versioned.Plan.Datasets[1].Versioned = true
	other := shared()
	other.Plan.Datasets[1].Path += "2"
	reads := shared()
	reads.Plan.Datasets[1].Role = plan.Input
	w.write("03_primary/table.parquet", "x")
	elsewhere := shared()
	elsewhere.Plan.Project = "another"
	allowed := shared()
	allowed.AllowOverlap = true
	for name, in := range map[string]Input{"versioned": versioned, "other path": other, "reads it": reads, "other project": elsewhere, "allowed": allowed} {
		if _, err := Start(t.Context(), w.clients, in, &told{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	w.clock.Advance(2 * time.Hour) // all have ended
	w.start(shared())
}
