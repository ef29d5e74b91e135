package check

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

// unset is a reference to a variable without a default: OmegaConf raises where it is not set, and that ends the job.
var unset = regexp.MustCompile(`\$\{\s*oc\.env\s*:\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}`)

// provided are the beginnings of names that Batch, the image or the base image sets.
var provided = []string{"AWS_", "KEDROCTL_", "HOME", "PATH", "PYTHON", "LANG", "HOSTNAME", "DO_NOT_TRACK", "COLUMNS", "KEDRO_LOGGING_CONFIG"}

// checkTexts looks at the copied files line by line, as they are written.
func (c *checker) checkTexts() error {
	for _, l := range []layer{c.env, c.base} {
		for _, file := range l.files {
			if slices.Contains(c.absent, file) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(c.project.Dir, filepath.FromSlash(file)))
			if err != nil {
				return fmt.Errorf("read configuration: %w", err)
			}
			number := 0
			for line := range strings.Lines(string(text)) {
				if number++; !strings.HasPrefix(strings.TrimSpace(line), "#") {
					c.checkLine(line, fmt.Sprintf("%s:%d", file, number))
				}
			}
		}
	}
	return nil
}

func (c *checker) checkLine(line, place string) {
	c.checkVariables(line, place)
	c.checkClass(line, place)
	for i, f := range c.findings {
		if f.Place == "" && refersTo(line, f) {
			c.findings[i].Place = place
		}
	}
}

// absentName is what Kedro calls a global or a runtime parameter that is not there.
var absentName = regexp.MustCompile(`(?:Globals key|Runtime parameter) '([^']+)' not found`)

// refersTo says whether a line has the reference that a finding is about.
func refersTo(line string, f plan.Finding) bool {
	resolver := "globals"
	switch f.Code {
	case plan.CodeGlobalsMissing:
	case plan.CodeRuntimeMissing:
		resolver = "runtime_params"
	default:
		return false
	}
	name := absentName.FindStringSubmatch(f.Reason)
	if name == nil {
		return false
	}
	found, err := regexp.MatchString(`\$\{\s*`+resolver+`\s*:\s*`+regexp.QuoteMeta(name[1])+`\s*\}`, line)
	return found && err == nil
}

// checkVariables finds variables that copied configuration refers to and jobs do not have. Kedro resolves a file as a whole, so that one entry which
// nobody uses is enough.
func (c *checker) checkVariables(line, place string) {
	for _, m := range unset.FindAllStringSubmatch(line, -1) {
		lacking := c.groupsWithout(m[1])
		if len(lacking) == 0 {
			continue
		}
		who := "no job has"
		if len(lacking) < len(c.plan.Groups) {
			who = "the jobs " + several(lacking) + " do not have"
		}
		c.find(plan.Error, plan.CodeVariableMissing, m[1], place, "the configuration refers to this variable, which "+who+": they end when Kedro reads the file",
			"name it in [tool.kedroctl.job] secrets or environment, or write a default: ${oc.env:"+m[1]+",…}")
	}
}

// checkClass finds classes that kedro-datasets calls otherwise now: an image without a lock gets the newest version.
func (c *checker) checkClass(line, place string) {
	if old, now := project.RenamedClass(line); old != "" {
		c.find(plan.Warning, plan.CodeClassRenamed, old, place, "kedro-datasets 9 has no such class any more, and calls it "+now, "'kedroctl check --fix' writes the new name")
	}
}

// groupsWithout are the groups whose jobs do not get a variable.
func (c *checker) groupsWithout(name string) []string {
	if slices.ContainsFunc(provided, func(beginning string) bool { return strings.HasPrefix(name, beginning) }) {
		return nil
	}
	var lacking []string
	for _, g := range c.plan.Groups {
		if !slices.Contains(g.Settings.Environment, name) && !slices.Contains(g.Settings.Secrets, name) {
			lacking = append(lacking, g.Name)
		}
	}
	return lacking
}
