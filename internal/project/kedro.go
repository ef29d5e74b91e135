package project

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mandatoryKeys and optionalKeys are all that Kedro allows in [tool.kedro]; it raises on any other key.
var (
	mandatoryKeys = []string{"package_name", "project_name", "kedro_init_version"}
	optionalKeys  = []string{"source_dir", "tools", "example_pipeline"}
)

// kedroSection checks [tool.kedro] by Kedro's own rules (kedro.framework.startup).
func kedroSection(root string, section map[string]any) (Project, error) {
	if section == nil {
		return Project{}, notKedro(root)
	}
	if err := checkKeys(section); err != nil {
		return Project{}, err
	}
	text := map[string]string{"source_dir": "src"}
	for _, key := range append(slices.Clone(mandatoryKeys), "source_dir") {
		value, given := section[key]
		if !given {
			continue
		}
		s, ok := value.(string)
		if !ok || (s == "" && key != "source_dir") {
			return Project{}, kedroError(key, "must be a string that is not empty", "")
		}
		text[key] = s
	}
	source, err := sourceDir(root, text["source_dir"])
	return Project{
		Dir:       root,
		Package:   text["package_name"],
		Name:      text["project_name"],
		KedroInit: text["kedro_init_version"],
		SourceDir: source,
	}, err
}

func kedroError(key, reason, next string) error {
	return &SettingsError{Source: Pyproject, Key: "tool.kedro." + key, Reason: reason, Next: next}
}

func checkKeys(section map[string]any) error {
	for _, key := range mandatoryKeys {
		if _, ok := section[key]; !ok {
			return kedroError(key, "is missing", fmt.Sprintf("Kedro needs %s in [tool.kedro]", strings.Join(mandatoryKeys, ", ")))
		}
	}
	known := append(slices.Clone(mandatoryKeys), optionalKeys...)
	for _, key := range slices.Sorted(maps.Keys(section)) {
		if !slices.Contains(known, key) {
			next := "Kedro allows only its own keys there; settings of kedroctl go into [tool.kedroctl]"
			if near := Nearest(key, known); len(near) > 0 {
				next = fmt.Sprintf("did you mean %q?", near[0])
			}
			return kedroError(key, "unexpected key", next)
		}
	}
	return nil
}

func sourceDir(root, dir string) (string, error) {
	source := filepath.Join(root, dir)
	if filepath.IsAbs(dir) {
		source = filepath.Clean(dir)
	}
	if rel, err := filepath.Rel(root, source); err != nil || !filepath.IsLocal(rel) {
		return "", kedroError("source_dir", fmt.Sprintf("%q is not inside the project", dir), "")
	}
	if info, err := os.Stat(source); err != nil || !info.IsDir() {
		return "", kedroError("source_dir", fmt.Sprintf("no directory %q in the project", dir), "set source_dir to the directory that holds the package")
	}
	return source, nil
}
