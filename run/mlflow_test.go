package run

import (
	"testing"

	"github.com/kedroctl/kedroctl/internal/project"
)

func TestMLflowRunOfARun(t *testing.T) {
	w := newWorld(t)
	in := input("a")
	in.Plan.MLflow = project.MLflowOne
	r, _ := w.start(in)
	key := "runs/" + r.ID + "/mlflow.json"
	m, err := MLflow(t.Context(), w.clients, r)
	if m != nil || err != nil {
		t.Errorf("before the first job: %v, %v", m, err)
	}
	for uri, want := range map[string]string{
		"https://mlflow.example/team/": "https://mlflow.example/team/#/experiments/7/runs/4f2a",
		"databricks":                   "4f2a on databricks",
	} {
		w.must(w.clients.put(t.Context(), bucket, key, MLflowRun{ID: "4f2a", Experiment: "7", TrackingURI: uri}, nil))
		if m, err = MLflow(t.Context(), w.clients, r); err != nil || m.String() != want {
			t.Errorf("%s: %v, %v, want %s", uri, m, err, want)
		}
	}
	r.Plan.MLflow = project.MLflowPerJob
	if m, err = MLflow(t.Context(), w.clients, r); m != nil || err != nil {
		t.Errorf("per job: %v, %v", m, err)
	}
}
