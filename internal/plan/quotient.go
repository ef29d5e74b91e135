package plan

import "slices"

// quotient is the graph of sets of nodes, each in the order of its first node.
type quotient struct {
	labels   []label // of groups
	of       []int   // node: its set
	members  [][]int // set: its nodes, in Kedro's order
	parents  [][]int // set: the sets whose data it loads
	children [][]int
}

// quotient is the graph of groups: each is one label.
func (r *grouping) quotient() *quotient {
	of := make([]int, len(r.nodes))
	ids := map[label]int{}
	for i, l := range r.labels {
		if _, known := ids[l]; !known {
			ids[l] = len(ids)
		}
		of[i] = ids[l]
	}
	q := r.condense(of)
	for _, members := range q.members {
		q.labels = append(q.labels, r.labels[members[0]])
	}
	return q
}

// condense makes the graph of the sets that nodes with equal numbers are; the sets get numbers of their own.
func (g *graph) condense(sets []int) *quotient {
	q := &quotient{of: make([]int, len(sets))}
	ids := map[int]int{}
	for i, set := range sets {
		id, known := ids[set]
		if !known {
			id = len(ids)
			ids[set] = id
			q.members = append(q.members, nil)
		}
		q.of[i] = id
		q.members[id] = append(q.members[id], i)
	}
	q.parents, q.children = make([][]int, len(q.members)), make([][]int, len(q.members))
	for i, id := range q.of {
		for _, p := range g.parents[i] {
			if from := q.of[p]; from != id && !slices.Contains(q.parents[id], from) {
				q.parents[id] = append(q.parents[id], from)
				q.children[from] = append(q.children[from], id)
			}
		}
	}
	return q
}

// components are the sets of groups that wait for each other, a single group where it waits for none that waits for it (Tarjan). A component comes
// after those that it waits for.
func (q *quotient) components() [][]int {
	t := tarjan{parents: q.parents, index: make([]int, len(q.parents)), low: make([]int, len(q.parents)), on: make([]bool, len(q.parents))}
	for id := range q.parents {
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

// circle is a shortest way from a set of a component back to itself, in the direction of the data.
func (q *quotient) circle(part []int, start int) []int {
	next := map[int]int{} // set: the one that loads its data on the way
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

// order sorts the sets, which must not be on circles, so that each comes after those that it waits for; of those that could be next, the one whose nodes
// come first.
func (q *quotient) order() []int {
	waits := make([]int, len(q.parents))
	var ready, order []int // ready is sorted
	for id, parents := range q.parents {
		if waits[id] = len(parents); waits[id] == 0 {
			ready = append(ready, id)
		}
	}
	for len(ready) > 0 {
		id := ready[0]
		ready = ready[1:]
		order = append(order, id)
		for _, c := range q.children[id] {
			if waits[c]--; waits[c] == 0 {
				at, _ := slices.BinarySearch(ready, c)
				ready = slices.Insert(ready, at, c)
			}
		}
	}
	return order
}

// reduce leaves out each edge that other edges imply: a parent that another parent waits for. Groups must be in topological order.
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
