package project

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// rawCatalog is what the catalog files of one environment say before OmegaConf resolves anything: ${…} and patterns stand as written. Values hold
// neither comments nor aliases.
type rawCatalog struct {
	keys    []string // in the order of the files
	entries map[string]*yaml.Node
}

// readCatalog reads the files below dir that Kedro takes for the catalog. One file can be left out.
func readCatalog(dir string, patterns []string, except string) (rawCatalog, error) {
	c := rawCatalog{entries: map[string]*yaml.Node{}}
	files, err := catalogFiles(dir, patterns)
	if err != nil {
		return c, fmt.Errorf("read catalog: %w", err)
	}
	for _, file := range files {
		if file == except {
			continue
		}
		if err := c.read(file); err != nil {
			return c, fmt.Errorf("read catalog: %w", err)
		}
	}
	return c, nil
}

// catalogPatterns are Kedro's own.
var catalogPatterns = []string{"catalog*", "catalog*/**", "**/catalog*"}

// matches says whether a path matches one of Kedro's patterns, in which ** stands for any number of directories.
func matches(patterns []string, rel string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		text := strings.NewReplacer(`\*\*/`, `(.*/)?`, `\*\*`, `.*`, `\*`, `[^/]*`, `\?`, `[^/]`).Replace(regexp.QuoteMeta(pattern))
		whole, err := regexp.Compile("^" + text + "$")
		return err == nil && whole.MatchString(rel)
	})
}

func catalogFiles(dir string, patterns []string) ([]string, error) {
	names, err := ConfFiles(dir)
	var files []string
	for _, name := range names {
		if isYAML(name) && matches(patterns, name) {
			files = append(files, filepath.Join(dir, filepath.FromSlash(name)))
		}
	}
	return files, err
}

// isYAML goes by the extensions that Kedro loads; JSON is YAML.
func isYAML(file string) bool {
	return slices.Contains([]string{".yml", ".yaml", ".json"}, filepath.Ext(file))
}

func (c *rawCatalog) read(file string) error {
	root, err := readYAML(file)
	if err != nil || root == nil {
		return err
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key := root.Content[i].Value
		if _, again := c.entries[key]; !again {
			c.keys = append(c.keys, key)
		}
		c.entries[key] = root.Content[i+1]
	}
	return nil
}

// readYAML reads a file whose top is a mapping; nil: the file is empty.
func readYAML(file string) (*yaml.Node, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	root, err := parseYAML(text)
	if err != nil {
		return nil, &SettingsError{Source: file, Reason: err.Error(), Next: "mend the YAML of that file"}
	}
	return root, nil
}

func parseYAML(text []byte) (*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(document.Content) == 0 || document.Content[0].Kind != yaml.MappingNode {
		return nil, nil
	}
	return plain(document.Content[0], 0), nil
}

// maxDepth bounds the copy of a file whose aliases lead in a circle.
const maxDepth = 100

// plain copies a value without comments and anchors, aliases and merge keys (<<) replaced by what they stand for. Quotes and block styles stay.
func plain(n *yaml.Node, depth int) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	c := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.Tag, Value: n.Value}
	if depth > maxDepth {
		return c
	}
	if n.Kind != yaml.MappingNode {
		for _, child := range n.Content {
			c.Content = append(c.Content, plain(child, depth+1))
		}
		return c
	}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := plain(n.Content[i+1], depth+1)
		if n.Content[i].Value == "<<" && n.Content[i].Tag == "!!merge" {
			merged = append(merged, mergeSources(value)...)
			continue
		}
		c.Content = append(c.Content, plain(n.Content[i], depth+1), value)
	}
	for _, source := range merged {
		for i := 0; i+1 < len(source.Content); i += 2 {
			if field(c, source.Content[i].Value) == nil {
				c.Content = append(c.Content, source.Content[i], source.Content[i+1])
			}
		}
	}
	return c
}

// mergeSources are the mappings of a merge key, the one that wins first.
func mergeSources(value *yaml.Node) []*yaml.Node {
	if value.Kind == yaml.SequenceNode {
		return value.Content
	}
	return []*yaml.Node{value}
}

// field is the value of a key of a mapping, nil where there is none.
func field(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// lookup follows a key with dots and returns the scalar there.
func lookup(n *yaml.Node, key string) (string, bool) {
	for part := range strings.SplitSeq(key, ".") {
		n = field(n, part)
	}
	if n == nil || n.Kind != yaml.ScalarNode {
		return "", false
	}
	return n.Value, true
}
