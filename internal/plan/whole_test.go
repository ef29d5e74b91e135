package plan

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

func TestAWholeProjectWithoutADefaultPipelineIsAllThatItRegisters(t *testing.T) {
	nodes := map[string][]project.Node{
		"etl":   {node("load: raw -> clean")},
		"train": {node("fit: clean -> model")},
		"again": {node("fit: clean -> model")},
		"all":   {node("load: raw -> clean"), node("fit: clean -> model")},
		"other": {node("count: words -> many")},
		"empty": nil,
	}
	s := registry(nodes)
	delete(s.Pipelines, defaultPipeline)
	for name, tt := range map[string]struct {
		snapshot  project.Snapshot
		selection Selection
		want      []string
	}{
		"parts of others are left out": {s, Selection{}, []string{"all", "other"}},
		"a filter leaves that so":      {s, Selection{ToOutputs: []string{"many"}}, []string{"all", "other"}},
		"what is named stays":          {s, Selection{Pipelines: []string{"etl"}}, []string{"etl"}},
		"the default one is enough":    {registry(nodes), Selection{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := New(tt.snapshot, settings("auto"), Options{Selection: tt.selection, Whole: true})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, p.Selection.Pipelines); diff != "" {
				t.Errorf("pipelines (-want +got):\n%s", diff)
			}
		})
	}
}

// What Kedro's Pipeline refuses when pipelines are added up.
func TestPipelinesThatCannotRunTogether(t *testing.T) {
	for name, tt := range map[string]struct {
		a, b []project.Node
		want string
	}{
		"a name for two nodes": {
			[]project.Node{node("n: x -> y")}, []project.Node{node("n: x -> z")},
			"pipelines a and b cannot run together: node n is there twice, with different inputs or outputs",
		},
		"an output of two nodes": {
			[]project.Node{node("m: x -> y@one")}, []project.Node{node("n: x -> y@two")},
			"pipelines a and b cannot run together: nodes m and n both save y",
		},
		"a dataset confirmed twice": {
			[]project.Node{node("m: x -> y", "confirms=x")}, []project.Node{node("n: x -> z", "confirms=x")},
			"pipelines a and b cannot run together: nodes m and n both confirm x",
		},
		"with and without @": {
			[]project.Node{node("m: x -> y@one")}, []project.Node{node("n: y -> z")},
			"pipelines a and b cannot run together: dataset y is used both with and without @",
		},
		"a circle": {
			[]project.Node{node("m: x -> y")}, []project.Node{node("n: y -> x")},
			"pipelines a and b cannot run together: nodes wait for each other in a circle",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := project.Snapshot{Pipelines: map[string]project.Pipeline{"a": {Nodes: tt.a}, "b": {Nodes: tt.b}}}
			_, err := New(s, settings("auto"), Options{Selection: Selection{Pipelines: []string{"a", "b"}}})
			var got *SelectionError
			if !errors.As(err, &got) || got.Reason != tt.want || !strings.HasPrefix(got.Next, "run one after the other: --pipelines a, then --pipelines b") {
				t.Errorf("error is %v, want %q", err, tt.want)
			}
		})
	}
}

// Two pipelines of one make, whose nodes have the same names: a deployment serves both, and no run has both.
func TestPipelinesThatCannotRunTogetherAreDeployedTogether(t *testing.T) {
	s := registry(map[string][]project.Node{
		"one":  {node("fit: raw -> model_one"), node("tell: shared -> report")},
		"two":  {node("fit: other -> model_two"), node("share: other -> shared")},
		"side": {node("count: raw -> many")},
	})
	delete(s.Pipelines, defaultPipeline)
	s.Datasets["other"] = file("s3://lake/other.csv")
	s.Datasets["shared"] = file("data/shared.csv")
	p := mustPlan(t, s, settings("one"), Options{Whole: true})
	if diff := cmp.Diff([]string{"one", "side", "two"}, p.Selection.Pipelines); diff != "" {
		t.Errorf("pipelines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"one+side: count fit tell", "two: fit share"}, groups(p)); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	roles := map[string]string{}
	for _, row := range p.Datasets {
		roles[row.Name] = row.Role
	}
	want := map[string]string{"raw": Input, "other": Input, "shared": Leaving, "report": Leaving, "many": Leaving, "model_one": Leaving, "model_two": Leaving}
	if diff := cmp.Diff(want, roles); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"lake/other.csv"}, p.Grants.Read); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"note pipelines-apart one, side, two"}, found(p)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if p := mustPlan(t, s, settings("one"), Options{Whole: true, Selection: Selection{Nodes: []string{"share"}}}); len(p.Groups) != 1 {
		t.Errorf("groups of a node that only one of them has: %v", groups(p))
	}
	if _, err := New(s, settings("one"), Options{Whole: true, Selection: Selection{Nodes: []string{"shar"}}}); !isSelectionError(err) {
		t.Errorf("error %v, want one about the selection", err)
	}
}

func TestEachPipelineOfPolislikeRunsByItself(t *testing.T) {
	s := snapshot(t, "polislike")
	for name, p := range s.Pipelines {
		if got := countNodes(mustPlan(t, s, settings("auto"), Options{Selection: Selection{Pipelines: []string{name}}})); got != len(p.Nodes) {
			t.Errorf("%s: %d nodes, want %d", name, got, len(p.Nodes))
		}
	}
	p := mustPlan(t, s, settings("auto"), Options{Whole: true})
	if got := countNodes(p); got != 38 || !slices.Contains(found(p), "note pipelines-apart mean_umap_bestkmeans, polis_classic") {
		t.Errorf("deployment of %d nodes, want 38; findings %v", got, found(p))
	}
}

func countNodes(p Plan) (n int) {
	for _, g := range p.Groups {
		n += len(g.Nodes)
	}
	return n
}
