package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// graph is a set of nodes in Kedro's topological order with the data that ties them. Datasets stand under their base name: the part behind @ says how
// data is read, not which data.
type graph struct {
	nodes    []project.Node
	maker    map[string]int   // base name of a dataset: the node that saves it
	loaders  map[string][]int // base name of a dataset or a parameter: the nodes that load it
	parents  [][]int
	children [][]int
}

// newGraph orders and ties nodes, and refuses what Kedro refuses to put into one pipeline.
func newGraph(nodes []project.Node) (*graph, error) {
	if err := checkUnique(nodes); err != nil {
		return nil, err
	}
	if err := checkTranscoding(nodes); err != nil {
		return nil, err
	}
	g := tie(nodes)
	order := g.order()
	if len(order) < len(nodes) {
		return nil, fmt.Errorf("nodes wait for each other in a circle")
	}
	return g.subset(order), nil
}

// subset is the graph of some of the nodes, in the order given.
func (g *graph) subset(order []int) *graph {
	nodes := make([]project.Node, len(order))
	for i, n := range order {
		nodes[i] = g.nodes[n]
	}
	return tie(nodes)
}

func tie(nodes []project.Node) *graph {
	g := &graph{
		nodes: nodes, maker: map[string]int{}, loaders: map[string][]int{},
		parents: make([][]int, len(nodes)), children: make([][]int, len(nodes)),
	}
	for i, n := range nodes {
		for _, out := range n.Outputs {
			g.maker[BaseName(out)] = i
		}
		for _, in := range n.Inputs {
			if l := g.loaders[BaseName(in)]; len(l) == 0 || l[len(l)-1] != i {
				g.loaders[BaseName(in)] = append(l, i)
			}
		}
	}
	for i, n := range nodes {
		for _, in := range n.Inputs {
			if p, made := g.maker[BaseName(in)]; made && !slices.Contains(g.parents[i], p) {
				g.parents[i] = append(g.parents[i], p)
				g.children[p] = append(g.children[p], i)
			}
		}
	}
	return g
}

// order gives the nodes as Kedro orders them: level by level, each sorted by name. Nodes on a circle and behind it are left out.
func (g *graph) order() []int {
	waits := make([]int, len(g.nodes))
	var level []int
	for i := range g.nodes {
		if waits[i] = len(g.parents[i]); waits[i] == 0 {
			level = append(level, i)
		}
	}
	var order []int
	for len(level) > 0 {
		slices.SortFunc(level, func(a, b int) int { return strings.Compare(g.nodes[a].Name, g.nodes[b].Name) })
		order = append(order, level...)
		var next []int
		for _, n := range level {
			for _, c := range g.children[n] {
				if waits[c]--; waits[c] == 0 {
					next = append(next, c)
				}
			}
		}
		level = next
	}
	return order
}

// reach marks the nodes given and all that lie behind them in one direction: parents or children.
func (g *graph) reach(from []int, edges [][]int) []bool {
	seen := make([]bool, len(g.nodes))
	for stack := slices.Clone(from); len(stack) > 0; {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !seen[n] {
			seen[n] = true
			stack = append(stack, edges[n]...)
		}
	}
	return seen
}

// checkUnique refuses two nodes with one name, and two that save or confirm the same dataset.
func checkUnique(nodes []project.Node) error {
	names, saves, confirms := map[string]bool{}, map[string]string{}, map[string]string{}
	for _, n := range nodes {
		if names[n.Name] {
			return fmt.Errorf("node %s is there twice, with different inputs or outputs", n.Name)
		}
		names[n.Name] = true
		if err := claim(saves, n.Name, "save", n.Outputs); err != nil {
			return err
		}
		if err := claim(confirms, n.Name, "confirm", n.Confirms); err != nil {
			return err
		}
	}
	return nil
}

func claim(owners map[string]string, node, verb string, datasets []string) error {
	for _, d := range datasets {
		if other, taken := owners[BaseName(d)]; taken {
			return fmt.Errorf("nodes %s and %s both %s %s", other, node, verb, BaseName(d))
		}
		owners[BaseName(d)] = node
	}
	return nil
}

// checkTranscoding refuses a dataset that is used both with and without @.
func checkTranscoding(nodes []project.Node) error {
	plain, sides := map[string]bool{}, map[string]bool{}
	for _, n := range nodes {
		for _, d := range slices.Concat(n.Inputs, n.Outputs) {
			if strings.Contains(d, "@") {
				sides[BaseName(d)] = true
			} else {
				plain[d] = true
			}
		}
	}
	for _, d := range sortedKeys(sides) {
		if plain[d] {
			return fmt.Errorf("dataset %s is used both with and without @", d)
		}
	}
	return nil
}

// BaseName is a dataset's name without the part behind @.
func BaseName(name string) string {
	b, _, _ := strings.Cut(name, "@")
	return b
}

func isParameter(name string) bool {
	return name == "parameters" || strings.HasPrefix(name, "params:")
}
