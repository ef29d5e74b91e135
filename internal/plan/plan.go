package plan

import "github.com/kedroctl/kedroctl/internal/project"

// Schema is the version of the plan's JSON form.
const Schema = 1

// Selection is what Kedro's own run flags select, lists already split as Kedro splits them. The zero value selects __default__.
type Selection struct {
	Pipelines  []string `json:"pipelines,omitempty"`
	Tags       []string `json:"tags,omitempty"`
	Nodes      []string `json:"nodes,omitempty"`
	Namespaces []string `json:"namespaces,omitempty"`
	FromNodes  []string `json:"from_nodes,omitempty"`
	ToNodes    []string `json:"to_nodes,omitempty"`
	FromInputs []string `json:"from_inputs,omitempty"`
	ToOutputs  []string `json:"to_outputs,omitempty"`
}

// Plan says which jobs a run has, in which order, and where its data lies. It holds names, paths and actions, never
// definitions of datasets or values of parameters: no secret can reach the bucket through it.
type Plan struct {
	Schema    int       `json:"schema"`
	Project   string    `json:"project"` // the project's name in AWS: project_name made fit for resource names
	Package   string    `json:"package"`
	Env       string    `json:"env"`
	Bucket    string    `json:"bucket"`
	Selection Selection `json:"selection"`
	Sandbox   string    `json:"sandbox,omitempty"` // name of the sandbox that holds all that the run writes
	MLflow    string    `json:"mlflow,omitempty"`  // the setting, of a project that uses kedro-mlflow
	Fargate   bool      `json:"fargate,omitempty"` // jobs run there, with the sizes that it has
	GroupedBy string    `json:"grouped_by"`        // the rules taken: namespace, pipeline, tag, memory, node, one; groups: by hand
	Reason    string    `json:"reason"`            // why that rule
	Groups    []Group   `json:"groups"`            // in topological order
	Datasets  []Dataset `json:"datasets"`          // free inputs, what crosses groups, what leaves the pipeline, what else the catalog stores; by name
	Grants    Grants    `json:"grants"`
	Findings  []Finding `json:"findings,omitempty"`
}

// Group is the nodes that one Batch job runs.
type Group struct {
	Name      string            `json:"name"`
	Key       string            `json:"key"` // Name made fit for S3 keys and job names, at most 67 characters, unique in the plan
	Nodes     []string          `json:"nodes"`
	DependsOn []string          `json:"depends_on,omitempty"` // names of groups, transitively reduced
	Command   []string          `json:"command"`              // of the job's container
	Resources project.Resources `json:"resources"`
	Settings  JobSettings       `json:"settings,omitzero"`
	Inputs    []string          `json:"inputs,omitempty"`  // datasets that the group loads and does not make; parameters left out
	Outputs   []string          `json:"outputs,omitempty"` // datasets that the group saves and that outlive its container: those of Datasets
}

// Roles of a dataset in a plan.
const (
	Input    = "input"    // free input: no node of the plan makes it
	Crossing = "crossing" // made in one group, loaded in another
	Leaving  = "leaving"  // made and loaded by no node of the plan
	Internal = "internal" // made and loaded in one group, and stored by the catalog
)

// Actions that kedroctl's container entry applies to a dataset.
const (
	Keep    = ""        // the catalog says where it is
	Persist = "persist" // in memory: kept under runs/ or outputs/ in the bucket
	Move    = "move"    // local path, or any for a sandbox: the same definition, its path moved into the bucket; upload sends the files of a free input
	Stage   = "stage"   // local path of a class that may want files on disk: fetched before the job, sent to the bucket after each save
)

// Dataset is where the data of one name lies during the run.
type Dataset struct {
	Name      string `json:"name"` // without the part behind @
	Role      string `json:"role"`
	Action    string `json:"action,omitempty"`
	Type      string `json:"type"`
	Path      string `json:"path,omitempty"`  // s3://…; of a persisted dataset with RunID in place of the run id
	Local     string `json:"local,omitempty"` // the catalog's path, cleaned, where it is inside the project; relative to it
	Under     string `json:"under,omitempty"` // prefix of Path's key where a sandbox has it, with a slash behind it
	Versioned bool   `json:"versioned,omitempty"`
	Nested    bool   `json:"nested,omitempty"`
	Open      bool   `json:"open,omitempty"` // its path has a parameter that only a run gives
}

// RunID stands in paths of a plan for the id of the run.
const RunID = "{run}"

// crossingError is the value of the setting crossing for those who want no actions.
const crossingError = "error"

// Grants are the S3 prefixes (bucket/prefix) outside the own bucket that jobs read and write.
type Grants struct {
	Read  []string `json:"read,omitempty"`
	Write []string `json:"write,omitempty"`
}

// Levels of a finding.
const (
	Error   = "error"
	Warning = "warning"
	Note    = "note"
)

// Finding is one thing that would fail, or might surprise, in the jobs.
type Finding struct {
	Code   string `json:"code"` // stable: group-cycle, input-missing, …
	Level  string `json:"level"`
	Thing  string `json:"thing"`
	Place  string `json:"place,omitempty"` // file or file:line where it is written, relative to the project
	Reason string `json:"reason"`
	Fix    string `json:"fix,omitempty"`
}

// Errors are the findings that stand in the way of running the plan.
func (p Plan) Errors() []Finding {
	var errors []Finding
	for _, f := range p.Findings {
		if f.Level == Error {
			errors = append(errors, f)
		}
	}
	return errors
}
