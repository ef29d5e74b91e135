//go:build real

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/realtest"
)

// shape is what is to come of a project.
type shape struct {
	jobs int
	flag []string // of run
}

// shapes are the projects of testdata/projects that run.
var shapes = map[string]shape{
	"flat":         {1, nil},                                   // no src directory
	"requirements": {1, nil},                                   // requirements.txt
	"locked":       {1, nil},                                   // a lock
	"namespaces":   {2, nil},                                   // pipeline-level namespaces, with a lambda and a cli.py of its own
	"custom":       {2, nil},                                   // a dataset class of its own, a __main__ that does not import, configuration not in conf
	"poetry":       {2, []string{"--pipelines", "everything"}}, // Poetry's tables, no default pipeline, a catch-all, a secret in conf/base
	"hatch":        {2, nil},                                   // hatchling, partitions, a catalog merged softly, a package that prints, 40 MB
}

// unpacked are further projects, which differ in what they do with data: that needs no image.
var unpacked = map[string]shape{
	"pictures": {2, nil},                               // classes that want files on disk, one with versions, one of a directory; a file outside the catalog
	"chunks":   {2, nil},                               // generator nodes, closures that cross, a lock that leaves, a class whose path has a key of its own
	"stations": {2, []string{"--params", "year=2025"}}, // a parameter without default in paths, a composed pipeline, patterns and files of other names, four things in memory that cross
	"arrivals": {2, nil},                               // incremental with confirms, cached, transcoded, partitions of an own class, entries that the environment replaces
}

// TestRealProjectShapes takes projects of other shapes than the example's to outputs that equal those of a local run.
func TestRealProjectShapes(t *testing.T) {
	python, localDir := realtest.Python(t), t.TempDir()
	for name, tt := range shapes {
		t.Run(name, func(t *testing.T) {
			source := filepath.Join("..", "..", "testdata", "projects", name)
			w := newWorkshopFor(t, source, python, localDir)
			w.do("init")
			w.do(append([]string{"plan"}, tt.flag...)...)
			w.do("deploy")
			w.wantSucceeded(answer[jobs](w, append([]string{"run"}, tt.flag...)...), tt.jobs)
			report := answer[jobs](w, "verify")
			if !report.OK {
				t.Errorf("verify: %+v", report)
			}
			compared := w.compare(t, source, report, tt.flag...)
			if name == "hatch" && !strings.Contains(compared, "ballast: equal, sent in") {
				t.Error("the job did not send its 40 MB in parts")
			}
		})
	}
}
