package report

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/kedroctl/kedroctl/internal/plan"
)

func groupsOf(texts ...string) []plan.Group {
	var groups []plan.Group
	for _, text := range texts {
		name, after, _ := strings.Cut(text, " <- ")
		groups = append(groups, plan.Group{Name: name, DependsOn: strings.Fields(after)})
	}
	return groups
}

// random groups, in topological order.
func randomGroups(r *rand.Rand) []plan.Group {
	var groups []plan.Group
	for i := range 1 + r.IntN(200) {
		g := plan.Group{Name: fmt.Sprint("group_", i)}
		for range r.IntN(4) {
			if p := i - 1 - r.IntN(30); p >= 0 {
				g.DependsOn = append(g.DependsOn, groups[p].Name)
			}
		}
		groups = append(groups, g)
	}
	return groups
}

// TestGraph: no two boxes touch, each is to the right of those that it waits for, all are within the picture, and each edge is drawn.
func TestGraph(t *testing.T) {
	fan := []string{"first"}
	for i := range 198 {
		fan = append(fan, fmt.Sprintf("part_%d <- first", i))
	}
	cases := map[string][]plan.Group{
		"none": nil, "one": groupsOf("a"), "chain": groupsOf("a", "b <- a", "c <- b"), "skips a layer": groupsOf("a", "b <- a", "c <- b", "d <- a c"), "a fan": groupsOf(fan...),
		"unknown parent": groupsOf("a <- b"),
	}
	for seed := range 40 {
		cases[fmt.Sprint("random ", seed)] = randomGroups(rand.New(rand.NewPCG(uint64(seed), 1)))
	}
	for name, groups := range cases {
		g := newGraph(groups)
		places := map[string]box{}
		for i, b := range g.Boxes {
			places[b.Name] = b
			if b.X < 0 || b.Y < 0 || b.X+b.W > g.Width || b.Y+b.H > g.Height+0.01 {
				t.Errorf("%s: %s is out of the picture: %+v of %.0f x %.0f", name, b.Name, b, g.Width, g.Height)
			}
			for _, c := range g.Boxes[:i] {
				if b.X < c.X+c.W && c.X < b.X+b.W && b.Y < c.Y+c.H-0.01 && c.Y < b.Y+b.H-0.01 {
					t.Errorf("%s: %s and %s are at one place: %+v, %+v", name, b.Name, c.Name, b, c)
				}
			}
		}
		edges := 0
		for _, group := range groups {
			for _, p := range group.DependsOn {
				if _, known := places[p]; !known {
					continue
				}
				edges++
				if from, to := places[p], places[group.Name]; from.X+from.W > to.X {
					t.Errorf("%s: %s is not behind %s", name, group.Name, p)
				}
			}
		}
		if len(g.Boxes) != len(groups) || len(g.Edges) != edges {
			t.Errorf("%s: %d boxes and %d edges for %d groups with %d", name, len(g.Boxes), len(g.Edges), len(groups), edges)
		}
	}
}

// TestGraphCrossesFewEdges: two chains whose groups come in turns do not cross.
func TestGraphCrossesFewEdges(t *testing.T) {
	g := newGraph(groupsOf("a1", "b1", "b2 <- b1", "a2 <- a1", "a3 <- a2", "b3 <- b2"))
	y := map[string]float64{}
	for _, b := range g.Boxes {
		y[b.Name] = b.Y
	}
	if y["a1"] != y["a2"] || y["a2"] != y["a3"] || y["b1"] != y["b2"] || y["b2"] != y["b3"] || y["a1"] == y["b1"] {
		t.Errorf("%v", y)
	}
	long := newGraph(groupsOf(strings.Repeat("n", 50) + "end"))
	if label := long.Boxes[0].Label; !strings.HasSuffix(label, "end") || len([]rune(label)) > longest {
		t.Errorf("label %q", label)
	}
}

func TestTicks(t *testing.T) {
	for whole, want := range map[time.Duration]time.Duration{
		time.Second: time.Second, 70 * time.Second: 10 * time.Second, 3 * time.Hour: 30 * time.Minute, 100 * 24 * time.Hour: 7 * 24 * time.Hour,
	} {
		all := ticks(whole)
		if len(all) < 2 || len(all) > 2*mostTicks+1 || all[1] != want {
			t.Errorf("%s: %v", whole, all)
		}
	}
}
