package project

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// compiledBy finds the command that a lock file of pip-compile or uv was made with: both write it into the header.
var compiledBy = regexp.MustCompile(`(?m)^#\s+((?:uv pip compile|pip-compile) .*)$`)

// toolTable finds the table of a tool that installs projects.
var toolTable = regexp.MustCompile(`(?m)^\[tool\.(uv|poetry|pdm)\b`)

// InstallCommand installs the dependencies that the project declares, by the tool that it uses, judged by the lock file. What was declared since the lock
// was made is locked first.
func (p Project) InstallCommand() string {
	switch {
	case above(p.Dir, "uv.lock") != "":
		return "uv sync"
	case exists(filepath.Join(p.Dir, "poetry.lock")):
		return "poetry lock && poetry install"
	case exists(filepath.Join(p.Dir, "pdm.lock")):
		return "pdm install"
	case exists(filepath.Join(p.Dir, "requirements.lock")):
		return installLocked(filepath.Join(p.Dir, "requirements.lock"))
	case p.DependencyFile != Pyproject:
		return "pip install -r " + filepath.ToSlash(p.DependencyFile)
	}
	text, _ := os.ReadFile(filepath.Join(p.Dir, Pyproject)) // it was read before
	if match := toolTable.FindSubmatch(text); match != nil {
		return map[string]string{"uv": "uv sync", "poetry": "poetry install", "pdm": "pdm install"}[string(match[1])]
	}
	return "pip install -e ."
}

func installLocked(file string) string {
	install := "pip install -r " + filepath.Base(file)
	text, _ := os.ReadFile(file)
	if command := CompileCommand(string(text)); command != "" {
		return fmt.Sprintf("%s && %s", command, install)
	}
	return install
}

// CompileCommand is the command that a lock file notes that it was made with, "" where it notes none.
func CompileCommand(lock string) string {
	if match := compiledBy.FindStringSubmatch(lock); match != nil {
		return strings.TrimSpace(match[1])
	}
	return ""
}

// installHint is the next step where no interpreter has Kedro.
func (p Project) installHint() string {
	install := p.InstallCommand()
	if install == "pip install -e ." {
		return "install the project ('pip install -e .') into a virtual environment and activate it, or name an interpreter that has Kedro with --python"
	}
	return fmt.Sprintf("run '%s' in the project, or name an interpreter that has Kedro with --python", install)
}
