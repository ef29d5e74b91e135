package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kedroctl/kedroctl/internal/plan"
)

// Sizes in the graph, in pixels.
const (
	boxHeight = 26.0
	rowGap    = 12.0
	columnGap = 56.0
	letter    = 6.8 // width of one, at the page's 12 px
	padding   = 20.0
	longest   = 30  // letters of a name that are shown
	tallest   = 24  // boxes in a column; a layer that has more gets several
	sweeps    = 12  // over all layers, until their order has settled
	dummySize = 8.0 // the height that an edge keeps free where it passes a layer
)

// box is a group in the graph.
type box struct {
	Name, Label string
	X, Y, W, H  float64
}

// graph is a plan from left to right, each group behind all those that it waits for.
type graph struct {
	Boxes         []box
	Edges         []string // paths of SVG
	Columns       bool     // some layer has several
	Width, Height float64
}

// vertex is a group, or the place where an edge passes a layer.
type vertex struct {
	name       string // "" for an edge that passes
	layer      int
	before     []*vertex
	behind     []*vertex
	place      float64 // in the layer's order
	x, y, w, h float64
	from, to   float64 // the sides of its layer
}

// newGraph lays out the groups, which are in topological order, as Sugiyama's method does: layers, then an order in each that crosses few edges, then places.
func newGraph(groups []plan.Group) graph {
	layers := layered(groups)
	order(layers)
	width := 0.0
	for _, layer := range layers {
		width = columns(layer, width) + columnGap
	}
	for range 4 {
		for _, layer := range layers {
			level(layer, func(v *vertex) []*vertex { return v.before })
		}
		for _, layer := range slices.Backward(layers) {
			level(layer, func(v *vertex) []*vertex { return v.behind })
		}
	}
	g := draw(layers, max(width-columnGap, 0))
	g.Columns = slices.ContainsFunc(layers, wrapped)
	return g
}

// layered gives each group the first layer behind those that it waits for, and cuts the edges that pass others.
func layered(groups []plan.Group) [][]*vertex {
	known := make(map[string]*vertex, len(groups))
	var layers [][]*vertex
	add := func(v *vertex) {
		for len(layers) <= v.layer {
			layers = append(layers, nil)
		}
		v.place = float64(len(layers[v.layer]))
		layers[v.layer] = append(layers[v.layer], v)
	}
	for _, g := range groups {
		v := &vertex{name: g.Name, h: boxHeight, w: float64(utf8.RuneCountInString(shorten(g.Name)))*letter + padding}
		for _, p := range g.DependsOn {
			if parent := known[p]; parent != nil {
				v.layer = max(v.layer, parent.layer+1)
			}
		}
		known[g.Name] = v
		add(v)
	}
	for _, g := range groups {
		v := known[g.Name]
		for _, p := range g.DependsOn {
			from := known[p]
			for from != nil && from.layer < v.layer-1 {
				passing := &vertex{layer: from.layer + 1, h: dummySize}
				join(from, passing)
				add(passing)
				from = passing
			}
			if from != nil {
				join(from, v)
			}
		}
	}
	return layers
}

func join(from, to *vertex) {
	from.behind = append(from.behind, to)
	to.before = append(to.before, from)
}

// order sorts each layer by the mean place of its neighbours, forth and back.
func order(layers [][]*vertex) {
	for sweep := range sweeps {
		for i := range layers {
			layer, neighbours := layers[i], func(v *vertex) []*vertex { return v.before }
			if sweep%2 == 1 {
				layer, neighbours = layers[len(layers)-1-i], func(v *vertex) []*vertex { return v.behind }
			}
			wanted := make(map[*vertex]float64, len(layer))
			for _, v := range layer {
				wanted[v] = mean(neighbours(v), func(n *vertex) float64 { return n.place }, v.place)
			}
			slices.SortStableFunc(layer, func(a, b *vertex) int {
				switch {
				case wanted[a] < wanted[b]:
					return -1
				case wanted[a] > wanted[b]:
					return 1
				}
				return 0
			})
			for place, v := range layer {
				v.place = float64(place)
			}
		}
	}
}

func mean(list []*vertex, of func(*vertex) float64, otherwise float64) float64 {
	if len(list) == 0 {
		return otherwise
	}
	sum := 0.0
	for _, v := range list {
		sum += of(v)
	}
	return sum / float64(len(list))
}

// columns places a layer from x on, in as many columns as it needs, and gives its right edge. Where there are several, passing edges go straight.
func columns(layer []*vertex, x float64) float64 {
	boxes := slices.DeleteFunc(slices.Clone(layer), func(v *vertex) bool { return v.name == "" })
	rows := len(boxes)
	if rows > tallest {
		n := math.Ceil(float64(rows) / tallest)
		rows = int(math.Ceil(float64(rows) / n))
	}
	right := x
	for column := range slices.Chunk(boxes, max(rows, 1)) {
		left, width := right, 0.0
		if column[0] != boxes[0] {
			left += rowGap
		}
		for row, v := range column {
			v.x, v.y, width = left, float64(row)*(boxHeight+rowGap), max(width, v.w)
		}
		for _, v := range column {
			v.w = width
		}
		right = left + width
	}
	for _, v := range layer {
		if v.from, v.to = x, right; v.name == "" {
			v.x, v.w = x, right-x
		}
	}
	return right
}

// wrapped says whether a layer has several columns.
func wrapped(layer []*vertex) bool {
	x := -1.0
	return slices.ContainsFunc(layer, func(v *vertex) bool {
		if v.name != "" && x < 0 {
			x = v.x
		}
		return v.name != "" && v.x != x
	})
}

// level brings a layer as near to the height of its neighbours as its order allows: the least squares of the distances, by pooling those that would
// overlap. A layer of several columns moves as a whole.
func level(layer []*vertex, neighbours func(*vertex) []*vertex) {
	middle := func(v *vertex) float64 { return v.y + v.h/2 }
	if wrapped(layer) {
		top, bottom, wanted := math.Inf(1), 0.0, 0.0
		for _, v := range layer {
			if v.name != "" {
				top, bottom = min(top, v.y), max(bottom, v.y+v.h)
			}
			wanted += mean(neighbours(v), middle, middle(v)) / float64(len(layer))
		}
		for _, v := range layer {
			if v.name != "" {
				v.y += wanted - (top+bottom)/2
			} else {
				v.y = mean(neighbours(v), middle, middle(v)) - v.h/2
			}
		}
		return
	}
	type pool struct{ sum, n float64 }
	var pools []pool
	offsets, at := make([]float64, len(layer)), 0.0
	for i, v := range layer {
		offsets[i] = at
		at += v.h + rowGap
		pools = append(pools, pool{mean(neighbours(v), middle, middle(v)) - v.h/2 - offsets[i], 1})
		for k := len(pools) - 1; k > 0 && pools[k].sum/pools[k].n < pools[k-1].sum/pools[k-1].n; k-- {
			pools[k-1] = pool{pools[k-1].sum + pools[k].sum, pools[k-1].n + pools[k].n}
			pools = pools[:k]
		}
	}
	i := 0
	for _, p := range pools {
		for range int(p.n) {
			layer[i].y = p.sum/p.n + offsets[i]
			i++
		}
	}
}

// draw moves all to where the picture begins, and draws the edges.
func draw(layers [][]*vertex, width float64) graph {
	top, bottom := math.Inf(1), math.Inf(-1)
	for _, v := range slices.Concat(layers...) {
		top, bottom = min(top, v.y), max(bottom, v.y+v.h)
	}
	if len(layers) == 0 {
		top, bottom = 0, 0
	}
	g := graph{Width: width + 2, Height: bottom - top + 2}
	for _, v := range slices.Concat(layers...) {
		v.x, v.from, v.to, v.y = v.x+1, v.from+1, v.to+1, v.y-top+1
	}
	for _, v := range slices.Concat(layers...) {
		if v.name == "" {
			continue
		}
		g.Boxes = append(g.Boxes, box{Name: v.name, Label: shorten(v.name), X: v.x, Y: v.y, W: v.w, H: v.h})
		for _, next := range v.behind {
			g.Edges = append(g.Edges, edge(v, next))
		}
	}
	return g
}

// edge leaves a box on its right, passes its own layer and those between straight, bends from layer to layer alone, and ends on the left of the next box.
func edge(v, next *vertex) string {
	var b strings.Builder
	x, y := v.to, v.y+v.h/2
	fmt.Fprintf(&b, "M%.1f %.1fH%.1f", v.x+v.w, y, x)
	for {
		to, bend := next.y+next.h/2, (next.from-x)/2
		fmt.Fprintf(&b, "C%.1f %.1f %.1f %.1f %.1f %.1f", x+bend, y, next.from-bend, to, next.from, to)
		if next.name != "" {
			fmt.Fprintf(&b, "H%.1f", next.x)
			return b.String()
		}
		fmt.Fprintf(&b, "H%.1f", next.to)
		x, y, next = next.to, to, next.behind[0]
	}
}

// shorten keeps both ends of a long name: groups of one namespace differ at the end.
func shorten(name string) string {
	runes := []rune(name)
	if len(runes) <= longest {
		return name
	}
	return string(runes[:longest/2-1]) + "…" + string(runes[len(runes)-longest/2:])
}
