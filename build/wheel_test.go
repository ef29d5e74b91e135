package build

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// writeZip writes a wheel with its entries in an order and with a time.
func writeZip(t *testing.T, file string, when time.Time, method uint16, names ...string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := zip.NewWriter(f)
	for _, name := range names {
		header := &zip.FileHeader{Name: name, Modified: when, Method: method}
		header.SetMode(0o600)
		entry, err := w.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write([]byte("content of " + name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTakeWheelGivesTheSameBytes(t *testing.T) {
	made := t.TempDir()
	out := filepath.Join(t.TempDir(), "dist")
	first, second := filepath.Join(made, "demo-0.1-py3-none-any.whl"), filepath.Join(made, "2", "demo-0.1-py3-none-any.whl")
	write(t, out, map[string]string{"demo-0.0-py3-none-any.whl": "stale"})
	write(t, made, map[string]string{"2/x": ""})
	writeZip(t, first, time.Unix(1.7e9, 0), zip.Deflate, "b.py", "a.py")
	writeZip(t, second, time.Unix(1.8e9, 0), zip.Store, "a.py", "b.py")
	a, err := takeWheel(first, out)
	if err != nil {
		t.Fatal(err)
	}
	b, err := takeWheel(second, out)
	if err != nil {
		t.Fatal(err)
	}
	want := Wheel{Path: filepath.Join(out, "demo-0.1-py3-none-any.whl"), SHA256: a.SHA256, Name: "demo", Version: "0.1"}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Errorf("wheel (-want +got):\n%s", diff)
	}
	if left, _ := filepath.Glob(filepath.Join(out, "*")); len(left) != 1 {
		t.Errorf("the directory holds %v", left)
	}
	r, err := zip.OpenReader(a.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, entry := range r.File {
		if !entry.Modified.Equal(epoch) || entry.Mode() != 0o644 {
			t.Errorf("%s: %v, %v", entry.Name, entry.Modified, entry.Mode())
		}
	}
}

func TestInterpreterBehindACommand(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "uv")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho warming up\necho /venv/of/$(basename $PWD)/python\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	project := filepath.Join(dir, "demo")
	write(t, project, map[string]string{"pyproject.toml": ""})
	tests := []struct {
		command []string
		want    string
	}{
		{[]string{"/venv/bin/python"}, "/venv/bin/python"},
		{[]string{script, "run", "python"}, "/venv/of/demo/python"},
	}
	for _, tt := range tests {
		if got, err := interpreter(t.Context(), tt.command, project); err != nil || got != tt.want {
			t.Errorf("%v: %s, %v, want %s", tt.command, got, err, tt.want)
		}
	}
	for _, command := range [][]string{nil, {"/bin/false", "x"}, {"/bin/true", "x"}} {
		if got, err := interpreter(t.Context(), command, project); err == nil {
			t.Errorf("%v: %s, no error", command, got)
		}
	}
}

// TestPackageWithAFakeKedro shows what packaging gives the command and what it takes from it.
func TestPackageWithAFakeKedro(t *testing.T) {
	p, _ := fixture(t)
	log := filepath.Join(t.TempDir(), "log")
	wheel := filepath.Join(t.TempDir(), "demo-0.1-py3-none-any.whl")
	writeZip(t, wheel, time.Unix(1.7e9, 0), zip.Deflate, "demo/__init__.py")
	python := filepath.Join(t.TempDir(), "python")
	script := "#!/bin/sh\n{ echo $* $DO_NOT_TRACK $SOURCE_DATE_EPOCH $KEDRO_LOGGING_CONFIG; find . -type f | sort; } >" + log +
		"\necho changed >>pyproject.toml\nmkdir dist build src/x.egg-info\ncp " + wheel + " dist\n"
	if err := os.WriteFile(python, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KEDRO_LOGGING_CONFIG", "conf/logging.yml")
	before, _ := os.ReadFile(filepath.Join(p.Dir, "pyproject.toml"))
	w, err := Package(t.Context(), p, []string{python})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(p.Dir, ".kedroctl", "dist", "demo-0.1-py3-none-any.whl"); w.Path != want {
		t.Errorf("wheel at %s, want %s", w.Path, want)
	}
	after, _ := os.ReadFile(filepath.Join(p.Dir, "pyproject.toml"))
	if string(before) != string(after) {
		t.Error("the user's pyproject.toml changed")
	}
	for _, name := range []string{"dist", "build", "src/x.egg-info"} {
		if _, err := os.Stat(filepath.Join(p.Dir, name)); err == nil {
			t.Errorf("%s is in the user's tree", name)
		}
	}
	saw, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	want := "-m kedro package 1 315532800\n./docs/front.md\n./pyproject.toml\n./requirements.txt\n./src/demo/__init__.py\n./src/demo/nodes.py\n./src/demo/table.csv\n"
	if diff := cmp.Diff(want, string(saw)); diff != "" {
		t.Errorf("the command saw (-want +got):\n%s", diff)
	}
}
