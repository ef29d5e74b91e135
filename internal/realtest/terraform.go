//go:build real

package realtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Terraform is the real one in a directory of its own, with an AWS to work on.
type Terraform struct {
	Dir         string
	program     string
	environment []string
}

// TerraformProviders are the major versions of the provider hashicorp/aws that scripts/test-real has found. No package index has it, nor Terraform itself:
// without them the test is skipped under CI=true too, and scripts/test-real says so.
func TerraformProviders(t testing.TB) []int {
	t.Helper()
	_, mirror := terraformParts(t)
	found, err := filepath.Glob(filepath.Join(mirror, "registry.terraform.io/hashicorp/aws/*/*/*"))
	if err != nil {
		t.Fatal(err)
	}
	var majors []int
	for _, file := range found {
		version, _, _ := strings.Cut(filepath.Base(filepath.Dir(filepath.Dir(file))), ".")
		if n, err := strconv.Atoi(version); err == nil {
			majors = append(majors, n)
		}
	}
	if majors == nil {
		t.Skip("SKIPPED, missing: hashicorp/aws in " + mirror)
	}
	slices.Sort(majors)
	return slices.Compact(majors)
}

func terraformParts(t testing.TB) (program, mirror string) {
	t.Helper()
	mirror = os.Getenv("KEDROCTL_TEST_TERRAFORM_PLUGINS")
	program, err := exec.LookPath("terraform")
	if mirror == "" || err != nil {
		t.Skip("SKIPPED, missing: terraform and, in the directory KEDROCTL_TEST_TERRAFORM_PLUGINS, its provider hashicorp/aws")
	}
	return program, mirror
}

// StartTerraform prepares Terraform for a configuration, against the AWS at endpoint. Providers come from KEDROCTL_TEST_TERRAFORM_PLUGINS alone.
func StartTerraform(t testing.TB, endpoint string, config []byte) *Terraform {
	t.Helper()
	program, mirror := terraformParts(t)
	f := &Terraform{Dir: t.TempDir(), program: program}
	rc := f.Write(t, "terraformrc", fmt.Appendf(nil, "provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror))
	f.environment = append(os.Environ(), "TF_CLI_CONFIG_FILE="+rc, "TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1", "AWS_ENDPOINT_URL="+endpoint,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_SESSION_TOKEN=", "AWS_PROFILE=", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	f.Write(t, "main.tf", config)
	f.Must(t, "init", "-no-color")
	return f
}

// Write puts a file beside the configuration.
func (f *Terraform) Write(t testing.TB, name string, content []byte) (path string) {
	t.Helper()
	path = filepath.Join(f.Dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Run gives what a command of Terraform writes, and its exit code.
func (f *Terraform) Run(t testing.TB, arguments ...string) (out string, code int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), f.program, arguments...)
	c.Dir, c.Env = f.Dir, f.environment
	var stderr strings.Builder
	c.Stderr = &stderr
	stdout, err := c.Output()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return stderr.String(), exit.ExitCode()
	case err != nil:
		t.Fatal(err)
	}
	return string(stdout), 0
}

// Must gives what a command of Terraform writes; where it fails the test ends.
func (f *Terraform) Must(t testing.TB, arguments ...string) string {
	t.Helper()
	out, code := f.Run(t, arguments...)
	if code != 0 {
		t.Fatalf("terraform %s: exit code %d:\n%s", strings.Join(arguments, " "), code, out)
	}
	return out
}
