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
func (c *checker) checkPackage() {
	c.checkPython()
	c.checkDependencies()
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

// forPeople are distributions that people work with and jobs do not need; they make an image larger by a gigabyte or more.
var forPeople = []string{"kedro-viz", "jupyter", "jupyterlab", "notebook", "ipython"}

func (c *checker) checkDependencies() {
	if !c.project.HasS3fs() {
		c.find(plan.Warning, plan.CodeS3fsMissing, "s3fs", c.project.DependencyFile,
			"it is not among the project's dependencies. Images get it by themselves, a lock or 'kedro run' with this environment does not", "'kedroctl check --fix' or 'kedroctl init' adds it")
	}
	var heavy []string
	for _, requirement := range c.project.Dependencies {
		name := project.DistributionName(requirement)
		if slices.Contains(forPeople, name) && !slices.Contains(c.project.Settings.Image.Exclude, name) && !slices.Contains(heavy, name) {
			heavy = append(heavy, name)
		}
	}
	if len(heavy) > 0 {
		c.find(plan.Note, plan.CodeImageHeavy, strings.Join(heavy, ", "), c.project.DependencyFile, "jobs do not need what people work with, and each image carries it",
			fmt.Sprintf(`[tool.kedroctl.image] exclude = ["%s"] leaves it out`, strings.Join(heavy, `", "`)))
	}
}
