package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

// TestEntriesThatNoGroupGets: a name that is nowhere in the project is a mistake; one that another grouping has, or that is not selected, may be meant.
func TestEntriesThatNoGroupGets(t *testing.T) {
	s := registry(map[string][]project.Node{
		"prep":  {node("load: raw -> a", "tag=daily")},
		"train": {node("deep.fit: a -> b"), node("deep.tune: b -> c")},
	})
	tests := map[string]struct {
		entry   string
		options Options
		want    string
	}{
		"a group":                    {entry: "prep"},
		"a glob":                     {entry: "tr*n"},
		"nowhere":                    {entry: "trian", want: `error settings-unmatched job.groups."trian"`},
		"a glob that fits nothing":   {entry: "x*", want: `error settings-unmatched job.groups."x*"`},
		"a node, grouped otherwise":  {entry: "load", want: `warning settings-unmatched job.groups."load"`},
		"a tag":                      {entry: "daily", want: `warning settings-unmatched job.groups."daily"`},
		"a namespace":                {entry: "deep", want: `warning settings-unmatched job.groups."deep"`},
		"another grouping's sum":     {entry: "deep.fit+deep.tune", want: `warning settings-unmatched job.groups."deep.fit+deep.tune"`},
		"a numbered group":           {entry: "train-2", want: `warning settings-unmatched job.groups."train-2"`},
		"a pipeline that is not run": {entry: "train", options: Options{Selection: Selection{Pipelines: []string{"prep"}}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			set := settings("pipeline")
			set.Job.Groups = map[string]project.GroupSettings{tt.entry: {Resources: project.Resources{Memory: 9000}}}
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			if diff := cmp.Diff(want, found(mustPlan(t, s, set, tt.options))); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGroupsHaveSettingsAndRunners(t *testing.T) {
	set := settings("pipeline")
	set.Job.Groups = map[string]project.GroupSettings{
		"prep":  {Runner: "ThreadRunner", Queue: "big"},
		"train": {Container: project.Container{SharedMemory: 64, Environment: map[string]string{"A": "1"}, Secrets: map[string]string{"B": "arn:b"}}},
	}
	p := mustPlan(t, registry(map[string][]project.Node{"prep": {node("load: raw -> a")}, "train": {node("fit: a -> b")}}), set, Options{})
	want := []JobSettings{
		{Runner: "ThreadRunner", Queue: "big", From: map[string]string{"runner": `job.groups."prep"`, "queue": `job.groups."prep"`}},
		{
			Definition: "train", SharedMemory: 64, Environment: []string{"A"}, Secrets: []string{"B"},
			From: map[string]string{"shared_memory": `job.groups."train"`, "environment.A": `job.groups."train"`, "secrets.B": `job.groups."train"`},
		},
	}
	if diff := cmp.Diff(want, []JobSettings{p.Groups[0].Settings, p.Groups[1].Settings}); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	command := []string{"python", "-m", "kedroctl_boot", "--env", "aws_batch", "--conf-source", "/app/conf", "--pipelines", "__default__", "--runner", "ThreadRunner", "--nodes", "load"}
	if diff := cmp.Diff(command, p.Groups[0].Command); diff != "" {
		t.Errorf("command (-want +got):\n%s", diff)
	}
}
