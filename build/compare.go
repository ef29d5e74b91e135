package build

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// SmokeError says how the project inside an image differs from the one outside.
type SmokeError struct {
	Differences []string
	Problems    []project.Problem // of introspection inside the image alone
	Package     string            // the project's
}

func (e *SmokeError) Error() string {
	text := "the project inside the image is not the one outside: " + strings.Join(e.Differences, "; ")
	for _, p := range e.Problems {
		text += "\n" + p.String()
	}
	return text
}

var missingModule = regexp.MustCompile(`No module named '([^'.]+)`)

// Hint names the module or the library that the image lacks.
func (e *SmokeError) Hint() string {
	for _, p := range e.Problems {
		if hint := libraryHint(p.Message + "\n" + p.Traceback); hint != "" {
			return hint
		}
	}
	for _, p := range e.Problems {
		if m := missingModule.FindStringSubmatch(p.Message + p.Traceback); m != nil {
			if m[1] == e.Package {
				return "the project itself is not installed in the image: let the Dockerfile install the wheel that its context has in dist/"
			}
			return fmt.Sprintf("add the distribution that has the module %s to the project's dependencies", m[1])
		}
	}
	return "compare what is installed here with the dependencies that the project declares"
}

func compare(want, got project.Snapshot) error {
	e := &SmokeError{Package: want.Package, Differences: slices.Concat(pipelineDifferences(want, got), datasetDifferences(want, got))}
	known := map[string]bool{}
	for _, p := range slices.Concat(want.Errors, want.Warnings) {
		known[p.Stage+p.Type] = true
	}
	for _, p := range got.Errors {
		if !known[p.Stage+p.Type] {
			e.Problems = append(e.Problems, p)
			e.Differences = append(e.Differences, p.Stage+" fails")
		}
	}
	if len(e.Differences) == 0 {
		return nil
	}
	for _, p := range got.Warnings { // Kedro only warns of a pipeline that cannot be imported
		if !known[p.Stage+p.Type] {
			e.Problems = append(e.Problems, p)
		}
	}
	return e
}

func pipelineDifferences(want, got project.Snapshot) []string {
	var diff []string
	for _, name := range slices.Sorted(maps.Keys(want.Pipelines)) {
		found, ok := got.Pipelines[name]
		if !ok {
			diff = append(diff, fmt.Sprintf("pipeline %s is missing", name))
			continue
		}
		diff = append(diff, nodeDifferences(name, want.Pipelines[name], found)...)
	}
	for _, name := range slices.Sorted(maps.Keys(got.Pipelines)) {
		if _, ok := want.Pipelines[name]; !ok {
			diff = append(diff, fmt.Sprintf("pipeline %s is new", name))
		}
	}
	return diff
}

func nodeDifferences(pipeline string, want, got project.Pipeline) []string {
	var diff []string
	nodes := map[string]project.Node{}
	for _, n := range got.Nodes {
		nodes[n.Name] = n
	}
	for _, n := range want.Nodes {
		found, ok := nodes[n.Name]
		delete(nodes, n.Name)
		switch {
		case !ok:
			diff = append(diff, fmt.Sprintf("node %s of pipeline %s is missing", n.Name, pipeline))
		case !slices.Equal(n.Inputs, found.Inputs) || !slices.Equal(n.Outputs, found.Outputs):
			diff = append(diff, fmt.Sprintf("node %s of pipeline %s has other inputs or outputs", n.Name, pipeline))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		diff = append(diff, fmt.Sprintf("node %s of pipeline %s is new", name, pipeline))
	}
	return diff
}

func datasetDifferences(want, got project.Snapshot) []string {
	var diff []string
	for _, name := range slices.Sorted(maps.Keys(want.Datasets)) {
		outside, inside := want.Datasets[name].Type, got.Datasets[name].Type
		if _, ok := got.Datasets[name]; ok && outside != inside {
			diff = append(diff, fmt.Sprintf("dataset %s is %s, not %s", name, inside, outside))
		}
	}
	return diff
}
