//go:build real

package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestRealProjectShapes takes projects of other shapes than the example's as far as a wheel: no engine is needed.
func TestRealProjectShapes(t *testing.T) {
	python := part(t, "KEDROCTL_TEST_PYTHON")
	for _, name := range []string{"flat", "requirements", "locked", "namespaces", "custom"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), name)
			copyTree(t, filepath.Join("..", "..", "testdata", "projects", name), dir)
			for _, command := range []string{"init", "plan", "package"} {
				out, err := exec.Command("kedroctl", "-C", dir, "--python", python, command).CombinedOutput()
				if err != nil {
					t.Fatalf("kedroctl %s: %v\n%s", command, err, out)
				}
			}
		})
	}
}
