package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// readDependencies fills in what the project declares, from the first of: [project] dependencies, the requirements files that a dynamic
// declaration names, Poetry's table, a requirements.txt that Kedro's template of its time wrote.
func readDependencies(p *Project, m manifest) error {
	p.RequiresPython = m.Project.RequiresPython
	if python, ok := m.Tool.Poetry.Dependencies["python"].(string); ok && p.RequiresPython == "" {
		p.RequiresPython = python
	}
	p.DependencyFile = Pyproject
	switch {
	case len(m.Project.Dependencies) > 0:
		p.Dependencies = m.Project.Dependencies
		return nil
	case len(m.Tool.Poetry.Dependencies) > 0:
		p.Dependencies = poetryRequirements(m.Tool.Poetry.Dependencies)
		return nil
	}
	return readRequirementsFiles(p, requirementsFiles(m))
}

// requirementsFiles are the files of [tool.setuptools.dynamic], else those that Kedro's templates have had.
func requirementsFiles(m manifest) []string {
	var files []string
	switch file := m.Tool.Setuptools.Dynamic.Dependencies.File.(type) {
	case string:
		files = []string{file}
	case []any:
		for _, name := range file {
			if name, ok := name.(string); ok {
				files = append(files, name)
			}
		}
	}
	if files == nil {
		files = []string{"requirements.txt", filepath.Join("src", "requirements.txt")}
	}
	return files
}

func readRequirementsFiles(p *Project, files []string) error {
	for _, file := range files {
		requirements, err := readRequirements(filepath.Join(p.Dir, file), map[string]bool{})
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read dependencies: %w", err)
		}
		if p.DependencyFile == Pyproject {
			p.DependencyFile = file
		}
		p.Dependencies = append(p.Dependencies, requirements...)
	}
	return nil
}

// readRequirements reads a requirements file as pip does, without its options and hashes. Files may include each other, also in a circle: each
// counts once.
func readRequirements(file string, seen map[string]bool) ([]string, error) {
	if seen[file] {
		return nil, nil
	}
	seen[file] = true
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var requirements []string
	for line := range strings.Lines(strings.ReplaceAll(strings.ReplaceAll(string(text), "\r\n", "\n"), "\\\n", " ")) {
		line = requirementOf(line)
		included, isInclude := includeOf(line)
		switch {
		case isInclude:
			more, err := readRequirements(filepath.Join(filepath.Dir(file), included), seen)
			if err != nil {
				return nil, err
			}
			requirements = append(requirements, more...)
		case line != "" && !strings.HasPrefix(line, "-"):
			requirements = append(requirements, line)
		}
	}
	return requirements, nil
}

// requirementOf is a line of a requirements file without comment and hashes.
func requirementOf(line string) string {
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return ""
	}
	line, _, _ = strings.Cut(line, " #")
	line, _, _ = strings.Cut(line, " --hash")
	return strings.TrimSpace(line)
}

func includeOf(line string) (string, bool) {
	for _, option := range []string{"-r", "--requirement"} {
		if file, ok := strings.CutPrefix(line, option); ok {
			return strings.TrimLeft(file, " =\t"), true
		}
	}
	return "", false
}

// HasS3fs says whether s3fs is among the project's dependencies, or comes with an extra that is.
func (p Project) HasS3fs() bool { return slices.ContainsFunc(p.Dependencies, bringsS3fs) }

// DistributionName is the normalised name of a requirement's distribution: "S3FS[boto3]>=2024.6; …" gives "s3fs" (PEP 503).
func DistributionName(requirement string) string {
	requirement = strings.TrimSpace(requirement)
	if end := strings.IndexAny(requirement, " \t[<>=!~;@("); end >= 0 {
		requirement = requirement[:end]
	}
	parts := strings.FieldsFunc(strings.ToLower(requirement), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return strings.Join(parts, "-")
}
