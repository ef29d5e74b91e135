package project

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDescribe(t *testing.T) {
	const answer = `echo "welcome"; echo "kedroctl-interpreter {\"Path\": \"/real/python\", \"UserBase\": \"$HOME\", \"Missing\": [\"$4\"]}"; shift 3`
	python := fakePython(t, filepath.Join(t.TempDir(), "python"), answer)
	got, err := Python{Command: []string{python, "-X"}}.Describe(t.Context(), []string{"HOME=/its/home"}, "s3fs", "cloudpickle")
	want := Interpreter{Path: "/real/python", UserBase: "/its/home", Missing: []string{"s3fs"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestDescribeSaysWhatFailed(t *testing.T) {
	for body, want := range map[string]string{
		withoutKedro: "ModuleNotFoundError: No module named 'kedro'",
		"echo hello": `it answers "hello"`,
	} {
		python := fakePython(t, filepath.Join(t.TempDir(), "python"), body)
		_, err := Python{Command: []string{python}}.Describe(t.Context(), nil)
		if err == nil || !strings.HasPrefix(err.Error(), "ask "+python+" where it is: ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
