//go:build real

package realtest

import (
	"cmp"
	"os"
	"testing"
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

// Moto is the program moto_server.
func Moto(t testing.TB) string {
	t.Helper()
	return part(t, "KEDROCTL_TEST_MOTO")
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
