package check

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/kedroctl/kedroctl/internal/project"
)

// Kinds of configuration that Kedro itself loads.
const (
	catalogKind     = "catalog"
	parametersKind  = "parameters"
	credentialsKind = "credentials"
	globalsKind     = "globals"
)

// layer is what the directory of one configuration environment says, by kind. Names of parameters have dots, the mappings above them included.
type layer struct {
	entries map[string]map[string]entry
	others  map[string]string // files of no such kind, by name below the environment: their paths
	files   []string          // of such kinds, relative to the project
}

// entry is the value of a key, and where it is written.
type entry struct {
	place string // file:line, relative to the project
	file  string
	value *yaml.Node
}

// readLayer reads an environment; one without a directory says nothing. Files that are not YAML, or broken, are left to Kedro to judge.
func readLayer(root, dir string) (layer, error) {
	l := layer{entries: map[string]map[string]entry{}, others: map[string]string{}}
	for _, kind := range []string{catalogKind, parametersKind, credentialsKind, globalsKind} {
		l.entries[kind] = map[string]entry{}
	}
	top := filepath.Join(root, filepath.FromSlash(dir))
	names, err := project.ConfFiles(top)
	if err != nil {
		return l, fmt.Errorf("read configuration: %w", err)
	}
	for _, name := range names {
		if err := l.read(filepath.Join(top, filepath.FromSlash(name)), name, path.Join(dir, name)); err != nil {
			return l, fmt.Errorf("read configuration: %w", err)
		}
	}
	return l, nil
}

func (l *layer) read(file, name, shown string) error {
	kind := kindOf(name)
	if kind == "" {
		l.others[name] = shown
		return nil
	}
	l.files = append(l.files, shown)
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var document yaml.Node
	if yaml.Unmarshal(text, &document) != nil || len(document.Content) == 0 {
		return nil
	}
	l.add(kind, "", shown, document.Content[0])
	return nil
}

// kindOf goes by Kedro's default patterns: catalog*, catalog*/**, **/catalog*.
func kindOf(name string) string {
	if !slices.Contains([]string{".yml", ".yaml", ".json"}, path.Ext(name)) {
		return ""
	}
	for _, kind := range []string{catalogKind, parametersKind, credentialsKind} {
		if strings.HasPrefix(name, kind) || strings.HasPrefix(path.Base(name), kind) {
			return kind
		}
	}
	if name == "globals.yml" {
		return globalsKind
	}
	return ""
}

// add notes the keys of a mapping; of parameters and globals also those of the mappings in it.
func (l layer) add(kind, prefix, file string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if strings.HasPrefix(key.Value, "_") && prefix == "" || key.Value == "<<" {
			continue
		}
		l.entries[kind][prefix+key.Value] = entry{fmt.Sprintf("%s:%d", file, key.Line), file, value}
		if kind == parametersKind || kind == globalsKind {
			l.add(kind, prefix+key.Value+".", file, value)
		}
	}
}

// decoded is a value with its aliases and merge keys replaced; nil where it cannot be.
func (e entry) decoded() any {
	var value any
	if e.value == nil || e.value.Decode(&value) != nil {
		return nil
	}
	return value
}
