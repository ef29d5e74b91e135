package plan

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

func shop() project.Snapshot {
	return registry(map[string][]project.Node{
		"etl": {
			node("etl.load: raw params:limit -> table@spark", "tag=slow"),
			node("etl.deep.clean: table@pandas -> clean", "tag=slow"),
		},
		"train": {
			node("split: clean -> x y", "tag=ml"),
			node("fit: x -> model", "tag=ml"),
			node("score: model y -> metrics"),
		},
	})
}

func TestSelection(t *testing.T) {
	for name, tt := range map[string]struct {
		selection Selection
		want      []string
	}{
		"default":                  {Selection{}, []string{"etl.load", "etl.deep.clean", "split", "fit", "score"}},
		"pipelines are added up":   {Selection{Pipelines: []string{"train", "etl", "train"}}, []string{"etl.load", "etl.deep.clean", "split", "fit", "score"}},
		"one pipeline":             {Selection{Pipelines: []string{"train"}}, []string{"split", "fit", "score"}},
		"any of the tags":          {Selection{Tags: []string{"slow", "none"}}, []string{"etl.load", "etl.deep.clean"}},
		"from nodes":               {Selection{FromNodes: []string{"split"}}, []string{"split", "fit", "score"}},
		"to nodes":                 {Selection{ToNodes: []string{"fit"}}, []string{"etl.load", "etl.deep.clean", "split", "fit"}},
		"filters are intersected":  {Selection{FromNodes: []string{"split"}, ToNodes: []string{"fit"}}, []string{"split", "fit"}},
		"namespaces below count":   {Selection{Namespaces: []string{"etl"}}, []string{"etl.load", "etl.deep.clean"}},
		"inner namespace":          {Selection{Namespaces: []string{"etl.deep"}}, []string{"etl.deep.clean"}},
		"from a parameter":         {Selection{FromInputs: []string{"params:limit"}, ToOutputs: []string{"clean"}}, []string{"etl.load", "etl.deep.clean"}},
		"all sides of an input":    {Selection{FromInputs: []string{"table"}}, []string{"etl.deep.clean", "split", "fit", "score"}},
		"one side of an input":     {Selection{FromInputs: []string{"table@pandas"}, ToOutputs: []string{"clean"}}, []string{"etl.deep.clean"}},
		"to one side of an output": {Selection{ToOutputs: []string{"table@spark"}}, []string{"etl.load"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, chosen, err := choose(shop(), tt.selection)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, nodeNames(chosen.nodes)); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSelectionErrorsNameTheThingAndWhatIsNear(t *testing.T) {
	noDefault := shop()
	delete(noDefault.Pipelines, defaultPipeline)
	for name, tt := range map[string]struct {
		snapshot     project.Snapshot
		selection    Selection
		reason, next string
	}{
		"pipeline":           {shop(), Selection{Pipelines: []string{"trian"}}, `no registered pipeline is named "trian"`, "did you mean train?"},
		"close pipeline":     {shop(), Selection{Pipelines: []string{"training"}}, `no registered pipeline is named "training"`, "did you mean train?"},
		"no default":         {noDefault, Selection{}, "the project registers no pipeline __default__", "choose with --pipelines from etl, train"},
		"node":               {shop(), Selection{Nodes: []string{"clean"}}, `no node is named "clean"`, "did you mean etl.deep.clean?"},
		"node given twice":   {shop(), Selection{Nodes: []string{"fit", "fit"}}, `node "fit" is given twice`, ""},
		"namespace":          {shop(), Selection{Namespaces: []string{"etl.deeper"}}, `no node has the namespace "etl.deeper"`, "did you mean etl.deep?"},
		"nested namespaces":  {shop(), Selection{Namespaces: []string{"etl", "etl.deep"}}, `node "etl.deep.clean" is in two of the namespaces etl, etl.deep`, ""},
		"input":              {shop(), Selection{FromInputs: []string{"metric"}}, `no node loads or saves a dataset named "metric"`, "did you mean metrics?"},
		"side of an output":  {shop(), Selection{ToOutputs: []string{"table@dask"}}, `no node loads or saves a dataset named "table@dask"`, "did you mean table@spark or table@pandas?"},
		"tag":                {shop(), Selection{Tags: []string{"slows"}}, `no node has the tag "slows"`, "did you mean slow?"},
		"empty intersection": {shop(), Selection{Tags: []string{"ml"}, Namespaces: []string{"etl"}}, "no node passes all filters: --tags ml --namespaces etl", "each filter is applied to all nodes of the pipelines; leave one out"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(tt.snapshot, settings("auto"), Options{Selection: tt.selection})
			var got *SelectionError
			if !errors.As(err, &got) {
				t.Fatalf("error is %v, want a *SelectionError", err)
			}
			if got.Reason != tt.reason || got.Hint() != tt.next {
				t.Errorf("got  %q (%q)\nwant %q (%q)", got.Reason, got.Hint(), tt.reason, tt.next)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	for list, want := range map[string][]string{
		"":                        nil,
		"a":                       {"a"},
		"a, b ,c":                 {"a", "b", "c"},
		"a,":                      {"a"},
		"f([x,y]) -> [z],g":       {"f([x,y]) -> [z]", "g"},
		"a,,b":                    {"a", ",b"}, // as Kedro does
		"ingestion.<lambda>__2de": {"ingestion.<lambda>__2de"},
	} {
		if got := Split(list); !slices.Equal(got, want) {
			t.Errorf("Split(%q) = %q, want %q", list, got, want)
		}
	}
	if got, want := SplitPlain(" a,,b [c,d] "), []string{"a", "b [c", "d]"}; !slices.Equal(got, want) {
		t.Errorf("SplitPlain = %q, want %q", got, want)
	}
}
