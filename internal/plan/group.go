package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// Rules of grouping, the values of group_by; byHand is none of them, but [tool.kedroctl.groups].
const (
	byAuto      = "auto"
	byNamespace = "namespace"
	byPipeline  = "pipeline"
	byTag       = "tag"
	byMemory    = "memory"
	byNode      = "node"
	byOne       = "one"
	byHand      = "groups"
)

// Rules are the values of group_by.
var Rules = []string{byAuto, byNamespace, byPipeline, byTag, byMemory, byNode, byOne}

// label is what the nodes of one group have in common. Two labels may have the same name: a node called like a namespace.
type label struct {
	rule, name string
	part       int // 0, and more for the parts of a group that was split
}

// grouping gives each node of a graph a label, and says why.
type grouping struct {
	*graph
	snapshot project.Snapshot
	selected []string // pipelines
	labels   []label
	by       []string // the rules that the labels come from
	reasons  []string
	findings []Finding
}

// group labels the nodes: those that the settings group by hand, and the others by the rule that the settings name.
func group(g *graph, s project.Snapshot, selected []string, set project.Settings) (*grouping, error) {
	r := &grouping{graph: g, snapshot: s, selected: selected, labels: make([]label, len(g.nodes))}
	r.byHand(set.Groups)
	if err := r.byRule(set.GroupBy); err != nil {
		return nil, err
	}
	blocks := r.blocks()
	r.confirm(blocks)
	r.by = r.rules()
	r.untangle(blocks)
	return r, nil
}

// byRule labels the open nodes.
func (r *grouping) byRule(rule string) error {
	switch rule {
	case byAuto, "":
		r.auto()
	case byNamespace:
		r.because("group_by is namespace: the first part of the namespace, and a job of its own for each node without one")
		r.namespaces()
		r.alone()
	case byPipeline:
		r.because("group_by is pipeline: each node by the smallest registered pipeline that has it")
		r.registered()
		r.rest(label{rule: byPipeline, name: defaultPipeline})
	case byTag:
		r.because("group_by is tag: each node by its rarest tag, and a job of its own for each node without one")
		r.tags()
		r.alone()
	case byMemory:
		r.because("group_by is memory: nodes that share data in memory stay together")
		r.memory()
		r.alone()
	case byNode:
		r.because("group_by is node: a job for each node")
		r.alone()
	case byOne:
		r.because("group_by is one: all nodes in one job")
		r.rest(label{rule: byOne, name: joined(r.selected)})
	default:
		return fmt.Errorf("group nodes: group_by %q is none of %s", rule, strings.Join(Rules, ", "))
	}
	return nil
}

func (r *grouping) because(format string, a ...any) {
	r.reasons = append(r.reasons, fmt.Sprintf(format, a...))
}

// open are the nodes without a label.
func (r *grouping) open() []int {
	var open []int
	for i, l := range r.labels {
		if l.rule == "" {
			open = append(open, i)
		}
	}
	return open
}

// auto takes the rule that the project's own structure suggests. It never makes a job per node: nodes that neither namespace, pipeline nor data in
// memory ties to others become one group.
func (r *grouping) auto() {
	if len(r.open()) == 0 {
		return
	}
	all := len(r.open())
	r.namespaces()
	free := len(r.open())
	switch free {
	case 0:
		r.because("every %snode has a namespace, and its first part makes the group", r.other())
		return
	case all:
		r.because("no %snode has a namespace", r.other())
	default:
		r.because("the first part of the namespace makes the group")
	}
	unions := r.registered()
	r.joinNamesakes()
	rest := len(r.open())
	if rest < free {
		r.because("%s goes by the smallest registered pipeline that has it%s", r.each(free-rest, "without a namespace"), except(unions))
	}
	if rest == 0 {
		return
	}
	r.memory()
	r.rest(label{rule: byMemory, name: joined(r.namesOf(r.open()))})
	r.because("%s goes by the data in memory that it shares with others", r.each(rest, "in no registered pipeline but "+defaultPipeline))
}

func (r *grouping) namespaces() {
	for _, i := range r.open() {
		if first, _, _ := strings.Cut(r.nodes[i].Namespace, "."); first != "" {
			r.labels[i] = label{rule: byNamespace, name: first}
		}
	}
}

// alone makes each open node a group.
func (r *grouping) alone() {
	for _, i := range r.open() {
		r.labels[i] = label{rule: byNode, name: r.nodes[i].Name}
	}
}

// rest gives all open nodes one label.
func (r *grouping) rest(l label) {
	for _, i := range r.open() {
		r.labels[i] = l
	}
}

// memory labels the open nodes that data in memory ties to other open nodes.
func (r *grouping) memory() {
	open := r.open()
	seen := map[int]bool{}
	for _, start := range open {
		var part []int
		for stack := []int{start}; len(stack) > 0; {
			n := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if seen[n] || r.labels[n].rule != "" {
				continue
			}
			seen[n] = true
			part = append(part, n)
			stack = append(stack, r.sharing(n)...)
		}
		if len(part) < 2 {
			continue
		}
		slices.Sort(part)
		l := label{rule: byMemory, name: joined(r.namesOf(part))}
		for _, n := range part {
			r.labels[n] = l
		}
	}
}

// sharing are the nodes that load what a node saves in memory, or saved what it loads from there.
func (r *grouping) sharing(n int) []int {
	var with []int
	for _, out := range r.nodes[n].Outputs {
		if inMemory(definition(r.snapshot, out)) {
			with = append(with, r.loaders[BaseName(out)]...)
		}
	}
	for _, in := range r.nodes[n].Inputs {
		if m, made := r.maker[BaseName(in)]; made && inMemory(definition(r.snapshot, in)) {
			with = append(with, m)
		}
	}
	return with
}

// joinNamesakes puts the nodes of a registered pipeline into the namespace of the same name, where there is one.
func (r *grouping) joinNamesakes() {
	for i, l := range r.labels {
		if ns := (label{rule: byNamespace, name: l.name}); l.rule == byPipeline && slices.Contains(r.labels, ns) {
			r.labels[i] = ns
		}
	}
}

func (r *grouping) namesOf(nodes []int) []string {
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = r.nodes[n].Name
	}
	return names
}

// rules are the rules that the labels come from, in the order of the groups.
func (r *grouping) rules() []string {
	var rules []string
	for _, l := range r.labels {
		if !slices.Contains(rules, l.rule) {
			rules = append(rules, l.rule)
		}
	}
	return rules
}

// joined makes one name of several: all of up to three, else the first and how many more.
func joined(names []string) string {
	if len(names) > 3 {
		return names[0] + "+" + strconv.Itoa(len(names)-1)
	}
	return strings.Join(names, "+")
}

// each names a number of nodes; which says what they have in common, where they are not all.
func (r *grouping) each(n int, which string) string {
	switch n {
	case len(r.nodes):
		return "each node"
	case 1:
		return "the node " + which
	}
	return fmt.Sprintf("each of the %d nodes %s", n, which)
}

// except says which pipelines make no groups.
func except(unions []string) string {
	switch len(unions) {
	case 0:
		return ""
	case 1:
		return ", " + unions[0] + " left out as a union of others"
	}
	return ", " + strings.Join(unions, " and ") + " left out as unions of others"
}
