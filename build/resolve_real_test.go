//go:build real

package build

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

// Passwords that must be in nothing that stays.
const (
	indexPassword = "PLANTED-index-password"
	gitPassword   = "PLANTED-git-password"
)

// gateway is an address of this machine that steps of a build reach too.
func gateway(t *testing.T) string {
	t.Helper()
	link, err := net.InterfaceByName("docker0")
	if err != nil {
		realtest.Missing(t, "no bridge of the engine on this machine: "+err.Error())
	}
	addresses, err := link.Addrs()
	if err != nil || len(addresses) == 0 {
		realtest.Missing(t, "the engine's bridge has no address")
	}
	ip, _, err := net.ParseCIDR(addresses[0].String())
	if err != nil {
		t.Fatal(err)
	}
	return ip.String()
}

// serveTeam serves an index with one distribution, teamlib, and a git repository with another, gitlib, each behind a password.
func serveTeam(t *testing.T) (host string) {
	t.Helper()
	var wheel bytes.Buffer
	z := zip.NewWriter(&wheel)
	for name, content := range map[string]string{
		"teamlib.py": "team = True\n", "teamlib-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: teamlib\nVersion: 1.0\n",
		"teamlib-1.0.dist-info/WHEEL":  "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"teamlib-1.0.dist-info/RECORD": "teamlib.py,,\nteamlib-1.0.dist-info/METADATA,,\nteamlib-1.0.dist-info/WHEEL,,\nteamlib-1.0.dist-info/RECORD,,\n",
	} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, content)
	}
	z.Close()
	const file = "teamlib-1.0-py3-none-any.whl"
	mux := http.NewServeMux()
	mux.HandleFunc("/simple/teamlib/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `<a href="/files/%s">%[1]s</a>`, file) })
	mux.HandleFunc("/files/"+file, func(w http.ResponseWriter, _ *http.Request) { w.Write(wheel.Bytes()) })
	git, err := exec.LookPath("git")
	if err != nil {
		realtest.Missing(t, "no git")
	}
	mux.Handle("/git/", &cgi.Handler{
		Path: git, Args: []string{"http-backend"}, Root: "/git", Env: []string{"GIT_PROJECT_ROOT=" + gitRepository(t), "GIT_HTTP_EXPORT_ALL=1"}, Stderr: io.Discard,
	})
	listener, err := net.Listen("tcp", gateway(t)+":0")
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := indexPassword
		if strings.HasPrefix(r.URL.Path, "/git/") {
			want = gitPassword
		}
		if _, password, _ := r.BasicAuth(); password != want {
			w.Header().Set("WWW-Authenticate", `Basic realm="team"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})}}
	server.Start()
	t.Cleanup(server.Close)
	return listener.Addr().String()
}

// gitRepository makes gitlib.git in a directory.
func gitRepository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	tree := filepath.Join(dir, "gitlib")
	write(t, tree, libraryFiles("gitlib"))
	for _, args := range [][]string{
		{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "first"}, {"clone", "-q", "--bare", ".", "../gitlib.git"},
	} {
		c := exec.CommandContext(t.Context(), "git", args...)
		c.Dir = tree
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	return dir
}

// libraryFiles is a distribution of one module, by setuptools.
func libraryFiles(name string) map[string]string {
	return map[string]string{
		"pyproject.toml": "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n[project]\nname = \"" + name + "\"\nversion = \"1.0\"\n[tool.setuptools]\npy-modules = [\"" + name + "\"]\n",
		name + ".py":     "origin = \"" + name + "\"\n", ".env": "SECRET=PLANTED-env\n", "conf/local/credentials.yml": "a: PLANTED-local\n",
	}
}

// TestRealSourcesAndPrivateIndex builds from a lock with an sdist, a git repository and a directory, and an index that wants a password.
func TestRealSourcesAndPrivateIndex(t *testing.T) {
	r := realParts(t)
	host := serveTeam(t)
	p := r.miniature(t)
	for name, content := range libraryFiles("locallib") {
		content = strings.Replace(content, `["setuptools"]`, `["setuptools<70"]`, 1)
		write(t, filepath.Join(p.Dir, "libs", "locallib"), map[string]string{name: content})
	}
	p.Dependencies = append(p.Dependencies, "omegaconf==2.3.0", "teamlib", "gitlib @ git+http://"+host+"/git/gitlib.git", "./libs/locallib", "pytest")
	netrc := filepath.Join(t.TempDir(), "netrc")
	ip, _, _ := net.SplitHostPort(host)
	if err := os.WriteFile(netrc, []byte("machine "+ip+" login me password "+gitPassword+"\nmachine other.example login me password PLANTED-other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir() // git looks for a netrc there and nowhere else
	if err := os.Symlink(netrc, filepath.Join(home, ".netrc")); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"HOME": home, "XDG_CACHE_HOME": realCache(t), "NETRC": netrc, "UV_INDEX": "team=http://me:" + indexPassword + "@" + host + "/simple"} {
		t.Setenv(name, value)
	}
	deps := r.resolve(t, p)
	var names []string
	for _, s := range deps.sources {
		names = append(names, s.Name)
	}
	if diff := cmp.Diff([]string{"antlr4-python3-runtime", "gitlib", "locallib"}, names); diff != "" {
		t.Errorf("made of sources (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"iniconfig", "pytest"}, deps.LeftOut); diff != "" { // not pluggy, which Kedro needs too
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	lock, err := os.ReadFile(filepath.Join(p.Dir, project.OwnLock))
	if err != nil {
		t.Fatal(err)
	}
	noSecret(t, project.OwnLock, lock)

	// From here on the same as a lock of the user's, which says which one was used.
	if err := os.Rename(filepath.Join(p.Dir, project.OwnLock), filepath.Join(p.Dir, "requirements.lock")); err != nil {
		t.Fatal(err)
	}
	s := r.inspect(t, p)
	spec := r.spec(t, p, s)
	if spec.Dependencies.Source != "requirements.lock" {
		t.Errorf("dependencies of %s", spec.Dependencies.Source)
	}
	var story bytes.Buffer
	image, err := r.engine.Build(t.Context(), spec, &story)
	if err != nil {
		t.Fatalf("%v\n%s", err, story.String())
	}
	t.Cleanup(func() { exec.Command("docker", "rmi", "-f", image.ID).Run() })
	noSecret(t, "the story", story.Bytes())
	if err := r.engine.Smoke(t.Context(), image, s, p.Settings); err != nil {
		t.Error(err)
	}
	script := `import antlr4, gitlib, locallib, omegaconf, shutil, teamlib
from importlib.metadata import distribution, version
print(gitlib.origin, locallib.origin, teamlib.team, version("omegaconf"), [p for p in ("git", "gcc", "cc", "uv") if shutil.which(p)])
print(["setuptools (` + setuptoolsVersion + `)" in distribution(name).read_text("WHEEL") for name in ("antlr4-python3-runtime", "gitlib", "locallib")])`
	out, err := exec.CommandContext(t.Context(), "docker", "run", "--rm", "--network", "none", image.Ref, "python", "-c", script).CombinedOutput()
	if err != nil || string(out) != "gitlib locallib True 2.3.0 []\n[True, True, False]\n" { // locallib wants another setuptools
		t.Errorf("%v: %s", err, out)
	}
	r.scan(t, image)
	dir := t.TempDir()
	if _, err := newLayout(t.Context(), dir, spec); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(file)
		noSecret(t, file, content)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// realCache is the cache directory of this user: what is there is not fetched again.
func realCache(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func noSecret(t *testing.T, where string, content []byte) {
	t.Helper()
	if bytes.Contains(content, []byte("PLANTED")) {
		t.Errorf("%s holds a secret", where)
	}
}

// scan looks for secrets in all that the engine gives away of an image: layers, configuration, history.
func (r parts) scan(t *testing.T, image Image) {
	t.Helper()
	saved, err := r.engine.docker.ImageSave(t.Context(), []string{image.Ref})
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Close()
	files := 0
	var read func(from io.Reader)
	read = func(from io.Reader) {
		for a := tar.NewReader(from); ; {
			h, err := a.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(h.Name, "layer.tar") {
				read(a)
				continue
			}
			files++
			content, err := io.ReadAll(a)
			if err != nil {
				t.Fatal(err)
			}
			noSecret(t, h.Name, content)
		}
	}
	read(saved)
	if files < 1000 {
		t.Errorf("only %d files were read", files)
	}
	history, err := r.engine.docker.ImageHistory(t.Context(), image.ID)
	if err != nil {
		t.Fatal(err)
	}
	noSecret(t, "the history", fmt.Append(nil, history))
}
