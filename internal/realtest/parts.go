//go:build real

package realtest

import (
	"cmp"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Missing ends a test that lacks a part.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal("missing: " + what)
	}
	t.Skip("SKIPPED, missing: " + what)
}

// Python is an interpreter that has Kedro, the example's dependencies, s3fs, cloudpickle, pytest and pip.
func Python(t testing.TB) string {
	t.Helper()
	return part(t, "KEDROCTL_TEST_PYTHON")
}

// Kedros are interpreters of environments of other Kedros than the newest, each with s3fs, cloudpickle and pandas.
func Kedros(t testing.TB) []string {
	t.Helper()
	return filepath.SplitList(part(t, "KEDROCTL_TEST_KEDROS"))
}

// Moto is the program moto_server.
func Moto(t testing.TB) string {
	t.Helper()
	return part(t, "KEDROCTL_TEST_MOTO")
}

// Podman is the address of a Podman that answers Docker's API and has the base image.
func Podman(t testing.TB) string {
	t.Helper()
	return part(t, "KEDROCTL_TEST_PODMAN")
}

// Lint is an interpreter that has cfn-lint and parliament.
func Lint(t testing.TB) string {
	t.Helper()
	return part(t, "KEDROCTL_TEST_LINT")
}

// StartApart starts a Docker Engine that does not share this machine's loopback and has the base image, and ends it with the test. settings are variables of
// scripts/start-apart. address is this machine's, as its containers know it.
func StartApart(t testing.TB, settings ...string) (host, address string) {
	t.Helper()
	if os.Getuid() != 0 {
		Missing(t, "not root: no second engine")
	}
	script := "scripts/start-apart"
	for _, err := os.Stat(script); err != nil && len(script) < 60; _, err = os.Stat(script) { // from the test's directory up
		script = "../" + script
	}
	dir, err := os.MkdirTemp("", "apart") // a short name: sockets want one
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if out, err := exec.Command(script, "stop", dir).CombinedOutput(); err != nil {
			t.Errorf("stop the second engine: %v: %s", err, out)
		}
	})
	start := exec.Command(script, dir)
	start.Env = append(os.Environ(), settings...)
	start.Stderr = t.Output()
	out, err := start.Output()
	if err != nil {
		Missing(t, "scripts/start-apart: "+err.Error())
	}
	host = strings.TrimSpace(string(out))
	load := exec.Command("sh", "-c", `docker save "$1" | DOCKER_HOST="$2" docker load`, "load", Base(), host)
	if out, err := load.CombinedOutput(); err != nil {
		Missing(t, "the base image in a second engine: "+string(out))
	}
	own, err := os.ReadFile(filepath.Join(dir, "address"))
	if err != nil {
		t.Fatal(err)
	}
	return host, strings.TrimSpace(string(own))
}

// StartMoto starts an unmodified moto, gives its endpoint, and ends it with the test.
func StartMoto(t testing.TB) string {
	t.Helper()
	port := freePort(t)
	return startServer(t, exec.Command(Moto(t), "-H", "127.0.0.1", "-p", port), "http://127.0.0.1:"+port, "/moto-api/")
}

// MLflow is an interpreter that has kedro-mlflow with MLflow's server, besides what Python has for the projects of tests.
func MLflow(t testing.TB) string {
	t.Helper()
	return part(t, "KEDROCTL_TEST_MLFLOW")
}

// StartMLflow starts a tracking server, gives its address, and ends it with the test.
func StartMLflow(t testing.TB) string {
	t.Helper()
	port, dir := freePort(t), t.TempDir()
	cmd := exec.Command(MLflow(t), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", "1",
		"--backend-store-uri", "sqlite:///"+dir+"/mlflow.db", "--artifacts-destination", dir)
	cmd.Env = append(os.Environ(), "DO_NOT_TRACK=1", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false")
	return startServer(t, cmd, "http://127.0.0.1:"+port, "/health")
}

func freePort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// startServer waits until a server answers. With the test all its processes end.
func startServer(t testing.TB, cmd *exec.Cmd, address, path string) string {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); cmd.Wait() })
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		answer, err := http.Get(address + path)
		if err == nil {
			answer.Body.Close()
			return address
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer: %v", cmd.Path, err)
		}
	}
}

// part is the path that a variable names.
func part(t testing.TB, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		Missing(t, variable+", which scripts/test-real sets")
	}
	return path
}

// Base is the name of a base image that the engine has.
func Base() string { return cmp.Or(os.Getenv("KEDROCTL_TEST_BASE"), "python:3.12-slim") }
