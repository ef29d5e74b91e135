package plan

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

func TestGroupThatWouldWaitForItselfIsSplit(t *testing.T) {
	s := registry(map[string][]project.Node{"p": {node("n.a: raw -> x w"), node("m.b: x -> y"), node("n.c: y w -> z")}})
	for _, rule := range []string{"auto", "namespace"} {
		p := mustPlan(t, s, settings(rule), Options{})
		if diff := cmp.Diff([]string{"n: n.a", "m: m.b < n", "n-2: n.c < m"}, groups(p)); diff != "" {
			t.Errorf("%s: groups (-want +got):\n%s", rule, diff)
		}
		want := []Finding{{
			Code: CodeGroupCycle, Level: Note, Thing: "n",
			Reason: "n → m → n wait for each other: m needs x from n (saved by n.a, loaded by m.b); n needs y from m (saved by m.b, loaded by n.c); " +
				"so n is split into 2 jobs, where that costs least: between them crosses w",
			Fix: "for one job, put all these groups into one of [tool.kedroctl.groups]",
		}}
		if diff := cmp.Diff(want, p.Findings); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", rule, diff)
		}
	}
	set := settings("namespace")
	set.Groups = map[string][]string{"both": {"n", "m"}}
	if p := mustPlan(t, s, set, Options{}); len(p.Groups) != 1 || len(p.Findings) > 0 {
		t.Errorf("what the finding proposes gives the groups %v and findings %v", groups(p), p.Findings)
	}
}

func TestWhereGroupsAreSplit(t *testing.T) {
	for name, tt := range map[string]struct {
		nodes []project.Node
		files []string // datasets that are local files, which kedroctl moves to S3 whether they cross or not
		hand  map[string][]string
		want  []string
	}{
		"of two groups, the one where nothing more crosses": {
			nodes: []project.Node{node("a.one: raw -> x keep"), node("b.one: x -> p"), node("b.two: raw -> q"), node("a.two: q keep -> y")},
			want:  []string{"b: b.two", "a: a.one a.two < b", "b-2: b.one < a"},
		},
		"where only stored data crosses, however much": {
			nodes: []project.Node{
				node("a.one: raw -> x f1 f2 f3"), node("b.one: x -> p"), node("b.two: raw -> q m"), node("b.three: m p -> end"), node("a.two: q f1 f2 f3 -> y"),
			},
			files: []string{"f1", "f2", "f3"},
			want:  []string{"a: a.one", "b: b.two b.one b.three < a", "a-2: a.two < b"},
		},
		"where data is handed over anyway": {
			nodes: []project.Node{
				node("a.one: raw -> x t"), node("a.two: t -> u"), node("b.one: x -> y"), node("a.three: y t u -> end"), node("c.one: t -> other"),
			},
			want: []string{"a: a.one", "b: b.one < a", "a-2: a.two a.three < b", "c: c.one < a"},
		},
		"rather not a group by hand": {
			nodes: []project.Node{node("a.one: raw -> x"), node("b.one: x -> p"), node("b.two: raw -> q"), node("a.two: q -> y")},
			hand:  map[string][]string{"mine": {"a"}},
			want:  []string{"b: b.two", "mine: a.one a.two < b", "b-2: b.one < mine"},
		},
		"into as many parts as it takes": {
			nodes: []project.Node{node("a.1: raw -> x1"), node("b.1: x1 -> x2"), node("a.2: x2 -> x3"), node("b.2: x3 -> x4"), node("a.3: x4 -> x5")},
			want:  []string{"a: a.1", "b: b.1 < a", "a-2: a.2 < b", "b-2: b.2 < a-2", "a-3: a.3 < b-2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := registry(map[string][]project.Node{"p": tt.nodes})
			for _, f := range tt.files {
				s.Datasets[f] = file("data/" + f)
			}
			set := settings("namespace")
			set.Groups = tt.hand
			p := mustPlan(t, s, set, Options{})
			if diff := cmp.Diff(tt.want, groups(p)); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPartsOfAGroupHaveItsResources(t *testing.T) {
	s := registry(map[string][]project.Node{"p": {node("n.a: raw -> x"), node("m.b: x -> y"), node("n.c: y -> z"), node("m.d: z -> end")}})
	set := settings("namespace")
	set.Job.Groups = map[string]project.GroupSettings{
		"n": {Resources: project.Resources{Memory: 8192}}, "m": {Resources: project.Resources{Memory: 1024}}, "m-2": {Resources: project.Resources{Memory: 2048}},
	}
	got := map[string]int{}
	for _, g := range mustPlan(t, s, set, Options{}).Groups {
		got[g.Name] = g.Resources.Memory
	}
	if diff := cmp.Diff(map[string]int{"n": 8192, "n-2": 8192, "m": 1024, "m-2": 2048}, got); diff != "" {
		t.Errorf("memory (-want +got):\n%s", diff)
	}
}

func TestNodesThatConfirm(t *testing.T) {
	for name, tt := range map[string]struct {
		nodes    []project.Node
		want     []string
		findings []string
	}{
		"go to the nodes that load the dataset": {
			nodes:    []project.Node{node("n.a: raw -> x"), node("o.c: other -> z", "confirms=raw")},
			want:     []string{"n: n.a o.c"},
			findings: []string{"note confirms-moved raw"},
		},
		"with all nodes between": {
			nodes:    []project.Node{node("n.a: raw -> x"), node("m.b: x -> y"), node("m.d: x -> end"), node("o.c: y -> z", "confirms=raw")},
			want:     []string{"n: n.a m.b o.c", "m: m.d < n"},
			findings: []string{"note confirms-moved raw"},
		},
		"of several groups that load it, to the first": {
			nodes:    []project.Node{node("n.a: raw -> x"), node("m.b: x raw -> y"), node("o.c: y -> z", "confirms=raw"), node("m.d: y -> end")},
			want:     []string{"n: n.a m.b o.c", "m: m.d < n"},
			findings: []string{"note confirms-moved raw"},
		},
		"stay together where a group is split": {
			nodes: []project.Node{
				node("n.a: raw -> x"), node("m.b: x -> y"), node("n.c: new y -> z"), node("n.d: other -> end", "confirms=new"),
			},
			want:     []string{"n: n.a", "m: m.b < n", "n-2: n.d n.c < m"},
			findings: []string{"note group-cycle n"},
		},
		"need no finding where they are with them": {
			nodes: []project.Node{node("n.a: raw -> x"), node("n.c: x -> z", "confirms=raw")},
			want:  []string{"n: n.a n.c"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := mustPlan(t, registry(map[string][]project.Node{"p": tt.nodes}), settings("namespace"), Options{})
			if diff := cmp.Diff(tt.want, groups(p)); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.findings, found(p)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFindingOfMovedNodesSaysWhy(t *testing.T) {
	s := registry(map[string][]project.Node{"p": {node("n.a: raw -> x"), node("m.b: x -> y"), node("o.c: y -> z", "confirms=raw")}})
	want := []Finding{{
		Code: CodeConfirmsMoved, Level: Note, Thing: "raw",
		Reason: "m.b, o.c run in group n: o.c confirms raw, and a dataset must be confirmed in the job that loads it",
	}}
	if diff := cmp.Diff(want, mustPlan(t, s, settings("auto"), Options{}).Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// Of all ways to take the groups of small projects apart so that none waits for itself, hardly any costs less than ours.
func TestSplitsCostLittle(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	ours, best, knots := 0, 0, 0
	for range 300 {
		g := randomKnot(r)
		before := &grouping{graph: g, labels: make([]label, len(g.nodes))}
		before.namespaces()
		after := &grouping{graph: g, labels: append([]label{}, before.labels...)}
		after.untangle(after.blocks())
		if len(after.findings) > 0 {
			knots++
			ours += crossings(after, before)
			best += leastCrossings(before)
		}
	}
	if knots < 150 || ours > best+best/20 {
		t.Errorf("%d splits make %d datasets cross, and %d need to", knots, ours, best)
	}
}

func randomKnot(r *rand.Rand) *graph {
	var nodes []project.Node
	for i := range 5 + r.IntN(4) {
		n := project.Node{Name: fmt.Sprintf("n%d", i), Namespace: []string{"a", "b", "c"}[r.IntN(3)], Outputs: []string{fmt.Sprintf("d%d", i)}}
		for range 1 + r.IntN(3) {
			n.Inputs = append(n.Inputs, fmt.Sprintf("d%d", r.IntN(i+1)-1))
		}
		nodes = append(nodes, n)
	}
	return tie(nodes)
}

// crossings counts the datasets that cross groups and did not cross before.
func crossings(after, before *grouping) int {
	count := 0
	for dataset, maker := range after.maker {
		did, does := false, false
		for _, l := range after.loaders[dataset] {
			did = did || before.labels[l] != before.labels[maker]
			does = does || after.labels[l] != after.labels[maker]
		}
		if does && !did {
			count++
		}
	}
	return count
}

// leastCrossings tries all ways to divide the groups.
func leastCrossings(before *grouping) int {
	best := len(before.maker)
	after := &grouping{graph: before.graph, labels: make([]label, len(before.labels))}
	var divide func(node int)
	divide = func(node int) {
		if node == len(after.labels) {
			if q := after.quotient(); len(q.components()) == len(q.members) {
				best = min(best, crossings(after, before))
			}
			return
		}
		parts := 0
		for _, l := range after.labels[:node] {
			if l.name == before.labels[node].name {
				parts = max(parts, l.part+1)
			}
		}
		for part := range parts + 1 {
			after.labels[node] = before.labels[node]
			after.labels[node].part = part
			divide(node + 1)
		}
	}
	divide(0)
	return best
}
