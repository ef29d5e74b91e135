package check

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

// checkPackage compares what the project declares with the image that it is to have.
func (c *checker) checkPackage() error {
	c.checkPython()
	return c.checkDependencies()
}

// officialPython is a tag of the official Python image, at any registry: python:3.12-slim, registry.example/python:3.12.4.
var officialPython = regexp.MustCompile(`(?:^|/)python:3\.(\d+)(?:\.\d+)?(?:[-@]|$)`)

func (c *checker) checkPython() {
	image := c.project.Settings.Image.Base
	tag := officialPython.FindStringSubmatch(image)
	if tag == nil {
		return
	}
	minor, _ := strconv.Atoi(tag[1]) // digits
	switch here := strings.Split(c.snapshot.PythonVersion, "."); {
	case !c.project.AllowsPython(minor):
		c.find(plan.Error, plan.CodePythonMismatch, image, project.Pyproject,
			fmt.Sprintf("the project requires Python %s, and this base image has 3.%d: the project cannot be installed there", c.project.RequiresPython, minor),
			"remove image.base from [tool.kedroctl.image], or name an image that fits")
	case len(here) > 1 && here[1] != tag[1]:
		c.find(plan.Note, plan.CodePythonDiffers, image, "",
			fmt.Sprintf("jobs have Python 3.%d, and the project is worked on with %s", minor, c.snapshot.PythonVersion), "")
	}
}

func (c *checker) checkDependencies() error {
	if !c.project.HasS3fs() {
		c.find(plan.Warning, plan.CodeS3fsMissing, "s3fs", c.project.DependencyFile,
			"it is not among the project's dependencies. Images get it by themselves, a lock or 'kedro run' with this environment does not", "'kedroctl check --fix' or 'kedroctl init' adds it")
	}
	return c.checkTools()
}

// checkTools tells of development tools that the image has although they are left out elsewhere, as the sources import them.
func (c *checker) checkTools() error {
	image := c.project.Settings.Image
	if image.Use != "" || image.Dockerfile != "" { // what is in it is not kedroctl's doing
		return nil
	}
	imported, err := project.ImportedTools(c.project)
	if err != nil {
		return err
	}
	var chosen, heavy []string
	for _, name := range slices.Concat(image.Exclude, image.Keep) {
		chosen = append(chosen, project.DistributionName(name))
	}
	for _, requirement := range c.project.Dependencies {
		name := project.DistributionName(requirement)
		if slices.Contains(imported, name) && !slices.Contains(slices.Concat(chosen, heavy), name) {
			heavy = append(heavy, name)
		}
	}
	if len(heavy) > 0 {
		list := strings.Join(heavy, `", "`)
		c.find(plan.Note, plan.CodeImageHeavy, strings.Join(heavy, ", "), c.project.DependencyFile,
			"images leave out what people work with, and this stays, as the source directory imports it",
			fmt.Sprintf(`[tool.kedroctl.image] exclude = ["%s"] where no job runs that code, else keep = ["%s"]`, list, list))
	}
	return nil
}
