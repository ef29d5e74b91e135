package project

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const withExtras = `[project]
name = "Space_Flights"
dependencies = ["kedro~=1.7"]
[project.optional-dependencies]
Train_Big = ["torch>=2", "space-flights[report]"]
report = ["plotly", "space-flights[all]"]
all = ["space.flights[train-big, report]"]
docs = ["sphinx"]
` + kedroTable

func TestExtras(t *testing.T) {
	for extras, want := range map[string][]string{
		"":          {"kedro~=1.7"},
		"docs":      {"kedro~=1.7", "sphinx"},
		"train.big": {"kedro~=1.7", "torch>=2", "plotly"},
		"all, docs": {"kedro~=1.7", "torch>=2", "plotly", "sphinx"},
	} {
		p := mustLoad(t, newProject(t, withExtras), LoadOptions{Set: map[string]string{"image.extras": extras}})
		if diff := cmp.Diff(want, p.Dependencies); diff != "" {
			t.Errorf("extras %q (-want +got):\n%s", extras, diff)
		}
	}
	_, err := Load(newProject(t, withExtras+"[tool.kedroctl.env.aws_batch.image]\nextras = ['gpu']\n"), LoadOptions{})
	unknown, ok := errors.AsType[*SettingsError](err)
	if !ok || unknown.Key != "tool.kedroctl.env.aws_batch.image.extras" || unknown.Reason != "[project.optional-dependencies] has no gpu" ||
		unknown.Next != "name one of Train_Big, all, docs, report" {
		t.Errorf("unknown extra: %+v, %v", unknown, err)
	}
}
