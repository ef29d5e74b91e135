package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/plan"
)

// checkPlan finds what the plan alone shows and nothing fails by.
func (c *checker) checkPlan() {
	c.checkHooks()
	c.checkUnnamed()
	c.checkVersions()
	c.checkParents()
}

// Hooks that are called once per run of Kedro, which is once per job, and those that may change what a plan is made from.
var (
	perJob  = []string{"after_context_created", "after_catalog_created", "before_pipeline_run", "after_pipeline_run", "on_pipeline_error"}
	unseen  = []string{"after_context_created", "after_catalog_created"}
	unnamed = regexp.MustCompile(`__[0-9a-f]{8}$`)
)

func (c *checker) checkHooks() {
	for _, hook := range c.snapshot.Hooks {
		if hook.TracksWithMLflow() {
			c.find(plan.Note, plan.CodeHooks, hook.Name, "", mlflowTells[c.project.Settings.MLflow], "")
			continue
		}
		if hook.Plugin {
			c.find(plan.Note, plan.CodeHooks, hook.Name, "", "this installed plug-in has hooks: where the image has it too, they run once in each job", "")
			continue
		}
		calls := slices.DeleteFunc(slices.Clone(hook.Calls), func(call string) bool { return !slices.Contains(perJob, call) })
		if len(calls) == 0 {
			continue
		}
		reason := strings.Join(calls, ", ") + " run once in each job, not once in a run"
		if slices.ContainsFunc(calls, func(call string) bool { return slices.Contains(unseen, call) }) {
			reason += "; what they change in configuration or catalog no plan can see"
		}
		c.find(plan.Note, plan.CodeHooks, hook.Name, "", reason, "")
	}
}

// checkUnnamed notes nodes that Kedro names after their function and a hash of what they take and give.
func (c *checker) checkUnnamed() {
	var names []string
	for _, g := range c.plan.Groups {
		for _, n := range g.Nodes {
			if unnamed.MatchString(n) {
				names = append(names, n)
			}
		}
	}
	if len(names) > 0 {
		c.find(plan.Note, plan.CodeNodeUnnamed, several(names), "",
			"Kedro makes a name for a node without one, and it changes with the function, its inputs and outputs: --nodes has to follow", "give node() a name")
	}
}

// checkVersions notes versioned free inputs: which version a run reads is decided when it starts.
func (c *checker) checkVersions() {
	var names []string
	for _, d := range c.plan.Datasets {
		if d.Versioned && d.Role == plan.Input {
			names = append(names, d.Name)
		}
	}
	if len(names) > 0 {
		c.find(plan.Note, plan.CodeVersionLatest, several(names), "",
			"each run reads the version that is the newest when it starts, which another run or somebody else may have written", "--load-versions "+names[0]+":VERSION names one")
	}
}

// maxNamed is how many names a finding has.
const maxNamed = 5

// several writes some names, and how many more there are.
func several(names []string) string {
	text := strings.Join(names[:min(maxNamed, len(names))], ", ")
	if more := len(names) - maxNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// maxParents is how many jobs a Batch job can depend on.
const maxParents = 20

func (c *checker) checkParents() {
	for _, g := range c.plan.Groups {
		if n := len(g.DependsOn); n > maxParents {
			c.find(plan.Note, plan.CodeManyParents, g.Name, "",
				fmt.Sprintf("it waits for %d jobs, and Batch takes %d: it is submitted when fewer are unfinished, and until then 'kedroctl run' has to stay", n, maxParents), "")
		}
	}
}
