package plan

import "slices"

// quotient is the graph of groups: each is one label, in the order of their first nodes.
type quotient struct {
	labels  []label
	of      []int   // node: its group
	members [][]int // group: its nodes, in Kedro's order
	parents [][]int // group: the groups whose data it loads
}

func (r *grouping) quotient() *quotient {
	q := &quotient{of: make([]int, len(r.nodes))}
	ids := map[label]int{}
	for i, l := range r.labels {
		id, ok := ids[l]
		if !ok {
			id = len(q.labels)
			ids[l] = id
			q.labels = append(q.labels, l)
			q.members = append(q.members, nil)
		}
		q.of[i] = id
		q.members[id] = append(q.members[id], i)
	}
	q.parents = make([][]int, len(q.labels))
	for i, id := range q.of {
		for _, p := range r.parents[i] {
			if from := q.of[p]; from != id && !slices.Contains(q.parents[id], from) {
				q.parents[id] = append(q.parents[id], from)
			}
		}
	}
	return q
}

// components are the sets of groups that wait for each other, a single group where it waits for none that waits for it (Tarjan). A component comes
// after those that it waits for.
func (q *quotient) components() [][]int {
	t := tarjan{parents: q.parents, index: make([]int, len(q.labels)), low: make([]int, len(q.labels)), on: make([]bool, len(q.labels))}
	for id := range q.labels {
		if t.index[id] == 0 {
			t.visit(id)
		}
	}
	return t.found
}

type tarjan struct {
	parents    [][]int
	index, low []int // 0: not visited
	on         []bool
	stack      []int
	visited    int
	found      [][]int
}

func (t *tarjan) visit(v int) {
	t.visited++
	t.index[v], t.low[v], t.on[v] = t.visited, t.visited, true
	t.stack = append(t.stack, v)
	for _, w := range t.parents[v] {
		if t.index[w] == 0 {
			t.visit(w)
			t.low[v] = min(t.low[v], t.low[w])
		} else if t.on[w] {
			t.low[v] = min(t.low[v], t.index[w])
		}
	}
	if t.low[v] != t.index[v] {
		return
	}
	at := slices.Index(t.stack, v)
	part := slices.Sorted(slices.Values(t.stack[at:]))
	t.stack = t.stack[:at]
	for _, w := range part {
		t.on[w] = false
	}
	t.found = append(t.found, part)
}

// circle is a shortest way from the first group of a component back to itself, in the direction of the data.
func (q *quotient) circle(part []int) []int {
	start := part[0]
	next := map[int]int{} // group: the one that loads its data on the way
	for queue := []int{start}; len(queue) > 0; queue = queue[1:] {
		for _, p := range q.parents[queue[0]] {
			if p == start {
				path := []int{start}
				for id := queue[0]; id != start; id = next[id] {
					path = append(path, id)
				}
				return append(path, start)
			}
			if _, seen := next[p]; !seen && slices.Contains(part, p) {
				next[p] = queue[0]
				queue = append(queue, p)
			}
		}
	}
	return nil
}

// order sorts the groups so that each comes after those that it waits for; of those that could be next, the one whose nodes come first. Groups on a circle
// stay together.
func (q *quotient) order() []int {
	parts := q.components()
	of := make([]int, len(q.labels)) // group: its component
	for i, part := range parts {
		for _, id := range part {
			of[id] = i
		}
	}
	waits, next := q.between(of, len(parts))
	first := func(a, b int) int { return parts[a][0] - parts[b][0] }
	var ready []int // components, the one whose nodes come first in front
	for i := range parts {
		if waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	slices.SortFunc(ready, first)
	var order []int
	for len(ready) > 0 {
		part := ready[0]
		ready = ready[1:]
		order = append(order, parts[part]...)
		for _, n := range next[part] {
			if waits[n]--; waits[n] == 0 {
				at, _ := slices.BinarySearchFunc(ready, n, first)
				ready = slices.Insert(ready, at, n)
			}
		}
	}
	return order
}

// between counts the edges that lead into each component from others, and lists where its own edges lead.
func (q *quotient) between(of []int, n int) (waits []int, next [][]int) {
	waits, next = make([]int, n), make([][]int, n)
	for id, parents := range q.parents {
		for _, p := range parents {
			if of[p] != of[id] {
				waits[of[id]]++
				next[of[p]] = append(next[of[p]], of[id])
			}
		}
	}
	return waits, next
}

// reduce leaves out each edge that other edges imply: a parent that another parent waits for. Groups must be in topological order; of
// groups on a circle, which never run, the edges are as they come.
func (q *quotient) reduce(order []int) [][]int {
	at := make([]int, len(order))
	for i, id := range order {
		at[id] = i
	}
	above := make([]bitset, len(order)) // group: all that it waits for
	reduced := make([][]int, len(order))
	for _, id := range order {
		above[id] = newBitset(len(order))
		parents := slices.Clone(q.parents[id])
		slices.SortFunc(parents, func(a, b int) int { return at[b] - at[a] })
		for _, p := range parents {
			if above[id].has(p) {
				continue
			}
			reduced[id] = append(reduced[id], p)
			above[id].add(p)
			above[id].union(above[p])
		}
		slices.SortFunc(reduced[id], func(a, b int) int { return at[a] - at[b] })
	}
	return reduced
}

// bitset holds small numbers: with a thousand groups, sets of ancestors as maps would take most of a plan's time.
type bitset []uint64

func newBitset(n int) bitset    { return make(bitset, (n+63)/64) }
func (b bitset) add(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }
func (b bitset) union(o bitset) {
	for i := range o {
		b[i] |= o[i]
	}
}
