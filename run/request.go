package run

import (
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

// request tells the container what Kedro's flags cannot; docs/container.md has its meaning.
type request struct {
	Schema   int               `json:"schema"`
	Bucket   string            `json:"bucket"`
	Run      string            `json:"run"`
	Group    string            `json:"group"`
	Key      string            `json:"key"`
	Try      int               `json:"try"`
	Crossing []action          `json:"crossing"`
	Versions map[string]string `json:"versions"`
	Outputs  []string          `json:"outputs"`
	Params   map[string]any    `json:"params,omitempty"`
	MLflow   *tracking         `json:"mlflow,omitempty"` // nil for a project that does not use kedro-mlflow
	Args     []string          `json:"args,omitempty"`   // of the run command, where the job's own command has no room for them
}

// tracking says which MLflow runs there are to be. Groups are those of the whole run: when all have ended, so has its MLflow run.
type tracking struct {
	Mode   string `json:"mode"`
	Groups int    `json:"groups"`
}

type action struct {
	Name   string `json:"name"`
	Action string `json:"action"`
	Path   string `json:"path,omitempty"`
	Under  string `json:"under,omitempty"`
}

// schemaAll is the schema of a request with args or a sandbox: a container entry from before them is to refuse it, not to pass over these.
const schemaAll = 2

// newRequest builds the request of the first try of a group.
func newRequest(r Run, g plan.Group, nodes map[string]project.Node) request {
	q := request{
		Schema: schema, Bucket: r.Plan.Bucket, Run: r.ID, Group: g.Name, Key: g.Key, Try: 1,
		Crossing: []action{}, Versions: r.Versions, Outputs: []string{}, Params: r.Params,
	}
	if r.Plan.MLflow != "" {
		q.MLflow = &tracking{Mode: r.Plan.MLflow, Groups: len(r.Plan.Groups)}
	}
	if r.Plan.Sandbox != "" {
		q.Schema = schemaAll
	}
	if tooLong(r, g) {
		q.Schema, q.Args = schemaAll, words(r, g)[bareWords:]
	}
	known := make(map[string]plan.Dataset, len(r.Plan.Datasets))
	for _, d := range r.Plan.Datasets {
		known[d.Name] = d
	}
	inputs, outputs := names(g, nodes)
	for _, name := range outputs {
		if _, ok := known[name]; ok {
			q.Outputs = append(q.Outputs, name)
		}
	}
	for _, name := range merge(inputs, outputs) {
		if d := known[name]; d.Action != plan.Keep {
			q.Crossing = append(q.Crossing, newAction(d, r.ID))
		}
	}
	return q
}

func newAction(d plan.Dataset, id string) action {
	a := action{Name: d.Name, Action: d.Action, Under: d.Under}
	if d.Action == plan.Persist {
		a.Path = strings.ReplaceAll(d.Path, plan.RunID, id)
	}
	return a
}

// names are the datasets that a group's nodes take and give, without the part behind @. They come from the snapshot, as the plan's own lists leave
// out what stays inside a group; a node that the snapshot does not have leaves these.
func names(g plan.Group, nodes map[string]project.Node) (inputs, outputs []string) {
	for _, name := range g.Nodes {
		n, ok := nodes[name]
		if !ok {
			return merge(g.Inputs), merge(g.Outputs)
		}
		inputs, outputs = append(inputs, n.Inputs...), append(outputs, n.Outputs...)
	}
	return merge(inputs), merge(outputs)
}

// merge gives the names of all lists without the part behind @, sorted, each once.
func merge(lists ...[]string) []string {
	var all []string
	for _, name := range slices.Concat(lists...) {
		all = append(all, plan.BaseName(name))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// selected are the nodes of the pipelines that a plan was made from, by name.
func selected(s project.Snapshot, sel plan.Selection) map[string]project.Node {
	nodes := make(map[string]project.Node)
	for _, p := range sel.PipelineNames() {
		for _, n := range s.Pipelines[p].Nodes {
			nodes[n.Name] = n
		}
	}
	return nodes
}

// pins are the load versions of a run: what it writes itself is loaded in the version that it writes, never in a newer one of another run.
func pins(in Input, id string, inputs map[string]string) map[string]string {
	written := make(map[string]bool)
	for _, d := range in.Plan.Datasets {
		written[d.Name] = d.Versioned && d.Role != plan.Input
	}
	versions := make(map[string]string)
	for name, d := range in.Snapshot.Datasets {
		if !d.Versioned {
			continue
		}
		if written[plan.BaseName(name)] {
			versions[name] = id
		} else if v, ok := inputs[plan.BaseName(name)]; ok {
			versions[name] = v
		}
	}
	for name, v := range in.LoadVersions {
		versions[name] = v
	}
	return versions
}
