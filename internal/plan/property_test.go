package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kedroctl/kedroctl/internal/project"
)

// randomSnapshot is a project with up to 24 nodes: some in namespaces, in one to three registered pipelines, tied at random, some data in files.
func randomSnapshot(r *rand.Rand) project.Snapshot {
	pipelines := map[string][]project.Node{}
	files := map[string]project.Dataset{}
	for i := range 1 + r.IntN(24) {
		n := project.Node{Name: fmt.Sprintf("n%02d", i), Inputs: []string{"raw"}, Outputs: []string{fmt.Sprintf("d%d", i)}}
		if ns := []string{"", "", "a", "a.x", "b"}[r.IntN(5)]; ns != "" {
			n.Namespace, n.Name = ns, ns+"."+n.Name
		}
		for range r.IntN(4) {
			if i > 0 {
				n.Inputs = append(n.Inputs, fmt.Sprintf("d%d", r.IntN(i)))
			}
		}
		if r.IntN(12) == 0 {
			n.Confirms = []string{n.Inputs[len(n.Inputs)-1]}
		}
		if r.IntN(2) == 0 {
			files[n.Outputs[0]] = file("data/" + n.Outputs[0])
		}
		p := []string{"p", "q", defaultPipeline}[r.IntN(3)]
		pipelines[p] = append(pipelines[p], n)
	}
	pipelines[defaultPipeline] = slices.Concat(pipelines["p"], pipelines["q"], pipelines[defaultPipeline])
	s := registry(unconfirmTwice(pipelines))
	for name, d := range files {
		s.Datasets[name] = d
	}
	return s
}

// unconfirmTwice leaves each dataset to the first that confirms it, as Kedro demands.
func unconfirmTwice(pipelines map[string][]project.Node) map[string][]project.Node {
	owner := map[string]string{}
	for _, name := range sortedKeys(pipelines) {
		for i, n := range pipelines[name] {
			for _, d := range n.Confirms {
				if owner[d] == "" {
					owner[d] = n.Name
				}
				if owner[d] != n.Name {
					pipelines[name][i].Confirms = nil
				}
			}
		}
	}
	return pipelines
}

func TestEveryRuleGivesAPartitionWithoutCirclesThatLosesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		s := randomSnapshot(r)
		for _, rule := range Rules {
			p := mustPlan(t, s, settings(rule), Options{})
			checkPartition(t, s, p)
			if errs := p.Errors(); len(errs) > 0 {
				t.Fatalf("%s: %v", rule, errs)
			}
			checkOrder(t, s, p)
			checkConfirmed(t, s, p)
			checkNothingIsLost(t, s, p)
		}
	}
}

// checkPartition checks that each node is in one group and each key is there once.
func checkPartition(t *testing.T, s project.Snapshot, p Plan) {
	t.Helper()
	var got []string
	keys := map[string]bool{}
	for _, g := range p.Groups {
		got = append(got, g.Nodes...)
		if k := strings.ToLower(g.Key); keys[k] {
			t.Fatalf("key %s is there twice", g.Key)
		} else {
			keys[k] = true
		}
	}
	want := nodeNames(s.Pipelines[defaultPipeline].Nodes)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("nodes in groups are %v, want %v", got, want)
	}
}

// checkOrder checks that groups come after those they wait for, that they wait for just those whose data they load, directly or not, and that no
// edge could be left out. Data that they load must outlive the container that makes it.
func checkOrder(t *testing.T, s project.Snapshot, p Plan) {
	t.Helper()
	of, maker := map[string]string{}, map[string]string{}
	for _, g := range p.Groups {
		for _, n := range g.Nodes {
			of[n] = g.Name
		}
	}
	for _, n := range s.Pipelines[defaultPipeline].Nodes {
		for _, out := range n.Outputs {
			maker[out] = of[n.Name]
		}
	}
	kept := map[string]bool{}
	for _, d := range p.Datasets {
		kept[d.Name] = d.Path != ""
	}
	above := map[string]map[string]bool{} // group: all that it waits for
	for _, g := range p.Groups {
		above[g.Name] = map[string]bool{}
		for _, parent := range g.DependsOn {
			if above[parent] == nil {
				t.Fatalf("%s comes before %s", g.Name, parent)
			}
			for _, other := range g.DependsOn {
				if above[other][parent] {
					t.Fatalf("%s waits for %s, which %s implies", g.Name, parent, other)
				}
			}
			above[g.Name][parent] = true
			for a := range above[parent] {
				above[g.Name][a] = true
			}
		}
	}
	for _, n := range s.Pipelines[defaultPipeline].Nodes {
		for _, in := range n.Inputs {
			if from := maker[in]; from != "" && from != of[n.Name] && (!above[of[n.Name]][from] || !kept[in]) {
				t.Fatalf("%s of %s needs %s of %s: waits %v, kept %v", n.Name, of[n.Name], in, from, above[of[n.Name]][from], kept[in])
			}
		}
	}
}

// checkConfirmed checks that who confirms a dataset is in the group of all that load it.
func checkConfirmed(t *testing.T, s project.Snapshot, p Plan) {
	t.Helper()
	of := map[string]string{}
	for _, g := range p.Groups {
		for _, n := range g.Nodes {
			of[n] = g.Name
		}
	}
	for _, n := range s.Pipelines[defaultPipeline].Nodes {
		for _, d := range n.Confirms {
			for _, l := range s.Pipelines[defaultPipeline].Nodes {
				if slices.Contains(l.Inputs, d) && of[l.Name] != of[n.Name] {
					t.Fatalf("%s of %s confirms %s, which %s of %s loads", n.Name, of[n.Name], d, l.Name, of[l.Name])
				}
			}
		}
	}
}

func TestNewLeavesItsArgumentsAsTheyAre(t *testing.T) {
	s := shop()
	nodes := fmt.Sprint(s.Pipelines)
	first := mustPlan(t, s, settings("auto"), Options{})
	second := mustPlan(t, s, settings("auto"), Options{})
	if fmt.Sprint(first) != fmt.Sprint(second) || fmt.Sprint(s.Pipelines) != nodes {
		t.Error("the second plan differs from the first, or the snapshot has changed")
	}
}

func FuzzSplit(f *testing.F) {
	for _, list := range []string{"", "a,b", "f([x,y]) -> [z],b", "a]],[b", ",,"} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		for _, name := range Split(list) {
			if name != strings.TrimSpace(name) {
				t.Errorf("Split(%q) has %q", list, name)
			}
		}
		if names := SplitPlain(list); !slices.Equal(SplitPlain(strings.Join(names, ",")), names) {
			t.Errorf("SplitPlain(%q) = %q, which does not survive a second time", list, names)
		}
	})
}

func FuzzKeys(f *testing.F) {
	f.Add("données xxx", "<lambda>__2de1c226")
	f.Add("A", "a")
	f.Add("--", strings.Repeat("x", 200))
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) || a == b {
			t.Skip()
		}
		pair := keys([]string{a, b})
		for _, key := range pair {
			if len(key) > maxKeyName+7 || strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" || strings.Trim(key[:1], "-_") == "" {
				t.Errorf("key %q", key)
			}
		}
		if strings.EqualFold(pair[0], pair[1]) {
			t.Errorf("%q and %q have the keys %v", a, b, pair)
		}
	})
}

func BenchmarkNew(b *testing.B) {
	var nodes []project.Node
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 1000 {
		n := project.Node{Name: fmt.Sprintf("n%04d", i), Inputs: []string{"raw"}, Outputs: []string{fmt.Sprintf("d%d", i)}}
		for range min(i, 3) {
			n.Inputs = append(n.Inputs, fmt.Sprintf("d%d", r.IntN(i)))
		}
		nodes = append(nodes, n)
	}
	s := registry(map[string][]project.Node{"p": nodes})
	for b.Loop() {
		if _, err := New(s, settings("node"), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
