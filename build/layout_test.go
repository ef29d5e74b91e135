package build

import (
	"archive/zip"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

// lay writes the build context of a project and gives its files, but those of boot, with their contents.
func lay(t *testing.T, p project.Project, s project.Snapshot) (map[string]string, layout) {
	t.Helper()
	wheel := Wheel{Path: filepath.Join(t.TempDir(), "demo-0.1-py3-none-any.whl"), Name: "demo", Version: "0.1"}
	writeZip(t, wheel.Path, time.Unix(1.7e9, 0), zip.Store, "demo/__init__.py", "demo-0.1.dist-info/METADATA")
	dir := t.TempDir()
	l, err := newLayout(t.Context(), dir, Spec{Project: p, Snapshot: s, Wheel: wheel, Dependencies: Dependencies{
		options: []string{"--pre"}, pins: readPins("kedro==1.7.0 --hash=sha256:aa\nantlr4==4.9.3 --hash=sha256:bb\nmylib @ git+https://git.example/mylib@01\n"),
		sources: []source{{Name: "antlr4"}, {Name: "mylib", Git: true}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if d.IsDir() || strings.HasPrefix(rel, "boot") {
			return nil
		}
		content, err := os.ReadFile(path)
		files[rel] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, l
}

// TestContextHoldsNoSecrets is the guard of issue "conf/local or a literal credential would enter": each planted text must stay out of all that is sent.
func TestContextHoldsNoSecrets(t *testing.T) {
	p, s := fixture(t)
	files, l := lay(t, p, s)
	for name, content := range files {
		for _, secret := range []string{"PLANTED", "hunter2"} {
			if strings.Contains(content, secret) {
				t.Errorf("%s holds %s", name, secret)
			}
		}
	}
	var left []string
	for _, f := range l.left {
		left = append(left, f.Path+": "+f.Reason)
	}
	slices.Sort(left)
	want := []string{
		"conf/aws_batch/credentials/service.yml: svc.token is a literal; write it as ${oc.env:NAME}",
		"conf/base/.env: hidden files are not copied",
		"conf/base/local: a directory called local is never copied",
		"conf/base/sub/db_credentials.yml: db.con is a literal; write it as ${oc.env:NAME}",
	}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	found, err := LeftOut(p, s)
	if err != nil || len(found) != len(want) {
		t.Errorf("LeftOut: %v, %v", found, err)
	}
}

func TestContextHoldsWhatTheImageNeeds(t *testing.T) {
	p, s := fixture(t)
	files, _ := lay(t, p, s)
	if !strings.Contains(files["dependencies/arrange.py"], "def main(") {
		t.Error("no script that arranges the dependencies")
	}
	if !strings.Contains(files["library/library.py"], "def main(") {
		t.Error("no script that compiles the standard library")
	}
	for _, name := range []string{"Dockerfile", "project/demo-0.1.dist-info/RECORD", "dependencies/arrange.py", "library/library.py"} {
		delete(files, name)
	}
	if !strings.HasPrefix(files["dist/demo-0.1-py3-none-any.whl"], "PK") {
		t.Error("no wheel")
	}
	delete(files, "dist/demo-0.1-py3-none-any.whl")
	want := map[string]string{
		"dependencies/requirements.txt":        "--pre\nkedro==1.7.0 --hash=sha256:aa\n",
		"dependencies/used.txt":                "",
		"sources/hashed.txt":                   "antlr4==4.9.3 --hash=sha256:bb\n",
		"sources/other.txt":                    "mylib @ git+https://git.example/mylib@01\n",
		"project/demo/__init__.py":             "content of demo/__init__.py",
		"project/demo-0.1.dist-info/METADATA":  "content of demo-0.1.dist-info/METADATA",
		"project/demo-0.1.dist-info/INSTALLER": "kedroctl\n",
		"project/demo-0.1.dist-info/REQUESTED": "",
		"root/app/conf/logging.yml":            "version: 1\n",
		"root/app/conf/base/catalog.yml":       "a: {type: pandas.CSVDataset, filepath: data/a.csv}\n",
		"root/app/conf/base/credentials.yml":   "s3:\n  key: ${oc.env:S3_KEY}\n  secret: ${oc.env:S3_SECRET}\n",
		"root/app/conf/aws_batch/globals.yml":  "bucket: b\n",
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("context (-want +got):\n%s", diff)
	}
}

// TestContextTimesFollowContent guards against a builder that keeps an old file because name, size and time are the same.
func TestContextTimesFollowContent(t *testing.T) {
	const name = "root/app/conf/aws_batch/globals.yml"
	stat := func(content string) os.FileInfo {
		p, s := fixture(t)
		write(t, p.Dir, map[string]string{"conf/aws_batch/globals.yml": content})
		_, l := lay(t, p, s)
		info, err := os.Stat(filepath.Join(l.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	a, same, other := stat("bucket: a\n"), stat("bucket: a\n"), stat("bucket: b\n")
	if !a.ModTime().Equal(same.ModTime()) || a.Mode() != 0o644 {
		t.Errorf("equal files: %v and %v, mode %v", a.ModTime(), same.ModTime(), a.Mode())
	}
	if a.ModTime().Equal(other.ModTime()) {
		t.Errorf("different files of one size have one time: %v", a.ModTime())
	}
}

func TestConfigurationNeverComesFromLocal(t *testing.T) {
	t.Run("as the environment", func(t *testing.T) {
		p, s := fixture(t)
		for _, env := range []string{"local", "../conf/local", "local/x"} {
			s.Env = env
			if _, err := LeftOut(p, s); err == nil {
				t.Errorf("environment %q is copied", env)
			}
		}
	})
	t.Run("by links", func(t *testing.T) {
		p, s := fixture(t)
		outside := filepath.Join(t.TempDir(), "secret.yml")
		write(t, filepath.Dir(outside), map[string]string{"secret.yml": "a: 1\n"})
		links := map[string]string{
			"a.yml": outside, "b.yml": "../local/credentials.yml", "c": "../local", "d.yml": "../base/catalog.yml",
		}
		for name, target := range links {
			if err := os.Symlink(target, filepath.Join(p.Dir, "conf", "aws_batch", name)); err != nil {
				t.Fatal(err)
			}
		}
		files, _ := lay(t, p, s)
		for name, want := range map[string]bool{"a.yml": false, "b.yml": false, "c": false, "d.yml": true} {
			if _, ok := files["root/app/conf/aws_batch/"+name]; ok != want {
				t.Errorf("link %s copied: %v, want %v", name, ok, want)
			}
		}
	})
	t.Run("where an environment is a link", func(t *testing.T) {
		p, s := fixture(t)
		s.Env = "staging"
		if err := os.Symlink("local", filepath.Join(p.Dir, "conf", "staging")); err != nil {
			t.Fatal(err)
		}
		if _, err := LeftOut(p, s); err == nil {
			t.Error("an environment that is a link to local is copied")
		}
	})
	t.Run("where there is no base environment", func(t *testing.T) {
		p, s := fixture(t)
		s.BaseEnv, s.Env = "", ""
		files, _ := lay(t, p, s)
		for name, content := range files {
			if strings.Contains(content, "PLANTED-local") {
				t.Errorf("%s comes from conf/local", name)
			}
		}
	})
}
