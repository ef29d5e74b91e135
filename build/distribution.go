package build

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/kedroctl/kedroctl/internal/project"
)

// aboutFile of a code archive says what an installation would write into the project's metadata.
const aboutFile = "about.json"

type about struct {
	Schema       int     `json:"schema"`
	Distribution string  `json:"distribution"` // as the project calls it; "" where only the build backend knows
	EntryPoints  *string `json:"entry_points"` // the text of entry_points.txt; nil where only the build backend knows it
}

// describeDistribution reads pyproject.toml as build backends do: [project], or Poetry's table where that is absent.
// https://packaging.python.org/en/latest/specifications/pyproject-toml/#entry-points
func describeDistribution(p project.Project) ([]byte, error) {
	type points map[string]map[string]string
	var doc struct {
		Project *struct {
			Name        string            `toml:"name"`
			Dynamic     []string          `toml:"dynamic"`
			EntryPoints points            `toml:"entry-points"`
			Scripts     map[string]string `toml:"scripts"`
			GUIScripts  map[string]string `toml:"gui-scripts"`
		} `toml:"project"`
		Tool struct {
			Poetry *struct {
				Name    string         `toml:"name"`
				Plugins points         `toml:"plugins"`
				Scripts map[string]any `toml:"scripts"`
			} `toml:"poetry"`
		} `toml:"tool"`
	}
	if _, err := toml.DecodeFile(filepath.Join(p.Dir, project.Pyproject), &doc); err != nil {
		return nil, fmt.Errorf("read the project's entry points: %w", err)
	}
	a, groups, known := about{Schema: 1}, points{}, true
	switch d, poetry := doc.Project, doc.Tool.Poetry; {
	case d != nil:
		a.Distribution = d.Name
		maps.Copy(groups, d.EntryPoints)
		groups["console_scripts"], groups["gui_scripts"] = d.Scripts, d.GUIScripts
		known = !slices.ContainsFunc(d.Dynamic, func(key string) bool { return slices.Contains([]string{"entry-points", "scripts", "gui-scripts"}, key) })
	case poetry != nil:
		a.Distribution = poetry.Name
		maps.Copy(groups, poetry.Plugins)
		groups["console_scripts"] = map[string]string{}
		for name, script := range poetry.Scripts {
			if text, ok := script.(string); ok {
				groups["console_scripts"][name] = text
			}
		}
	default:
		known = false
	}
	if known {
		text := entryPoints(groups)
		a.EntryPoints = &text
	}
	return json.Marshal(a)
}

// entryPoints writes them as in entry_points.txt.
func entryPoints(groups map[string]map[string]string) string {
	var b strings.Builder
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		if len(groups[group]) == 0 {
			continue
		}
		fmt.Fprintf(&b, "[%s]\n", group)
		for _, name := range slices.Sorted(maps.Keys(groups[group])) {
			fmt.Fprintf(&b, "%s = %s\n", name, groups[group][name])
		}
		b.WriteString("\n")
	}
	return b.String()
}
