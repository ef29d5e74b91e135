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
	pickles bool         // the project has kedro-datasets, whose class keeps what is in memory
	out     map[string]*yaml.Node
	notes   []string // what a person has to look at
}

// build makes an entry for each dataset that some pipeline uses and that is local or in memory, and for what those entries refer to. Both sides of @
// get one, or none.
func (e *entries) build(s Snapshot) {
	left := map[string][]string{} // why: keys
	out := map[string]bool{}      // what is left out, without the part behind @
	for _, name := range e.wanted(s) {
		key := keyOf(name, s.Datasets[name])
		if why := e.unfit(key, s); why != "" {
			side, _, _ := strings.Cut(key, "@")
			out[side] = true
			if !slices.Contains(left[why], key) {
				left[why] = append(left[why], key)
			}
		}
	}
	for _, name := range e.wanted(s) {
		key := keyOf(name, s.Datasets[name])
		if side, _, _ := strings.Cut(key, "@"); !out[side] && e.out[key] == nil {
			e.add(key, s.Datasets[name])
		}
	}
	e.addReferences()
	for _, why := range slices.Sorted(maps.Keys(left)) {
		verb := "is"
		if len(left[why]) > 1 {
			verb = "are"
		}
		e.notes = append(e.notes, fmt.Sprintf("%s %s left out: %s", strings.Join(left[why], ", "), verb, why))
	}
}

// wanted are the datasets that need an entry: used, asked for, not the environment's own, and not on S3 already.
func (e *entries) wanted(s Snapshot) []string {
	return slices.DeleteFunc(usedDatasets(s), func(name string) bool {
		base, _, _ := strings.Cut(name, "@")
		d := s.Datasets[name]
		key := keyOf(name, d)
		_, there := e.env.entries[key]
		_, written := e.ours.entries[key]
		return (len(e.only) > 0 && !slices.Contains(e.only, base)) || there || (!written && !inMemory(d) && !isLocal(d.Path))
	})
}

// keyOf is the key of the catalog that a name is resolved by: a pattern stays one entry, however many datasets it stands for.
func keyOf(name string, d Dataset) string { return firstOf(d.Pattern, name) }

// unfit says why an entry on S3 would not do what the project's own does, "" where it does. kedroctl takes care of such data by itself.
func (e *entries) unfit(key string, s Snapshot) string {
	raw := e.base.entries[key]
	for name, d := range s.Datasets {
		if keyOf(name, d) != key {
			continue
		}
		switch {
		case e.toPickle(raw, d):
			if why := e.unfitMemory(raw, s); why != "" {
				return why
			}
		case raw == nil && e.ours.entries[key] == nil:
			return "no catalog file of the base environment has it"
		case LocalOnly(d.Type) || strings.HasPrefix(d.Type, s.Package+"."):
			return "of a class that may not work on S3"
		case isLocal(d.Path) && S3Key(strings.TrimPrefix(d.Path, "file://")) == "":
			return fmt.Sprintf("its path %s is outside the project", d.Path)
		}
	}
	return ""
}

// toPickle says whether a dataset is in memory, and to become a file.
func (e *entries) toPickle(raw *yaml.Node, d Dataset) bool {
	class, _ := lookup(raw, "type")
	return inMemory(d) || isMemoryType(class)
}

// unfitMemory: where environments are merged softly, what base says besides the type stays, and no other class takes it.
func (e *entries) unfitMemory(raw *yaml.Node, s Snapshot) string {
	if !e.pickles {
		return "kedro-datasets, which has a class for it, is not among the dependencies"
	}
	if raw == nil || raw.Kind != yaml.MappingNode || !slices.Contains(s.SoftMerge, "catalog") {
		return ""
	}
	for i := 0; i+1 < len(raw.Content); i += 2 {
		if key := raw.Content[i].Value; key != "type" && key != "metadata" {
			return fmt.Sprintf("the catalog is merged softly, so that its %s would stay", key)
		}
	}
	return ""
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
	if raw == nil || e.toPickle(raw, d) {
		file, _, _ := strings.Cut(strings.ReplaceAll(key, "/", "_"), "@") // both sides of @ are one file
		e.out[key] = mapping("type", "pickle.PickleDataset", "filepath", bucketRoot+memoryDir+file+".pkl")
		return
	}
	entry := e.inline(plain(raw, 0), 0)
	if entry.Kind != yaml.MappingNode {
		e.notes = append(e.notes, fmt.Sprintf("%s is left out: its definition is not a mapping", key))
		return
	}
	if bad := e.move(entry); bad != "" {
		e.notes = append(e.notes, fmt.Sprintf("%s is left out: its path %s is outside the project", key, bad))
		return
	}
	e.out[key] = entry
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
var localReference = regexp.MustCompile(`\$\{([^:{}.]+)([^:{}]*)\}`)

// inline replaces ${_csv} and ${_csv.load_args} by what base's catalog has there: another environment's catalog cannot be seen, and one of the same
// name in the environment may be another. Whatever else is in ${…} stays as written.
func (e *entries) inline(n *yaml.Node, depth int) *yaml.Node {
	if depth > maxDepth {
		return n
	}
	if n.Kind == yaml.ScalarNode {
		if match := localReference.FindString(n.Value); match != "" && match == n.Value {
			if target := e.target(match); target != nil {
				return e.inline(plain(target, 0), depth+1)
			}
		}
		n.Value = localReference.ReplaceAllStringFunc(n.Value, func(reference string) string {
			target := e.target(reference)
			if target == nil || target.Kind != yaml.ScalarNode {
				return reference
			}
			return e.inline(plain(target, 0), depth+1).Value
		})
	}
	for i := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue // keys
		}
		n.Content[i] = e.inline(n.Content[i], depth+1)
	}
	return n
}

// target is what a reference to a key with _ stands for, nil for any other.
func (e *entries) target(reference string) *yaml.Node {
	name := strings.Trim(reference, "${} ")
	if !strings.HasPrefix(name, "_") {
		return nil
	}
	first, rest, nested := strings.Cut(name, ".")
	at := e.base.entries[first]
	for part := range strings.SplitSeq(rest, ".") {
		if nested {
			at = field(at, part)
		}
	}
	return at
}

// addReferences copies what else the entries refer to, as written: other entries of base's catalog.
func (e *entries) addReferences() {
	queue := slices.Collect(maps.Values(e.out))
	for len(queue) > 0 {
		n := queue[0]
		queue = append(queue[1:], n.Content...)
		for _, match := range localReference.FindAllStringSubmatch(n.Value, -1) {
			name := match[1]
			if raw := e.base.entries[name]; raw != nil && e.out[name] == nil && e.env.entries[name] == nil {
				e.out[name] = e.inline(plain(raw, 0), 0)
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
func newEntries(p Project, conf confPlace, env, file string) (*entries, error) {
	root := filepath.Join(p.Dir, conf.source)
	e := &entries{out: map[string]*yaml.Node{}, ours: rawCatalog{entries: map[string]*yaml.Node{}}}
	var err error
	if e.base, err = readCatalog(filepath.Join(root, conf.baseEnv), conf.catalog, ""); err != nil {
		return nil, err
	}
	if e.env, err = readCatalog(filepath.Join(root, env), conf.catalog, file); err != nil {
		return nil, err
	}
	for _, name := range []string{env, conf.baseEnv} {
		globals := filepath.Join(root, name, "globals.yml")
		if !exists(globals) {
			continue
		}
		values, err := readYAML(globals)
		if err != nil {
			return nil, err
		}
		e.globals = append(e.globals, values)
	}
	return e, nil
}
