package project

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// importing finds what a line of Python imports: the names behind import, the one behind from, or the argument of import_module.
var importing = regexp.MustCompile(`(?m)^\s*import[ \t]+([^\n#]+)|^\s*from[ \t]+([\w.]+)[ \t]+import\b|\bimport_module\(\s*["']([\w.]+)`)

// Imports are the names of the top-level modules that any file in the source directory imports, sorted. A line in a text that looks like an import counts
// as one: it is about what must not be missing.
func Imports(p Project) ([]string, error) {
	files, err := SourceFiles(p)
	if err != nil {
		return nil, fmt.Errorf("read source directory: %w", err)
	}
	found := map[string]bool{}
	for _, file := range files {
		if filepath.Ext(file) != ".py" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(p.Dir, filepath.FromSlash(file)))
		if err != nil {
			return nil, fmt.Errorf("read source directory: %w", err)
		}
		for _, m := range importing.FindAllSubmatch(text, -1) {
			for name := range bytes.SplitSeq(slices.Concat(m[1], m[2], m[3]), []byte(",")) { // import a.b as c, d
				words := strings.Fields(string(name))
				if len(words) > 0 {
					top, _, _ := strings.Cut(strings.TrimRight(words[0], ";"), ".")
					found[top] = top != "" && top != p.Package
				}
			}
		}
	}
	var names []string
	for name, counts := range found {
		if counts {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

const distributionsScript = `
import importlib.metadata, json, sys

found = importlib.metadata.packages_distributions()
print("` + describeWord + `" + json.dumps(sorted({name for module in sys.argv[1:] for name in found.get(module, [])})))
`

// Distributions names what the interpreter has installed that any of the modules belongs to, which may have another name. A Python before 3.10 does not
// know: then the list is empty.
func (py Python) Distributions(ctx context.Context, modules []string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	args := append(py.Command[1:len(py.Command):len(py.Command)], "-c", distributionsScript)
	command := exec.CommandContext(ctx, py.Command[0], append(args, modules...)...)
	command.Env = quietEnv(os.Environ())
	command.WaitDelay = time.Second
	out, err := command.Output()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var names []string
	_, answer, found := strings.Cut(string(out), describeWord)
	if err != nil || !found || json.Unmarshal([]byte(answer), &names) != nil {
		return nil, nil
	}
	return names, nil
}
