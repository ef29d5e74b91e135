//go:build real

package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

// smallest is a project that needs nothing but Kedro, with secrets where people leave them. No .dockerignore keeps them back.
var smallest = map[string]string{
	"pyproject.toml": `[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "mini"
version = "0.1"
requires-python = ">=3.10"
dependencies = ["kedro~=1.0", "s3fs>=2024.6.0"]
[tool.kedro]
package_name = "mini"
project_name = "Mini"
kedro_init_version = "1.7.0"
[tool.kedroctl.image]
exclude = ["kedro-telemetry"]
`,
	"src/mini/__init__.py":                 "",
	"src/mini/settings.py":                 "",
	"src/mini/pipeline_registry.py":        "from kedro.pipeline import Pipeline, node\n\n\ndef double(x):\n    return 2 * x\n\n\ndef register_pipelines():\n    return {\"__default__\": Pipeline([node(double, \"params:x\", \"y\", name=\"double\")])}\n",
	"conf/base/parameters.yml":             "x: 1\n",
	"conf/base/credentials.yml":            "lake: {secret: planted-base}\n",
	"conf/base/sub/credentials.yml":        "store: {password: planted-sub}\n",
	"conf/aws_batch/more_credentials.json": `{"api": {"token": "planted-env-conf"}}`,
	"conf/local/credentials.yml":           "lake: {secret: planted-local}\n",
	".env":                                 "TOKEN=planted-dotenv\n",
	"src/mini/.env":                        "TOKEN=planted-source-dotenv\n",
	".kedroctl/notes":                      "planted-state\n",
}

// TestRealDeployGoesOn ends deployments in their middle: what failed is told, and the next one goes on and ends well. Whatever the engine was sent, and all that
// the image, its history, the registry and the bucket have, is searched for the secrets, also those of an image made without an engine and of a development run.
func TestRealDeployGoesOn(t *testing.T) {
	source := filepath.Join(t.TempDir(), "mini")
	for name, text := range smallest {
		file := filepath.Join(source, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorkshopFor(t, source, realtest.Python(t), t.TempDir())
	engine, temp := recordEngine(t), t.TempDir()
	index, asked := servePasswordIndex(t)
	w.env = append(w.env, "DOCKER_HOST=unix://"+engine.path, "AWS_ACCESS_KEY_ID=planted-key-id", "AWS_SECRET_ACCESS_KEY=planted-key", "DB_PASSWORD=planted-variable",
		"UV_INDEX=team="+index, "TMPDIR="+temp)
	w.do("init")

	t.Run("killed in the build", func(t *testing.T) { w.killedAt(t, "package    done") })
	t.Run("killed in the trial", func(t *testing.T) { w.killedAt(t, "build      done") })
	t.Run("the engine goes away", func(t *testing.T) {
		w.write(filepath.Join(w.dir, "conf/base/parameters.yml"), []byte("x: 2\n")) // another image
		engine.cutAfter(rand.Int64N(20_000))
		code, _, stderr := w.try("deploy")
		if engine.cutAfter(-1); code != 1 || !regexp.MustCompile(`error: .*(the connection to the engine has ended|no Docker Engine answers)[^\n]*\n *kedroctl: hint: `).MatchString(stderr) {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("the registry fails", func(t *testing.T) {
		w.do("local", "stop")
		faults := filepath.Join(t.TempDir(), "faults.txt")
		w.write(faults, []byte("call ecr.registry:PATCH cut=during\ncall ecr.registry:PUT nth=3 times=1000 status=403 code=DENIED message='not yours'\n"))
		server := w.command("local", "--faults", faults)
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		// Else deploy may start one that has no faults.
		w.until("the embedded AWS", func() bool { _, running := local.Running(t.Context(), w.localDir); return running })
		code, _, stderr := w.try("deploy")
		if code != 1 || !strings.Contains(stderr, "error: push ") || !strings.Contains(stderr, "not yours") {
			t.Errorf("exit code %d", code)
		}
		w.do("local", "stop")
		_ = server.Wait() // it was told to stop
	})
	_, _, stderr := w.try("deploy", "--verbose")
	if !strings.Contains(stderr, "record     done") || !strings.Contains(stderr, "build      unchanged") {
		t.Error("the deployment does not go on with the image that is there")
	}
	for _, file := range []string{"conf/base/credentials.yml", "conf/base/sub/credentials.yml", "conf/aws_batch/more_credentials.json"} {
		if !strings.Contains(stderr, "warning: "+file+" stays out of the image: ") {
			t.Errorf("no warning of %s", file)
		}
	}
	wantNone(t, "what deploy says", stderr, "planted-")
	w.wantSucceeded(answer[jobs](w, "run"), 1)
	w.searchEngine(t, engine)
	w.env = append(w.env, noEngine(t))
	t.Run("without an engine", func(t *testing.T) {
		env := w.env
		w.env = append(w.env, "KEDROCTL_ENGINE=none", "PATH="+realtest.PythonOfBase(t)+":"+os.Getenv("PATH"))
		w.global = append(w.global, "--set", "image.base="+realtest.ServeBase(w.t, "amd64")) // the last one counts
		w.do("deploy")
		w.env = env
	})
	w.do("run", "--dev")
	w.searchEverything(t)
	if asked.Load() == 0 {
		t.Error("nobody has asked the index with its password")
	}
	left, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range left {
		t.Errorf("%s is left behind", file.Name())
	}
}

// killedAt kills a deployment within half a second after a line of its story.
func (w *workshop) killedAt(t *testing.T, line string) {
	t.Helper()
	c := w.command("deploy")
	story := &seen{mark: line, found: make(chan struct{})}
	c.Stderr = story
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-story.found:
		time.Sleep(time.Duration(rand.IntN(500)) * time.Millisecond)
	case <-time.After(3 * time.Minute):
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // it was killed
	if text := story.String(); !strings.Contains(text, line) || strings.Contains(text, "push       done") {
		t.Errorf("killed too late or too early:\n%s", text)
	}
}

// servePasswordIndex is a package index with nothing in it that wants a password, where steps of a build reach it too, and counts who knows the password.
func servePasswordIndex(t *testing.T) (address string, asked *atomic.Int64) {
	t.Helper()
	bridge, err := net.InterfaceByName("docker0")
	if err != nil {
		realtest.Missing(t, "the bridge of an engine of this machine: "+err.Error())
	}
	addresses, err := bridge.Addrs()
	if err != nil || len(addresses) == 0 {
		t.Fatalf("addresses of docker0: %v, %v", addresses, err)
	}
	ip, _, _ := strings.Cut(addresses[0].String(), "/")
	listener, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		t.Fatal(err)
	}
	asked = new(atomic.Int64)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "planted-index" {
			rw.Header().Set("WWW-Authenticate", "Basic")
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		asked.Add(1)
		http.NotFound(rw, r)
	})}
	go server.Serve(listener) //nolint:errcheck // ends with an error when it is closed
	t.Cleanup(func() { server.Close() })
	return "http://me:planted-index@" + listener.Addr().String() + "/simple", asked
}

// searchEngine looks for secrets in what the engine was sent, where it got those of the index as secrets of steps, and in what it tells of the image.
func (w *workshop) searchEngine(t *testing.T, engine *engineRecord) {
	t.Helper()
	sent := strings.ReplaceAll(engine.text(), "planted-index", "")
	wantNone(t, "what the engine was sent", sent, "planted-")
	if !strings.Contains(sent, "kedroctl_boot") {
		t.Error("the record lacks what was sent")
	}
	image := strings.Fields(w.do("push"))[0]
	for _, args := range [][]string{{"image", "inspect", image}, {"history", "--no-trunc", "--format", "{{json .}}", image}} {
		out, err := exec.Command("docker", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("docker %v: %v: %s", args, err, out)
		}
		wantNone(t, "docker "+args[0], string(out), "planted-")
	}
}

// searchEverything looks for secrets in all that the embedded AWS has: the images' layers, configurations and manifests, and the archives of code.
func (w *workshop) searchEverything(t *testing.T) {
	t.Helper()
	layers, code := 0, 0
	eachFile(t, w.localDir, func(name string, content []byte) {
		if unpacked, err := gzip.NewReader(bytes.NewReader(content)); err == nil {
			content, err = io.ReadAll(unpacked)
			switch {
			case err != nil && len(filepath.Base(name)) == sha256.Size*2: // others are layers that came in part
				t.Errorf("%s: %v", name, err)
			case bytes.Contains(content, []byte("source/mini/pipeline_registry.py")):
				code++
			default:
				layers++
			}
		}
		wantNone(t, name, string(content), "planted-")
	})
	if layers < 10 || code != 1 {
		t.Errorf("%d layers in the registry, %d archives of code in the bucket", layers, code)
	}
}

// seen is a story that tells when a mark was written.
type seen struct {
	mu    sync.Mutex
	text  bytes.Buffer
	mark  string
	found chan struct{}
}

func (s *seen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := strings.Contains(s.text.String(), s.mark)
	s.text.Write(b)
	if !before && strings.Contains(s.text.String(), s.mark) {
		close(s.found)
	}
	return len(b), nil
}

func (s *seen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// engineRecord stands before the Docker Engine, keeps what it is sent, and cuts all connections when it has been sent so much.
type engineRecord struct {
	path string

	mu    sync.Mutex
	sent  bytes.Buffer
	left  int64 // bytes until the cut; negative: none
	conns map[net.Conn]bool
}

func recordEngine(t *testing.T) *engineRecord {
	t.Helper()
	real := "/var/run/docker.sock"
	if host, ok := strings.CutPrefix(os.Getenv("DOCKER_HOST"), "unix://"); ok {
		real = host
	}
	dir, err := os.MkdirTemp("", "engine-") // t.TempDir's paths may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	r := &engineRecord{path: filepath.Join(dir, "docker.sock"), left: -1, conns: map[net.Conn]bool{}}
	listener, err := net.Listen("unix", r.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close(); os.RemoveAll(dir) })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", real)
			if err != nil {
				client.Close()
				continue
			}
			r.keep(client, server)
			go r.pass(client, server, io.MultiWriter(r, server))
			go r.pass(server, client, client)
		}
	}()
	return r
}

func (r *engineRecord) keep(conns ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		r.conns[c] = true
	}
}

// pass copies what comes from one side, and tells the other side when it ends.
func (r *engineRecord) pass(from, to net.Conn, w io.Writer) {
	_, err := io.Copy(w, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	from.Close()
	to.Close()
}

// Write keeps what the engine is sent.
func (r *engineRecord) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent.Write(b)
	if r.left < 0 {
		return len(b), nil
	}
	if r.left -= int64(len(b)); r.left < 0 {
		for c := range r.conns {
			c.Close()
		}
		clear(r.conns)
		r.left = 0 // no connection lives any longer
	}
	return len(b), nil
}

func (r *engineRecord) cutAfter(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = bytes
}

func (r *engineRecord) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent.String()
}
