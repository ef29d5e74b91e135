package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// confirm puts a node that confirms a dataset into the group of the nodes that load it: confirmed in another job, an IncrementalDataset would skip
// files that arrived in between. Where several groups load it, auto makes them one; other rules take the last, and the finding says so.
func (r *grouping) confirm(auto bool) {
	for range r.nodes { // a node that moves may itself load what another one confirms
		moved := false
		for i, n := range r.nodes {
			for _, d := range n.Confirms {
				moved = r.follow(i, BaseName(d), auto) || moved
			}
		}
		if !moved {
			return
		}
	}
}

func (r *grouping) follow(node int, dataset string, auto bool) bool {
	loaders := r.loaders[dataset]
	if len(loaders) == 0 {
		return false
	}
	target := r.labels[loaders[len(loaders)-1]]
	var others []label
	for _, l := range loaders {
		if r.labels[l] != target && !slices.Contains(others, r.labels[l]) {
			others = append(others, r.labels[l])
		}
	}
	if len(others) > 0 && auto {
		r.because("%s load %s, which %s confirms, so they are one job", listed(append(others, target)), dataset, r.nodes[node].Name)
		r.merge(append(others, target))
		return true
	}
	if len(others) > 0 {
		r.warnSplit(dataset, append(others, target))
	}
	if r.labels[node] == target {
		return false
	}
	r.because("%s goes to the nodes that load %s, which it confirms", r.nodes[node].Name, dataset)
	r.labels[node] = target
	return true
}

func listed(labels []label) string {
	var names []string
	for _, l := range labels {
		names = append(names, l.name)
	}
	return strings.Join(names, ", ")
}

func (r *grouping) warnSplit(dataset string, by []label) {
	f := Finding{
		Code: CodeConfirmsSplit, Level: Warning, Thing: dataset,
		Reason: fmt.Sprintf("groups %s load it, and it is confirmed in the last of them: what arrives between the jobs may be skipped", listed(by)),
		Fix:    `set group_by = "auto" or load it in one group`,
	}
	if !slices.Contains(r.findings, f) {
		r.findings = append(r.findings, f)
	}
}

// merge gives all nodes of several groups one label.
func (r *grouping) merge(parts []label) {
	var names []string
	rule := ""
	for _, l := range r.labels { // in the order of nodes
		if slices.Contains(parts, l) && !slices.Contains(names, l.name) {
			names = append(names, l.name)
			rule = cmp.Or(rule, l.rule)
		}
	}
	one := label{rule, joined(names)}
	for i, l := range r.labels {
		if slices.Contains(parts, l) {
			r.labels[i] = one
		}
	}
}

// circles finds groups that wait for each other. auto makes one group of them; for other rules each circle is an error.
func (r *grouping) circles(auto bool) {
	q := r.quotient()
	for _, part := range q.components() {
		if len(part) < 2 {
			continue
		}
		path := q.circle(part)
		if !auto {
			r.findings = append(r.findings, r.explain(q, path))
			continue
		}
		var labels []label
		for _, id := range part {
			labels = append(labels, q.labels[id])
		}
		r.merge(labels)
		r.because("%s wait for each other, so they are one job", arrows(q, path))
	}
}

func arrows(q *quotient, path []int) string {
	var names []string
	for _, id := range path {
		names = append(names, q.labels[id].name)
	}
	return strings.Join(names, " → ")
}

// explain says which data ties the groups of a circle.
func (r *grouping) explain(q *quotient, path []int) Finding {
	var ties []string
	for i, to := range path[1:] {
		data, from, by := r.tie(q, path[i], to)
		ties = append(ties, fmt.Sprintf("%s needs %s from %s (saved by %s, loaded by %s)", q.labels[to].name, data, q.labels[path[i]].name, from, by))
	}
	return Finding{
		Code: CodeGroupCycle, Level: Error, Thing: arrows(q, path), Reason: strings.Join(ties, "; "),
		Fix: `set group_by = "auto", which makes one job of them, or change namespaces or pipelines`,
	}
}

// tie is a dataset that the nodes of one group save and those of another load.
func (r *grouping) tie(q *quotient, from, to int) (data, saver, loader string) {
	for i, n := range r.nodes {
		if q.of[i] != to {
			continue
		}
		for _, in := range n.Inputs {
			if m, made := r.maker[BaseName(in)]; made && q.of[m] == from {
				return BaseName(in), r.nodes[m].Name, n.Name
			}
		}
	}
	return "", "", ""
}
