package build

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/kedroctl/kedroctl/internal/project"
)

var (
	secretKey     = regexp.MustCompile(`(?i)secret|token|passw(or)?d|passphrase|\bpwd\b|(^|_|-)key(_|-|$)|[a-z]Key(Id)?$|^con$|conn(ection)?_?str`)
	secretName    = regexp.MustCompile(`(?i)(^|[_-])(passw(or)?d|passphrase|secret|(api|secret|access|account|private)_?key(_?id)?|(auth|access|api|bearer|refresh)_?token)$`)
	urlSecret     = regexp.MustCompile(`://[^/\s@]*:([^/\s@]+)@|https?://[^/\s@:]+@|[?&](sig|pwd|password|secret|api_?key|(access_?)?token)=[^&\s]`)
	interpolation = regexp.MustCompile(`\$\{([^{}]*)\}`)
	accessKeyID   = regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b`)
	privateKey    = []byte("PRIVATE KEY-----")
)

// secretIn says what is secret in a file of the configuration, "" where nothing is found. Files with credentials in their names are read key by key;
// all others are searched for what has no other meaning.
func secretIn(name string, content []byte) string {
	switch {
	case accessKeyID.Match(content):
		return "it holds an AWS access key id"
	case bytes.Contains(content, privateKey):
		return "it holds a private key"
	case !strings.Contains(strings.ToLower(name), "credentials"):
		return ""
	}
	if !slices.Contains([]string{".yml", ".yaml", ".json"}, strings.ToLower(path.Ext(name))) {
		return "a credentials file that is not YAML or JSON"
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		return "a credentials file that cannot be read as YAML"
	}
	if key := literalSecret(&doc, nil); key != "" {
		return fmt.Sprintf("%s is a literal; write it as ${oc.env:NAME}", key)
	}
	return ""
}

// Exposure is something in the image that looks like a secret.
type Exposure struct {
	Path   string `json:"path"` // relative to the project, or in the wheel
	Reason string `json:"reason"`
}

// Exposed lists what looks like a secret in the configuration files that an image gets although they are not called credentials: jobs need them. With a
// Dockerfile of the project's own it lists also what that one may copy, and itself.
func Exposed(p project.Project, s project.Snapshot) ([]Exposure, error) {
	files, _, err := configFiles(p, s)
	if err != nil {
		return nil, err
	}
	var all []Exposure
	for _, f := range files {
		content, err := os.ReadFile(f.path)
		if err != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
		if reason := exposedIn(f.name, content); reason != "" && secretIn(f.name, content) == "" {
			all = append(all, Exposure{confPath(s, f.name), reason})
		}
	}
	if p.Settings.Image.Dockerfile == "" {
		return all, nil
	}
	context, err := newOwnContext(p, s)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, e := range all {
		known[e.Path] = true
	}
	more, err := context.exposed(p.Settings.Image.Dockerfile)
	for _, e := range more {
		if !known[e.Path] {
			all = append(all, e)
		}
	}
	return all, err
}

// exposedIn says what looks like a secret in a file that is copied, "" where nothing does. Addresses with passwords are found in comments too.
func exposedIn(name string, content []byte) string {
	number := 0
	for line := range strings.Lines(string(content)) {
		if number++; urlSecret.MatchString(withoutReferences(line)) {
			return fmt.Sprintf("line %d has an address with a password or token", number)
		}
	}
	var doc yaml.Node
	if !slices.Contains([]string{".yml", ".yaml", ".json"}, strings.ToLower(path.Ext(name))) || yaml.Unmarshal(content, &doc) != nil {
		return ""
	}
	return namedSecret(&doc, nil)
}

// namedSecret finds the first literal text under a key that names a secret, whatever else the file is about.
func namedSecret(n *yaml.Node, trail []string) string {
	if n.Kind == yaml.ScalarNode {
		if last := len(trail) - 1; last >= 0 && n.Tag == "!!str" && secretName.MatchString(trail[last]) && strings.TrimSpace(withoutReferences(n.Value)) != "" {
			return strings.Join(trail, ".") + " is a literal"
		}
		return ""
	}
	for i, item := range n.Content {
		inner := trail
		if n.Kind == yaml.MappingNode {
			if i%2 == 0 {
				continue
			}
			inner = append(slices.Clone(trail), n.Content[i-1].Value)
		}
		if found := namedSecret(item, inner); found != "" {
			return found
		}
	}
	return ""
}

// Exposed lists the files of a wheel that look as if they held secrets.
func (w Wheel) Exposed() ([]Exposure, error) {
	archive, err := zip.OpenReader(w.Path)
	if err != nil {
		return nil, fmt.Errorf("read wheel: %w", err)
	}
	defer archive.Close()
	var all []Exposure
	for _, f := range archive.File {
		content, err := fs.ReadFile(archive, f.Name)
		if err != nil {
			if f.FileInfo().IsDir() {
				continue
			}
			return nil, fmt.Errorf("read wheel: %w", err)
		}
		if reason := packagedSecret(f.Name, content); reason != "" {
			all = append(all, Exposure{f.Name, reason})
		}
	}
	return all, nil
}

func packagedSecret(name string, content []byte) string {
	base := path.Base(name)
	switch {
	case base == ".env" || strings.HasPrefix(base, ".env."):
		return "it is a file of environment variables"
	case strings.HasSuffix(base, ".py"): // a module may be called credentials
		base = ""
	}
	return secretIn(base, content)
}

// literalSecret finds the first literal under a key that looks secret; trail holds the keys above. Names of entries (the first level) are the
// user's and mean nothing.
func literalSecret(n *yaml.Node, trail []string) string {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if found := literalSecret(n.Content[i+1], append(slices.Clone(trail), n.Content[i].Value)); found != "" {
				return found
			}
		}
	case yaml.ScalarNode:
		if isSecret(n, trail) {
			return strings.Join(trail, ".")
		}
	case yaml.AliasNode:
		return literalSecret(n.Alias, trail)
	default: // documents and sequences
		for _, item := range n.Content {
			if found := literalSecret(item, trail); found != "" {
				return found
			}
		}
	}
	return ""
}

func isSecret(n *yaml.Node, trail []string) bool {
	if n.Tag == "!!null" || n.Tag == "!!bool" || n.Value == "" {
		return false
	}
	literal := withoutReferences(n.Value)
	if strings.Contains(literal, "://") { // a URL is as secret as its password
		return urlSecret.MatchString(literal)
	}
	named := trail
	if len(trail) > 1 {
		named = trail[1:]
	}
	return strings.Trim(literal, ` "'`) != "" && slices.ContainsFunc(named, secretKey.MatchString)
}

// withoutReferences removes OmegaConf's references. The default of one, as in ${oc.env:NAME,hunter2}, is a literal and stays.
func withoutReferences(value string) string {
	for interpolation.MatchString(value) {
		value = interpolation.ReplaceAllStringFunc(value, func(ref string) string {
			_, fallback, _ := strings.Cut(strings.Trim(ref, "${}"), ",")
			if fallback = strings.TrimSpace(fallback); fallback == "null" {
				return ""
			}
			return fallback
		})
	}
	return value
}
