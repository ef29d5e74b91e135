package project

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCacheImportsNoCodeForAnotherConfiguration: the pipelines of the same code are known, unless the code reads the configuration.
func TestCacheImportsNoCodeForAnotherConfiguration(t *testing.T) {
	const pipelines = `{"__default__": {"nodes": [{"name": "n", "inputs": ["a"], "outputs": ["b"]}]}}`
	for name, test := range map[string]struct {
		code   string // what it reads, below the project
		change string // file
		known  bool
	}{
		"configuration":                    {"data/regions.json", "conf/base/catalog.yml", true},
		"a node":                           {"data/regions.json", "src/spaceflights/__init__.py", false},
		"a file that the code reads":       {"data/regions.json", "data/regions.json", false},
		"configuration that the code uses": {"conf/base/flags.yml", "conf/base/catalog.yml", false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCached(t, fmt.Sprintf(`{"executable": "%%python", "files": ["%%dir/project/%[1]s", "%%dir/project/conf/base/catalog.yml"], "code": ["%%dir/project/%[1]s"]}`, test.code))
			dir := filepath.Dir(c.Project.Dir)
			write(t, dir, "snapshot.json", `{"schema": 1, "conf_source": "conf", "pipelines": `+pipelines+`}`)
			write(t, dir, "second.json", `{"schema": 1, "conf_source": "conf", "pipelines": `+pipelines+`, "datasets": {"b": {"source": "catalog", "type": "x"}}}`)
			given := filepath.Join(dir, "given.json")
			fakePython(t, c.python, `cp `+dir+`/snapshot.json "$3"
cp `+dir+`/reads.json "$9"
[ "${10}" = --pipelines ] && { cp "${11}" `+given+`; cp `+dir+`/second.json "$3"; }
true`)
			inspect := func() Snapshot {
				t.Helper()
				s, why, err := c.Inspect(t.Context(), Python{Command: []string{c.python}, Version: "3.12.4"}, InspectOptions{})
				if err != nil || why != "" {
					t.Fatal(why, err)
				}
				return s
			}
			if s := inspect(); s.FixedPipelines != !strings.HasPrefix(test.code, "conf/") {
				t.Errorf("fixed pipelines: %v", s.FixedPipelines)
			}
			if _, err := os.Stat(given); err == nil {
				t.Fatal("pipelines are known before anything was")
			}
			for _, text := range []string{"first: 1\n", "second: 2\n"} { // also after an introspection that imported nothing
				write(t, c.Project.Dir, test.change, text)
				os.Remove(given)
				s := inspect()
				text, err := os.ReadFile(given)
				if (err == nil) != test.known || test.known && (!strings.Contains(string(text), `"inputs":["a"]`) || len(s.Datasets) != 1) {
					t.Errorf("given %s, %+v", text, s)
				}
			}
			if s, _, found := c.Find(t.Context(), InspectOptions{}); !found {
				t.Error("it is not kept")
			} else if s.FixedPipelines != !strings.HasPrefix(test.code, "conf/") {
				t.Errorf("fixed pipelines of the one that was kept: %v", s.FixedPipelines)
			}
		})
	}
}
