package plan

import (
	"fmt"
	"slices"
	"strings"
)

// blocks are sets of nodes that no grouping may take apart, in the order of their first nodes. Most hold one node. A node that confirms a dataset is in
// one block with those that load it, and with all that lies between: confirmed in another job, an IncrementalDataset would skip files that arrived
// in between.
func (r *grouping) blocks() *quotient {
	of := make([]int, len(r.nodes))
	for i := range of {
		of[i] = i
	}
	unite := func(a, b int) {
		for i, from := 0, of[b]; i < len(of); i++ {
			if of[i] == from {
				of[i] = of[a]
			}
		}
	}
	for i, n := range r.nodes {
		for _, d := range n.Confirms {
			for _, l := range r.loaders[BaseName(d)] {
				unite(i, l)
			}
		}
	}
	q := r.condense(of)
	for _, part := range q.components() { // blocks on a circle wait for each other: together they are one
		for _, id := range part[1:] {
			unite(q.members[part[0]][0], q.members[id][0])
		}
	}
	return r.condense(of)
}

// confirm puts all nodes of a block into the group of the first of them that loads what another confirms.
func (r *grouping) confirm(blocks *quotient) {
	loads := map[int]bool{}
	for _, n := range r.nodes {
		for _, d := range n.Confirms {
			for _, l := range r.loaders[BaseName(d)] {
				loads[l] = true
			}
		}
	}
	for _, members := range blocks.members {
		if len(members) < 2 {
			continue
		}
		target := r.labels[members[slices.IndexFunc(members, func(n int) bool { return loads[n] })]]
		var moved []string
		for _, n := range members {
			if r.labels[n] != target {
				moved = append(moved, r.nodes[n].Name)
				r.labels[n] = target
			}
		}
		if len(moved) > 0 {
			r.findings = append(r.findings, r.movedTo(target, members, moved))
		}
	}
}

// movedTo says which nodes a confirmed dataset draws into another group.
func (r *grouping) movedTo(target label, members []int, moved []string) Finding {
	var who, what []string
	for _, n := range members {
		for _, d := range r.nodes[n].Confirms {
			who, what = append(who, r.nodes[n].Name), append(what, BaseName(d))
		}
	}
	return Finding{
		Code: CodeConfirmsMoved, Level: Note, Thing: strings.Join(what, ", "),
		Reason: fmt.Sprintf("%s %s in group %s: %s confirms %s, and a dataset must be confirmed in the job that loads it",
			several(moved), plural(len(moved), "runs", "run"), target.name, several(who), several(what)),
	}
}

func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}
