package project

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bytesOf is a source of randomness that always says the same.
type bytesOf byte

func (b bytesOf) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tree is every file below dir.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files[path] = read(t, path, "")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// initialise runs Init as its own process would: the project is loaded anew.
func initialise(t *testing.T, dir, env string, o InitOptions) (map[string]string, error) {
	t.Helper()
	o.Random = bytesOf(0xab)
	files, err := Init(t.Context(), mustLoad(t, dir, LoadOptions{Env: env}), o)
	actions := map[string]string{}
	for _, f := range files {
		actions[f.Path] = f.Action
		if f.Note != "" {
			actions[f.Path] += ": " + f.Note
		}
	}
	return actions, err
}

const projectTable = `# The team's project.
[project]
name = "spaceflights"
dependencies = [
    "kedro-datasets>=9.0",
    "kedro~=1.7", # pinned
]

`

func TestInit(t *testing.T) {
	dir := newProject(t, projectTable+kedroTable)
	got, err := initialise(t, dir, "", InitOptions{Region: "eu-west-1"})
	want := map[string]string{
		Pyproject: "updated: s3fs added; 'pip install -e .' installs it", "conf/aws_batch/globals.yml": Written, ".dockerignore": Written, ".gitignore": Written,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
	wantToml := strings.Replace(projectTable, "# pinned\n", "# pinned\n    \"s3fs>=2024.6.0\",\n", 1) + kedroTable + `
[tool.kedroctl]
region = "eu-west-1"
bucket = "kedro-spaceflights-abababab"
`
	if diff := cmp.Diff(wantToml, read(t, dir, Pyproject)); diff != "" {
		t.Error(diff)
	}
	if globals := read(t, dir, "conf/aws_batch/globals.yml"); !strings.HasSuffix(globals, "\ns3_bucket: kedro-spaceflights-abababab\n") {
		t.Errorf("globals.yml:\n%s", globals)
	}
	if ignored := read(t, dir, ".dockerignore"); !strings.Contains(ignored, "\nconf/local\n") || !strings.Contains(ignored, "\nconf/**/*credentials*\n") {
		t.Errorf(".dockerignore:\n%s", ignored)
	}
	if ignored := read(t, dir, ".gitignore"); ignored != ".kedroctl/\n" {
		t.Errorf(".gitignore:\n%s", ignored)
	}

	before := tree(t, dir)
	again, err := initialise(t, dir, "", InitOptions{Region: "us-east-1"})
	for file, action := range again {
		if action != Unchanged {
			t.Errorf("second run: %s %s", file, action)
		}
	}
	if diff := cmp.Diff(before, tree(t, dir)); err != nil || diff != "" || len(again) != 4 {
		t.Errorf("second run: %v %v\n%s", err, again, diff)
	}
}

func TestInitKeepsWhatIsThere(t *testing.T) {
	dir := newProject(t, strings.ReplaceAll(projectTable+kedroTable, "\n", "\r\n"))
	write(t, dir, ".dockerignore", "mine\n")
	write(t, dir, ".gitignore", "*.log\r\n/.venv")
	write(t, dir, "conf/aws_batch/globals.yml", "team: moon # ours\n")
	got, err := initialise(t, dir, "", InitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got[".dockerignore"], "kept: ") || read(t, dir, ".dockerignore") != "mine\n" {
		t.Errorf(".dockerignore: %s", got[".dockerignore"])
	}
	if text := read(t, dir, ".gitignore"); text != "*.log\r\n/.venv\r\n.kedroctl/\r\n" {
		t.Errorf(".gitignore: %q", text)
	}
	if text := read(t, dir, "conf/aws_batch/globals.yml"); text != "team: moon # ours\ns3_bucket: kedro-spaceflights-abababab\n" {
		t.Errorf("globals.yml: %q", text)
	}
	if text := read(t, dir, Pyproject); strings.Count(text, "\n") != strings.Count(text, "\r\n") {
		t.Errorf("line ends are mixed: %q", text)
	}
}

func TestInitBucket(t *testing.T) {
	const made = "kedro-spaceflights-abababab"
	settings := "\n[tool.kedroctl]\nbucket = \"in-settings\"\n"
	for name, test := range map[string]struct {
		env, settings, globals string
		want, toml             string // the bucket; what the settings end with
		wantErr                string
		base                   string // conf/base/globals.yml
	}{
		"of the settings": {"", settings, "", "in-settings", settings, "", ""},
		"of the globals":  {"", "", "s3_bucket: in-globals\n", "in-globals", "bucket = \"in-globals\"\n", "", ""},
		"the same":        {"", settings, "s3_bucket: in-settings\n", "in-settings", settings, "", ""},
		"different":       {"", settings, "s3_bucket: in-globals\n", "", "", `conf/aws_batch/globals.yml: s3_bucket: is "in-globals", but the settings' bucket is "in-settings"`, ""},
		"computed":        {"", settings, "s3_bucket: ${oc.env:BUCKET}\n", "${oc.env:BUCKET}", settings, "", ""},
		"each environment its own": {
			"prod", settings, "", "kedro-spaceflights-abababab", "\n[tool.kedroctl.env.prod]\nbucket = \"kedro-spaceflights-abababab\"\n", "", "",
		},
		"of the environment":          {"prod", "\n[tool.kedroctl.env.prod]\nbucket = \"p-1\"\n", "", "p-1", "bucket = \"p-1\"\n", "", ""},
		"broken globals":              {"", "", "a: [\n", "", "", "globals.yml: ", ""},
		"of base":                     {"", "", "", "in-base", "bucket = \"in-base\"\n", "", "s3_bucket: in-base\n"},
		"of the default one, by base": {"prod", "\n[tool.kedroctl]\nbucket = \"in-base\"\n", "", made, "bucket = \"" + made + "\"\n", "", "s3_bucket: in-base\n"},
		"computed in base":            {"", "", "", made, "bucket = \"" + made + "\"\n", "", "s3_bucket: ${oc.env:BUCKET}\n"},
		"broken base":                 {"", "", "", made, "bucket = \"" + made + "\"\n", "", "a: [\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newProject(t, projectTable+kedroTable+test.settings)
			file := "conf/" + firstOf(test.env, DefaultEnv) + "/globals.yml"
			if test.base != "" {
				write(t, dir, "conf/base/globals.yml", test.base)
			}
			if test.globals != "" {
				write(t, dir, file, test.globals)
			}
			before := tree(t, dir)
			_, err := initialise(t, dir, test.env, InitOptions{})
			if test.wantErr != "" {
				if _, ok := errors.AsType[*SettingsError](err); !ok || !strings.Contains(err.Error(), test.wantErr) {
					t.Errorf("Init: %v, want a SettingsError with %q", err, test.wantErr)
				}
				if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
					t.Errorf("changed in spite of the error:\n%s", diff)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if text := read(t, dir, file); !strings.HasSuffix(text, "s3_bucket: "+test.want+"\n") {
				t.Errorf("globals: %q, want bucket %q", text, test.want)
			}
			if text := read(t, dir, Pyproject); !strings.HasSuffix(text, test.toml) {
				t.Errorf("pyproject.toml ends with other settings than %q:\n%s", test.toml, text)
			}
		})
	}
}

func TestInitDependency(t *testing.T) {
	const none = ""
	for name, test := range map[string]struct {
		pyproject, requirements string
		wantIn, want            string // a line that must be in which file
		note                    string
	}{
		"one line":     {"[project]\nname = 'x'\ndependencies = ['kedro']\n", none, Pyproject, "dependencies = ['kedro', 's3fs>=2024.6.0']\n", "pip install -e .' installs it"},
		"none so far":  {"[project]\nname = 'x'\n", none, Pyproject, "dependencies = [\"s3fs>=2024.6.0\"]\n", "pip install -e .' installs it"},
		"has it":       {"[project]\nname = 'x'\ndependencies = ['S3FS[boto3]']\n", none, Pyproject, "dependencies = ['S3FS[boto3]']\n", ""},
		"by fsspec":    {"[project]\nname = 'x'\ndependencies = ['fsspec[http, s3]>1']\n", none, Pyproject, "['fsspec[http, s3]>1']\n", ""},
		"by kedro-viz": {"[project]\nname = 'x'\ndependencies = ['kedro_viz[aws]']\n", none, Pyproject, "['kedro_viz[aws]']\n", ""},
		"dynamic":      {"[project]\nname = 'x'\ndynamic = ['dependencies']\n", "kedro\npandas", "requirements.txt", "kedro\npandas\ns3fs>=2024.6.0\n", "pip install -r requirements.txt' installs it"},
		"elsewhere":    {"[project]\nname = 'x'\ndynamic = ['dependencies']\n", none, Pyproject, "dynamic = ['dependencies']\n", addNote},
		"no project":   {"", "kedro\n", "requirements.txt", "kedro\ns3fs>=2024.6.0\n", "pip install -r requirements.txt' installs it"},
		"poetry":       {"[tool.poetry.dependencies]\nkedro = '^1.7'\n", none, Pyproject, "kedro = '^1.7'\ns3fs = \">=2024.6.0\"\n", "poetry install' installs it"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newProject(t, test.pyproject+kedroTable)
			if test.requirements != none {
				write(t, dir, "requirements.txt", test.requirements)
			}
			got, err := initialise(t, dir, "", InitOptions{})
			if err != nil || !strings.Contains(read(t, dir, test.wantIn), test.want) {
				t.Errorf("%v; %s lacks %q:\n%s", err, test.wantIn, test.want, read(t, dir, test.wantIn))
			}
			if !strings.HasSuffix(got[test.wantIn], test.note) {
				t.Errorf("%s: %q, want note %q", test.wantIn, got[test.wantIn], test.note)
			}
			if strings.Contains(read(t, dir, test.wantIn), "\"boto3") {
				t.Error("boto3 added")
			}
		})
	}
}

func TestInitRefusesWhatItCannotEdit(t *testing.T) {
	for name, pyproject := range map[string]string{
		"inline settings":     projectTable + kedroTable + "[tool]\nkedroctl = { keep_days = 7 }\n",
		"inline dependencies": "project = { name = \"x\", dependencies = [\"kedro\"] }\n" + kedroTable,
	} {
		dir := newProject(t, pyproject)
		before := tree(t, dir)
		_, err := initialise(t, dir, "", InitOptions{})
		if settings, ok := errors.AsType[*SettingsError](err); !ok || !strings.Contains(settings.Hint(), "by hand") {
			t.Errorf("%s: %v; want a SettingsError that says what to add by hand", name, err)
		}
		if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
			t.Errorf("%s: changed in spite of the error:\n%s", name, diff)
		}
	}
}

func TestInitFindsConfiguration(t *testing.T) {
	dir := newProject(t, projectTable+kedroTable)
	write(t, dir, "src/spaceflights/settings.py", "# CONF_SOURCE = \"no\"\nCONF_SOURCE = 'settings'\n")
	if _, err := initialise(t, dir, "", InitOptions{}); err != nil {
		t.Fatal(err)
	}
	read(t, dir, "settings/aws_batch/globals.yml")
}

func TestInitWithoutSnapshotWritesNothing(t *testing.T) {
	dir := newProject(t, projectTable+kedroTable)
	before := tree(t, dir)
	fault := &ProjectError{Env: "base", Problems: []Problem{{Stage: "pipelines", Message: "broken"}}}
	_, err := initialise(t, dir, "", InitOptions{Catalog: true, Snapshot: func(_ context.Context, env string) (Snapshot, error) {
		if env != "base" {
			t.Errorf("snapshot of %q: the environment does not exist yet", env)
		}
		return Snapshot{}, fault
	}})
	if project, ok := errors.AsType[*ProjectError](err); !ok || project != fault {
		t.Errorf("Init: %v, want the project's own error", err)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
}
