package project

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// cached is a project with an interpreter that introspects by a shell script and counts how often it is started.
type cached struct {
	Cache
	python string
	starts string // a file with a line for each start
}

// readsOfScript is what the script of a [cached] project says that it read.
const readsOfScript = `{"executable": "%python", "paths": ["%dir/packages"], "variables": ["DB_HOST", "KEDRO_LOGGING_CONFIG", "TERM"],
"files": ["%dir/project/data/regions.json", "%dir/project/data/absent.json"], "directories": ["%dir/project/data"], "unknowable": ""}`

func newCached(t *testing.T, reads string) cached {
	t.Helper()
	dir := writeProject(t, map[string]string{
		"project/pyproject.toml": kedroTable, "project/src/spaceflights/__init__.py": "", "project/conf/base/catalog.yml": "", "project/conf/local/a.yml": "",
		"project/data/regions.json": "[]", "project/requirements.lock": "kedro==1.7.0", "packages/kedro-1.7.0.dist-info/RECORD": "", "venv/pyvenv.cfg": "",
	})
	c := cached{python: filepath.Join(dir, "venv/bin/python"), starts: filepath.Join(dir, "starts")}
	reads = strings.NewReplacer("%dir", dir, "%python", c.python).Replace(reads)
	write(t, dir, "snapshot.json", `{"schema": 1, "package": "spaceflights", "conf_source": "conf"}`)
	write(t, dir, "reads.json", reads)
	fakePython(t, c.python, `echo start >> `+c.starts+`
cp `+dir+`/snapshot.json "$3"
[ "$8" = --reads ] && cp `+dir+`/reads.json "$9"`)
	c.Cache = Cache{Project: mustLoad(t, filepath.Join(dir, "project"), LoadOptions{}), Flag: c.python, Getenv: variables(nil)}
	return c
}

// take gives a snapshot as commands do, and says whether the interpreter was started for it.
func (c cached) take(t *testing.T, o InspectOptions) (started bool) {
	t.Helper()
	want := Snapshot{Schema: 1, Package: "spaceflights", ConfSource: "conf"}
	s, py, hit := c.Find(t.Context(), o)
	if !hit {
		var err error
		if s, _, err = c.Inspect(t.Context(), Python{Command: []string{c.python}, Version: "3.12.4"}, o); err != nil {
			t.Fatal(err)
		}
	}
	want.FixedPipelines = s.FixedPipelines // another test's business
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
	if hit && (py.Version != "3.12.4" || py.Command[0] != c.python) {
		t.Errorf("another interpreter took it: %+v", py)
	}
	text, err := os.ReadFile(c.starts)
	if err := errors.Join(err, os.Remove(c.starts)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return len(text) > 0
}

func TestCacheNeedsNoPythonWhileNothingChanges(t *testing.T) {
	c := newCached(t, readsOfScript)
	for i, o := range []InspectOptions{{}, {Env: "base"}, {Params: "day=1"}} {
		if !c.take(t, o) {
			t.Errorf("%d: the snapshot of other conditions is given", i)
		}
		t.Setenv("TERM", strconv.Itoa(i))
		if c.take(t, o) {
			t.Errorf("%d: introspected again", i)
		}
	}
	old := time.Unix(1e9, 0)
	if err := os.Chtimes(filepath.Join(c.Project.Dir, "src/spaceflights/__init__.py"), old, old); err != nil {
		t.Fatal(err)
	}
	write(t, c.Project.Dir, Pyproject, kedroTable+"[tool.kedroctl.job]\nmemory = 9\n[tool.kedro_telemetry]\nproject_id = 'x'\n")
	write(t, c.Project.Dir, "info.log", "a line more")
	write(t, c.Project.Dir, OwnLock, "kedro==1.7.0") // which a deployment makes once it has the snapshot
	if c.take(t, InspectOptions{}) {
		t.Error("introspected again for what no snapshot depends on")
	}
}

func TestCacheMissesWhatChanged(t *testing.T) {
	edit := func(name, text string) func(*testing.T, cached) {
		return func(t *testing.T, c cached) { write(t, filepath.Dir(c.Project.Dir), name, text) }
	}
	for name, change := range map[string]func(*testing.T, cached){
		"source":                    edit("project/src/spaceflights/__init__.py", "x = 1"),
		"new source":                edit("project/src/spaceflights/new.py", ""),
		"base":                      edit("project/conf/base/catalog.yml", "a: b"),
		"new file of configuration": edit("project/conf/aws_batch/globals.yml", ""),
		"other environment":         edit("project/conf/local/a.yml", "a: b"),
		"pyproject":                 edit("project/pyproject.toml", kedroTable+"[tool.other]\n"),
		"lock":                      edit("project/requirements.lock", "kedro==1.7.1"),
		"file read on import":       edit("project/data/regions.json", "[1]"),
		"file that was not there":   edit("project/data/absent.json", ""),
		"directory listed":          edit("project/data/new.json", ""),
		"distribution installed":    edit("packages/s3fs-1.dist-info/RECORD", ""),
		"editable install":          edit("packages/__editable__.x.pth", "/elsewhere"),
		"virtual environment":       edit("venv/pyvenv.cfg", "version = 3.13"),
		"variable":                  func(t *testing.T, _ cached) { t.Setenv("DB_HOST", "h") },
		"variable of Kedro":         func(t *testing.T, _ cached) { t.Setenv("KEDRO_ENV_OF_TEST", "h") },
		"distribution again": func(t *testing.T, c cached) {
			old := time.Unix(1e9, 0)
			if err := os.Chtimes(filepath.Join(c.Project.Dir, "../packages/kedro-1.7.0.dist-info"), old, old); err != nil {
				t.Fatal(err)
			}
		},
		"interpreter": func(t *testing.T, c cached) {
			text, err := os.ReadFile(c.python)
			if err != nil {
				t.Fatal(err)
			}
			fakePython(t, c.python, strings.TrimPrefix(string(text), "#!/bin/sh\n")+"# another one")
		},
		"broken cache": func(t *testing.T, c cached) {
			if err := os.WriteFile(c.file(InspectOptions{Env: DefaultEnv}), []byte("{"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCached(t, readsOfScript)
			c.take(t, InspectOptions{})
			change(t, c)
			if !c.take(t, InspectOptions{}) {
				t.Error("the old snapshot is given")
			}
			if c.take(t, InspectOptions{}) {
				t.Error("the new snapshot is not kept")
			}
		})
	}
}

// A process that goes through the environment reads all of it, but for what each terminal has for itself.
func TestCacheOfCodeThatReadsTheWholeEnvironment(t *testing.T) {
	c := newCached(t, strings.Replace(readsOfScript, `"DB_HOST"`, `"*"`, 1))
	c.take(t, InspectOptions{})
	t.Setenv("SHLVL", "7")
	if c.take(t, InspectOptions{}) {
		t.Error("introspected again for another terminal")
	}
	t.Setenv("ANYTHING", "1")
	if !c.take(t, InspectOptions{}) {
		t.Error("the old snapshot is given")
	}
}

// What kedroctl itself leaves in the project's directory is no new file to code that lists it.
func TestCacheOfCodeThatListsTheProject(t *testing.T) {
	c := newCached(t, strings.Replace(readsOfScript, `["%dir/project/data"]`, `["%dir/project"]`, 1))
	c.take(t, InspectOptions{})
	write(t, c.Project.Dir, OwnLock, "kedro==1.7.0")
	if c.take(t, InspectOptions{}) {
		t.Error("introspected again for what a deployment has written")
	}
	write(t, c.Project.Dir, "new.csv", "")
	if !c.take(t, InspectOptions{}) {
		t.Error("the old snapshot is given")
	}
}

func TestCacheKeepsNothingDoubtful(t *testing.T) {
	c := newCached(t, strings.Replace(readsOfScript, `"unknowable": ""`, `"unknowable": "src/a.py:3 starts a process"`, 1))
	_, why, err := c.Cache.Inspect(t.Context(), Python{Command: []string{c.python}}, InspectOptions{})
	if err != nil || why != "src/a.py:3 starts a process" {
		t.Errorf("%q, %v", why, err)
	}
	if !c.take(t, InspectOptions{}) {
		t.Error("kept all the same")
	}
	broken := newCached(t, readsOfScript)
	write(t, filepath.Dir(broken.Project.Dir), "snapshot.json", `{"errors": [{"stage": "catalog", "message": "no"}]}`)
	for range 2 {
		if _, _, hit := broken.Find(t.Context(), InspectOptions{}); hit {
			t.Error("a snapshot with errors is kept")
		}
		if _, _, err := broken.Cache.Inspect(t.Context(), Python{Command: []string{broken.python}}, InspectOptions{}); err == nil {
			t.Error("no error")
		}
	}
}

// Who edits while the project is introspected gets a snapshot of the one or the other, and the next command takes another.
func TestCacheKeepsNothingOfATreeThatChangesMeanwhile(t *testing.T) {
	c := newCached(t, readsOfScript)
	text, err := os.ReadFile(c.python)
	if err != nil {
		t.Fatal(err)
	}
	fakePython(t, c.python, string(text)+"\necho x >> "+filepath.Join(c.Project.Dir, "src/spaceflights/__init__.py"))
	if _, why, err := c.Cache.Inspect(t.Context(), Python{Command: []string{c.python}}, InspectOptions{}); err != nil || !strings.Contains(why, "changed meanwhile") {
		t.Errorf("%q, %v", why, err)
	}
}

// An environment that goes before the one that was found is taken as soon as it is there.
func TestCacheOfAnInterpreterThatIsNotTheFirstAnyMore(t *testing.T) {
	c := newCached(t, readsOfScript)
	c.Flag = ""
	t.Setenv("PATH", filepath.Dir(c.python)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	fakePython(t, filepath.Join(filepath.Dir(c.python), "python3"), "exit 1")
	c.take(t, InspectOptions{})
	if c.take(t, InspectOptions{}) {
		t.Fatal("introspected again")
	}
	write(t, c.Project.Dir, ".venv/bin/python", "")
	if _, _, hit := c.Find(context.Background(), InspectOptions{}); hit {
		t.Error("the snapshot of an interpreter that is not used any more is given")
	}
}

// What a version manager's shim starts is asked each time.
func TestCacheBehindAShim(t *testing.T) {
	c := newCached(t, readsOfScript)
	shim := filepath.Join(t.TempDir(), "python3")
	choice := fakePython(t, filepath.Join(filepath.Dir(shim), "choice"), `exec `+c.python+` "$@"`)
	fakePython(t, shim, `[ "$1" = -c ] && { echo 'kedroctl-interpreter {"Path": "'$(readlink `+choice+`-path)'"}'; exit; }
exec `+choice+` "$@"`)
	for _, path := range []string{c.python, choice} {
		os.Remove(choice + "-path")
		if err := os.Symlink(path, choice+"-path"); err != nil {
			t.Fatal(err)
		}
		c.Flag = shim
		if _, _, hit := c.Find(t.Context(), InspectOptions{}); hit {
			t.Error("the snapshot of another interpreter is given")
		}
		if _, why, err := c.Cache.Inspect(t.Context(), Python{Command: []string{shim}}, InspectOptions{}); err != nil || why != "" {
			t.Fatal(why, err)
		}
		if _, _, hit := c.Find(t.Context(), InspectOptions{}); !hit {
			t.Error("introspected again")
		}
	}
}

func TestCacheIsTheOwnersAlone(t *testing.T) {
	c := newCached(t, readsOfScript)
	t.Setenv("DB_HOST", "hunter2")
	c.take(t, InspectOptions{Params: "password=hunter3"})
	for i := range cachedSnapshots + 3 {
		c.take(t, InspectOptions{Params: "n=" + strconv.Itoa(i)})
	}
	files, err := filepath.Glob(filepath.Join(c.Project.Dir, ".kedroctl/snapshots/*"))
	if err != nil || len(files) != cachedSnapshots {
		t.Errorf("%d files, want %d: %v", len(files), cachedSnapshots, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file, info.Mode(), err)
		}
		if text, err := os.ReadFile(file); err != nil || strings.Contains(string(text), "hunter") {
			t.Errorf("%s holds a value: %v", file, err)
		}
	}
}
