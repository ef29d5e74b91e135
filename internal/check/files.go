package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/kedroctl/kedroctl/internal/plan"
)

// checkFiles looks into single files that mean something else in a job than here.
func (c *checker) checkFiles() error {
	if err := c.checkRegistry(); err != nil {
		return err
	}
	if err := c.checkWheel(); err != nil {
		return err
	}
	return c.checkLogging()
}

// checkRegistry notes pipelines that Kedro's own command cannot run by name: asked for one, it imports the module of that name and nothing else, so that
// one which the registry puts together is not there. Jobs load the whole registry.
func (c *checker) checkRegistry() error {
	dir := filepath.Join(c.project.SourceDir, c.project.Package)
	text, err := os.ReadFile(filepath.Join(dir, "pipeline_registry.py"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read registry: %w", err)
	}
	if !strings.Contains(string(text), "find_pipelines") || !atLeast(c.snapshot.KedroVersion, 1, 5) {
		return nil
	}
	var composed []string
	for name := range c.snapshot.Pipelines {
		module := filepath.Join(dir, "pipelines", name)
		if name != "__default__" && !exists(module) && !exists(module+".py") {
			composed = append(composed, name)
		}
	}
	slices.Sort(composed)
	if len(composed) > 0 {
		c.find(plan.Note, plan.CodePipelineComposed, several(composed), c.shown(filepath.Join(dir, "pipeline_registry.py")),
			"the registry puts them together, so 'kedro run --pipelines' does not find them; jobs do", "")
	}
	return nil
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func (c *checker) shown(file string) string {
	rel, err := filepath.Rel(c.project.Dir, file)
	if err != nil {
		return file
	}
	return filepath.ToSlash(rel)
}

// atLeast compares a version by its first two numbers.
func atLeast(version string, major, minor int) bool {
	parts := append(strings.SplitN(version, ".", 3), "", "")
	x, _ := strconv.Atoi(parts[0])
	y, _ := strconv.Atoi(parts[1])
	return x > major || x == major && y >= minor
}

// checkLogging reads the configuration of logging as far as jobs, or Kedro's own commands, would fail by it.
func (c *checker) checkLogging() error {
	shown := path.Join(c.snapshot.ConfSource, "logging.yml")
	text, err := os.ReadFile(filepath.Join(c.project.Dir, filepath.FromSlash(shown)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read logging: %w", err)
	}
	var document yaml.Node
	if yaml.Unmarshal(text, &document) != nil {
		return nil
	}
	inJobs := c.project.Settings.Image.Logging == "project"
	pairs(&document, func(key, value *yaml.Node) {
		at := fmt.Sprintf("%s:%d", shown, key.Line)
		switch {
		case key.Value == "()" && atLeast(c.snapshot.KedroVersion, 1, 3):
			c.loggingFactory(at, inJobs)
		case key.Value == "filename" && inJobs && value.Kind == yaml.ScalarNode:
			c.loggingFile(at, value.Value)
		}
	})
	return nil
}

func (c *checker) loggingFactory(at string, inJobs bool) {
	level, jobs := plan.Warning, "; jobs have kedroctl's own"
	if inJobs {
		level, jobs = plan.Error, `, and with image.logging = "project" so does every job`
	}
	c.find(level, plan.CodeLoggingFactory, "logging", at, "from Kedro 1.3 every command refuses a logging configuration with the key ()"+jobs,
		"name a class instead of a factory")
}

// loggingFile is about a handler that writes a file: the job's working directory is its own and holds the configuration alone.
func (c *checker) loggingFile(at, file string) {
	if path.IsAbs(file) || path.Dir(path.Clean(file)) != "." {
		c.find(plan.Error, plan.CodeLoggingFile, file, at, "jobs log by this configuration, and the directory of that file is not in the image",
			`log to the console, or set image.logging = "plain"`)
		return
	}
	c.find(plan.Note, plan.CodeLoggingFile, file, at, "jobs write it in their container, where it ends with the job; what goes to the console is kept", "")
}

// pairs calls do with each key and value of each mapping.
func pairs(n *yaml.Node, do func(key, value *yaml.Node)) {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			do(child, n.Content[i+1])
		}
		pairs(child, do)
	}
}
