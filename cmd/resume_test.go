package cmd

import (
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
)

func TestResourcesOfAResumedGroup(t *testing.T) {
	had := project.Resources{VCPUs: 2, Memory: 4096, MemoryMax: 32768, Timeout: 600, Attempts: 2}
	group := plan.Group{Name: "train-2", Resources: had, Settings: plan.JobSettings{As: "train", From: map[string]string{"timeout": "flag"}}}
	settings := project.Settings{Job: project.JobSettings{
		Resources: project.Resources{VCPUs: 4, Memory: 8192, MemoryMax: 65536, Timeout: 60, Attempts: 3},
		Groups:    map[string]project.GroupSettings{"train": {Resources: project.Resources{Memory: 16384}}},
	}}
	if got, want := currentResources(settings, true)(group), (project.Resources{VCPUs: 4, Memory: 16384, MemoryMax: 65536, Timeout: 600, Attempts: 3}); got != want {
		t.Errorf("with a tree %+v, want %+v", got, want)
	}
	if got := currentResources(settings, false)(group); got != had {
		t.Errorf("without a tree %+v, want %+v", got, had)
	}
}

func TestWhetherADeploymentFitsARun(t *testing.T) {
	groups := []plan.Group{{Name: "train", Nodes: []string{"split", "fit"}, Inputs: []string{"table"}, Outputs: []string{"model"}}}
	fit := project.Node{Name: "fit", Inputs: []string{"train_set", "params:rate", "parameters"}, Outputs: []string{"model"}}
	split := project.Node{Name: "split", Inputs: []string{"table@pandas"}, Outputs: []string{"train_set"}}
	other := fit
	other.Outputs = []string{"models"}
	greedy := split
	greedy.Inputs = []string{"table", "weather"}
	for want, nodes := range map[string][]project.Node{
		"": {split, fit},
		"group train: the project has no node fit":            {split},
		"group train: the project does not make model there":  {split, other},
		"group train: the project loads weather there, which": {greedy, fit},
	} {
		err := fits(groups, plan.Selection{}, provision.Deployment{Snapshot: project.Snapshot{Pipelines: map[string]project.Pipeline{"__default__": {Nodes: nodes}}}})
		if want == "" {
			if err != nil {
				t.Errorf("error %v", err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(ui.Hint(err), "kedroctl run") {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
