package project

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestImports(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "pyproject.toml", "[project]\nname='demo'\n")
	write(t, dir, "src/demo/a.py", "import os, numpy as np # , nothing\nfrom IPython.display import display\nfrom . import b\nfrom demo.b import c\n"+
		"def f():\n    import kedro_viz.api;\n    return importlib.import_module(\"yaml.nodes\")\nimportant = 1\n# import commented\n")
	write(t, dir, "src/demo/text.md", "import unread\n")
	got, err := Imports(Project{Dir: dir, SourceDir: dir + "/src", Package: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"IPython", "kedro_viz", "numpy", "os", "yaml"}, got); diff != "" {
		t.Error(diff)
	}
}
