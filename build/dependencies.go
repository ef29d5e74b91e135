package build

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// bootRequires is what the entry of jobs needs besides Kedro. The bound is that of Kedro's AWS Batch guide; without one a resolver may find an s3fs of
// years ago to fit the fsspec that others want.
var bootRequires = []string{"s3fs>=2024.6.0", "cloudpickle"}

// dependencies is what the resolver gets.
type dependencies struct {
	source       string // the file that says what is installed, for messages
	requirements []string
	constraints  []string
	excludes     []string
	uvLock       string // path of a uv.lock, "" without one
}

// findDependencies looks for a lock; without one the requirements are the declared ones and those of a requirements.txt beside them, which Kedro's
// templates write and Kedro's documentation installs from.
func findDependencies(p project.Project) (dependencies, error) {
	d := dependencies{excludes: p.Settings.Image.Exclude}
	lock, err := findLock(p)
	if err != nil {
		return d, err
	}
	read := lock
	switch {
	case filepath.Base(lock) == "uv.lock":
		d.source, d.uvLock, read = lock, filepath.Join(p.Dir, lock), ""
	case lock != "":
		d.source = lock
	default:
		d.source, d.requirements = p.DependencyFile, slices.Clone(p.Dependencies)
		if p.DependencyFile == "pyproject.toml" && isRegular(filepath.Join(p.Dir, "requirements.txt")) {
			d.source, read = "pyproject.toml and requirements.txt", "requirements.txt"
		}
	}
	if read != "" {
		if err := d.read(filepath.Join(p.Dir, read), map[string]bool{}); err != nil {
			return d, fmt.Errorf("read dependencies: %w", err)
		}
	}
	if err := d.checkSecrets(); err != nil {
		return d, err
	}
	if lock != "" {
		if err := d.checkLock(); err != nil {
			return d, err
		}
	}
	d.requirements = append(d.requirements, bootRequires...)
	return d, nil
}

// checkLock sees that a lock has s3fs: the newest one beside locked versions mostly does not fit.
func (d *dependencies) checkLock() error {
	remedy := "add s3fs to what it is made from ('kedroctl init' adds it to pyproject.toml) and make it anew"
	found := slices.ContainsFunc(d.requirements, func(line string) bool { return project.DistributionName(line) == "s3fs" })
	if d.uvLock != "" {
		content, err := os.ReadFile(d.uvLock)
		if err != nil {
			return fmt.Errorf("read dependencies: %w", err)
		}
		found = strings.Contains(string(content), "\nname = \"s3fs\"")
		remedy = "run 'kedroctl init', which adds it to pyproject.toml, then 'uv lock'"
	}
	if found {
		return nil
	}
	return ui.WithHint(fmt.Errorf("%s lacks s3fs, by which jobs reach their data", d.source), remedy)
}

// findLock names the lock relative to the project, "" where there is none.
func findLock(p project.Project) (string, error) {
	if lock := p.Settings.Image.Lock; lock != "" {
		if _, err := os.Stat(filepath.Join(p.Dir, lock)); err != nil {
			return "", fmt.Errorf("read the lock that [tool.kedroctl.image] names: %w", err)
		}
		return lock, nil
	}
	for _, lock := range []string{"requirements.lock", "uv.lock"} {
		if isRegular(filepath.Join(p.Dir, lock)) {
			return lock, nil
		}
	}
	return "", nil
}

// read adds the lines of a requirements file, those that it includes in their place, without comments and without the project itself. Constraints
// are kept apart.
func (d *dependencies) read(file string, seen map[string]bool) error {
	if seen[file] {
		return nil
	}
	seen[file] = true
	lines, err := logicalLines(file)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if included, ok := option(line, "-r", "--requirement"); ok {
			if err := d.read(filepath.Join(filepath.Dir(file), included), seen); err != nil {
				return err
			}
		} else if constraints, ok := option(line, "-c", "--constraint"); ok {
			more, err := logicalLines(filepath.Join(filepath.Dir(file), constraints))
			if err != nil {
				return err
			}
			d.constraints = append(d.constraints, more...)
		} else if !isProject(line) {
			d.requirements = append(d.requirements, line)
		}
	}
	return nil
}

// logicalLines are the lines of a requirements file, continued ones joined, without comments.
func logicalLines(file string) ([]string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var lines []string
	text := strings.NewReplacer("\r\n", "\n", "\\\r\n", " ", "\\\n", " ").Replace(string(content))
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(" "+line, " #")
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

func option(line string, names ...string) (string, bool) {
	for _, name := range names {
		rest, ok := strings.CutPrefix(line, name)
		if ok && (len(name) == 2 || rest == "" || strings.ContainsAny(rest[:1], " =\t")) {
			return strings.TrimLeft(rest, " =\t"), true
		}
	}
	return "", false
}

// isProject says whether a line installs the project itself: its wheel is installed by another step.
func isProject(line string) bool {
	target, ok := option(line, "-e", "--editable")
	if !ok {
		target = line
	}
	target, _, _ = strings.Cut(strings.TrimPrefix(target, "file:"), "[")
	return target == "." || target == "./"
}

// checkSecrets refuses passwords and tokens in addresses of indexes and repositories: they would travel to the builder.
func (d *dependencies) checkSecrets() error {
	if slices.ContainsFunc(slices.Concat(d.requirements, d.constraints), urlSecret.MatchString) {
		return passwordError(d.source)
	}
	return nil
}

func passwordError(file string) error {
	return ui.WithHint(fmt.Errorf("%s: an address holds a password or token, which would enter the build", file),
		"use an index or repository without one; private ones are not supported yet")
}

// files lays out the dependencies for the Dockerfile: name and content.
func (d *dependencies) files(p project.Project) (map[string][]byte, error) {
	files := map[string][]byte{
		"requirements.txt": joined(d.requirements),
		"constraints.txt":  joined(d.constraints),
		"excludes.txt":     joined(d.excludes),
	}
	if d.uvLock == "" {
		return files, nil
	}
	var err error
	if files["uv.lock"], err = os.ReadFile(d.uvLock); err != nil {
		return nil, err
	}
	if files["pyproject.toml"], err = exportManifest(p); err != nil {
		return nil, err
	}
	if urlSecret.Match(files["uv.lock"]) || urlSecret.Match(files["pyproject.toml"]) {
		return nil, passwordError(d.source)
	}
	return files, nil
}

func joined(lines []string) []byte {
	if len(lines) == 0 {
		return nil
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

var readme = regexp.MustCompile(`^(readme|license|license-files)$`)

// exportManifest is what `uv export` needs of pyproject.toml; what it does not read must not make the layer anew.
func exportManifest(p project.Project) ([]byte, error) {
	var doc map[string]any
	if _, err := toml.DecodeFile(filepath.Join(p.Dir, "pyproject.toml"), &doc); err != nil {
		return nil, err
	}
	kept := map[string]any{}
	for _, key := range []string{"project", "dependency-groups"} {
		if table, ok := doc[key].(map[string]any); ok {
			kept[key] = table
		}
	}
	if table, ok := kept["project"].(map[string]any); ok {
		for key := range table {
			if readme.MatchString(key) { // they name files that are not there
				delete(table, key)
			}
		}
	}
	if tool, ok := doc["tool"].(map[string]any); ok && tool["uv"] != nil {
		kept["tool"] = map[string]any{"uv": tool["uv"]}
	}
	return toml.Marshal(kept)
}
