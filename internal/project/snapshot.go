package project

import (
	"slices"
	"strings"
)

// Snapshot is what introspection says of a project in one environment. It holds structure only: names, types, paths;
// never a credential or the value of a parameter.
type Snapshot struct {
	Schema            int                 `json:"schema"`
	KedroVersion      string              `json:"kedro_version"`
	PythonVersion     string              `json:"python_version"`
	Package           string              `json:"package"`
	Env               string              `json:"env"`
	ConfSource        string              `json:"conf_source"`          // settings.CONF_SOURCE, relative to the project: "conf"
	BaseEnv           string              `json:"base_env"`             // "base"
	LocalEnv          string              `json:"local_env,omitempty"`  // the environment of people's own settings, which no image has: "local"
	SoftMerge         []string            `json:"soft_merge,omitempty"` // kinds of configuration that environments merge deeply: "catalog"
	Hooks             []Hook              `json:"hooks,omitempty"`
	Pipelines         map[string]Pipeline `json:"pipelines"`
	Datasets          map[string]Dataset  `json:"datasets"`
	MissingParameters []string            `json:"missing_parameters,omitempty"` // params:… that nodes take and no file gives
	DroppedParameters []string            `json:"dropped_parameters,omitempty"` // nested ones, dotted, that Kedro drops where --params names another of the same top-level entry
	OpenParams        []string            `json:"open_params,omitempty"`        // runtime parameters without a default that only a run gives, dotted
	Errors            []Problem           `json:"errors,omitempty"`
	Warnings          []Problem           `json:"warnings,omitempty"`

	FixedPipelines bool `json:"-"` // the code registers these pipelines whatever the configuration says, as was seen here
}

// Hook is a class of the project's hooks, or an installed plug-in that has hooks.
type Hook struct {
	Name   string   `json:"name"`             // of the class with its module, or of the distribution
	Plugin bool     `json:"plugin,omitempty"` // installed, and not imported by introspection
	Calls  []string `json:"calls,omitempty"`  // what a class implements: before_pipeline_run, …
}

// UsesMLflow says whether kedro-mlflow is installed where the project is introspected, and the project has not disabled its hooks.
func (s Snapshot) UsesMLflow() bool { return slices.ContainsFunc(s.Hooks, Hook.TracksWithMLflow) }

// TracksWithMLflow says whether a hook is that of kedro-mlflow, which calls itself kedro_mlflow in some releases.
func (h Hook) TracksWithMLflow() bool { return h.Plugin && DistributionName(h.Name) == "kedro-mlflow" }

// Pipeline is one registered pipeline.
type Pipeline struct {
	Nodes []Node `json:"nodes"` // in Kedro's topological order
}

// Node is one node of a pipeline. Its dependencies follow from inputs and outputs, the part behind @ left out.
type Node struct {
	Name      string   `json:"name"` // with its namespace
	Namespace string   `json:"namespace,omitempty"`
	Tags      []string `json:"tags,omitempty"`
	Inputs    []string `json:"inputs"`
	Outputs   []string `json:"outputs"`
	Confirms  []string `json:"confirms,omitempty"`
}

// Dataset is what the catalog of the environment resolves a name to.
type Dataset struct {
	Source      string `json:"source"` // catalog, pattern, catch_all or default (in no catalog: a MemoryDataset)
	Pattern     string `json:"pattern,omitempty"`
	Type        string `json:"type"`
	Path        string `json:"path,omitempty"` // filepath or path as the catalog resolves it; a local one is relative to the project where it lies inside
	Versioned   bool   `json:"versioned,omitempty"`
	Credentials string `json:"credentials,omitempty"` // the entry's name
	Nested      bool   `json:"nested,omitempty"`      // wraps another dataset: partitioned, cached
	Runtime     bool   `json:"runtime,omitempty"`     // its definition depends on runtime parameters

	RuntimeParams []string `json:"runtime_params,omitempty"` // which ones, dotted; "*": one whose name is computed
}

// Open says whether a dataset is at a path that is known only when a run gives its parameters: each stands there in angle brackets.
func (s Snapshot) Open(d Dataset) bool {
	return slices.ContainsFunc(s.OpenParams, func(name string) bool { return strings.Contains(d.Path, "<"+name+">") })
}

// NotGiven are the parameters that a run has to give, and of which given, dotted names too, has none.
func (s Snapshot) NotGiven(given []string) []string {
	var missing []string
	for _, name := range s.OpenParams {
		if !slices.Contains(given, name) {
			missing = append(missing, name)
		}
	}
	return missing
}

// Problem is an error or warning of one stage of introspection.
type Problem struct {
	Stage     string `json:"stage"` // bootstrap, config_loader, catalog, parameters, pipelines, dataset NAME
	Type      string `json:"type"`
	Message   string `json:"message"`
	Traceback string `json:"traceback,omitempty"` // trimmed to frames of the project's own files
}

// DependsOn says whether a dataset may be another one with runtime parameters of these dotted names: those that it names, what they hold, and what holds
// them. A snapshot of before these were told counts as one that names all.
func (d Dataset) DependsOn(given []string) bool {
	if len(d.RuntimeParams) == 0 || slices.Contains(d.RuntimeParams, "*") {
		return d.Runtime && len(given) > 0
	}
	return slices.ContainsFunc(given, func(g string) bool {
		return slices.ContainsFunc(d.RuntimeParams, func(p string) bool {
			return g == p || strings.HasPrefix(g, p+".") || strings.HasPrefix(p, g+".")
		})
	})
}
