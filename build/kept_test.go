package build

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kedroctl/kedroctl/internal/project"
)

func TestFindWheel(t *testing.T) {
	python := []string{"/venv/bin/python"}
	for name, test := range map[string]struct {
		change       func() map[string]string
		found, fresh bool
	}{
		"nothing changed":          {nil, true, true},
		"configuration":            {func() map[string]string { return map[string]string{"conf/base/catalog.yml": "b: {}\n"} }, true, true},
		"a test":                   {func() map[string]string { return map[string]string{"tests/test_a.py": ""} }, true, true},
		"what was resolved":        {func() map[string]string { return map[string]string{project.OwnLock: "kedro==1.7.0\n"} }, true, true},
		"a node":                   {func() map[string]string { return map[string]string{"src/demo/nodes.py": "x = 1\n"} }, true, false},
		"a new module":             {func() map[string]string { return map[string]string{"src/demo/new.py": ""} }, true, false},
		"the readme":               {func() map[string]string { return map[string]string{"docs/front.md": "# Other\n"} }, true, false},
		"somebody else's wheel":    {func() map[string]string { return map[string]string{".kedroctl/dist/demo-0.1-py3-none-any.whl": "x"} }, false, false},
		"a note that is no JSON":   {func() map[string]string { return map[string]string{".kedroctl/dist/wheel.json": "{"} }, false, false},
		"a file that changed back": {func() map[string]string { return map[string]string{"src/demo/nodes.py": "def f(x): return x\n"} }, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := fixture(t)
			made := filepath.Join(t.TempDir(), "demo-0.1-py3-none-any.whl")
			writeZip(t, made, time.Unix(1.7e9, 0), 0, "demo/nodes.py")
			key, err := wheelKey(p, python)
			if err != nil {
				t.Fatal(err)
			}
			w, err := takeWheel(made, distDir(p))
			if err != nil {
				t.Fatal(err)
			}
			if err := keepWheel(p, python, key, w); err != nil {
				t.Fatal(err)
			}
			if test.change != nil {
				write(t, p.Dir, test.change())
			}
			got, fresh := FindWheel(p, python)
			if (got == w) != test.found || fresh != test.fresh {
				t.Errorf("%+v, fresh %v", got, fresh)
			}
			if _, fresh := FindWheel(p, []string{"/other/bin/python"}); fresh {
				t.Error("fresh for another interpreter")
			}
		})
	}
}

// TestNoWheelIsKeptOfAChangingTree: what was copied then is not known.
func TestNoWheelIsKeptOfAChangingTree(t *testing.T) {
	p, _ := fixture(t)
	made := filepath.Join(t.TempDir(), "demo-0.1-py3-none-any.whl")
	writeZip(t, made, time.Unix(1.7e9, 0), 0, "demo/nodes.py")
	w, err := takeWheel(made, distDir(p))
	if err != nil {
		t.Fatal(err)
	}
	if err := keepWheel(p, nil, "the key of before", w); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(distDir(p), keptFile)); err == nil {
		t.Error("there is a note of it")
	}
	if _, fresh := FindWheel(p, nil); fresh {
		t.Error("it counts as fresh")
	}
}
