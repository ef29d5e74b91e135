package project

import (
	"slices"
	"strings"
)

// tools are distributions that people work with and jobs do not run, and the beginnings of the names of more. Images leave them out.
var (
	tools = []string{
		"kedro-viz", "jupyter", "jupyterlab", "notebook", "ipylab", "ipython", "ipykernel", "nbstripout", "ruff", "black", "flake8", "isort", "mypy", "pyright", "pylint",
		"pyflakes", "bandit", "pre-commit", "pytest", "coverage", "tox", "nox", "import-linter", "ipdb", "detect-secrets",
	}
	toolFamilies = []string{"pytest-", "flake8-", "jupyterlab-", "jupyter-", "types-", "sphinx-"}
)

// IsTool says whether a distribution, by its normalised name, is a development tool.
func IsTool(name string) bool {
	return slices.Contains(tools, name) || slices.ContainsFunc(toolFamilies, func(family string) bool { return strings.HasPrefix(name, family) })
}

// ImportedTools are the development tools that the sources import and that the image therefore keeps, by their normalised names.
func ImportedTools(p Project) (names []string, err error) {
	modules, err := Imports(p)
	for _, module := range modules {
		if name := DistributionName(module); IsTool(name) {
			names = append(names, name)
		}
	}
	return names, err
}
