//go:build real

package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

type oracleCase struct {
	Pipelines map[string]project.Pipeline `json:"pipelines"`
	Selection Selection                   `json:"selection"`

	Entries  map[string]string `json:"entries"`   // of the catalog: what is made, as catalog, memory or cached
	Pattern  bool              `json:"pattern"`   // another name that begins with a d is stored
	CatchAll bool              `json:"catch_all"` // and any other too
	There    []string          `json:"there"`     // what exists of the stored data
}

type oracleChoice struct {
	Error   string              `json:"error"`
	Nodes   []string            `json:"nodes"`
	Groups  map[string][]string `json:"groups"`
	Missing []string            `json:"missing"`
}

type oracleList struct {
	Names []string `json:"names"`
	Plain []string `json:"plain"`
}

// Kedro's own Pipeline.filter, group_nodes_by and list splitting are the judge of random cases, and of every filter on the real projects.
func TestSelectionEqualsKedros(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var cases []oracleCase
	for range 9400 {
		cases = append(cases, randomCase(r, randomRegistry(r)))
	}
	for _, name := range []string{"viz-demo", "fifa", "polislike", "dagster-example", "hr-crew", "spaceflights-guide"} {
		for range 100 {
			cases = append(cases, randomCase(r, snapshot(t, name).Pipelines))
		}
	}
	var lists []string
	for range 1000 {
		lists = append(lists, randomList(r))
	}
	choices, splits := ask(t, cases, lists)
	refused, partly := 0, 0
	for i, c := range cases {
		if choices[i].Error != "" {
			refused++
		}
		if n := len(choices[i].Missing); n > 0 && n < len(choices[i].Nodes) {
			partly++
		}
		compareChoice(t, c, choices[i])
	}
	for i, list := range lists {
		got := oracleList{append([]string{}, Split(list)...), append([]string{}, SplitPlain(list)...)}
		if diff := cmp.Diff(splits[i], got); diff != "" {
			t.Errorf("split %q (-Kedro +ours):\n%s", list, diff)
		}
	}
	t.Logf("%d selections, of which Kedro refuses %d; some nodes and not all have missing outputs in %d", len(cases), refused, partly)
}

func compareChoice(t *testing.T, c oracleCase, want oracleChoice) {
	t.Helper()
	s := c.snapshot()
	_, chosen, err := choose(s, c.Selection)
	if (err != nil) != (want.Error != "") {
		t.Fatalf("%+v\nKedro: %q, ours: %v", c, want.Error, err)
	}
	if err != nil {
		return
	}
	if diff := cmp.Diff(want.Nodes, nodeNames(chosen.nodes)); diff != "" {
		t.Fatalf("%+v\nnodes (-Kedro +ours):\n%s", c, diff)
	}
	missing, skipped, err := OnlyMissing(s, c.Selection, func(name string) bool { return slices.Contains(c.There, name) })
	if diff := cmp.Diff(slices.Sorted(slices.Values(want.Missing)), slices.Sorted(slices.Values(missing))); err != nil || diff != "" {
		t.Fatalf("%+v\nerror %v, nodes with missing outputs (-Kedro +ours):\n%s", c, err, diff)
	}
	if len(missing)+len(skipped) != len(want.Nodes) {
		t.Fatalf("%+v\n%d nodes: %v run and %v are skipped", c, len(want.Nodes), missing, skipped)
	}
	r, err := group(chosen, s, c.Selection.PipelineNames(), settings(byNamespace))
	if err != nil {
		t.Fatal(err)
	}
	if !comparable(chosen.nodes) {
		return
	}
	got := map[string][]string{}
	for i, l := range r.labels {
		got[l.name] = append(got[l.name], chosen.nodes[i].Name)
	}
	if diff := cmp.Diff(want.Groups, got); diff != "" {
		t.Fatalf("%+v\ngroups (-Kedro +ours):\n%s", c, diff)
	}
}

// snapshot is what introspection would say of a case.
func (c oracleCase) snapshot() project.Snapshot {
	s := project.Snapshot{KedroVersion: "1.7.0", Pipelines: c.Pipelines, Datasets: map[string]project.Dataset{}}
	types := map[string]string{"catalog": "pandas.CSVDataset", "memory": "kedro.io.MemoryDataset", "cached": "CachedDataset"}
	for _, name := range datasetsOf(c.Pipelines) {
		kind, entry := c.Entries[name]
		switch {
		case entry:
			s.Datasets[name] = project.Dataset{Source: "catalog", Type: types[kind]}
		case c.Pattern && strings.HasPrefix(name, "d"):
			s.Datasets[name] = project.Dataset{Source: "pattern", Type: types["catalog"]}
		case c.CatchAll:
			s.Datasets[name] = project.Dataset{Source: "catch_all", Type: types["catalog"]}
		}
	}
	return s
}

func datasetsOf(pipelines map[string]project.Pipeline) []string {
	names := map[string]bool{}
	for _, p := range pipelines {
		for _, n := range p.Nodes {
			for _, d := range slices.Concat(n.Inputs, n.Outputs) {
				names[d] = !isParameter(d)
			}
		}
	}
	maps.DeleteFunc(names, func(_ string, dataset bool) bool { return !dataset })
	return sortedKeys(names)
}

// comparable says whether our groups by namespace are to equal Kedro's: it takes a node named like a namespace for a part of it, and leaves nodes that
// confirm a dataset where they are.
func comparable(nodes []project.Node) bool {
	names := nodeNames(nodes)
	return !slices.ContainsFunc(nodes, func(n project.Node) bool {
		first, _, _ := strings.Cut(n.Namespace, ".")
		return len(n.Confirms) > 0 || slices.Contains(names, first)
	})
}

func ask(t *testing.T, cases []oracleCase, lists []string) ([]oracleChoice, []oracleList) {
	t.Helper()
	python := realtest.Python(t)
	asked, err := json.Marshal(map[string]any{"cases": cases, "lists": lists})
	if err != nil {
		t.Fatal(err)
	}
	answers := filepath.Join(t.TempDir(), "answers.json")
	cmd := exec.Command(python, filepath.Join("testdata", "oracle.py"), answers)
	cmd.Env = append(os.Environ(), "DO_NOT_TRACK=1")
	cmd.Stdin = bytes.NewReader(asked)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ask Kedro: %v\n%s", err, output)
	}
	answer, err := os.ReadFile(answers)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Choices []oracleChoice
		Lists   []oracleList
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatalf("read Kedro's answer: %v", err)
	}
	return got.Choices, got.Lists
}

// randomRegistry is one to three pipelines that share nodes, now and then under other tags or with other inputs, so that some cannot be added up.
func randomRegistry(r *rand.Rand) map[string]project.Pipeline {
	pipelines := map[string]project.Pipeline{}
	nodes := randomNodes(r)
	for _, name := range []string{defaultPipeline, "p", "q"} {
		part := []project.Node{}
		for _, n := range nodes {
			if name != defaultPipeline && r.IntN(3) == 0 {
				continue
			}
			if r.IntN(30) == 0 {
				n.Inputs = append(slices.Clone(n.Inputs), "extra")
			}
			if r.IntN(10) == 0 {
				n.Tags = []string{"t3"}
			}
			part = append(part, n)
		}
		pipelines[name] = project.Pipeline{Nodes: part}
	}
	if r.IntN(10) == 0 {
		delete(pipelines, defaultPipeline)
	}
	return pipelines
}

func randomNodes(r *rand.Rand) []project.Node {
	var nodes []project.Node
	var made []string
	for i := range 1 + r.IntN(10) {
		n := project.Node{Name: fmt.Sprintf("n%d", r.IntN(3)+3*i), Inputs: []string{}, Outputs: []string{}}
		if ns := []string{"", "", "a", "a.x", "ab", "b.y.z", "n1"}[r.IntN(7)]; ns != "" {
			n.Namespace, n.Name = ns, ns+"."+n.Name
		}
		for range r.IntN(4) {
			in := []string{"raw", "raw2", "params:k", "parameters"}[r.IntN(4)]
			if len(made) > 0 && r.IntN(4) > 0 {
				in = made[r.IntN(len(made))]
			}
			if strings.Contains(in, "@") {
				in = BaseName(in) + []string{"@one", "@two", "@three"}[r.IntN(3)]
			}
			n.Inputs = append(n.Inputs, in)
		}
		for j := range r.IntN(3) {
			n.Outputs = append(n.Outputs, fmt.Sprintf("d%d_%d%s", i, j, []string{"", "", "@one"}[r.IntN(3)]))
		}
		if len(n.Inputs)+len(n.Outputs) == 0 {
			n.Inputs = []string{"raw"}
		}
		if r.IntN(15) == 0 && len(nodes) == 0 {
			n.Confirms = []string{"raw"}
		}
		for _, tag := range []string{"t1", "t2"} {
			if r.IntN(3) == 0 {
				n.Tags = append(n.Tags, tag)
			}
		}
		made = append(made, n.Outputs...)
		nodes = append(nodes, n)
	}
	return nodes
}

// randomCase picks filters from the names that the pipelines have, and now and then one that they don't have.
func randomCase(r *rand.Rand, pipelines map[string]project.Pipeline) oracleCase {
	names, spaces, tags, datasets := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, p := range pipelines {
		for _, n := range p.Nodes {
			names[n.Name] = true
			for ns := n.Namespace; ns != ""; ns = ns[:max(0, strings.LastIndex(ns, "."))] {
				spaces[ns] = true
			}
			for _, t := range n.Tags {
				tags[t] = true
			}
			for _, d := range slices.Concat(n.Inputs, n.Outputs) {
				datasets[d], datasets[BaseName(d)] = true, true
			}
		}
	}
	pick := func(from map[string]bool, chance int) []string {
		var some []string
		known := slices.Sorted(maps.Keys(from))
		for len(known) > 0 && r.IntN(100) < chance {
			some = append(some, known[r.IntN(len(known))])
			chance /= 2
		}
		if r.IntN(200) == 0 {
			some = append(some, "unknown")
		}
		return some
	}
	registered := map[string]bool{}
	for name := range pipelines {
		registered[name] = true
	}
	return stock(r, oracleCase{Pipelines: pipelines, Selection: Selection{
		Pipelines: pick(registered, 60), Tags: pick(tags, 20), Nodes: pick(names, 15), Namespaces: pick(spaces, 15),
		FromNodes: pick(names, 25), ToNodes: pick(names, 25), FromInputs: pick(datasets, 25), ToOutputs: pick(datasets, 25),
	}})
}

// stock gives a case a catalog, and data of which all, most, some or none is there.
func stock(r *rand.Rand, c oracleCase) oracleCase {
	c.Entries, c.Pattern, c.CatchAll = map[string]string{}, r.IntN(2) == 0, r.IntN(4) == 0
	full := r.IntN(5)
	for _, name := range datasetsOf(c.Pipelines) {
		if kind := []string{"catalog", "catalog", "catalog", "memory", "cached", ""}[r.IntN(6)]; kind != "" {
			c.Entries[name] = kind
		}
		if r.IntN(4) < full {
			c.There = append(c.There, name)
		}
	}
	return c
}

func randomList(r *rand.Rand) string {
	var list strings.Builder
	for range r.IntN(12) {
		list.WriteByte("ab.,,[] "[r.IntN(8)])
	}
	return list.String()
}
