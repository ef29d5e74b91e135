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

// fakePython writes an executable that answers the probe, or does what body says.
func fakePython(t *testing.T, path, body string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	withKedro    = `echo "welcome"; echo "kedroctl-probe 3.12.4 1.7.0"`
	withoutKedro = `echo "Traceback" >&2; echo "ModuleNotFoundError: No module named 'kedro'" >&2; exit 1`
)

func TestFindPythonOrder(t *testing.T) {
	at := func(parts ...string) string { return filepath.Join(parts...) }
	for name, test := range map[string]struct {
		have map[string]string // interpreter, relative to the sandbox: what it does
		flag string
		vars map[string]string
		want string
	}{
		"flag beats all":      {map[string]string{"mine/python": withKedro, "project/.venv/bin/python": withKedro}, "mine/python", nil, "mine/python"},
		"active environment":  {map[string]string{"venv/bin/python": withKedro, "project/.venv/bin/python": withKedro}, "", map[string]string{"VIRTUAL_ENV": "venv"}, "venv/bin/python"},
		"active lacks kedro":  {map[string]string{"venv/bin/python": withoutKedro, "project/.venv/bin/python": withKedro}, "", map[string]string{"VIRTUAL_ENV": "venv"}, "project/.venv/bin/python"},
		"workspace":           {map[string]string{".venv/bin/python": withKedro, "path/python3": withKedro}, "", nil, ".venv/bin/python"},
		"uv's environment":    {map[string]string{"uv/bin/python": withKedro, "path/python3": withKedro}, "", map[string]string{"UV_PROJECT_ENVIRONMENT": "uv"}, "uv/bin/python"},
		"poetry":              {map[string]string{"path/poetry": `echo "$SANDBOX/po/python"`, "po/python": withKedro, "path/python3": withKedro}, "", nil, "po/python"},
		"poetry without any":  {map[string]string{"path/poetry": "exit 1", "path/python3": withKedro}, "", nil, "path/python3"},
		"conda":               {map[string]string{"conda/bin/python": withKedro, "path/python3": withKedro}, "", map[string]string{"CONDA_PREFIX": "conda"}, "conda/bin/python"},
		"python on PATH":      {map[string]string{"path/python3": withoutKedro, "path/python": withKedro}, "", nil, "path/python"},
		"something else runs": {map[string]string{"path/python3": "echo hello", "path/python": withKedro}, "", nil, "path/python"},
	} {
		t.Run(name, func(t *testing.T) {
			sandbox := writeProject(t, map[string]string{"project/poetry.lock": "", ".git/": "", "path/": ""})
			for path, body := range test.have {
				fakePython(t, at(sandbox, path), body)
			}
			t.Setenv("SANDBOX", sandbox)
			t.Setenv("PATH", at(sandbox, "path"))
			flag := test.flag
			if flag != "" {
				flag = at(sandbox, flag)
			}
			getenv := func(name string) string {
				if test.vars[name] == "" {
					return ""
				}
				return at(sandbox, test.vars[name])
			}
			got, err := FindPython(t.Context(), Project{Dir: at(sandbox, "project")}, flag, getenv)
			want := Python{Command: []string{at(sandbox, test.want)}, Version: "3.12.4", KedroVersion: "1.7.0"}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestFindPythonSaysWhatItTried(t *testing.T) {
	dir := writeProject(t, map[string]string{"uv.lock": "", ".git/": "", "path/": ""})
	fakePython(t, filepath.Join(dir, "path", "python3"), withoutKedro)
	t.Setenv("PATH", filepath.Join(dir, "path"))
	venv := filepath.Join(dir, "gone")

	_, err := FindPython(t.Context(), Project{Dir: dir}, "", variables(map[string]string{"VIRTUAL_ENV": venv}))
	failure, ok := errors.AsType[*NoPythonError](err)
	if !ok {
		t.Fatalf("FindPython: %v; want a NoPythonError", err)
	}
	for _, want := range []string{venv + "/bin/python (VIRTUAL_ENV): ", "python3 (PATH): ModuleNotFoundError: No module named 'kedro'"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	if !strings.Contains(failure.Hint(), "'uv sync'") {
		t.Errorf("hint %q does not say how to install", failure.Hint())
	}

	if _, err := FindPython(t.Context(), Project{Dir: dir}, "/absent/python", variables(nil)); !strings.Contains(err.Error(), "/absent/python (--python)") ||
		strings.Contains(err.Error(), "PATH") {
		t.Errorf("with --python nothing else may be tried: %v", err)
	}
}

func TestFindPythonCancelled(t *testing.T) {
	python := fakePython(t, filepath.Join(t.TempDir(), "python"), "sleep 60")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := FindPython(ctx, Project{Dir: t.TempDir()}, python, variables(nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("FindPython: %v; want context.Canceled", err)
	}
}
