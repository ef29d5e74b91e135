package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kedroctl/kedroctl/"

// importRules keep data flowing one way: what nobody but the packages of only may import, and what the packages of never may not. Paths stand for
// the packages below them too; those of this module are relative to it. Tests may import more.
var importRules = []struct{ imported, only, never []string }{
	{imported: []string{"github.com/urfave/cli"}, only: []string{"cmd"}},
	{imported: []string{"github.com/moby/moby/client"}, only: []string{"build", "internal/engine", "internal/local/containers"}},
	{imported: []string{module + "internal/engine"}, only: []string{"build", "cmd", "internal/local/containers"}},
	{imported: []string{"github.com/moby/buildkit"}, only: []string{"build"}},
	{imported: []string{"github.com/aws"}, never: []string{"internal/check", "internal/plan", "internal/project", "internal/ui", "templates"}},
	{imported: []string{module + "build"}, never: []string{"provision", "run", "internal", "templates"}},
	{imported: []string{module + "provision"}, never: []string{"build", "run", "internal", "templates"}},
	{imported: []string{module + "run"}, never: []string{"build", "provision", "internal", "templates"}},
	{imported: []string{module + "internal/plan"}, only: []string{"cmd", "provision", "run", "internal/check", "internal/plan"}},
	{imported: []string{module + "cmd"}, only: []string{"cmd/kedroctl"}},
	{imported: []string{module + "internal/local"}, only: []string{"cmd", "internal/local"}},
}

// TestImports holds the packages to the rules of docs/architecture.md, which .golangci.yml repeats for editors.
func TestImports(t *testing.T) {
	packages := listPackages(t)
	for _, p := range packages {
		for _, i := range p.Imports {
			for _, r := range importRules {
				if under(i, r.imported) && (len(r.only) > 0 && !under(p.name(), r.only) || under(p.name(), r.never)) {
					t.Errorf("%s imports %s: only %q may, never %q", p.name(), i, r.only, r.never)
				}
			}
		}
	}
	for _, r := range importRules { // a rule about packages that are not there protects nothing
		for _, name := range slices.Concat(r.only, r.never) {
			if !slices.ContainsFunc(packages, func(p listedPackage) bool { return under(p.name(), []string{name}) }) {
				t.Errorf("a rule names the package %s, which does not exist", name)
			}
		}
	}
}

// listedPackage is a package as go list describes it.
type listedPackage struct {
	ImportPath string
	Imports    []string
}

func (p listedPackage) name() string { return strings.TrimPrefix(p.ImportPath, module) }

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	c.Dir = ".."
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []listedPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// under says whether a package is one of those listed, or below one.
func under(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return path == root || strings.HasPrefix(path, root+"/") })
}
