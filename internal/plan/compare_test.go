package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

func TestCompareRules(t *testing.T) {
	got, err := Compare(snapshot(t, "viz-demo"), settings("auto"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Comparison{
		{Rule: "auto", Jobs: 5, Depth: 4, Width: 2, Crossing: 8, InMemory: 4, Largest: 6},
		{Rule: "namespace", Jobs: 5, Depth: 4, Width: 2, Crossing: 8, InMemory: 4, Largest: 6},
		{Rule: "pipeline", Jobs: 4, Depth: 3, Width: 2, Crossing: 4, Largest: 6},
		{Rule: "tag", Jobs: 19, Depth: 8, Width: 9, Crossing: 16, InMemory: 7, Largest: 2},
		{Rule: "memory", Jobs: 14, Depth: 4, Width: 8, Crossing: 7, Largest: 5},
		{Rule: "node", Jobs: 21, Depth: 8, Width: 9, Crossing: 16, InMemory: 7, Largest: 1},
		{Rule: "one", Jobs: 1, Depth: 1, Width: 1, Largest: 21},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

func TestGroupsByHandAreTheSameByAllRules(t *testing.T) {
	set := settings("auto")
	set.Groups = map[string][]string{"all": {"*"}}
	got, err := Compare(studio(), set, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range got {
		if diff := cmp.Diff(Comparison{Rule: c.Rule, Jobs: 1, Depth: 1, Width: 1, Largest: 6}, c); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.Rule, diff)
		}
	}
	if len(got) != len(Rules) {
		t.Errorf("%d rules, want %d", len(got), len(Rules))
	}
	if _, err := Compare(studio(), set, Options{Selection: Selection{Nodes: []string{"nosuch"}}}); err == nil {
		t.Error("a selection that fits nothing compares")
	}
}

func TestMermaid(t *testing.T) {
	s := registry(map[string][]project.Node{"p": {
		node("etl.a: raw -> x y"), node("etl.b: y -> z"), node("ml.c: x z -> model v1 v2 v3"), node("say \"<b>\" #1: v1 v2 v3 model z -> end"),
	}})
	got := mustPlan(t, s, settings("namespace"), Options{}).Mermaid()
	want := strings.Join([]string{
		`flowchart TD`,
		`  g1["etl<br/>2 nodes"]`,
		`  g2["ml<br/>1 node"]`,
		`  g3["say #quot;#lt;b#gt;#quot; #35;1<br/>1 node"]`,
		`  g1 -->|"x, z"| g2`,
		`  g2 -->|"model, v1, v2 and 1 more"| g3`,
		`  g1 -->|"z"| g3`,
		``,
	}, "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("flowchart (-want +got):\n%s", diff)
	}
}
