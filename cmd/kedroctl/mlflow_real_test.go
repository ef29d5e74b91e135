//go:build real

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/realtest"
)

// tracked is the answer of a run, with its MLflow run.
type tracked struct {
	jobs
	MLflow struct {
		ID   string `json:"run_id"`
		Link string
	}
}

// TestRealOneMLflowRun: two jobs of a project with kedro-mlflow log into one MLflow run, which ends as the run does. The second job loads a metric that
// the first one has logged.
func TestRealOneMLflowRun(t *testing.T) {
	python, server := realtest.MLflow(t), realtest.StartMLflow(t)
	source := filepath.Join("..", "..", "testdata", "projects", "trials")
	w := newWorkshopFor(t, source, python, t.TempDir())
	w.env = append(w.env, noEngine(t))
	w.global = append(w.global, "--set", "job.environment.MLFLOW_TRACKING_URI="+server)
	w.do("init")
	r := answer[tracked](w, "run", "--no-image")
	w.wantSucceeded(r.jobs, 2)
	made := mlflowRuns(t, server)
	if len(made) != 1 {
		t.Fatalf("%d MLflow runs, want 1", len(made))
	}
	want := mlflowRun{ID: r.MLflow.ID, Name: r.Run, Status: "FINISHED",
		Params: map[string]string{"draw.count": "50", "draw.seed": "7", "unit": "10"}, Metrics: made[0].Metrics}
	if diff := cmp.Diff(want, made[0]); diff != "" {
		t.Errorf("MLflow run (-want +got):\n%s", diff)
	}
	if m := made[0].Metrics; len(m) != 2 || m["kept"] == 0 || m["spread"] == 0 {
		t.Errorf("metrics %v, want kept and spread", m)
	}
	if _, _, stderr := w.try("status"); r.MLflow.Link == "" || !strings.Contains(stderr, "MLflow run: "+r.MLflow.Link+"\n") {
		t.Errorf("status does not say %q: %s", r.MLflow.Link, stderr)
	}
	report := answer[jobs](w, "verify")
	if !report.OK {
		t.Errorf("verify: %+v", report)
	}
	if code, _, _ := w.try("run", "--no-image", "--params", "unit=0"); code != 3 {
		t.Errorf("a run whose second job fails: exit code %d, want 3", code)
	}
	if made = mlflowRuns(t, server); len(made) != 2 || made[0].Status != "FAILED" || made[1].Status != "FINISHED" {
		t.Errorf("MLflow runs %+v, want a failed one before the finished one", made)
	}
	t.Setenv("MLFLOW_TRACKING_URI", server)
	w.compare(t, source, report)
}

// mlflowRun is what a tracking server says of a run.
type mlflowRun struct {
	ID, Name, Status string
	Params           map[string]string
	Metrics          map[string]float64
}

// mlflowRuns are those that jobs have made, the newest first.
func mlflowRuns(t *testing.T, server string) (runs []mlflowRun) {
	t.Helper()
	var found struct {
		Experiment struct {
			ID string `json:"experiment_id"`
		}
		Runs []struct {
			Info struct {
				ID     string `json:"run_id"`
				Name   string `json:"run_name"`
				Status string
			}
			Data struct {
				Params  []struct{ Key, Value string }
				Metrics []struct {
					Key   string
					Value float64
				}
			}
		}
	}
	answered := func(r *http.Response, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if err := json.NewDecoder(r.Body).Decode(&found); err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("tracking server: status %d, %v", r.StatusCode, err)
		}
	}
	api := server + "/api/2.0/mlflow/"
	answered(http.Get(api + "experiments/get-by-name?experiment_name=trials"))
	body, err := json.Marshal(map[string]any{"experiment_ids": []string{found.Experiment.ID}, "order_by": []string{"attributes.start_time DESC"}})
	if err != nil {
		t.Fatal(err)
	}
	answered(http.Post(api+"runs/search", "application/json", bytes.NewReader(body)))
	for _, r := range found.Runs {
		made := mlflowRun{ID: r.Info.ID, Name: r.Info.Name, Status: r.Info.Status, Params: map[string]string{}, Metrics: map[string]float64{}}
		for _, p := range r.Data.Params {
			made.Params[p.Key] = p.Value
		}
		for _, m := range r.Data.Metrics {
			made.Metrics[m.Key] = m.Value
		}
		runs = append(runs, made)
	}
	return runs
}
