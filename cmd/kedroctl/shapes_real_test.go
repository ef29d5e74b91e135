//go:build real

package main

import (
	"path/filepath"
	"testing"

	"github.com/kedroctl/kedroctl/internal/realtest"
)

// TestRealProjectShapes takes projects of other shapes than the example's to verified outputs: no src directory, requirements.txt, a lock, namespaces
// with a lambda and a cli.py of its own, a composed registry with a custom dataset, a __main__ that does not import and renamed configuration.
func TestRealProjectShapes(t *testing.T) {
	python, localDir := realtest.Python(t), t.TempDir()
	for name, jobsWanted := range map[string]int{"flat": 1, "requirements": 1, "locked": 1, "namespaces": 2, "custom": 2} {
		t.Run(name, func(t *testing.T) {
			w := newWorkshopFor(t, filepath.Join("..", "..", "testdata", "projects", name), python, localDir)
			w.do("init")
			w.do("plan")
			w.do("deploy")
			w.wantSucceeded(answer[jobs](w, "run"), jobsWanted)
			if r := answer[jobs](w, "verify"); !r.OK || len(r.Outputs) == 0 {
				t.Errorf("verify: %+v", r)
			}
		})
	}
}
