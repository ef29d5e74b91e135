package project

import (
	"path/filepath"
	"testing"
)

func TestInstallCommand(t *testing.T) {
	const project = "[project]\nname = 'x'\ndependencies = ['kedro']\n"
	for name, test := range map[string]struct {
		pyproject string
		files     map[string]string
		want      string
	}{
		"nothing said":    {project, nil, "pip install -e ."},
		"uv.lock":         {project, map[string]string{"uv.lock": ""}, "uv sync"},
		"table of uv":     {project + "[tool.uv]\npackage = true\n", nil, "uv sync"},
		"another table":   {project + "[tool.uvicorn]\nx = 1\n", nil, "pip install -e ."},
		"Poetry":          {"[tool.poetry.dependencies]\nkedro = '*'\n", nil, "poetry install"},
		"Poetry's lock":   {"[tool.poetry.dependencies]\nkedro = '*'\n", map[string]string{"poetry.lock": ""}, "poetry lock && poetry install"},
		"PDM":             {project, map[string]string{"pdm.lock": ""}, "pdm install"},
		"requirements":    {"", map[string]string{"src/requirements.txt": "kedro\n"}, "pip install -r src/requirements.txt"},
		"lock of no tool": {project, map[string]string{"requirements.lock": "kedro==1.7.0\n"}, "pip install -r requirements.lock"},
		"compiled lock": {
			project, map[string]string{"requirements.lock": "# made by:\n#    uv pip compile pyproject.toml -o requirements.lock\nkedro==1.7.0\n"},
			"uv pip compile pyproject.toml -o requirements.lock && pip install -r requirements.lock",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newProject(t, test.pyproject+kedroTable)
			for file, text := range test.files {
				write(t, dir, file, text)
			}
			if got := mustLoad(t, dir, LoadOptions{}).InstallCommand(); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestInstallCommandOfAWorkspace(t *testing.T) {
	dir := writeProject(t, map[string]string{"uv.lock": "", "apps/flights/pyproject.toml": "[project]\nname = 'x'\n" + kedroTable, "apps/flights/src/spaceflights/__init__.py": ""})
	if got := mustLoad(t, filepath.Join(dir, "apps", "flights"), LoadOptions{}).InstallCommand(); got != "uv sync" {
		t.Errorf("%q, want uv sync", got)
	}
}
