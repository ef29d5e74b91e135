package project

import (
	"fmt"
	"regexp"
	"strings"
)

// Kinds of problems, by what is to be done about them.
const (
	ProblemEnvironment = "environment" // the environment has no directory
	ProblemGlobals     = "globals"     // a global that the configuration names is not there
	ProblemRuntime     = "runtime"     // a runtime parameter without a default is not given
	ProblemKedro       = "kedro"       // another Kedro than the project's
	ProblemImport      = "import"      // a module cannot be imported
	ProblemPipeline    = "pipeline"    // find_pipelines leaves a pipeline out
	ProblemNamespace   = "namespace"   // nodes of a namespace with others between them
	ProblemOther       = "other"
)

// judgements tell kinds of problems by their messages, the first that fits; %s in next stands for the environment.
var judgements = []struct {
	kind    string
	message *regexp.Regexp
	next    string
}{
	{ProblemEnvironment, regexp.MustCompile(`^environment .*: there is no directory `), "make that directory, or name another environment with --env"},
	{ProblemGlobals, regexp.MustCompile(`Globals key 's3_bucket' not found`), // by a catalog that is there before the globals
		"'kedroctl init --env %s', without --catalog at first, writes the globals of that environment"},
	{ProblemGlobals, regexp.MustCompile(`Globals key '.*' not found`), "add that key to globals.yml of base or %s, or give the reference a default"},
	{ProblemRuntime, regexp.MustCompile(`Runtime parameter '.*' not found`), "give it with --params, or give the reference a default: ${runtime_params:name,default}"},
	{ProblemKedro, regexp.MustCompile(`does not match Kedro package version`),
		"install the Kedro that kedro_init_version in pyproject.toml names, or name an interpreter that has it with --python"},
	{ProblemPipeline, regexp.MustCompile(`error occurred while importing the '.*' module`), "mend that module, or the jobs will not know its pipelines either"},
	{ProblemNamespace, regexp.MustCompile(`Namespace '.*' is interrupted by nodes`), "give the nodes between the same namespace, or leave it: such a group is split"},
}

// Judge tells what kind of problem it is, and the next step where one is known.
func (p Problem) Judge(env string) (kind, next string) {
	if strings.HasPrefix(p.Message, "environment "+env+": there is no directory") {
		return ProblemEnvironment, fmt.Sprintf("'kedroctl init --env %s' writes that environment", env)
	}
	for _, j := range judgements {
		if j.message.MatchString(p.Message) {
			return j.kind, strings.ReplaceAll(j.next, "%s", env)
		}
	}
	if p.Type == "ModuleNotFoundError" || p.Type == "ImportError" {
		return ProblemImport, "install the project's dependencies into this interpreter, or name another with --python"
	}
	return ProblemOther, ""
}

// frame is a line of a traceback that names a file of the project.
var frame = regexp.MustCompile(`File "?([^",\n]+)"?, line ([0-9]+)`)

// Place is the file:line of the project's own code where it happened, "" where that is unknown. Of errors that were raised from others, the first counts.
func (p Problem) Place() string {
	place := ""
	for line := range strings.Lines(p.Traceback) {
		if m := frame.FindStringSubmatch(line); m != nil {
			place = m[1] + ":" + m[2]
		} else if place != "" && !strings.HasPrefix(line, " ") {
			break
		}
	}
	return place
}
