package build

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

// TestSmokeHasTheVariablesOfJobs has placeholders for secrets, which nobody but the jobs may see.
func TestSmokeHasTheVariablesOfJobs(t *testing.T) {
	set := project.Settings{
		Credentials: map[string]string{"lake": "arn:lake"},
		Job: project.JobSettings{
			Container: project.Container{Environment: map[string]string{"LEVEL": "all"}, Secrets: map[string]string{"TOKEN": "arn:token"}},
			Groups: map[string]project.GroupSettings{
				"train": {Container: project.Container{Environment: map[string]string{"LEVEL": "train", "SEED": "1"}}},
			},
		},
	}
	want := []string{"KEDROCTL_CREDENTIALS_lake={}", "KEDRO_LOGGING_CONFIG=/tmp/kedroctl/logging.yml", "LEVEL=all", "SEED=1", "TOKEN={}"}
	if diff := cmp.Diff(want, smokeEnv(set)); diff != "" {
		t.Error(diff)
	}
}
