package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// defaultPipeline is what Kedro runs when no pipeline is named.
const defaultPipeline = "__default__"

// SelectionError is about what was asked for: a name that the project does not have, or names that no node fits.
type SelectionError struct {
	Reason string
	Next   string // what to ask for instead, "" where nothing is close
}

func (e *SelectionError) Error() string { return "select nodes: " + e.Reason }

// Hint is the next step.
func (e *SelectionError) Hint() string { return e.Next }

// choose gives the nodes of the selected pipelines, and those of them that pass every filter. As in Kedro each filter sees all nodes of the
// pipelines, and their results are intersected.
func choose(s project.Snapshot, sel Selection) (all, chosen *graph, err error) {
	all, err = unite(s.Pipelines, sel.PipelineNames())
	if err != nil {
		return nil, nil, err
	}
	passed, err := all.filter(sel)
	if err != nil {
		return nil, nil, err
	}
	var order []int
	for i := range all.nodes {
		if passed[i] {
			order = append(order, i)
		}
	}
	if len(order) == 0 {
		return nil, nil, all.nothing(sel)
	}
	chosen, err = newGraph(all.subset(order).nodes)
	return all, chosen, err
}

// PipelineNames are the selected pipelines, each once; Kedro's default one where none is named.
func (sel Selection) PipelineNames() []string {
	if len(sel.Pipelines) == 0 {
		return []string{defaultPipeline}
	}
	var names []string
	for _, p := range sel.Pipelines {
		if !slices.Contains(names, p) {
			names = append(names, p)
		}
	}
	return names
}

// Default says whether the selection is all of the default pipeline.
func (sel Selection) Default() bool { return len(sel.Pipelines) == 0 && len(sel.filters()) == 0 }

// unite adds pipelines up. A node that several of them have counts once, with the tags that it has in the first.
func unite(pipelines map[string]project.Pipeline, names []string) (*graph, error) {
	for _, name := range names {
		if _, ok := pipelines[name]; !ok {
			return nil, noPipeline(name, pipelines)
		}
	}
	g, err := sum(pipelines, names)
	if err != nil {
		return nil, apart(pipelines, names, err)
	}
	return g, nil
}

func sum(pipelines map[string]project.Pipeline, names []string) (*graph, error) {
	var nodes []project.Node
	seen := map[string]bool{}
	for _, name := range names {
		for _, n := range pipelines[name].Nodes {
			if id := identity(n); !seen[id] {
				seen[id] = true
				nodes = append(nodes, n)
			}
		}
	}
	return newGraph(nodes)
}

// apart says which pipelines cannot be added up. Kedro never adds registered pipelines up by itself, and refuses the same.
func apart(pipelines map[string]project.Pipeline, names []string, cause error) error {
	for i, a := range names {
		for _, b := range names[i+1:] {
			if _, err := sum(pipelines, []string{a, b}); err != nil {
				return &SelectionError{
					Reason: fmt.Sprintf("pipelines %s and %s cannot run together: %v", a, b, err),
					Next:   fmt.Sprintf("run one after the other: --pipelines %s, then --pipelines %s; or give their nodes namespaces", a, b),
				}
			}
		}
	}
	return &SelectionError{Reason: fmt.Sprintf("pipelines %s: %v", strings.Join(names, ", "), cause)}
}

// identity is what makes two nodes of different pipelines one and the same: name, inputs and outputs.
func identity(n project.Node) string {
	in, out := slices.Sorted(slices.Values(n.Inputs)), slices.Sorted(slices.Values(n.Outputs))
	return n.Name + "\x00" + strings.Join(in, ",") + "\x00" + strings.Join(out, ",")
}

func noPipeline(name string, pipelines map[string]project.Pipeline) error {
	known := slices.Sorted(maps.Keys(pipelines))
	if name == defaultPipeline {
		return &SelectionError{
			Reason: "the project registers no pipeline " + defaultPipeline,
			Next:   "choose with --pipelines from " + strings.Join(known, ", "),
		}
	}
	return &SelectionError{Reason: fmt.Sprintf("no registered pipeline is named %q", name), Next: DidYouMean(name, known)}
}

// filter marks the nodes that pass every filter of a selection.
func (g *graph) filter(sel Selection) ([]bool, error) {
	filters := []struct {
		names []string
		mark  func(names []string) ([]bool, error)
	}{
		{sel.Tags, g.withTags},
		{sel.FromNodes, func(names []string) ([]bool, error) { return g.behind(names, g.children) }},
		{sel.ToNodes, func(names []string) ([]bool, error) { return g.behind(names, g.parents) }},
		{sel.Nodes, func(names []string) ([]bool, error) { return g.behind(names, make([][]int, len(g.nodes))) }},
		{sel.FromInputs, g.fromInputs},
		{sel.ToOutputs, g.toOutputs},
		{sel.Namespaces, g.inNamespaces},
	}
	passed := slices.Repeat([]bool{true}, len(g.nodes))
	for _, f := range filters {
		if len(f.names) == 0 {
			continue
		}
		marked, err := f.mark(f.names)
		if err != nil {
			return nil, err
		}
		for i := range passed {
			passed[i] = passed[i] && marked[i]
		}
	}
	return passed, nil
}

func (g *graph) withTags(tags []string) ([]bool, error) {
	marked := make([]bool, len(g.nodes))
	for i, n := range g.nodes {
		marked[i] = slices.ContainsFunc(tags, func(t string) bool { return slices.Contains(n.Tags, t) })
	}
	return marked, nil
}

// behind marks the named nodes and what lies behind them. Kedro refuses a name given twice.
func (g *graph) behind(names []string, edges [][]int) ([]bool, error) {
	var from []int
	for _, name := range names {
		i := slices.IndexFunc(g.nodes, func(n project.Node) bool { return n.Name == name })
		if i < 0 {
			return nil, &SelectionError{Reason: fmt.Sprintf("no node is named %q", name), Next: DidYouMean(name, nodeNames(g.nodes))}
		}
		if slices.Contains(from, i) {
			return nil, &SelectionError{Reason: fmt.Sprintf("node %q is given twice", name)}
		}
		from = append(from, i)
	}
	return g.reach(from, edges), nil
}

// inNamespaces marks the nodes of the namespaces and of those below them. Kedro refuses namespaces that share nodes.
func (g *graph) inNamespaces(namespaces []string) ([]bool, error) {
	marked := make([]bool, len(g.nodes))
	for _, ns := range namespaces {
		found := false
		for i, n := range g.nodes {
			if !within(n.Namespace, ns) {
				continue
			}
			if marked[i] {
				return nil, &SelectionError{Reason: fmt.Sprintf("node %q is in two of the namespaces %s", n.Name, strings.Join(namespaces, ", "))}
			}
			marked[i], found = true, true
		}
		if !found {
			return nil, &SelectionError{Reason: fmt.Sprintf("no node has the namespace %q", ns), Next: DidYouMean(ns, g.namespaces())}
		}
	}
	return marked, nil
}

// within says whether a namespace is another one or lies below it.
func within(namespace, parent string) bool {
	return namespace != "" && (namespace == parent || strings.HasPrefix(namespace, parent+"."))
}

func (g *graph) fromInputs(datasets []string) ([]bool, error) {
	if err := g.checkDatasets(datasets); err != nil {
		return nil, err
	}
	var from []int
	for _, d := range datasets {
		for _, n := range g.loaders[BaseName(d)] {
			if BaseName(d) == d || slices.Contains(g.nodes[n].Inputs, d) {
				from = append(from, n)
			}
		}
	}
	return g.reach(from, g.children), nil
}

func (g *graph) toOutputs(datasets []string) ([]bool, error) {
	if err := g.checkDatasets(datasets); err != nil {
		return nil, err
	}
	var from []int
	for _, d := range datasets {
		if n, made := g.maker[BaseName(d)]; made && (BaseName(d) == d || slices.Contains(g.nodes[n].Outputs, d)) {
			from = append(from, n)
		}
	}
	return g.reach(from, g.parents), nil
}

func (g *graph) checkDatasets(datasets []string) error {
	known := map[string]bool{}
	for _, n := range g.nodes {
		for _, d := range slices.Concat(n.Inputs, n.Outputs) {
			known[d], known[BaseName(d)] = true, true
		}
	}
	for _, d := range datasets {
		if !known[d] {
			return &SelectionError{Reason: fmt.Sprintf("no node loads or saves a dataset named %q", d), Next: DidYouMean(d, sortedKeys(known))}
		}
	}
	return nil
}

// nothing explains a selection that no node passes.
func (g *graph) nothing(sel Selection) error {
	if len(g.nodes) == 0 {
		return &SelectionError{Reason: "pipeline " + strings.Join(sel.PipelineNames(), ", ") + " has no nodes"}
	}
	tags := map[string]bool{}
	for _, n := range g.nodes {
		for _, t := range n.Tags {
			tags[t] = true
		}
	}
	for _, t := range sel.Tags {
		if !tags[t] {
			return &SelectionError{Reason: fmt.Sprintf("no node has the tag %q", t), Next: DidYouMean(t, sortedKeys(tags))}
		}
	}
	return &SelectionError{Reason: "no node passes all filters: " + strings.Join(sel.filters(), " "), Next: "each filter is applied to all nodes of the pipelines; leave one out"}
}

// filters are the flags of a selection besides --pipelines, as a person would write them.
func (sel Selection) filters() []string {
	var flags []string
	for _, f := range []struct {
		flag  string
		names []string
	}{
		{"--tags", sel.Tags}, {"--nodes", sel.Nodes}, {"--namespaces", sel.Namespaces}, {"--from-nodes", sel.FromNodes},
		{"--to-nodes", sel.ToNodes}, {"--from-inputs", sel.FromInputs}, {"--to-outputs", sel.ToOutputs},
	} {
		if len(f.names) > 0 {
			flags = append(flags, f.flag, strings.Join(f.names, ","))
		}
	}
	return flags
}

// namespaces are all that nodes have, with those above them.
func (g *graph) namespaces() []string {
	all := map[string]bool{}
	for _, n := range g.nodes {
		for i, r := range n.Namespace + "." {
			if r == '.' && i > 0 {
				all[n.Namespace[:i]] = true
			}
		}
	}
	return sortedKeys(all)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
