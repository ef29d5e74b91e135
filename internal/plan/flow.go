package plan

// unlimited is a capacity that no cut can afford.
const unlimited = 1 << 40

// flow is a network of edges with capacities.
type flow struct {
	to, left []int   // edge: where it leads, and what can still flow; edge e^1 leads back
	out      [][]int // vertex: its edges
}

func newFlow(vertices int) *flow { return &flow{out: make([][]int, vertices)} }

func (f *flow) vertex() int {
	f.out = append(f.out, nil)
	return len(f.out) - 1
}

func (f *flow) edge(from, to, capacity int) {
	f.out[from] = append(f.out[from], len(f.to))
	f.out[to] = append(f.out[to], len(f.to)+1)
	f.to, f.left = append(f.to, to, from), append(f.left, capacity, 0)
}

// cut marks the side of the source in a minimum cut: what can be reached when no more can flow (Edmonds and Karp). Of several minimum cuts it is the one
// with the smallest such side.
func (f *flow) cut(source, sink int) []bool {
	for {
		by := f.search(source)
		if by[sink] < 0 {
			side := make([]bool, len(by))
			for v := range by {
				side[v] = v == source || by[v] >= 0
			}
			return side
		}
		amount := unlimited
		for v := sink; v != source; v = f.to[by[v]^1] {
			amount = min(amount, f.left[by[v]])
		}
		for v := sink; v != source; v = f.to[by[v]^1] {
			f.left[by[v]] -= amount
			f.left[by[v]^1] += amount
		}
	}
}

// search gives for each vertex the last edge of a shortest way from the source, -1 where none leads there.
func (f *flow) search(source int) []int {
	by := make([]int, len(f.out))
	for v := range by {
		by[v] = -1
	}
	for queue := []int{source}; len(queue) > 0; queue = queue[1:] {
		for _, e := range f.out[queue[0]] {
			if v := f.to[e]; v != source && by[v] < 0 && f.left[e] > 0 {
				by[v] = e
				queue = append(queue, v)
			}
		}
	}
	return by
}
