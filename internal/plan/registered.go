package plan

import (
	"cmp"
	"maps"
	"slices"

	"github.com/kedroctl/kedroctl/internal/project"
)

// registered labels the open nodes by registered pipeline: the one with the fewest nodes of those that have the node; of equally small ones a selected
// one, else the first by name. __default__ and unions of other pipelines don't count. It returns the unions.
func (r *grouping) registered() []string {
	sets := pipelineSets(r.snapshot.Pipelines)
	unions := unions(sets)
	candidates := slices.DeleteFunc(sortedKeys(sets), func(name string) bool { return slices.Contains(unions, name) })
	slices.SortStableFunc(candidates, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(sets[a]), len(sets[b])), cmp.Compare(r.rank(a), r.rank(b)))
	})
	for _, i := range r.open() {
		id := identity(r.nodes[i])
		if at := slices.IndexFunc(candidates, func(name string) bool { return sets[name][id] }); at >= 0 {
			r.labels[i] = label{rule: byPipeline, name: candidates[at]}
		}
	}
	return unions
}

// tags labels the open nodes by tag: of several, the one that the fewest selected nodes have; of equally rare ones the first by name.
func (r *grouping) tags() {
	count := map[string]int{}
	for _, n := range r.nodes {
		for _, t := range n.Tags {
			count[t]++
		}
	}
	for _, i := range r.open() {
		if tags := r.nodes[i].Tags; len(tags) > 0 {
			rarest := slices.MinFunc(tags, func(a, b string) int { return cmp.Or(cmp.Compare(count[a], count[b]), cmp.Compare(a, b)) })
			r.labels[i] = label{rule: byTag, name: rarest}
		}
	}
}

// rank puts selected pipelines before others.
func (r *grouping) rank(pipeline string) int {
	if slices.Contains(r.selected, pipeline) {
		return 0
	}
	return 1
}

// pipelineSets are the registered pipelines but __default__ as sets of node identities: a name alone may mean another node in another pipeline.
func pipelineSets(pipelines map[string]project.Pipeline) map[string]map[string]bool {
	sets := map[string]map[string]bool{}
	for name, p := range pipelines {
		if name == defaultPipeline || len(p.Nodes) == 0 {
			continue
		}
		sets[name] = map[string]bool{}
		for _, n := range p.Nodes {
			sets[name][identity(n)] = true
		}
	}
	return sets
}

// unions are the pipelines that are the sum of smaller ones.
func unions(sets map[string]map[string]bool) []string {
	var found []string
	for _, name := range sortedKeys(sets) {
		sum := map[string]bool{}
		for _, other := range sets {
			if len(other) < len(sets[name]) && contains(sets[name], other) {
				maps.Copy(sum, other)
			}
		}
		if len(sum) == len(sets[name]) {
			found = append(found, name)
		}
	}
	return found
}

func contains(set, part map[string]bool) bool {
	for id := range part {
		if !set[id] {
			return false
		}
	}
	return true
}
