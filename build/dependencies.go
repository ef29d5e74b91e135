package build

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// bootRequires is what the entry of jobs needs besides Kedro. The bound is that of Kedro's AWS Batch guide; without one a resolver may find an s3fs of
// years ago to fit the fsspec that others want.
var bootRequires = []string{"s3fs>=2024.6.0", "cloudpickle"}

// kinds of what fixes dependencies.
const (
	ownKind  = iota // nothing of the user's: what is declared has to be resolved
	flatLock        // a requirements file that names one version of each
	uvLock
)

// declared is what a project says of its dependencies.
type declared struct {
	kind         int
	source       string // file that says it, for messages
	text         string // of a flatLock
	requirements []string
	manifest     bool // pyproject.toml says where some of the requirements come from, and is resolved too
	constraints  []string
	excludes     []string
	extras       []string // of the project
	options      []string // lines of requirements files for the installer, other than indexes
	indexes      []index  // that requirements files name
}

// findDependencies looks for a lock; without one the requirements are the declared ones and those of a requirements.txt beside them, which Kedro's
// templates write and Kedro's documentation installs from. A lock of the user's that does not fix everything is what is resolved.
func findDependencies(p project.Project) (declared, error) {
	d := declared{excludes: p.Settings.Image.Exclude, extras: normalised(p.Settings.Image.Extras)}
	lock, err := findLock(p)
	if err != nil {
		return d, err
	}
	read := lock
	switch {
	case filepath.Base(lock) == "uv.lock":
		d.kind, d.source, read = uvLock, lock, ""
	case lock != "":
		d.source = lock
	default:
		d.source, d.requirements = p.DependencyFile, slices.Clone(p.Dependencies)
		sources, err := uvSources(p)
		if err != nil {
			return d, fmt.Errorf("read dependencies: %w", err)
		}
		d.manifest = p.DependencyFile == project.Pyproject && len(sources) > 0 // with which only pyproject.toml itself can be resolved
		if p.DependencyFile == project.Pyproject && isRegular(filepath.Join(p.Dir, "requirements.txt")) {
			d.source, read = "pyproject.toml and requirements.txt", "requirements.txt"
		}
	}
	if read != "" {
		if err := d.read(filepath.Join(p.Dir, read), map[string]bool{}); err != nil {
			return d, fmt.Errorf("read dependencies: %w", err)
		}
	}
	if err := d.checkSecrets(p); err != nil {
		return d, err
	}
	if lock != "" {
		if err := d.checkLock(p); err != nil {
			return d, err
		}
	}
	d.requirements = append(d.requirements, bootRequires...)
	return d, nil
}

// uvSources is [tool.uv.sources] of pyproject.toml, by distribution.
func uvSources(p project.Project) (map[string]any, error) {
	var manifest struct {
		Tool struct {
			UV struct {
				Sources map[string]any `toml:"sources"`
			} `toml:"uv"`
		} `toml:"tool"`
	}
	_, err := toml.DecodeFile(filepath.Join(p.Dir, project.Pyproject), &manifest)
	return manifest.Tool.UV.Sources, err
}

// sum is the hash of all that a resolution is made of, but the image's Python and platform.
func (d declared) sum(p project.Project) (string, error) {
	h := project.NewDigest()
	var doc struct {
		Project map[string]any `toml:"project"`
		Tool    struct {
			UV map[string]any `toml:"uv"`
		} `toml:"tool"`
	}
	if _, err := toml.DecodeFile(filepath.Join(p.Dir, project.Pyproject), &doc); err != nil {
		return "", err
	}
	var manifest any
	if d.manifest {
		manifest = []any{doc.Project["dependencies"], doc.Project["requires-python"]}
		if len(d.extras) > 0 {
			manifest = []any{manifest, d.extras, doc.Project["optional-dependencies"]}
		}
	}
	err := h.Add(d.requirements, d.constraints, d.excludes, d.options, manifest, doc.Tool.UV)
	return h.Sum(), err
}

// checkLock sees that a lock fixes everything, and has s3fs: the newest one beside locked versions mostly does not fit.
func (d *declared) checkLock(p project.Project) error {
	content, err := os.ReadFile(filepath.Join(p.Dir, d.source))
	if err != nil {
		return fmt.Errorf("read dependencies: %w", err)
	}
	isS3fs := func(line string) bool { return project.DistributionName(line) == "s3fs" }
	if d.kind == uvLock {
		if !strings.Contains(string(content), "\nname = \"s3fs\"") {
			return d.lacksS3fs("run 'kedroctl init', which adds it to pyproject.toml, then 'uv lock'")
		}
		return nil
	}
	if slices.ContainsFunc(d.requirements, func(line string) bool { return !fixed(line) }) {
		return nil // it is what has to be resolved
	}
	if !slices.ContainsFunc(d.requirements, isS3fs) {
		return d.lacksS3fs("add s3fs to what it is made from ('kedroctl init' adds it to pyproject.toml) and make it anew: " + d.remedy())
	}
	d.kind, d.text = flatLock, string(content)
	if strings.Contains("\n"+d.text, "\n-r") || strings.Contains("\n"+d.text, "\n--requirement") {
		d.text = string(joined(d.requirements)) // what it includes in its place
	}
	return nil
}

func (d *declared) lacksS3fs(remedy string) error {
	return ui.WithHint(fmt.Errorf("%s lacks s3fs, by which jobs reach their data", d.source), remedy)
}

// remedy is the command that makes a lock anew.
func (d *declared) remedy() string {
	if d.kind == uvLock {
		return "'uv lock --upgrade'"
	}
	command := cmp.Or(project.CompileCommand(d.text), "uv pip compile pyproject.toml --generate-hashes --output-file "+d.source)
	given := strings.Fields(strings.ReplaceAll(command, "--extra ", "--extra="))
	for _, argument := range d.extraArguments() {
		if slices.Contains(given, project.Pyproject) && !slices.Contains(given, argument) && !slices.Contains(given, "--all-extras") {
			command += " " + argument
		}
	}
	return "'" + command + "'"
}

// extraArguments tell uv or pip-compile of the project's extras.
func (d declared) extraArguments() []string {
	var arguments []string
	for _, extra := range d.extras {
		arguments = append(arguments, "--extra="+extra)
	}
	return arguments
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
func (d *declared) read(file string, seen map[string]bool) error {
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
		} else if address, ok := option(line, "-i", "--index-url"); ok {
			d.indexes = append(d.indexes, index{URL: address, Default: true})
		} else if address, ok := option(line, "--extra-index-url"); ok {
			d.indexes = append(d.indexes, index{URL: address})
		} else if isOption(line) {
			d.options = append(d.options, line)
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

// isOption says whether a line is an option of the installer, and no requirement.
func isOption(line string) bool {
	_, editable := option(line, "-e", "--editable")
	return strings.HasPrefix(line, "-") && !editable
}

// checkSecrets refuses passwords and tokens in addresses that stand in files of the project: they would travel with them.
func (d *declared) checkSecrets(p project.Project) error {
	found := slices.ContainsFunc(slices.Concat(d.requirements, d.constraints, d.options), urlSecret.MatchString) ||
		slices.ContainsFunc(d.indexes, func(i index) bool { return urlSecret.MatchString(variableRef.ReplaceAllString(i.URL, "")) })
	if d.kind == uvLock {
		content, err := os.ReadFile(filepath.Join(p.Dir, d.source))
		if err != nil {
			return fmt.Errorf("read dependencies: %w", err)
		}
		found = found || urlSecret.Match(content)
	}
	if !found {
		return nil
	}
	return ui.WithHint(fmt.Errorf("%s: an address holds a password or token, which whoever gets the file can read", d.source),
		"write the address without it; for an index, put user and password into netrc, variables (https://${USER}:${PASSWORD}@host/simple), or UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD")
}

func joined(lines []string) []byte {
	if len(lines) == 0 {
		return nil
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}
