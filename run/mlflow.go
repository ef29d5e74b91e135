package run

import (
	"context"
	"fmt"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// MLflowRun is the one MLflow run that all jobs of a run log into, as the job that made it has noted it.
type MLflowRun struct {
	ID          string `json:"run_id"`
	Experiment  string `json:"experiment_id"`
	TrackingURI string `json:"tracking_uri"` // without a user's name and password
	Link        string `json:"link,omitempty"`
}

// MLflow reads what MLflow run a run has; nil where it has none of its own, or its first job has not made it yet.
func MLflow(ctx context.Context, c Clients, r Run) (*MLflowRun, error) {
	if r.Plan.MLflow != project.MLflowOne {
		return nil, nil
	}
	var m MLflowRun
	err := c.get(ctx, r.Plan.Bucket, fmt.Sprintf("runs/%s/mlflow.json", r.ID), &m)
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("MLflow run of run %s: %w", r.ID, err)
	}
	m.Link = m.link()
	return &m, nil
}

// link is the page of the run, where the tracking server is known by an address that a browser opens.
func (m MLflowRun) link() string {
	if !strings.HasPrefix(m.TrackingURI, "http://") && !strings.HasPrefix(m.TrackingURI, "https://") {
		return ""
	}
	return fmt.Sprintf("%s/#/experiments/%s/runs/%s", strings.TrimRight(m.TrackingURI, "/"), m.Experiment, m.ID)
}

// String is the link, or what else people find the run by.
func (m MLflowRun) String() string {
	if m.Link != "" {
		return m.Link
	}
	return fmt.Sprintf("%s on %s", m.ID, m.TrackingURI)
}
