package plan

import (
	"errors"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

var problemCodes = map[string]string{
	project.ProblemEnvironment: CodeEnvironmentMissing, project.ProblemGlobals: CodeGlobalsMissing, project.ProblemRuntime: CodeRuntimeMissing,
	project.ProblemKedro: CodeKedroMismatch, project.ProblemImport: CodeImportFailed, project.ProblemPipeline: CodePipelineLeftOut,
	project.ProblemNamespace: CodeNamespaceSplit,
}

// Problems are the findings of a project that cannot be planned: what a *[project.ProjectError] tells. Of any other error there are none.
func Problems(err error) []Finding {
	e, ok := errors.AsType[*project.ProjectError](err)
	if !ok {
		return nil
	}
	var findings []Finding
	for _, p := range e.Problems {
		findings = append(findings, problem(Error, p, e.Env))
	}
	return findings
}

// problem is what introspection met as a finding.
func problem(level string, p project.Problem, env string) Finding {
	kind, fix := p.Judge(env)
	code, known := problemCodes[kind]
	if !known {
		code = CodeProjectRaises
		if level != Error {
			code = CodeProjectWarns
		}
	}
	if code == CodePipelineLeftOut && level == Error { // find_pipelines(raise_errors=True)
		code, fix = CodeImportFailed, "mend that module"
	}
	reason := strings.Join(strings.Fields(p.Type+": "+p.Message), " ") // Kedro's messages have many lines
	return Finding{Code: code, Level: level, Thing: p.Stage, Place: p.Place(), Reason: reason, Fix: fix}
}

// checkSnapshot passes on what introspection met; what it says of single datasets only where the plan uses them.
func (d *data) checkSnapshot() {
	used := d.datasetNames()
	for _, p := range d.snapshot.Errors {
		if name, ofDataset := strings.CutPrefix(p.Stage, "dataset "); !ofDataset || slices.Contains(used, name) {
			d.findings = append(d.findings, problem(Error, p, d.snapshot.Env))
		}
	}
	for _, p := range d.snapshot.Warnings {
		d.findings = append(d.findings, problem(Warning, p, d.snapshot.Env))
	}
}
