package project

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// addExtras adds to the dependencies what [project.optional-dependencies] has under the names in image.extras. Entries that name the project itself, such as
// "flights[reports]", stand for those of its other extras, as installers take them.
func addExtras(p *Project, m manifest) error {
	known := map[string][]string{}
	for name, requirements := range m.Project.Optional {
		known[DistributionName(name)] = requirements // extras are compared as distributions are (PEP 685)
	}
	requirements := slices.Clone(p.Dependencies)
	seen := map[string]bool{}
	var add func(extras []string) error
	add = func(extras []string) error {
		for _, extra := range extras {
			name := DistributionName(extra)
			lines, ok := known[name]
			if !ok {
				return unknownExtra(p.Settings, extra, slices.Sorted(maps.Keys(m.Project.Optional)))
			}
			if seen[name] {
				continue
			}
			seen[name] = true
			for _, line := range lines {
				if m.Project.Name == "" || DistributionName(line) != DistributionName(m.Project.Name) {
					requirements = append(requirements, line)
				} else if err := add(extrasOf(line)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err := add(p.Settings.Image.Extras)
	p.Dependencies = requirements
	return err
}

func unknownExtra(s Settings, extra string, known []string) error {
	set := s.Origins["image.extras"]
	reason := fmt.Sprintf("[project.optional-dependencies] has no %s", extra)
	next := "name extras of " + Pyproject + ": it has none"
	if len(known) > 0 {
		next = "name one of " + strings.Join(known, ", ")
	}
	return settingError(firstOf(set.Source, Pyproject), set.Prefix+"image.extras", reason, next)
}

// extrasOf are the extras of a requirement: "s3fs[boto3, other]>=2" has boto3 and other.
func extrasOf(requirement string) []string {
	_, extras, _ := strings.Cut(requirement, "[")
	extras, _, _ = strings.Cut(extras, "]")
	return strings.FieldsFunc(extras, func(r rune) bool { return r == ',' || r == ' ' })
}
