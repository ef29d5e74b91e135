package build

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

var (
	secretKey     = regexp.MustCompile(`(?i)secret|token|passw(or)?d|passphrase|\bpwd\b|(^|_|-)key(_|-|$)|[a-z]Key(Id)?$|^con$|conn(ection)?_?str`)
	userinfo      = regexp.MustCompile(`://[^/\s@]*:([^/\s@]+)@`)
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
		return userinfo.MatchString(literal)
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
