package plan

import (
	"fmt"
	"slices"
	"strings"
)

// split is a group that was taken apart, because it waited for itself through others.
type split struct {
	label  label
	circle string   // the way from the group back to itself, and the data that ties it
	jobs   int      // that it now is
	data   []string // that it now hands over between them
}

// untangle splits groups until none waits for itself: each time the one of a circle where that costs least.
func (r *grouping) untangle(blocks *quotient) {
	var splits []split
	for {
		q := r.quotient()
		before := len(splits)
		for _, part := range q.components() {
			if len(part) > 1 {
				splits = append(splits, r.takeApart(q, blocks, part))
			}
		}
		if len(splits) == before {
			break
		}
	}
	r.tellSplits(splits)
	r.rename(splits)
}

// takeApart splits one of the groups that wait for each other, and puts what runs later under a label of its own.
func (r *grouping) takeApart(q, blocks *quotient, part []int) split {
	k := knot{r, q, blocks, part}
	best := k.cheapest()
	l := q.labels[best.group]
	late := label{rule: l.rule, name: l.name, part: r.nextPart(l)}
	for _, b := range best.late {
		for _, n := range blocks.members[b] {
			r.labels[n] = late
		}
	}
	return split{label: l, circle: r.explain(q, q.circle(part, best.group)), data: best.data}
}

// nextPart is a number that no part of a group has yet.
func (r *grouping) nextPart(of label) int {
	last := 0
	for _, l := range r.labels {
		if l.rule == of.rule && l.name == of.name {
			last = max(last, l.part)
		}
	}
	return last + 1
}

// rename names the parts of a split group after their nodes, where the group's name was made of those.
func (r *grouping) rename(splits []split) {
	for _, s := range splits {
		for _, members := range r.quotient().members {
			if l := r.labels[members[0]]; l.rule != byMemory || l.name != s.label.name {
				continue
			}
			for _, n := range members {
				r.labels[n].name = joined(r.namesOf(members))
			}
		}
	}
}

// tellSplits adds a finding for each group that was split, however often.
func (r *grouping) tellSplits(splits []split) {
	var told []split
	for _, s := range splits {
		s.label.part, s.jobs = 0, 2
		at := slices.IndexFunc(told, func(t split) bool { return t.label == s.label })
		if at < 0 {
			told = append(told, s)
			continue
		}
		told[at].jobs++
		told[at].data = append(told[at].data, s.data...)
	}
	for _, s := range told {
		handed := "nothing more crosses by that"
		if data := slices.Compact(slices.Sorted(slices.Values(s.data))); len(data) > 0 {
			handed = "between them crosses " + several(data)
		}
		r.findings = append(r.findings, Finding{
			Code: CodeGroupCycle, Level: Note, Thing: s.label.name,
			Reason: fmt.Sprintf("%s; so %s is split into %d jobs, where that costs least: %s", s.circle, s.label.name, s.jobs, handed),
			Fix:    "for one job, put all these groups into one of [tool.kedroctl.groups]",
		})
	}
}

// explain says which data ties the groups of a circle.
func (r *grouping) explain(q *quotient, path []int) string {
	names := []string{q.labels[path[0]].name}
	var ties []string
	for i, to := range path[1:] {
		names = append(names, q.labels[to].name)
		data, from, by := r.tie(q, path[i], to)
		ties = append(ties, fmt.Sprintf("%s needs %s from %s (saved by %s, loaded by %s)", q.labels[to].name, data, q.labels[path[i]].name, from, by))
	}
	return strings.Join(names, " → ") + " wait for each other: " + strings.Join(ties, "; ")
}

// tie is a dataset that the nodes of one group save and those of another load.
func (r *grouping) tie(q *quotient, from, to int) (data, saver, loader string) {
	for _, i := range q.members[to] {
		for _, in := range r.nodes[i].Inputs {
			if m, made := r.maker[BaseName(in)]; made && q.of[m] == from {
				return BaseName(in), r.nodes[m].Name, r.nodes[i].Name
			}
		}
	}
	return "", "", ""
}
