package plan

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/project"
)

// containers is a model of a run that knows nothing of how plans are made: each job starts with empty memory and an empty disk, and what outlives it is
// what the plan's actions or the catalog put elsewhere.
type containers struct {
	snapshot project.Snapshot
	nodes    map[string]project.Node
	rows     map[string]Dataset
	stored   map[string][]string // place outside all containers: the groups that saved there, "" for what was there before the run
	missed   map[string]bool     // datasets that a node wanted and found neither in its container nor outside
	gone     map[string]bool     // outputs of the pipeline that ended with their container
}

// play runs a plan's groups, each after those that it depends on, and says what was missed or gone.
func play(s project.Snapshot, p Plan) containers {
	c := containers{
		snapshot: s, nodes: nodesByName(s, p), rows: map[string]Dataset{},
		stored: map[string][]string{}, missed: map[string]bool{}, gone: map[string]bool{},
	}
	for _, d := range p.Datasets {
		c.rows[d.Name] = d
		if at, outlives := c.place(d.Name); outlives && d.Role == Input {
			c.stored[at] = []string{""}
		}
	}
	before := map[string]map[string]bool{} // group: itself and all that it waits for
	for _, g := range p.Groups {
		before[g.Name] = map[string]bool{"": true, g.Name: true}
		for _, parent := range g.DependsOn {
			maps.Copy(before[g.Name], before[parent])
		}
		c.job(g, before[g.Name])
	}
	for name := range c.outputs() {
		if at, _ := c.place(name); len(c.stored[at]) == 0 {
			c.gone[name] = true
		}
	}
	return c
}

// job runs the nodes of one group; it can count on what the groups before it have stored, and on nothing that others may have.
func (c containers) job(g Group, before map[string]bool) {
	inside := map[string]bool{} // places in the container
	for _, name := range g.Nodes {
		for _, in := range c.nodes[name].Inputs {
			at, _ := c.place(BaseName(in))
			isStored := slices.ContainsFunc(c.stored[at], func(writer string) bool { return before[writer] })
			if !isParameter(in) && !inside[at] && !isStored {
				c.missed[BaseName(in)] = true
			}
		}
		for _, out := range c.nodes[name].Outputs {
			at, outlives := c.place(BaseName(out))
			if outlives {
				c.stored[at] = append(c.stored[at], g.Name)
			} else {
				inside[at] = true
			}
		}
	}
}

// place is where data of that name lies, and whether that survives the container: an action puts it into the bucket, or the catalog has it neither in
// memory nor on the disk of the machine.
func (c containers) place(name string) (at string, outlives bool) {
	if row := c.rows[name]; row.Action != Keep {
		return strings.TrimSuffix(row.Path, "/"), strings.HasPrefix(row.Path, "s3://")
	}
	for dataset, d := range c.snapshot.Datasets {
		switch {
		case BaseName(dataset) != name:
		case strings.HasSuffix(d.Type, "MemoryDataset"):
			return name, false
		case d.Path == "":
			return name, true
		default:
			return strings.TrimSuffix(d.Path, "/"), strings.Contains(d.Path, "://")
		}
	}
	return name, false
}

// outputs are the datasets that nodes save and none loads.
func (c containers) outputs() map[string]bool {
	outputs := map[string]bool{}
	for _, n := range c.nodes {
		for _, out := range n.Outputs {
			outputs[BaseName(out)] = true
		}
	}
	for _, n := range c.nodes {
		for _, in := range n.Inputs {
			delete(outputs, BaseName(in))
		}
	}
	return outputs
}

// nodesByName are the nodes of a plan as the selected pipelines have them.
func nodesByName(s project.Snapshot, p Plan) map[string]project.Node {
	nodes := map[string]project.Node{}
	for _, name := range p.Selection.PipelineNames() {
		for _, n := range s.Pipelines[name].Nodes {
			if slices.ContainsFunc(p.Groups, func(g Group) bool { return slices.Contains(g.Nodes, n.Name) }) {
				nodes[n.Name] = n
			}
		}
	}
	return nodes
}

// realProjects are the projects of testdata/snapshots, with what of each is planned and what of its data in memory groups by namespace would hand
// over and lose.
var realProjects = []struct {
	name         string
	selection    Selection
	missed, gone int
}{
	{name: "example", missed: 4, gone: 1},
	{name: "spaceflights-starter", missed: 4, gone: 1},
	{name: "spaceflights-guide", gone: 1},
	{name: "viz-demo", missed: 4, gone: 5},
	{name: "fifa", missed: 4},
	{name: "polislike", selection: Selection{Pipelines: []string{"polis_classic"}}, missed: 5, gone: 1},
	{name: "dagster-example"},
	{name: "hr-crew", missed: 8},
}

// What jobs by namespace miss, and what is gone after them, is known of these projects; it is what the plan's actions on data in memory are for.
func TestMemoryDataOfRealProjects(t *testing.T) {
	for _, tt := range realProjects {
		t.Run(tt.name, func(t *testing.T) { checkMemoryData(t, snapshot(t, tt.name), tt.selection, [2]int{tt.missed, tt.gone}) })
	}
	s := snapshot(t, "polislike")
	for pipeline := range s.Pipelines { // all are of one make
		t.Run(pipeline, func(t *testing.T) { checkMemoryData(t, s, Selection{Pipelines: []string{pipeline}}, [2]int{5, 1}) })
	}
}

// checkMemoryData counts data in memory that crosses and leaves twice: by the plan's actions, and by what the containers miss without them.
func checkMemoryData(t *testing.T, s project.Snapshot, sel Selection, want [2]int) {
	t.Helper()
	p := mustPlan(t, s, settings("namespace"), Options{Selection: sel})
	var persisted [2]int
	for i, d := range p.Datasets {
		if d.Action != Persist {
			continue
		}
		if d.Role == Crossing {
			persisted[0]++
		} else {
			persisted[1]++
		}
		p.Datasets[i].Action, p.Datasets[i].Path = Keep, ""
	}
	if persisted != want {
		t.Errorf("the plan keeps %v datasets in memory that cross and leave, want %v", persisted, want)
	}
	c := play(s, p)
	if got := [2]int{len(c.missed), len(c.gone)}; got != want {
		t.Errorf("without that %v are missed and gone (%v, %v), want %v", got, sortedKeys(c.missed), sortedKeys(c.gone), want)
	}
}

func TestNothingIsLostBetweenTheJobsOfRealProjects(t *testing.T) {
	for _, tt := range realProjects {
		for _, rule := range Rules {
			t.Run(tt.name+" by "+rule, func(t *testing.T) {
				s := snapshot(t, tt.name)
				checkNothingIsLost(t, s, mustPlan(t, s, settings(rule), Options{Selection: tt.selection}))
			})
		}
	}
}

func checkNothingIsLost(t *testing.T, s project.Snapshot, p Plan) {
	t.Helper()
	if c := play(s, p); len(c.missed)+len(c.gone) > 0 {
		t.Errorf("missed: %v, gone: %v", sortedKeys(c.missed), sortedKeys(c.gone))
	}
}
