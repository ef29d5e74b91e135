package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

func TestOnly(t *testing.T) {
	one := project.Node{Name: "one", Inputs: []string{"params:x"}, Outputs: []string{"saved"}}
	two := project.Node{Name: "two", Inputs: []string{"saved", "params:y"}, Outputs: []string{}}
	three := project.Node{Name: "three", Inputs: []string{}, Outputs: []string{"x", "y"}}
	s := project.Snapshot{Pipelines: map[string]project.Pipeline{
		"first": {Nodes: []project.Node{one}}, "second": {Nodes: []project.Node{two}}, "both": {Nodes: []project.Node{one, two}},
		"__default__": {Nodes: []project.Node{one, two, three}},
	}}
	p := Plan{Groups: []Group{
		{Name: "a", Nodes: []string{"one"}}, {Name: "b", Nodes: []string{"two", "one"}}, {Name: "in no pipeline of its own", Nodes: []string{"one", "three"}},
	}}
	want := map[string]Only{
		"a": {Load: []string{"first"}, Of: []string{"__default__"}, Nodes: "a10da6eb2e6b3abd6eeac46de3c24ec40a4856379365fdfd7985f4cad7473ea3"},
		"b": {Load: []string{"first", "second"}, Of: []string{"__default__"}, Nodes: digest(map[string]project.Node{"one": one, "two": two})},
	}
	if diff := cmp.Diff(want, OnlyOf(s, p)); diff != "" {
		t.Errorf("only (-want +got):\n%s", diff)
	}
	delete(s.Pipelines, "__default__")
	if only := OnlyOf(s, p); len(only["b"].Load) > 0 {
		t.Errorf("b, which needs all, loads %v", only["b"].Load)
	}
}
