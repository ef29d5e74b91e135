package run

import (
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/plan"
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
	Only     *plan.Only        `json:"only,omitempty"`
	MLflow   *tracking         `json:"mlflow,omitempty"` // nil for a project that does not use kedro-mlflow
	Code     *code             `json:"code,omitempty"`   // of a development run
	Args     []string          `json:"args,omitempty"`   // of the run command, where the job's own command has no room for them
}

// tracking says which MLflow runs there are to be. Groups are those of the whole run: when all have ended, so has its MLflow run.
type tracking struct {
	Mode   string `json:"mode"`
	Groups int    `json:"groups"`
}

// code is where the container finds what it has in place of the image's own, and by what it knows it.
type code struct {
	URI    string `json:"uri"`
	SHA256 string `json:"sha256"`
}

type action struct {
	Name   string `json:"name"`
	Action string `json:"action"`
	Path   string `json:"path,omitempty"`
	Under  string `json:"under,omitempty"`
}

// schemaAll is the schema of a request with args or a sandbox: a container entry from before them is to refuse it, not to pass over these.
const schemaAll = 2

// schemaCode is the schema of a request with code, for the same reason.
const schemaCode = 3

// newRequest is what a try of a group is asked to do; known are the plan's datasets by name. All of it comes from the run's record, so that every
// driver asks for the same.
func newRequest(r Run, known map[string]plan.Dataset, g plan.Group, try int) request {
	q := request{
		Schema: schema, Bucket: r.Plan.Bucket, Run: r.ID, Group: g.Name, Key: g.Key, Try: try,
		Crossing: []action{}, Versions: r.Versions, Outputs: []string{}, Params: r.Params,
	}
	if r.Plan.MLflow != "" {
		q.MLflow = &tracking{Mode: r.Plan.MLflow, Groups: len(r.Plan.Groups)}
	}
	if only, ok := r.Only[g.Name]; ok {
		q.Only = &only
	}
	if r.Plan.Sandbox != "" {
		q.Schema = schemaAll
	}
	if tooLong(r, g) {
		q.Schema, q.Args = schemaAll, words(r, g)[bareWords:]
	}
	if r.Code != nil {
		q.Schema, q.Code = schemaCode, &code{"s3://" + r.Plan.Bucket + "/" + r.Code.Key, r.Code.SHA256}
	}
	for _, name := range merge(g.Outputs) {
		if _, ok := known[name]; ok {
			q.Outputs = append(q.Outputs, name)
		}
	}
	for _, name := range merge(g.Inputs, g.Outputs) {
		if d := known[name]; d.Action != plan.Keep {
			q.Crossing = append(q.Crossing, newAction(d, r.ID))
		}
	}
	return q
}

// datasetsByName are those of a plan.
func datasetsByName(p plan.Plan) map[string]plan.Dataset {
	known := make(map[string]plan.Dataset, len(p.Datasets))
	for _, d := range p.Datasets {
		known[d.Name] = d
	}
	return known
}

func newAction(d plan.Dataset, id string) action {
	a := action{Name: d.Name, Action: d.Action, Under: d.Under}
	if d.Action == plan.Persist {
		a.Path = strings.ReplaceAll(d.Path, plan.RunID, id)
	}
	return a
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
