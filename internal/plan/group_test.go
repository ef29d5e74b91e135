package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

func TestGrouping(t *testing.T) {
	mixed := map[string][]project.Node{
		"prepare": {node("prep.load: raw -> table"), node("prep.clean: table -> clean")},
		"model":   {node("split: clean -> x y"), node("fit: x -> model"), node("fit.tune: model y -> best")},
	}
	for name, tt := range map[string]struct {
		rule      string
		pipelines map[string][]project.Node
		selection Selection
		by        string
		want      []string
	}{
		"auto: namespaces, then pipelines": {
			rule: "auto", pipelines: mixed, by: "namespace, pipeline",
			want: []string{"prep: prep.load prep.clean", "model: split fit < prep", "fit: fit.tune < model"},
		},
		"auto: grouping follows the selection": {
			rule: "auto", pipelines: mixed, selection: Selection{Nodes: []string{"split", "prep.clean", "prep.load"}}, by: "namespace, pipeline",
			want: []string{"prep: prep.load prep.clean", "model: split < prep"},
		},
		"namespace: free nodes alone, a node named like a namespace apart": {
			rule: "namespace", pipelines: mixed, by: "namespace, node",
			want: []string{"prep: prep.load prep.clean", "split: split < prep", "fit: fit < split", "fit-2: fit.tune < fit"},
		},
		"pipeline": {
			rule: "pipeline", pipelines: mixed, by: "pipeline",
			want: []string{"prepare: prep.load prep.clean", "model: split fit fit.tune < prepare"},
		},
		"node: edges that others imply are left out": {
			rule: "node", pipelines: mixed, by: "node",
			want: []string{
				"prep.load: prep.load", "prep.clean: prep.clean < prep.load", "split: split < prep.clean", "fit: fit < split", "fit.tune: fit.tune < fit",
			},
		},
		"one": {
			rule: "one", pipelines: mixed, selection: Selection{Pipelines: []string{"prepare", "model"}}, by: "one",
			want: []string{"prepare+model: prep.load prep.clean split fit fit.tune"},
		},
		"memory: free inputs tie nobody": {
			rule: "memory", by: "memory, node",
			pipelines: map[string][]project.Node{"all": {
				node("a: raw -> x"), node("b: x -> y"), node("c: raw -> z"),
			}},
			want: []string{"a+b: a b", "c: c"},
		},
		"auto: unions make no group, also those without __default__": {
			rule: "auto", by: "pipeline",
			pipelines: map[string][]project.Node{
				"etl":      {node("a: raw -> x")},
				"train":    {node("b: x -> y"), node("c: y -> z")},
				"training": {node("a: raw -> x"), node("b: x -> y"), node("c: y -> z")},
			},
			selection: Selection{Pipelines: []string{"training"}},
			want:      []string{"etl: a", "train: b c < etl"},
		},
		"auto: a node in several pipelines goes by the smallest": {
			rule: "auto", by: "pipeline",
			pipelines: map[string][]project.Node{
				"big":   {node("a: raw -> x"), node("b: x -> y"), node("c: x -> z")},
				"small": {node("a: raw -> x"), node("d: x -> w")},
			},
			want: []string{"small: a d", "big: b c < small"},
		},
		"auto: of equally small pipelines the selected one counts": {
			rule: "auto", by: "pipeline",
			pipelines: map[string][]project.Node{
				"first":  {node("a: raw -> x"), node("b: x -> y1")},
				"second": {node("a: raw -> x"), node("b: x -> y2")},
			},
			selection: Selection{Pipelines: []string{"second"}},
			want:      []string{"second: a b"},
		},
		"auto: a pipeline named like a namespace joins it": {
			rule: "auto", by: "namespace",
			pipelines: map[string][]project.Node{"report": {node("report.draw: raw -> x"), node("print: x -> y")}},
			want:      []string{"report: report.draw print"},
		},
		"auto: without pipelines by memory, never a job per node": {
			rule: "auto", by: "memory",
			pipelines: map[string][]project.Node{defaultPipeline: {
				node("a: raw -> file1"), node("b: file1 -> x"), node("c: x -> file2"), node("d: file2 -> file3"), node("e: file3 -> file4"),
			}},
			want: []string{"a: a", "b+c: b c < a", "d+e: d e < b+c"},
		},
		"auto: a group that would wait for itself is split": {
			rule: "auto", by: "namespace, pipeline",
			pipelines: map[string][]project.Node{
				"p": {node("n.a: raw -> x"), node("free: x -> y"), node("n.b: y -> z"), node("m.c: z -> end")},
			},
			want: []string{"n: n.a", "p: free < n", "n-2: n.b < p", "m: m.c < n-2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := registry(tt.pipelines)
			for _, f := range []string{"file1", "file2", "file3", "file4"} {
				s.Datasets[f] = file("data/" + f)
			}
			p := mustPlan(t, s, settings(tt.rule), Options{Selection: tt.selection})
			if diff := cmp.Diff(tt.want, groups(p)); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
			if p.GroupedBy != tt.by {
				t.Errorf("grouped by %q, want %q", p.GroupedBy, tt.by)
			}
			if p.Reason == "" || len(p.Errors()) > 0 {
				t.Errorf("reason %q, errors %v", p.Reason, p.Errors())
			}
		})
	}
}

func TestUnknownRule(t *testing.T) {
	_, err := New(shop(), settings("size"), Options{})
	if err == nil || !strings.Contains(err.Error(), `group_by "size" is none of auto, namespace`) {
		t.Errorf("error is %v", err)
	}
}

func TestCommand(t *testing.T) {
	pipelines := map[string][]project.Node{
		"etl": {node("ns.a: raw -> x"), node("ns.deep.b: x -> y")},
		"ml":  {node("fit([x,y]): y -> model")},
	}
	for name, tt := range map[string]struct {
		version   string
		selection Selection
		want      []string // of each group, what stands behind the fixed part
	}{
		"a whole namespace by its name, a node with a comma as it is": {
			"1.7.0", Selection{}, []string{"--pipelines __default__ --namespaces ns", "--pipelines __default__ --nodes fit([x,y])"},
		},
		"part of a namespace by nodes": {
			"1.7.0", Selection{Nodes: []string{"ns.a"}}, []string{"--pipelines __default__ --nodes ns.a"},
		},
		"selected pipelines": {
			"1.7.0", Selection{Pipelines: []string{"ml", "etl"}}, []string{"--pipelines ml,etl --namespaces ns", "--pipelines ml,etl --nodes fit([x,y])"},
		},
		"before Kedro 1.2 there was only --pipeline": {
			"1.1.1", Selection{Pipelines: []string{"etl"}}, []string{"--pipeline etl --namespaces ns"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := registry(pipelines)
			s.KedroVersion = tt.version
			p := mustPlan(t, s, settings("auto"), Options{Selection: tt.selection})
			var got []string
			for _, g := range p.Groups {
				line := strings.Join(g.Command, " ")
				rest, ok := strings.CutPrefix(line, "python -m kedroctl_boot --env aws_batch --conf-source /app/conf ")
				if !ok {
					t.Errorf("command is %q", line)
				}
				got = append(got, rest)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCommandThatKedroWouldTakeApart(t *testing.T) {
	old := registry(map[string][]project.Node{"a": {node("n: raw -> x")}, "b": {node("m: x -> y")}})
	old.KedroVersion = "1.1.0"
	_, err := New(old, settings("auto"), Options{Selection: Selection{Pipelines: []string{"a", "b"}}})
	if err == nil || !strings.Contains(err.Error(), "Kedro 1.1.0 runs one pipeline at a time") {
		t.Errorf("error is %v", err)
	}
	p := mustPlan(t, registry(map[string][]project.Node{"p": {node("a,b.n: raw -> x")}}), settings("auto"), Options{})
	if diff := cmp.Diff([]string{"error node-name a,b"}, found(p)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestResourcesOfAGroup(t *testing.T) {
	set := settings("auto")
	set.Job.Groups = map[string]project.GroupSettings{"tr*": {Resources: project.Resources{Memory: 16384}}}
	p := mustPlan(t, shop(), set, Options{})
	if p.Groups[0].Resources.Memory != 4096 || p.Groups[1].Name != "train" || p.Groups[1].Resources.Memory != 16384 {
		t.Errorf("groups are %+v", p.Groups)
	}
}
