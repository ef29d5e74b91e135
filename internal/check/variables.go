package check

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/plan"
)

// unset is a reference to a variable without a default: OmegaConf raises where it is not set, and that ends the job.
var unset = regexp.MustCompile(`\$\{\s*oc\.env\s*:\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}`)

// provided are the beginnings of names that Batch, the image or the base image sets.
var provided = []string{"AWS_", "KEDROCTL_", "HOME", "PATH", "PYTHON", "LANG", "HOSTNAME", "DO_NOT_TRACK", "COLUMNS", "KEDRO_LOGGING_CONFIG"}

// checkVariables finds variables that copied configuration refers to and jobs do not have. Kedro resolves a file as a whole, so that one entry which
// nobody uses is enough.
func (c *checker) checkVariables() error {
	for _, l := range []layer{c.env, c.base} {
		for _, file := range l.files {
			if slices.Contains(c.absent, file) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(c.project.Dir, filepath.FromSlash(file)))
			if err != nil {
				return fmt.Errorf("read configuration: %w", err)
			}
			c.variablesIn(file, string(text))
		}
	}
	return nil
}

func (c *checker) variablesIn(file, text string) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, m := range unset.FindAllStringSubmatch(line, -1) {
			lacking := c.groupsWithout(m[1])
			if len(lacking) == 0 {
				continue
			}
			who := "no job has"
			if len(lacking) < len(c.plan.Groups) {
				who = "the jobs " + several(lacking) + " do not have"
			}
			c.find(plan.Error, plan.CodeVariableMissing, m[1], fmt.Sprintf("%s:%d", file, number),
				"the configuration refers to this variable, which "+who+": they end when Kedro reads the file",
				"name it in [tool.kedroctl.job] secrets or environment, or write a default: ${oc.env:"+m[1]+",…}")
		}
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
