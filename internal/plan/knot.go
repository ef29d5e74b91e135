package plan

import "slices"

// knot is a set of groups that wait for each other.
type knot struct {
	*grouping
	q      *quotient // the groups
	blocks *quotient // what must stay together; a block is in one group
	part   []int     // the groups of the knot
}

// cut takes one group apart: into what runs early and what runs late.
type cut struct {
	group int
	late  []int // blocks
	cost  int
	data  []string // what crosses by it
}

// cheapest is the cut that costs least; of equally cheap ones rather one of a group that a rule made than one that was made by hand. At least one group
// can be cut so that one side is out of the knot: of all nodes that hand data over to other groups of the knot or get data from them, the first in
// Kedro's order gets none and waits for none that does.
func (k knot) cheapest() cut {
	var best cut
	found := false
	for _, group := range k.part {
		own := k.blocksOf(group)
		entries, exits := k.border(own, k.blocks.parents), k.border(own, k.blocks.children)
		for _, sides := range [][2][]int{
			{without(exits, k.within(own, entries, k.blocks.children)), entries}, // the early side waits for no group of the knot
			{exits, without(entries, k.within(own, exits, k.blocks.parents))},    // no group of the knot waits for the late side
		} {
			if len(sides[0]) == 0 || len(sides[1]) == 0 {
				continue
			}
			if c := k.cut(group, own, sides[0], sides[1]); !found || k.price(c) < k.price(best) {
				best, found = c, true
			}
		}
	}
	return best
}

// price orders cuts.
func (k knot) price(c cut) int {
	price := 2 * c.cost
	if k.q.labels[c.group].rule == byHand {
		price++
	}
	return price
}

func (k knot) groupOf(block int) int { return k.q.of[k.blocks.members[block][0]] }

func (k knot) blocksOf(group int) []int {
	var own []int
	for b := range k.blocks.members {
		if k.groupOf(b) == group {
			own = append(own, b)
		}
	}
	return own
}

// border are the blocks of a group that an edge ties to another group of the knot.
func (k knot) border(own []int, edges [][]int) []int {
	var out []int
	for _, b := range own {
		if slices.ContainsFunc(edges[b], func(o int) bool {
			other := k.groupOf(o)
			return other != k.groupOf(b) && slices.Contains(k.part, other)
		}) {
			out = append(out, b)
		}
	}
	return out
}

// within are the blocks given and those of their group that lie behind them in one direction.
func (k knot) within(own, from []int, edges [][]int) []int {
	var seen []int
	for stack := slices.Clone(from); len(stack) > 0; {
		b := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !slices.Contains(seen, b) && slices.Contains(own, b) {
			seen = append(seen, b)
			stack = append(stack, edges[b]...)
		}
	}
	return seen
}

func without(all, some []int) []int {
	return slices.DeleteFunc(slices.Clone(all), func(b int) bool { return slices.Contains(some, b) })
}

// cut finds the cheapest way to divide a group's blocks so that the early ones given and the late ones given are on their sides, and no early one
// waits for a late one: a minimum cut of the data between them. Of equally cheap ones it is the one with the least on the early side, so that those who
// wait for that can start soonest.
func (k knot) cut(group int, own, early, late []int) cut {
	f := newFlow(2 + len(own))
	const source, sink = 0, 1
	vertex := map[int]int{} // block: its vertex
	for i, b := range own {
		vertex[b] = 2 + i
	}
	for _, b := range early {
		f.edge(source, vertex[b], unlimited)
	}
	for _, b := range late {
		f.edge(vertex[b], sink, unlimited)
	}
	inner := k.inner(own)
	for _, d := range inner {
		data := f.vertex()
		f.edge(vertex[d.maker], data, d.cost)
		for _, l := range d.loaders {
			f.edge(data, vertex[l], unlimited)
			f.edge(vertex[l], vertex[d.maker], unlimited)
		}
	}
	isEarly := f.cut(source, sink)
	c := cut{group: group}
	for _, b := range own {
		if !isEarly[vertex[b]] {
			c.late = append(c.late, b)
		}
	}
	for _, d := range inner {
		if isEarly[vertex[d.maker]] && slices.ContainsFunc(d.loaders, func(l int) bool { return !isEarly[vertex[l]] }) {
			c.cost += d.cost
			c.data = append(c.data, d.name)
		}
	}
	return c
}

// innerData is a dataset that one block of a group saves and other blocks of it load.
type innerData struct {
	name    string
	maker   int
	loaders []int
	cost    int
}

func (k knot) inner(own []int) []innerData {
	var all []innerData
	for _, b := range own {
		for _, n := range k.blocks.members[b] {
			for _, out := range k.nodes[n].Outputs {
				d := innerData{name: BaseName(out), maker: b, cost: k.cost(n, out)}
				for _, l := range k.loaders[BaseName(out)] {
					if other := k.blocks.of[l]; other != b && slices.Contains(own, other) && !slices.Contains(d.loaders, other) {
						d.loaders = append(d.loaders, other)
					}
				}
				if len(d.loaders) > 0 {
					all = append(all, d)
				}
			}
		}
	}
	return all
}

// What it costs that a dataset crosses: nothing is known of sizes, so data that would be saved only for that weighs as much as any number of datasets
// that the next job just reads where they are anyway.
const (
	costStored = 1
	costKept   = 1000
)

// cost is what it costs that a dataset crosses which has not crossed so far; once one other group has it, it is stored.
func (k knot) cost(maker int, out string) int {
	crosses := slices.ContainsFunc(k.loaders[BaseName(out)], func(l int) bool { return k.labels[l] != k.labels[maker] })
	def := definition(k.snapshot, out)
	if p := placeOf(def); !crosses && (p == memory || p == outside || p == inside && isLocalOnly(def.Type)) {
		return costKept
	}
	return costStored
}
