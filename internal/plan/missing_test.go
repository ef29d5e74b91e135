package plan

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

func TestOnlyMissing(t *testing.T) {
	s := shop()
	s.Datasets["table@spark"], s.Datasets["table@pandas"] = file("data/table"), file("data/table")
	s.Datasets["clean"], s.Datasets["model"] = file("data/clean.csv"), file("data/model.pkl")
	all := []string{"table@spark", "clean", "model"}
	for name, tt := range map[string]struct {
		there []string
		want  []string
	}{
		"nothing is there":                       {nil, []string{"etl.load", "etl.deep.clean", "split", "fit"}},
		"all is there: memory counts as made":    {all, nil},
		"what the lost one needs is in memory":   {[]string{"table@spark", "clean"}, []string{"split", "fit"}},
		"a lost intermediate that nobody needs":  {[]string{"clean", "model"}, []string{"etl.load"}},
		"between two that are there":             {[]string{"table@spark", "model"}, []string{"etl.deep.clean"}},
		"the other side says nothing of an item": {[]string{"table@pandas", "clean", "model"}, []string{"etl.load"}},
	} {
		t.Run(name, func(t *testing.T) {
			run, skipped, err := OnlyMissing(s, Selection{}, func(name string) bool { return slices.Contains(tt.there, name) })
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, run); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
			if len(run)+len(skipped) != 5 {
				t.Errorf("%v run and %v are skipped, of 5 nodes", run, skipped)
			}
		})
	}
}

func TestNodesWithoutOutputsAlwaysRun(t *testing.T) {
	s := registry(map[string][]project.Node{"p": {node("make: raw -> x"), node("tell: x ->")}})
	run, _, err := OnlyMissing(s, Selection{}, func(string) bool { return true })
	if diff := cmp.Diff([]string{"make", "tell"}, run); err != nil || diff != "" {
		t.Errorf("error %v, nodes (-want +got):\n%s", err, diff)
	}
	if _, _, err := OnlyMissing(s, Selection{Nodes: []string{"mak"}}, nil); !isSelectionError(err) {
		t.Errorf("error %v, want one about the selection", err)
	}
}

func isSelectionError(err error) bool {
	_, ok := errors.AsType[*SelectionError](err)
	return ok
}
