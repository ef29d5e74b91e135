package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

// studio is two namespaces and free nodes, some with tags.
func studio() project.Snapshot {
	return registry(map[string][]project.Node{
		"prep":  {node("prep.load: raw -> table"), node("prep.deep.clean: table -> clean", "tag=slow"), node("prep.deep.check: table -> report", "tag=slow")},
		"model": {node("split: clean -> x y"), node("fit: x -> model", "tag=gpu", "tag=slow"), node("score: model y -> metrics")},
	})
}

func TestGroupsByHand(t *testing.T) {
	for name, tt := range map[string]struct {
		rule         string
		hand         map[string][]string
		by           string
		want, reason []string
		findings     []string
	}{
		"nodes by name and glob": {
			rule: "auto", hand: map[string][]string{"fitting": {"fit", "sc*"}}, by: "namespace, pipeline, groups",
			want: []string{"prep: prep.load prep.deep.check prep.deep.clean", "model: split < prep", "fitting: fit score < model"},
		},
		"an inner namespace, also by its own glob": {
			rule: "auto", hand: map[string][]string{"inner": {"prep.d*p"}}, by: "namespace, groups, pipeline",
			want: []string{"prep: prep.load", "inner: prep.deep.check prep.deep.clean < prep", "model: split fit score < inner"},
		},
		"an outer namespace has what lies below": {
			rule: "node", hand: map[string][]string{"p": {"prep"}}, by: "groups, node",
			want: []string{"p: prep.load prep.deep.check prep.deep.clean", "split: split < p", "fit: fit < split", "score: score < fit"},
		},
		"tags": {
			rule: "one", hand: map[string][]string{"accelerated": {"gpu"}}, by: "one, groups",
			want: []string{
				"__default__: prep.load prep.deep.check prep.deep.clean split", "accelerated: fit < __default__", "__default__-2: score < accelerated",
			},
			findings: []string{"note group-cycle __default__"},
		},
		"all nodes": {
			rule: "auto", hand: map[string][]string{"a": {"prep"}, "b": {"*"}, "c": {"split"}}, by: "groups",
			want:     []string{"a: prep.load prep.deep.check prep.deep.clean", "b: split fit score < a"},
			findings: []string{"error groups-overlap a, b", "error groups-overlap b, c"},
		},
		"what fits nothing": {
			rule: "pipeline", hand: map[string][]string{"a": {"scor", "x*", "fit"}}, by: "pipeline, groups",
			want: []string{
				"prep: prep.load prep.deep.check prep.deep.clean", "model: split < prep", "a: fit < model", "model-2: score < a",
			},
			findings: []string{"warning groups-unmatched scor", "warning groups-unmatched x*", "note group-cycle model"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			set := settings(tt.rule)
			set.Groups = tt.hand
			p := mustPlan(t, studio(), set, Options{})
			if diff := cmp.Diff(tt.want, groups(p)); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.findings, found(p)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if p.GroupedBy != tt.by {
				t.Errorf("grouped by %q, want %q", p.GroupedBy, tt.by)
			}
		})
	}
}

func TestFindingsOfGroupsByHandSayWhatToDo(t *testing.T) {
	set := settings("auto")
	set.Groups = map[string][]string{"a": {"prep"}, "b": {"prep*", "scor"}}
	p := mustPlan(t, studio(), set, Options{Selection: Selection{Namespaces: []string{"prep"}}})
	want := []Finding{
		{
			Code: "groups-overlap", Level: Error, Thing: "a, b",
			Reason: "both groups of [tool.kedroctl.groups] match prep.load, prep.deep.check, prep.deep.clean", Fix: "write their globs so that a node is in one group",
		},
		{
			Code: "groups-unmatched", Level: Warning, Thing: "scor",
			Reason: "group b of [tool.kedroctl.groups] has it, and no node, namespace or tag of the project fits it", Fix: "did you mean score or slow?",
		},
	}
	if diff := cmp.Diff(want, p.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if want := "[tool.kedroctl.groups] makes group a"; p.Reason != want {
		t.Errorf("reason is %q, want %q", p.Reason, want)
	}

	set.Groups = map[string][]string{"b": {"score"}}
	p = mustPlan(t, studio(), set, Options{Selection: Selection{Namespaces: []string{"prep"}}})
	if len(p.Findings) > 0 {
		t.Errorf("a glob that only the selection leaves without nodes is no mistake: %v", p.Findings)
	}
}

func TestGroupsByTag(t *testing.T) {
	p := mustPlan(t, studio(), settings("tag"), Options{})
	want := []string{
		"prep.load: prep.load", "slow: prep.deep.check prep.deep.clean < prep.load", "split: split < slow", "gpu: fit < split", "score: score < gpu",
	}
	if diff := cmp.Diff(want, groups(p)); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if p.GroupedBy != "node, tag" {
		t.Errorf("grouped by %q", p.GroupedBy)
	}
}
