package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// Only names the registered pipelines that a group's nodes are of, so that its job need not import the modules of others. The job loads them by Kedro's own
// filter, compares what the selected pipelines hold then with Nodes, and loads all where it differs.
type Only struct {
	Load  []string `json:"load"`
	Of    []string `json:"of"`    // the selected pipelines
	Nodes string   `json:"nodes"` // digest of the names, inputs and outputs of all nodes that Load holds
}

// OnlyOf says so for the groups of a plan that need not load all, by name.
func OnlyOf(s project.Snapshot, p Plan) map[string]Only {
	only := map[string]Only{}
	all := nodesOf(s, sortedKeys(s.Pipelines))
	for _, g := range p.Groups {
		load := coverOf(s, g.Nodes)
		loaded := nodesOf(s, load)
		if len(load) > 0 && len(loaded) < len(all) {
			only[g.Name] = Only{Load: load, Of: p.Selection.PipelineNames(), Nodes: digest(loaded)}
		}
	}
	return only
}

// coverOf are the smallest registered pipelines that hold some nodes, sorted; none where they do not hold all of them.
func coverOf(s project.Snapshot, nodes []string) []string {
	var load []string
	for _, node := range nodes {
		smallest := ""
		for _, name := range sortedKeys(s.Pipelines) {
			size := len(s.Pipelines[name].Nodes)
			if name != defaultPipeline && holds(s.Pipelines[name], node) && (smallest == "" || size < len(s.Pipelines[smallest].Nodes)) {
				smallest = name
			}
		}
		if smallest == "" {
			return nil
		}
		load = append(load, smallest)
	}
	slices.Sort(load)
	return slices.Compact(load)
}

func holds(p project.Pipeline, node string) bool {
	return slices.ContainsFunc(p.Nodes, func(n project.Node) bool { return n.Name == node })
}

func nodesOf(s project.Snapshot, pipelines []string) map[string]project.Node {
	nodes := map[string]project.Node{}
	for _, name := range pipelines {
		for _, n := range s.Pipelines[name].Nodes {
			nodes[n.Name] = n
		}
	}
	return nodes
}

// digest is what templates/boot/kedroctl_boot/command.py makes of the same nodes.
func digest(nodes map[string]project.Node) string {
	var lines []string
	for _, n := range nodes {
		lines = append(lines, strings.Join(slices.Concat([]string{n.Name}, n.Inputs, []string{""}, n.Outputs), "\x00"))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}
