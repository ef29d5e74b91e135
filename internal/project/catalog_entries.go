package project

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// bucketRoot is the bucket as catalog entries write it.
const bucketRoot = "s3://${globals:s3_bucket}/"

// memoryDir is the directory of the bucket for what the project itself keeps in memory.
const memoryDir = "memory/"

// entries builds the catalog entries that an environment lacks.
type entries struct {
	base    rawCatalog
	env     rawCatalog   // without the file that is to be written
	ours    rawCatalog   // the file that is to be written, as an earlier init left it
	globals []*yaml.Node // of the environment, then of base
	only    []string     // datasets, without the part behind @; none: all
	out     map[string]*yaml.Node
	notes   []string // what a person has to look at
}

// build makes an entry for each dataset that some pipeline uses and that is local or in memory, and for what those entries refer to.
func (e *entries) build(s Snapshot) {
	for _, name := range usedDatasets(s) {
		base, _, _ := strings.Cut(name, "@")
		if len(e.only) > 0 && !slices.Contains(e.only, base) {
			continue
		}
		dataset := s.Datasets[name]
		key := name
		if dataset.Pattern != "" {
			key = dataset.Pattern
		}
		_, there := e.env.entries[key]
		_, written := e.ours.entries[key]
		if there || (!written && !inMemory(dataset) && !isLocal(dataset.Path)) {
			continue
		}
		if e.out[key] == nil {
			e.add(key, dataset)
		}
	}
	e.addReferences()
}

// usedDatasets are the names, with the part behind @, that nodes load and save.
func usedDatasets(s Snapshot) []string {
	used := map[string]bool{}
	for _, pipeline := range s.Pipelines {
		for _, node := range pipeline.Nodes {
			for _, name := range slices.Concat(node.Inputs, node.Outputs) {
				if name != "parameters" && !strings.HasPrefix(name, "params:") {
					used[name] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(used))
}

func inMemory(d Dataset) bool {
	return d.Path == "" && isMemoryType(d.Type)
}

func isMemoryType(class string) bool {
	return class == "MemoryDataset" || strings.HasSuffix(class, ".MemoryDataset")
}

func isLocal(path string) bool {
	return path != "" && (!strings.Contains(path, "://") || strings.HasPrefix(path, "file://"))
}

func (e *entries) add(key string, d Dataset) {
	raw := e.base.entries[key]
	class, _ := lookup(raw, "type")
	switch {
	case raw != nil && raw.Kind != yaml.MappingNode:
		e.notes = append(e.notes, fmt.Sprintf("%s is left out: its definition is not a mapping", key))
	case raw != nil && !inMemory(d) && !isMemoryType(class):
		e.out[key] = plain(raw, 0)
		if bad := e.move(e.out[key]); bad != "" {
			delete(e.out, key)
			e.notes = append(e.notes, fmt.Sprintf("%s is left out: its path %s is outside the project", key, bad))
		}
	case raw == nil && !inMemory(d) && e.ours.entries[key] == nil:
		e.notes = append(e.notes, fmt.Sprintf("%s is left out: no catalog file of the base environment has it", key))
	default:
		file, _, _ := strings.Cut(strings.ReplaceAll(key, "/", "_"), "@") // both sides of @ are one file
		e.out[key] = mapping("type", "pickle.PickleDataset", "filepath", bucketRoot+memoryDir+file+".pkl")
	}
}

func mapping(pairs ...string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, text := range pairs {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text})
	}
	return n
}

// isPathKey says whether Kedro takes the values of a key for paths.
func isPathKey(key string) bool {
	return slices.Contains([]string{"filepath", "path", "filename"}, key)
}

// move rewrites, in nested definitions too, the keys that Kedro takes for paths. It returns a path that has no place in the bucket.
func (e *entries) move(n *yaml.Node) (bad string) {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		switch {
		case value.Kind == yaml.MappingNode:
			if bad := e.move(value); bad != "" {
				return bad
			}
		case value.Kind == yaml.ScalarNode && isPathKey(key):
			path := e.expand(value.Value, 0)
			if !isLocal(path) {
				continue
			}
			moved := S3Key(path)
			if moved == "" {
				return value.Value
			}
			value.Value, value.Tag, value.Style = bucketRoot+moved, "!!str", 0
		}
	}
	return ""
}

// expand replaces a ${…} at the very start of a path by its value where that is written in the catalog or the globals: such a root ("data",
// usually) decides where the path is in the bucket. What stands further behind stays as written.
func (e *entries) expand(path string, depth int) string {
	end := closing(path)
	if end < 0 || depth > maxDepth {
		return path
	}
	value, ok := e.value(path[2:end])
	if !ok {
		return path
	}
	return e.expand(value, depth+1) + path[end+1:]
}

// closing is the offset of the brace that ends the ${…} at the start of text, -1 where there is none.
func closing(text string) int {
	if !strings.HasPrefix(text, "${") {
		return -1
	}
	depth := 0
	for i, r := range text {
		switch r {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (e *entries) value(reference string) (string, bool) {
	name, isGlobal := strings.CutPrefix(reference, "globals:")
	if !isGlobal {
		first, rest, nested := strings.Cut(reference, ".")
		entry := e.base.entries[first]
		if nested {
			return lookup(entry, rest)
		}
		if entry == nil || entry.Kind != yaml.ScalarNode {
			return "", false
		}
		return entry.Value, true
	}
	name, fallback, hasFallback := strings.Cut(name, ",")
	for _, globals := range e.globals {
		if value, ok := lookup(globals, strings.TrimSpace(name)); ok {
			return value, true
		}
	}
	return strings.TrimSpace(fallback), hasFallback
}

// localReference finds ${name} and ${name.more}: what OmegaConf looks up in the same environment's catalog.
var localReference = regexp.MustCompile(`\$\{([^:{}.]+)[^:{}]*\}`)

// addReferences copies what the entries refer to, as written: ${_csv} of another environment's catalog cannot be seen.
func (e *entries) addReferences() {
	queue := slices.Collect(maps.Values(e.out))
	for len(queue) > 0 {
		n := queue[0]
		queue = append(queue[1:], n.Content...)
		for _, match := range localReference.FindAllStringSubmatch(n.Value, -1) {
			name := match[1]
			if raw := e.base.entries[name]; raw != nil && e.out[name] == nil && e.env.entries[name] == nil {
				e.out[name] = plain(raw, 0)
				queue = append(queue, e.out[name])
			}
		}
	}
}

// text writes the entries as YAML, in the order of the base catalog, then by name.
func (e *entries) text() (string, error) {
	var b strings.Builder
	order := append(slices.Clone(e.base.keys), slices.Sorted(maps.Keys(e.out))...)
	seen := map[string]bool{}
	for _, key := range order {
		value := e.out[key]
		if value == nil || seen[key] {
			continue
		}
		seen[key] = true
		entry := mapping(key)
		entry.Content = append(entry.Content, value)
		text, err := yaml.Dump(entry, yaml.WithIndent(2), yaml.WithLineWidth(-1), yaml.WithUnicode(true))
		if err != nil {
			return "", fmt.Errorf("write entry %s: %w", key, err)
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.Write(text)
	}
	return b.String(), nil
}

// newEntries reads what entries are built from.
func newEntries(conf, baseEnv, env, file string) (*entries, error) {
	e := &entries{out: map[string]*yaml.Node{}, ours: rawCatalog{entries: map[string]*yaml.Node{}}}
	var err error
	if e.base, err = readCatalog(filepath.Join(conf, baseEnv), ""); err != nil {
		return nil, err
	}
	if e.env, err = readCatalog(filepath.Join(conf, env), file); err != nil {
		return nil, err
	}
	for _, name := range []string{env, baseEnv} {
		globals := filepath.Join(conf, name, "globals.yml")
		if !exists(globals) {
			continue
		}
		root, err := readYAML(globals)
		if err != nil {
			return nil, err
		}
		e.globals = append(e.globals, root)
	}
	return e, nil
}
