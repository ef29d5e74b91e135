package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/project"
)

// node reads "name: inputs -> outputs"; its namespace is what stands before the last point of the name. Options are tag=, confirms=.
func node(text string, options ...string) project.Node {
	name, flow, _ := strings.Cut(text, ":")
	in, out, _ := strings.Cut(flow, "->")
	n := project.Node{Name: name, Inputs: strings.Fields(in), Outputs: strings.Fields(out)}
	if dot := strings.LastIndex(name, "."); dot >= 0 {
		n.Namespace = name[:dot]
	}
	for _, o := range options {
		switch key, value, _ := strings.Cut(o, "="); key {
		case "tag":
			n.Tags = append(n.Tags, value)
		case "confirms":
			n.Confirms = append(n.Confirms, value)
		}
	}
	return n
}

// registry makes a snapshot out of pipelines; __default__ is the sum of the others where it is not among them. Inputs that no node makes are local
// files; all else is in memory.
func registry(pipelines map[string][]project.Node) project.Snapshot {
	s := project.Snapshot{
		KedroVersion: "1.7.0", Package: "shop", Env: "aws_batch",
		Pipelines: map[string]project.Pipeline{}, Datasets: map[string]project.Dataset{},
	}
	var all []project.Node
	made := map[string]bool{}
	for _, name := range sortedKeys(pipelines) {
		s.Pipelines[name] = project.Pipeline{Nodes: pipelines[name]}
		for _, n := range pipelines[name] {
			if !slices.ContainsFunc(all, func(o project.Node) bool { return o.Name == n.Name }) {
				all = append(all, n)
			}
			for _, out := range n.Outputs {
				made[BaseName(out)] = true
			}
		}
	}
	if _, ok := pipelines[defaultPipeline]; !ok {
		s.Pipelines[defaultPipeline] = project.Pipeline{Nodes: all}
	}
	for _, n := range all {
		for _, in := range n.Inputs {
			if !made[BaseName(in)] && !isParameter(in) {
				s.Datasets[in] = file("data/01_raw/" + BaseName(in) + ".csv")
			}
		}
	}
	return s
}

func file(path string) project.Dataset {
	return project.Dataset{Source: "catalog", Type: "pandas.CSVDataset", Path: path}
}

// groups writes a plan's groups in one line each: name: nodes < groups that it waits for.
func groups(p Plan) []string {
	var lines []string
	for _, g := range p.Groups {
		line := g.Name + ": " + strings.Join(g.Nodes, " ")
		if len(g.DependsOn) > 0 {
			line += " < " + strings.Join(g.DependsOn, " ")
		}
		lines = append(lines, line)
	}
	return lines
}

func mustPlan(t *testing.T, s project.Snapshot, set project.Settings, o Options) Plan {
	t.Helper()
	p, err := New(s, set, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// found writes a plan's findings in one line each: level code thing.
func found(p Plan) []string {
	var lines []string
	for _, f := range p.Findings {
		lines = append(lines, f.Level+" "+f.Code+" "+f.Thing)
	}
	return lines
}
