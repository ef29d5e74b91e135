//go:build real

package realtest

import (
	"cmp"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
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

// StartMoto starts an unmodified moto, gives its endpoint, and ends it with the test.
func StartMoto(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	host, port, _ := net.SplitHostPort(address)
	cmd := exec.Command(Moto(t), "-H", host, "-p", port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		answer, err := http.Get("http://" + address + "/moto-api/")
		if err == nil {
			answer.Body.Close()
			return "http://" + address
		}
		if time.Now().After(deadline) {
			t.Fatalf("moto_server does not answer: %v", err)
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
