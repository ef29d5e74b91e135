package project

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fixed makes a project of pyproject.toml and the files given by name, applies the fix to it, and gives what Fix showed beforehand.
func fixed(t *testing.T, pyproject string, files map[string]string, o FixOptions) (dir, diff string, notes []string) {
	t.Helper()
	dir = newProject(t, pyproject)
	for name, text := range files {
		write(t, dir, name, text)
	}
	p := mustLoad(t, dir, LoadOptions{Set: map[string]string{"bucket": "kedro-a-1"}})
	before := tree(t, dir)
	f, err := Fix(p, snapshotOf("a x.A data/a", "m MemoryDataset =", "n MemoryDataset ="), o)
	if err != nil {
		t.Fatal(err)
	}
	diff = f.Diff()
	if changed := cmp.Diff(before, tree(t, dir)); changed != "" {
		t.Errorf("something is written before anybody agreed:\n%s", changed)
	}
	written, err := f.Write()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range written {
		if file.Note != "" {
			notes = append(notes, file.Path+": "+file.Note)
		}
	}
	return dir, diff, notes
}

const bucketTable = "\n[tool.kedroctl]\nbucket = \"kedro-a-1\"\n"

func TestFixDependency(t *testing.T) {
	dir, diff, notes := fixed(t, projectTable+kedroTable+bucketTable, nil, FixOptions{S3fs: true})
	if !strings.Contains(diff, "--- a/pyproject.toml\n+++ b/pyproject.toml\n@@") || !strings.Contains(diff, "\n+") || !strings.Contains(diff, "s3fs>=2024.6.0") {
		t.Errorf("the diff is\n%s", diff)
	}
	if !mustLoad(t, dir, LoadOptions{}).HasS3fs() || len(notes) != 1 || !strings.Contains(notes[0], "'pip install -e .' installs it") {
		t.Errorf("notes %v, pyproject.toml:\n%s", notes, read(t, dir, Pyproject))
	}
	p := mustLoad(t, dir, LoadOptions{})
	again, err := Fix(p, Snapshot{}, FixOptions{S3fs: true})
	if err != nil || again.Diff() != "" {
		t.Errorf("a second fix would change %s, %v", again.Diff(), err)
	}
}

func TestFixEntries(t *testing.T) {
	base := map[string]string{"conf/base/catalog.yml": "a: {type: x.A, filepath: data/a}\n", "conf/aws_batch/globals.yml": "s3_bucket: kedro-a-1\n"}
	with := func(text string) map[string]string {
		files := map[string]string{"conf/aws_batch/catalog.yml": text}
		for name, text := range base {
			files[name] = text
		}
		return files
	}
	const entry = "m:\n  type: pickle.PickleDataset\n  filepath: s3://${globals:s3_bucket}/memory/m.pkl\n"
	for name, tt := range map[string]struct {
		files map[string]string
		want  string // the file
		note  string
	}{
		"a new file":                      {base, entry, ""},
		"a person's file gets them added": {with("# mine\nb: {type: x.B, filepath: s3://c/b}"), "# mine\nb: {type: x.B, filepath: s3://c/b}\n\n" + entry, ""},
		"an empty file":                   {with(""), entry, ""},
		"one in braces stays":             {with("{b: {type: x.B, filepath: s3://c/b}}\n"), "{b: {type: x.B, filepath: s3://c/b}}\n", "by hand:\n" + entry},
		"one that has it":                 {with("m: {type: x.B, filepath: s3://c/b}\n"), "m: {type: x.B, filepath: s3://c/b}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir, diff, notes := fixed(t, projectTable+kedroTable+bucketTable, tt.files, FixOptions{Datasets: []string{"m"}})
			got := read(t, dir, catalogFile)
			if strings.HasPrefix(got, "# Where the data") {
				got = body(got)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("the catalog (-want +got):\n%s", d)
			}
			if changed := tt.files["conf/aws_batch/catalog.yml"] != read(t, dir, catalogFile); changed != strings.Contains(diff, "b/conf/aws_batch/catalog.yml") {
				t.Errorf("changed: %v, the diff is\n%s", changed, diff)
			}
			if all := strings.Join(notes, "\n"); !strings.Contains(all, tt.note) || tt.note == "" && all != "" {
				t.Errorf("notes are %q, want %q", all, tt.note)
			}
		})
	}
}

func TestFixEnvironment(t *testing.T) {
	dir, diff, _ := fixed(t, projectTable+kedroTable+bucketTable, nil, FixOptions{Environment: true})
	if !strings.Contains(diff, "--- /dev/null\n+++ b/conf/aws_batch/globals.yml") || !strings.Contains(read(t, dir, "conf/aws_batch/globals.yml"), "s3_bucket: kedro-a-1") {
		t.Errorf("the diff is\n%s", diff)
	}
}

func TestFixRenamedClass(t *testing.T) {
	old := "# matplotlib.MatplotlibWriter once\nplot:\n  type: matplotlib.MatplotlibWriter # pictures\n  filepath: x\n"
	dir, _, _ := fixed(t, projectTable+kedroTable+bucketTable, map[string]string{"conf/base/catalog.yml": old}, FixOptions{Renamed: []string{"conf/base/catalog.yml"}})
	want := "# matplotlib.MatplotlibWriter once\nplot:\n  type: matplotlib.MatplotlibDataset # pictures\n  filepath: x\n"
	if diff := cmp.Diff(want, read(t, dir, "conf/base/catalog.yml")); diff != "" {
		t.Errorf("the catalog (-want +got):\n%s", diff)
	}
}

func TestJudge(t *testing.T) {
	for message, want := range map[string]string{
		"environment prod: there is no directory conf/prod":                                                      ProblemEnvironment,
		"environment base: there is no directory conf/base":                                                      ProblemEnvironment,
		"Globals key 's3_bucket' not found and no default value provided.":                                       ProblemGlobals,
		"Globals key 'root' not found and no default value provided.":                                            ProblemGlobals,
		"Runtime parameter 'day' not found and no default value provided.":                                       ProblemRuntime,
		"Your Kedro project version 1.0.0 does not match Kedro package version 1.1.0 you are running.":           ProblemKedro,
		"An error occurred while importing the 'p.pipelines.x' module. Nothing defined therein will be returned": ProblemPipeline,
		"Namespace 'a' is interrupted by nodes ['b'] and thus invalid.":                                          ProblemNamespace,
		"division by zero": ProblemOther,
	} {
		if kind, next := (Problem{Stage: "x", Type: "ValueError", Message: message}).Judge("prod"); kind != want || (next == "") != (want == ProblemOther) {
			t.Errorf("%s: %s, %q; want %s", message, kind, next, want)
		}
	}
	if kind, _ := (Problem{Type: "ModuleNotFoundError", Message: "No module named 'x'"}).Judge("prod"); kind != ProblemImport {
		t.Errorf("a module that is not found: %s", kind)
	}
}

func TestPlaceOfAProblem(t *testing.T) {
	p := Problem{Traceback: "Traceback (most recent call last):\n  File \"src/p/a.py\", line 3, in <module>\n    x\n  File \"src/p/b.py\", line 14\n    y\n"}
	if got := p.Place(); got != "src/p/b.py:14" {
		t.Errorf("it is at %q", got)
	}
	p.Traceback += "ValueError: x\n  File \"src/p/registry.py\", line 2, in register\nImportError: y\n"
	if got := p.Place(); got != "src/p/b.py:14" {
		t.Errorf("an error that another one hides is at %q", got)
	}
	if got := (Problem{}).Place(); got != "" {
		t.Errorf("nowhere is %q", got)
	}
}

func TestFixWritesNoCatalogThatKedroDoesNotRead(t *testing.T) {
	files := map[string]string{
		"src/spaceflights/settings.py": "CONFIG_LOADER_ARGS = {\"config_patterns\": {\"catalog\": [\"data/**\"]}}\n",
		"conf/base/data/a.yml":         "m: {type: MemoryDataset}\n",
	}
	_, diff, notes := fixed(t, projectTable+kedroTable+bucketTable, files, FixOptions{Datasets: []string{"m"}})
	if strings.Contains(diff, "catalog.yml") || !strings.Contains(strings.Join(notes, "\n"), "data/** only") {
		t.Errorf("notes are %q, the diff is\n%s", notes, diff)
	}
}
