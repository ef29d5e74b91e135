package build

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// owner is the fixture with a Dockerfile of its own, and more that must not be sent.
func owner(t *testing.T, dockerfile string) (project.Project, project.Snapshot) {
	t.Helper()
	p, s := fixture(t)
	p.Settings.Image.Dockerfile = "docker/Dockerfile"
	write(t, p.Dir, map[string]string{
		"docker/Dockerfile": dockerfile, ".dockerignore": "data\n# all\n!conf/local\n!.env\n",
		".git/config": "url = https://PLANTED-git@x", ".kedroctl/local/server.json": "PLANTED-state", "dist/old-0.1-py3-none-any.whl": "PLANTED-stale",
		"sub/.env.prod": "PLANTED-sub-env", ".netrc": "PLANTED-netrc", "aws/credentials": "PLANTED-aws-file", "src/demo/credentials.py": "def load(): ...\n",
	})
	return p, s
}

// sent reads the whole context, as a Dockerfile that copies everything does.
func sent(t *testing.T, l layout) map[string]string {
	t.Helper()
	context, err := l.context()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	last := ""
	err = context.Walk(t.Context(), "", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if last >= strings.ReplaceAll(name, "/", "\x00") {
			t.Errorf("%s comes after %s", name, last)
		}
		last = strings.ReplaceAll(name, "/", "\x00")
		if d.IsDir() {
			return nil
		}
		f, err := context.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		content, err := io.ReadAll(f)
		files[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func ownWheel(t *testing.T) Wheel {
	t.Helper()
	return wheelOf(t, map[string]string{"demo/__init__.py": "", "demo-0.1.dist-info/METADATA": "Name: demo\n", "demo-0.1.dist-info/WHEEL": "Root-Is-Purelib: true\n"})
}

func ownLayout(t *testing.T, p project.Project, s project.Snapshot) layout {
	t.Helper()
	l, err := newOwnLayout(t.Context(), t.TempDir(), Spec{
		Project: p, Snapshot: s, Wheel: ownWheel(t), Dependencies: Dependencies{pins: readPins("kedro==1.7.0")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOwnContextHasTheProjectButNoSecrets(t *testing.T) {
	p, s := owner(t, "FROM python\nCOPY . .\n")
	l := ownLayout(t, p, s)
	files := sent(t, l)
	for name, content := range files {
		if strings.Contains(content, "PLANTED") && name != "conf/prod/catalog.yml" {
			t.Errorf("%s is sent: %s", name, content)
		}
	}
	for name, want := range map[string]bool{
		"docker/Dockerfile": true, "src/demo/nodes.py": true, "src/demo/credentials.py": true, "conf/base/credentials.yml": true, "dist/demo-0.1-py3-none-any.whl": true,
		".kedroctl/image/boot/kedroctl_boot/__main__.py": true, ".kedroctl/image/root/app/conf/base/catalog.yml": true, "README.md": false,
		"data/a.csv": false, "src/demo/__pycache__/nodes.pyc": false, "conf/base/sub/db_credentials.yml": false, ".kedroctl/image/dependencies/requirements.txt": false,
	} {
		if _, ok := files[name]; ok != want {
			t.Errorf("%s is sent: %v", name, ok)
		}
	}
	var left []string
	for _, l := range l.left {
		left = append(left, l.Path)
	}
	slices.Sort(left)
	want := []string{".env", ".netrc", "aws/credentials", "conf/aws_batch/credentials/service.yml", "conf/base/.env", "conf/base/local", "conf/base/sub/db_credentials.yml",
		"conf/local", "sub/.env.prod"}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("kept back (-want +got):\n%s", diff)
	}
	found, err := LeftOut(p, s)
	if err != nil || len(found) != len(want) {
		t.Errorf("told of: %v, %v", found, err)
	}
}

func TestOwnDockerfileGetsTheEntryOfJobs(t *testing.T) {
	p, s := owner(t, "FROM python AS a\nFROM a\nRUN true")
	text := sent(t, ownLayout(t, p, s))[".kedroctl/image/Dockerfile"]
	if !strings.HasPrefix(text, "FROM python AS a\nFROM a\nRUN true\n\n# Added by kedroctl") {
		t.Error(text)
	}
	for _, want := range []string{"KEDROCTL_PACKAGE=demo ", "COPY .kedroctl/image/root/app/conf/ /app/conf/\n", "ENTRYPOINT []\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	write(t, p.Dir, map[string]string{p.Settings.Image.Dockerfile: "FROM python\nENV KEDROCTL_PACKAGE=demo\n"})
	if text, err := ownDockerfile(p); err != nil || text != "FROM python\nENV KEDROCTL_PACKAGE=demo\n" {
		t.Errorf("one that brings the entry itself: %v\n%s", err, text)
	}
	write(t, p.Dir, map[string]string{p.Settings.Image.Dockerfile: "FROM python\nRUN true \\\n\n"})
	if _, err := ownDockerfile(p); err == nil || !strings.Contains(err.Error(), "docker/Dockerfile: its last line goes on") {
		t.Errorf("a line that goes on: %v", err)
	}
	p.Settings.Image.Dockerfile = "nowhere"
	if _, err := InputKey(p, s); err == nil || !strings.Contains(err.Error(), "nowhere") || ui.Hint(err) == "" {
		t.Errorf("none there: %v", err)
	}
}

func TestInputKeyOfAnOwnDockerfile(t *testing.T) {
	for file, changes := range map[string]bool{
		"docker/Dockerfile": true, "docs/other.md": true, "tests/test_a.py": true, "src/demo/nodes.py": true, "conf/base/catalog.yml": true, "conf/prod/catalog.yml": true,
		"data/a.csv": false, "conf/local/credentials.yml": false, ".env": false, ".git/HEAD": false, ".kedroctl/x": false, "dist/b-1-py3-none-any.whl": false,
		"src/demo/__pycache__/a.pyc": false,
	} {
		p, s := owner(t, "FROM python\n")
		before := key(t, p, s)
		write(t, p.Dir, map[string]string{file: "FROM a\n"})
		if changed := key(t, p, s) != before; changed != changes {
			t.Errorf("%s: key changed: %v, want %v", file, changed, changes)
		}
	}
	p, s := owner(t, "FROM python\n")
	before := key(t, p, s)
	write(t, p.Dir, map[string]string{"docker/Dockerfile.dockerignore": "docs\n"}) // goes before the other, and is sent itself
	without := key(t, p, s)
	write(t, p.Dir, map[string]string{"docs/other.md": "changed\n"})
	if without == before || key(t, p, s) != without {
		t.Error("the Dockerfile's own .dockerignore does not count")
	}
}

func TestInputKeyOfAnImageOfOthers(t *testing.T) {
	p, s := fixture(t)
	p.Settings.Image.Use = "r.example/a@sha256:" + strings.Repeat("0", 64)
	before := key(t, p, s)
	write(t, p.Dir, map[string]string{"src/demo/nodes.py": "changed"})
	if key(t, p, s) != before {
		t.Error("sources count, though nothing is built")
	}
	p.Settings.Image.Use = "r.example/a@sha256:" + strings.Repeat("1", 64)
	if key(t, p, s) == before {
		t.Error("another image has the same key")
	}
}

func TestHandOver(t *testing.T) {
	p, s := fixture(t)
	wheel := ownWheel(t)
	h, err := HandOver(t.Context(), Spec{Project: p, Snapshot: s, Wheel: wheel}, "docker/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(p.Dir, "docker/Dockerfile"))
	if err != nil || !strings.Contains(string(text), "source="+partsDir+"/dist,") || h.Kept || h.Ignore != "docker/Dockerfile.dockerignore" {
		t.Errorf("%+v, %v\n%s", h, err, text)
	}
	for _, line := range strings.Split(string(text), "type=bind,source=")[1:] {
		dir, _, _ := strings.Cut(line, ",")
		if info, err := os.Stat(filepath.Join(p.Dir, dir)); err != nil || !info.IsDir() {
			t.Errorf("%s is not there: %v", dir, err)
		}
	}
	if _, err = HandOver(t.Context(), Spec{Project: p, Snapshot: s, Wheel: wheel}, "docker/Dockerfile"); err == nil || !strings.Contains(err.Error(), "docker/Dockerfile is there already") || ui.Hint(err) == "" {
		t.Errorf("a second time: %v", err)
	}

	// From now on it is the project's own: it is built as it is, of its parts alone, and never written again.
	p.Settings.Image.Dockerfile = "docker/Dockerfile"
	if err := os.WriteFile(filepath.Join(p.Dir, "docker/Dockerfile"), append(text, "# mine\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	files := sent(t, ownLayout(t, p, s))
	if got := files[".kedroctl/image/Dockerfile"]; got != string(text)+"# mine\n" {
		t.Errorf("it is built as\n%s", got)
	}
	if _, ok := files["src/demo/nodes.py"]; ok || files[".kedroctl/image/dependencies/requirements.txt"] == "" {
		t.Errorf("context: %v", files)
	}
	if h, err := HandOver(t.Context(), Spec{Project: p, Snapshot: s, Wheel: wheel}, "docker/Dockerfile"); err != nil || !h.Kept {
		t.Errorf("parts anew: %+v, %v", h, err)
	}
	if after, err := os.ReadFile(filepath.Join(p.Dir, "docker/Dockerfile")); err != nil || !strings.HasSuffix(string(after), "# mine\n") {
		t.Errorf("it was written again: %v", err)
	}
}

func TestOverlaySkipsDirectories(t *testing.T) {
	p, s := owner(t, "FROM python\n")
	context, err := ownLayout(t, p, s).context()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	err = context.Walk(t.Context(), "", func(name string, d fs.DirEntry, err error) error {
		names = append(names, name)
		if name == ".kedroctl" || name == "src/demo/__init__.py" {
			return fs.SkipDir // of a file: what is left of its directory
		}
		return err
	})
	if err != nil || slices.Contains(names, ".kedroctl/image") || slices.Contains(names, "src/demo/nodes.py") || !slices.Contains(names, "requirements.txt") {
		t.Errorf("%v: %q", err, names)
	}
}

func TestExposedToAnOwnDockerfile(t *testing.T) {
	p, s := owner(t, "FROM python\nARG INDEX_TOKEN\nENV A=1 API_TOKEN=abc\nCOPY . .\n")
	write(t, p.Dir, map[string]string{
		"requirements.txt":           "--index-url https://me:PLANTED@index.example/simple\npandas\n",
		"tests/key.pem":              "-----BEGIN PRIVATE KEY-----\n",
		"conf/base/parameters.yml":   "service: https://me:PLANTED@service.example\n",
		"src/demo/table.csv":         "https://me:PLANTED@data.example\n", // data has addresses
		"notebooks/settings_dev.ini": "url = https://me:PLANTED@a.example\n",
	})
	found, err := Exposed(p, s)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range found {
		got = append(got, e.Path+": "+e.Reason)
		if strings.Contains(e.Reason, "PLANTED") || strings.Contains(e.Reason, "abc") {
			t.Errorf("the warning repeats the secret: %s", e.Reason)
		}
	}
	slices.Sort(got)
	want := []string{
		"conf/base/parameters.yml: line 1 has an address with a password or token",
		"docker/Dockerfile: line 3 gives API_TOKEN a value, which the image's history shows",
		"notebooks/settings_dev.ini: line 1 has an address with a password or token",
		"requirements.txt: line 1 has an address with a password or token",
		"tests/key.pem: it holds a private key",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
