package check

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

const (
	mlflowFile     = "mlflow.yml"
	mlflowVariable = "MLFLOW_TRACKING_URI" // what MLflow goes by where the file names no address
)

// mlflowTells is what becomes of kedro-mlflow's hooks, by the setting.
var mlflowTells = map[string]string{
	project.MLflowOff:    `mlflow = "off": jobs make no MLflow runs`,
	project.MLflowOne:    "all jobs of a run log into one MLflow run, which ends with the run",
	project.MLflowPerJob: `mlflow = "per-job": each job has an MLflow run of its own`,
}

// checkMLflow warns where MLflow's data would stay in the containers: it writes to the working directory unless an address is named. That of the file
// goes before that of the variable.
func (c *checker) checkMLflow() error {
	if !c.snapshot.UsesMLflow() || c.project.Settings.MLflow == project.MLflowOff {
		return nil
	}
	file := c.env.others[mlflowFile]
	if file == "" {
		file = c.base.others[mlflowFile]
	}
	address, place, err := c.trackingAddress(file)
	named := len(c.plan.Groups) > 0 && len(c.groupsWithout(mlflowVariable)) == 0
	if err != nil || !isOnDisk(address) || address == "" && named {
		return err
	}
	reason := "no address of a tracking server is named: each job keeps its MLflow data in its container, where it ends with the job"
	if address != "" {
		reason = "the tracking data is on disk: each job keeps its own in its container, where it ends with the job"
	}
	c.find(plan.Warning, plan.CodeMLflowLocal, mlflowFile, place, reason,
		"name a server in server.mlflow_tracking_uri, or "+mlflowVariable+" in [tool.kedroctl.job] environment")
	return nil
}

// trackingAddress is what the plug-in's file names, "" for none.
func (c *checker) trackingAddress(file string) (address, place string, err error) {
	if file == "" {
		return "", "", nil
	}
	text, err := os.ReadFile(filepath.Join(c.project.Dir, filepath.FromSlash(file)))
	if err != nil {
		return "", "", fmt.Errorf("read configuration: %w", err)
	}
	var document yaml.Node
	if yaml.Unmarshal(text, &document) != nil {
		return "", file, nil
	}
	place = file
	pairs(&document, func(key, value *yaml.Node) {
		if key.Value == "mlflow_tracking_uri" {
			place = fmt.Sprintf("%s:%d", file, key.Line)
			if value.Tag != "!!null" {
				address = value.Value
			}
		}
	})
	return address, place, nil
}

// isOnDisk says whether an address of MLflow means a place on the machine itself. A computed one is not known.
func isOnDisk(address string) bool {
	for _, scheme := range []string{"file:", "sqlite:"} {
		if strings.HasPrefix(address, scheme) {
			return true
		}
	}
	isName := strings.HasPrefix(address, "databricks") || strings.HasPrefix(address, "uc:")
	return !isName && !strings.Contains(address, "://") && !strings.Contains(address, "${")
}
