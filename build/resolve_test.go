package build

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// standInUV is a uv that resolves to what the file resolved beside it holds, exports the file exported, and notes what it is asked for.
const standInUV = `#!/bin/sh
here=$(dirname "$0")
if [ "$1" = --version ]; then echo uv 99.0.0; exit; fi
if [ "$1" = export ]; then echo "$@" >>"$here/calls"; cat "$here/exported" || { echo "error: The lockfile needs to be updated, but --locked was provided." >&2; exit 1; }; exit; fi
echo "$@" | grep -o 'python-version [^ ]*\|platform [^ ]*\|format [^ ]*\|extra=[^ ]*' | tr '\n' ' ' >>"$here/calls"
while [ $# -gt 0 ]; do if [ "$1" = --output-file ]; then out=$2; fi; shift; done
case $out in
*pylock.toml) printf '[[packages]]\nname = "omegaconf"\nwheels = [{}]\n[[packages]]\nname = "antlr4-python3-runtime"\n' >"$out" ;;
*) echo "before: $(head -n 1 "$out")" >>"$here/calls"; [ -f "$here/conflict" ] && { echo "  × No solution found: you need another password: PLANTED" >&2; exit 1; }; cat "$here/resolved" >"$out" ;;
esac
echo >>"$here/calls"
cat >"$here/stdin"
`

type resolving struct {
	*testing.T
	Resolver
	bin string
}

func newResolving(t *testing.T) *resolving {
	t.Helper()
	p, _ := fixture(t)
	bin := t.TempDir()
	write(t, bin, map[string]string{
		"uv": standInUV, "resolved": "antlr4-python3-runtime==4.9.3 \\\n    --hash=sha256:aa\n    # via omegaconf\nkedro==1.7.0\njupyterlab==4.0\nomegaconf==2.3.0\n    # via kedro\ns3fs==2026.9.0\ncloudpickle==3.1.3\n",
	})
	if err := os.Chmod(filepath.Join(bin, "uv"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	return &resolving{t, Resolver{
		Project: p, Getenv: func(name string) string {
			return map[string]string{"UV_INDEX": "https://me:PLANTED@index.example/simple"}[name]
		},
		Base: func(context.Context) (Base, error) {
			return Base{Python: "3.12.4", Digest: "sha256:" + strings.Repeat("c", 64)}, nil
		},
	}, bin}
}

func (r *resolving) resolve() (Dependencies, error) {
	return r.Resolve(r.Context())
}

func (r *resolving) must() Dependencies {
	r.Helper()
	deps, err := r.resolve()
	if err != nil {
		r.Fatal(err)
	}
	return deps
}

// calls are those since the last time.
func (r *resolving) calls() string {
	file := filepath.Join(r.bin, "calls")
	text, _ := os.ReadFile(file)
	os.Remove(file)
	return string(text)
}

func (r *resolving) lock() string {
	text, _ := os.ReadFile(filepath.Join(r.Project.Dir, project.OwnLock))
	return string(text)
}

func TestResolveOnce(t *testing.T) {
	r := newResolving(t)
	deps := r.must()
	if deps.Source != project.OwnLock || !deps.Made || deps.Count != 5 || !cmp.Equal(deps.LeftOut, []string{"jupyterlab"}) || !cmp.Equal(deps.sources, []source{{Name: "antlr4-python3-runtime"}}) {
		t.Errorf("dependencies: %+v", deps)
	}
	want := "python-version 3.12.4 platform x86_64-manylinux_2_28 before: \n\npython-version 3.12.4 platform x86_64-manylinux_2_28 format pylock.toml \n"
	if diff := cmp.Diff(want, r.calls()); diff != "" {
		t.Errorf("calls of uv (-want +got):\n%s", diff)
	}
	lock := r.lock()
	for _, line := range []string{
		"# base: python:3.12-slim@sha256:" + strings.Repeat("c", 64), "# python: 3.12.4", "# platform: linux/amd64", "jupyterlab==4.0", "    --hash=sha256:aa",
	} {
		if !strings.Contains(lock, line+"\n") && !strings.Contains(lock, line+" \\\n") {
			t.Errorf("the lock has no %q:\n%s", line, lock)
		}
	}
	if strings.Contains(lock, "PLANTED") || strings.Contains(lock, os.TempDir()) {
		t.Errorf("the lock holds what is this machine's:\n%s", lock)
	}

	r.Base = func(context.Context) (Base, error) { return Base{}, errors.New("nobody may be asked") }
	again := r.must()
	if again.Made || r.calls() != "" || r.lock() != lock || !cmp.Equal(again.pins, deps.pins, cmp.AllowUnexported(pin{})) || again.base != deps.base {
		t.Errorf("second time: %+v", again)
	}
}

func TestResolveAnew(t *testing.T) {
	tests := []struct {
		name        string
		change      func(*resolving)
		made, asked bool // whether versions are resolved, with those of before as a start
	}{
		{"another dependency", func(r *resolving) { r.Project.Dependencies = append(r.Project.Dependencies, "polars") }, true, true},
		{"another dependency in requirements.txt", func(r *resolving) { write(r.T, r.Project.Dir, map[string]string{"requirements.txt": "pandas<3\n"}) }, true, true},
		{"a comment in requirements.txt", func(r *resolving) {
			write(r.T, r.Project.Dir, map[string]string{"requirements.txt": "# why\npandas\n"})
		}, false, false},
		{"excluded", func(r *resolving) { r.Project.Settings.Image.Exclude = []string{"kedro-telemetry"} }, true, true},
		{"platform", func(r *resolving) { r.Project.Settings.Image.Platform = "linux/arm64" }, true, true},
		{"upgrade", func(r *resolving) { r.Upgrade = true }, true, false},
		{"base with the same Python", func(r *resolving) { r.Project.Settings.Image.Base = "python:3.12-bookworm" }, false, false},
		{"base with another Python", func(r *resolving) {
			r.Project.Settings.Image.Base = "python:3.13-slim"
			r.Base = func(context.Context) (Base, error) { return Base{Python: "3.13.1"}, nil }
		}, true, true},
		{"kept", func(r *resolving) { r.Project.Settings.Image.Keep = []string{"JupyterLab"} }, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newResolving(t)
			r.must()
			r.calls()
			tt.change(r)
			deps := r.must()
			calls := r.calls()
			asked := strings.Contains(calls, "before: antlr4")
			if deps.Made != tt.made || asked != tt.asked || strings.Contains(calls, "before: ") != tt.made {
				t.Errorf("made %v, calls:\n%s", deps.Made, calls)
			}
			if l, _, err := readOwnLock(r.Project.Dir); err != nil || l.Base != r.Project.Settings.Image.Base || l.edited || deps.base.Python != l.Python {
				t.Errorf("lock: %+v, %v", l, err)
			}
			if r.must().Made != r.Upgrade {
				t.Error("made anew without a reason")
			}
		})
	}
}

func TestResolveKeepsWhatSomebodyHasEdited(t *testing.T) {
	r := newResolving(t)
	r.must()
	edited := strings.Replace(r.lock(), "s3fs==2026.9.0", "s3fs==2026.8.0", 1)
	write(t, r.Project.Dir, map[string]string{project.OwnLock: strings.ReplaceAll(edited, "\n", "\r\n")})
	if l, _, _ := readOwnLock(r.Project.Dir); !l.edited {
		t.Error("the change is not seen")
	}
	write(t, r.Project.Dir, map[string]string{project.OwnLock: edited})
	if deps := r.must(); deps.Made || !strings.Contains(string(deps.requirements(nil)), "s3fs==2026.8.0") {
		t.Errorf("edited, nothing else changed: %+v", deps)
	}
	r.Project.Dependencies = append(r.Project.Dependencies, "polars")
	_, err := r.resolve()
	if err == nil || !strings.Contains(err.Error(), project.OwnLock+" has been edited") || !strings.Contains(ui.Hint(err), "--upgrade") || r.lock() != edited {
		t.Errorf("error %v, hint %q", err, ui.Hint(err))
	}
	r.Upgrade = true
	if deps := r.must(); !deps.Made || strings.Contains(r.lock(), "2026.8.0") {
		t.Errorf("upgraded: %+v", deps)
	}
}

func TestResolveLocks(t *testing.T) {
	tests := []struct {
		name       string
		files      map[string]string // FAKE/ is beside uv
		change     func(*resolving)
		want, hint string // of the error
		source     string
	}{
		{"uv.lock", map[string]string{"uv.lock": "[[package]]\nname = \"s3fs\"\n", "FAKE/exported": "kedro==1.7.0\ns3fs==2026.9.0\n"}, nil, "", "", "uv.lock"},
		{"older uv.lock", map[string]string{"uv.lock": "[[package]]\nname = \"s3fs\"\n"}, nil, "uv.lock is older than what pyproject.toml declares", "run 'uv lock'", ""},
		{
			"upgrade of a uv.lock", map[string]string{"uv.lock": "[[package]]\nname = \"s3fs\"\n"}, func(r *resolving) { r.Upgrade = true },
			"uv.lock fixes them", "'uv lock --upgrade'", "",
		},
		{
			"requirements.lock", map[string]string{"requirements.lock": "kedro==1.7.0\ns3fs==2026.9.0\njupyterlab==4.0\nomegaconf==2.3.0\nantlr4-python3-runtime==4.9.3\n"}, nil,
			"", "", "requirements.lock",
		},
		{
			"requirements.lock that lacks a declared one", map[string]string{
				"requirements.lock": "# This file was autogenerated by uv via the following command:\n#    uv pip compile in.txt -o requirements.lock\nkedro==1.7.0\ns3fs==2026.9.0\n",
			}, nil,
			"requirements.lock lacks antlr4-python3-runtime, which omegaconf needs", "make it anew: 'uv pip compile in.txt -o requirements.lock'", "",
		},
		{
			"requirements.lock that does not fit", map[string]string{"requirements.lock": "kedro==0.19.0\ns3fs==2026.9.0\n", "FAKE/conflict": ""}, nil,
			"requirements.lock does not fit what the project declares: No solution found: you need another password: ****", "'uv pip compile pyproject.toml", "",
		},
		{
			"no solution", map[string]string{"FAKE/conflict": ""}, nil,
			"resolve dependencies: pyproject.toml and requirements.txt for linux/amd64 and Python 3.12.4: No solution found", "exclude", "",
		},
		{
			"no Python", nil, func(r *resolving) { r.Base = func(context.Context) (Base, error) { return Base{}, nil } },
			"the Python of the base image python:3.12-slim is not known", `python = "3.12"`, "",
		},
		{
			"Python of the settings", nil, func(r *resolving) {
				r.Base = func(context.Context) (Base, error) { return Base{}, errors.New("no engine") }
				r.Project.Settings.Image.Python = "3.12"
			}, "", "", project.OwnLock,
		},
		{
			"repository over ssh", map[string]string{"FAKE/resolved": "kedro==1.7.0\nmylib @ git+ssh://git@git.example/mylib@0123\n"}, nil,
			"mylib comes over ssh", "git+https", "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newResolving(t)
			for name, content := range tt.files {
				dir := r.Project.Dir
				if fake, ok := strings.CutPrefix(name, "FAKE/"); ok {
					name, dir = fake, r.bin
				}
				write(t, dir, map[string]string{name: content})
			}
			if tt.change != nil {
				tt.change(r)
			}
			deps, err := r.resolve()
			if tt.want == "" {
				if err != nil || deps.Source != tt.source || !strings.Contains(string(deps.requirements(nil)), "cloudpickle==3.1.3") {
					t.Errorf("%+v, %v", deps, err)
				}
				if tt.source != project.OwnLock && r.lock() != "" {
					t.Error("a lock of kedroctl's own beside the user's")
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(ui.Hint(err), tt.hint) || strings.Contains(err.Error(), "PLANTED") {
				t.Errorf("error: %v\nhint: %s", err, ui.Hint(err))
			}
		})
	}
}

// TestResolveExtras has extras of the project in each kind of lock.
func TestResolveExtras(t *testing.T) {
	const manifest = "[project]\nname = \"demo\"\ndependencies = [\"kedro~=1.0\"]\n[project.optional-dependencies]\ntrain = [\"locallib\"]\n[tool.uv.sources]\nlocallib = { path = \"libs/local\" }\n"
	t.Run("uv.lock", func(t *testing.T) {
		r := newResolving(t)
		write(t, r.Project.Dir, map[string]string{"uv.lock": "[[package]]\nname = \"s3fs\"\n"})
		write(t, r.bin, map[string]string{"exported": "kedro==1.7.0\ns3fs==2026.9.0\n"})
		r.Project.Settings.Image.Extras = []string{"Train"}
		r.must()
		if calls := r.calls(); !strings.Contains(calls, "--extra=train") {
			t.Errorf("calls of uv: %s", calls)
		}
	})
	t.Run("kedroctl's own", func(t *testing.T) {
		r := newResolving(t)
		write(t, r.Project.Dir, map[string]string{"pyproject.toml": manifest})
		r.must()
		if calls := r.calls(); strings.Contains(calls, "extra") {
			t.Errorf("calls of uv without extras: %s", calls)
		}
		r.Project.Settings.Image.Extras, r.Project.Dependencies = []string{"train"}, append(r.Project.Dependencies, "locallib")
		if deps := r.must(); !deps.Made || !strings.Contains(r.calls(), "extra=train") {
			t.Errorf("with one: %+v", deps)
		}
		write(t, r.Project.Dir, map[string]string{"pyproject.toml": strings.Replace(manifest, `"locallib"`, `"locallib<2"`, 1)})
		if !r.must().Made || r.must().Made {
			t.Error("a change of the extra's requirements is not seen once")
		}
	})
	t.Run("requirements.lock", func(t *testing.T) {
		for made, want := range map[string]string{
			"uv pip compile pyproject.toml":                      "'uv pip compile pyproject.toml --extra=train'",
			"uv pip compile pyproject.toml --extra train":        "'uv pip compile pyproject.toml --extra train'",
			"uv pip compile pyproject.toml --extra=train-faster": "'uv pip compile pyproject.toml --extra=train-faster --extra=train'",
			"uv pip compile requirements.in":                     "'uv pip compile requirements.in'", // which has no extras
			"pip-compile --all-extras pyproject.toml":            "'pip-compile --all-extras pyproject.toml'",
		} {
			r := newResolving(t)
			write(t, r.Project.Dir, map[string]string{
				"requirements.lock": "# This file was autogenerated by uv via the following command:\n#    " + made + "\nkedro==1.7.0\ns3fs==2026.9.0\n",
			})
			r.Project.Settings.Image.Extras = []string{"train"}
			if _, err := r.resolve(); err == nil || !strings.HasSuffix(ui.Hint(err), want) {
				t.Errorf("error: %v\nhint: %s, want %s", err, ui.Hint(err), want)
			}
		}
	})
}

func TestImportedToolsStay(t *testing.T) {
	r := newResolving(t)
	write(t, r.Project.Dir, map[string]string{"src/demo/hooks.py": "def f():\n    import jupyterlab.labapp\n"})
	if deps := r.must(); len(deps.LeftOut) > 0 {
		t.Errorf("left out: %v", deps.LeftOut)
	}
}

// TestInputKeyCoversLocalDependencies guards against an image that has an old version of a directory beside the project.
func TestInputKeyCoversLocalDependencies(t *testing.T) {
	p, s := fixture(t)
	write(t, p.Dir, map[string]string{"requirements.txt": "./libs/a\nb @ file:libs/b ; python_version > '3'\n", "libs/a/a.py": "1", "libs/b/b.py": "1", "libs/b/.git/x": "1"})
	key := func() string {
		t.Helper()
		k, err := InputKey(p, s)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := key()
	for name, changes := range map[string]bool{"libs/a/a.py": true, "libs/b/b.py": true, "libs/b/.git/x": false} {
		write(t, p.Dir, map[string]string{name: "2"})
		if second := key(); (second != first) != changes {
			t.Errorf("%s changes the key: %v", name, second != first)
		}
		write(t, p.Dir, map[string]string{name: "1"})
	}
}

func TestTarBuildTakesNoSecrets(t *testing.T) {
	p := &podman{}
	spec := podmanSpec(t)
	spec.Dependencies.secrets = map[string][]byte{"uv": []byte("PLANTED")}
	_, err := dialPodman(t, p).Build(t.Context(), spec, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "no BuildKit") || !strings.Contains(ui.Hint(err), "--engine none") || len(p.files) > 0 {
		t.Errorf("%v, hint %q, sent %d files", err, ui.Hint(err), len(p.files))
	}
}
