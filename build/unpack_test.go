package build

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// unpacked gives the files below dir that Unpack wrote, without those of the boot distribution.
func unpacked(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(name, "boot/") {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestUnpackHasWhatAnImageHas(t *testing.T) {
	p, s := fixture(t)
	if err := os.Symlink("nowhere.py", filepath.Join(p.SourceDir, "demo", "dangling.py")); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	u, err := Unpack(dir, p, s)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"root/app/conf/logging.yml":           "version: 1\n",
		"root/app/conf/base/catalog.yml":      "a: {type: pandas.CSVDataset, filepath: data/a.csv}\n",
		"root/app/conf/base/credentials.yml":  "s3:\n  key: ${oc.env:S3_KEY}\n  secret: ${oc.env:S3_SECRET}\n",
		"root/app/conf/aws_batch/globals.yml": "bucket: b\n",
		"project/src/demo/__init__.py":        "",
		"project/src/demo/nodes.py":           "def f(x): return x\n",
		"project/src/demo/table.csv":          "a,b\n",
	}
	if diff := cmp.Diff(want, unpacked(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	variables := map[string]string{
		"KEDROCTL_PACKAGE": "demo", "KEDRO_LOGGING_CONFIG": dir + "/boot/kedroctl_boot/logging.yml",
		"DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1", "COLUMNS": "200", "PYTHONPATH": dir + "/project/src:" + dir + "/boot",
	}
	if diff := cmp.Diff(Unpacked{App: dir + "/root/app", Env: variables}, u); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, name := range []string{"boot/kedroctl_boot/__main__.py", "boot/kedroctl_boot-1.dist-info/entry_points.txt", "boot/kedroctl_boot/logging.yml"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// TestUnpackSetsTheVariablesOfTheImage: jobs see the same with and without one, but for where things lie.
func TestUnpackSetsTheVariablesOfTheImage(t *testing.T) {
	p, s := fixture(t)
	p.Settings.Image.Logging = "project"
	u, err := Unpack(t.TempDir(), p, s)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(u.App, "conf", "logging.yml"); u.Env["KEDRO_LOGGING_CONFIG"] != want {
		t.Errorf("logging is configured by %s, want %s", u.Env["KEDRO_LOGGING_CONFIG"], want)
	}
	text, err := renderDockerfile(p, Dependencies{})
	if err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(text[strings.LastIndex(text, "\nFROM "):], "ENV ")
	last, _, _ = strings.Cut(strings.ReplaceAll(last, "\\\n", ""), "\n")
	for _, word := range strings.Fields(last) {
		name, value, _ := strings.Cut(word, "=")
		if name == "PATH" || name == "HOME" { // are the interpreter's and the job's own
			continue
		}
		if got, ok := u.Env[name]; !ok || !strings.Contains(value, "/") && got != value {
			t.Errorf("%s is %q, in the image %q", name, got, value)
		}
	}
}

func TestUnpackAFlatProject(t *testing.T) {
	p, s := fixture(t)
	p.SourceDir = p.Dir
	write(t, p.Dir, map[string]string{"demo/__init__.py": "flat = True\n"})
	dir := t.TempDir()
	u, err := Unpack(dir, p, s)
	if err != nil {
		t.Fatal(err)
	}
	files := unpacked(t, dir)
	if files["project/demo/__init__.py"] == "" || !strings.HasPrefix(u.Env["PYTHONPATH"], dir+"/project:") {
		t.Errorf("%v, PYTHONPATH %s", files, u.Env["PYTHONPATH"])
	}
	for name, content := range files {
		if strings.HasPrefix(name, "project/data/") || strings.Contains(content, "PLANTED") {
			t.Errorf("%s has no business there", name)
		}
	}
}
