package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
)

// Pyproject is the name of the file that makes a directory a project.
const Pyproject = "pyproject.toml"

// DefaultEnv is the environment that kedroctl works with where nothing else is asked for.
const DefaultEnv = "aws_batch"

// LoadOptions are what [Load] takes from the command line and the process.
type LoadOptions struct {
	Env    string                   // the environment; "": KEDROCTL_ENV, else DefaultEnv
	Getenv func(name string) string // as os.Getenv; nil: no variables
	Set    map[string]string        // settings by flag: key with dots, such as job.memory, and its value as text; lists are split at commas
}

// manifest is what kedroctl reads of pyproject.toml.
type manifest struct {
	Project struct {
		Name           string   `toml:"name"`
		RequiresPython string   `toml:"requires-python"`
		Dependencies   []string `toml:"dependencies"`
		Dynamic        []string `toml:"dynamic"`

		Optional map[string][]string `toml:"optional-dependencies"` // by extra
	} `toml:"project"`
	Tool struct {
		Kedro      map[string]any `toml:"kedro"`
		Kedroctl   any            `toml:"kedroctl"`
		Setuptools struct {
			Dynamic struct {
				Dependencies struct {
					File any `toml:"file"` // a name or a list of names
				} `toml:"dependencies"`
			} `toml:"dynamic"`
		} `toml:"setuptools"`
		Poetry struct {
			Dependencies map[string]any `toml:"dependencies"`
		} `toml:"poetry"`
	} `toml:"tool"`
}

// Load reads the project in dir, or in the nearest directory above it that has one, and resolves its settings for one environment.
// What is wrong with the project's files, the variables or the flags is a *[SettingsError].
func Load(dir string, o LoadOptions) (Project, error) {
	root, m, err := find(dir)
	if err != nil {
		return Project{}, err
	}
	p, err := kedroSection(root, m.Tool.Kedro)
	if err != nil {
		return Project{}, err
	}
	if err := readDependencies(&p, m); err != nil {
		return Project{}, err
	}
	p.Env = o.env()
	if p.Settings, err = resolve(p, m.Tool.Kedroctl, o); err != nil {
		return Project{}, err
	}
	if err := addExtras(&p, m); err != nil {
		return Project{}, err
	}
	return p, nil
}

func (o LoadOptions) getenv() func(string) string {
	if o.Getenv == nil {
		return func(string) string { return "" }
	}
	return o.Getenv
}

func (o LoadOptions) env() string { return firstOf(o.Env, o.getenv()("KEDROCTL_ENV"), DefaultEnv) }

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// find looks for the project as Kedro does: a pyproject.toml with the text [tool.kedro], here or above. A broken pyproject.toml in dir itself is
// named rather than passed over: whoever just edited it means that one.
func find(dir string) (string, manifest, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", manifest{}, fmt.Errorf("find project: %w", err)
	}
	if info, err := os.Stat(start); err != nil || !info.IsDir() {
		return "", manifest{}, &SettingsError{Source: dir, Reason: "no such directory"}
	}
	for root := start; ; root = filepath.Dir(root) {
		text, err := os.ReadFile(filepath.Join(root, Pyproject))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", manifest{}, fmt.Errorf("find project: %w", err)
		}
		if strings.Contains(string(text), "[tool.kedro]") || (root == start && broken(text)) {
			m, err := parseManifest(string(text))
			return root, m, err
		}
		if root == filepath.Dir(root) {
			return "", manifest{}, notKedro(start)
		}
	}
}

const noProject = "not a Kedro project: no pyproject.toml with [tool.kedro] here or above"

func notKedro(dir string) error {
	return &SettingsError{Source: dir, Reason: noProject, Next: "run kedroctl in a project's directory, or name it with -C DIR; commands about runs want no project with --bucket; 'kedro new' makes one"}
}

func broken(text []byte) bool {
	var anything map[string]any
	return toml.Unmarshal(text, &anything) != nil
}

func parseManifest(text string) (manifest, error) {
	var m manifest
	_, err := toml.Decode(text, &m)
	if parse, ok := errors.AsType[toml.ParseError](err); ok {
		line := 1 + strings.Count(text[:min(parse.Position.Start, len(text))], "\n") // Position.Line is the next one for an error at a line's end
		message := strings.Replace(parse.Message, `'\n' instead`, "the end of the line", 1)
		return m, &SettingsError{Source: Pyproject, Reason: fmt.Sprintf("line %d: %s", line, message), Next: "mend the TOML of that line"}
	}
	if err != nil {
		return m, &SettingsError{Source: Pyproject, Reason: strings.TrimPrefix(err.Error(), "toml: ")}
	}
	return m, nil
}
