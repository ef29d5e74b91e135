package project

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestSettingsOfARecord are what they were in the tree, with flags and variables of now laid over them.
func TestSettingsOfARecord(t *testing.T) {
	dir := newProject(t, kedroTable+"[tool.kedroctl]\nbucket = \"kedro-p-0a1b2c3d\"\n[tool.kedroctl.compute]\ninstance_types = [\"g5\"]\n[tool.kedroctl.job]\ngpus = 1\nmemory = 5000\nenvironment = { KEY = \"hunter2\" }\n"+
		"[tool.kedroctl.job.groups.\"light*\"]\ngpus = 0\nenvironment = { KEY = \"hunter3\" }\n")
	p := mustLoad(t, dir, LoadOptions{})
	record, err := json.Marshal(p.Settings.Recorded())
	if err != nil {
		t.Fatal(err)
	}
	var s Settings
	if err := json.Unmarshal(record, &s); err != nil {
		t.Fatal(err)
	}
	got, err := Project{Env: "aws_batch", Settings: s}.Recorded(t.TempDir(), LoadOptions{
		Getenv: variables(map[string]string{"KEDROCTL_JOB_TIMEOUT": "600"}), Set: map[string]string{"job.groups.light*.memory": "6000"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Resources{
		"lighter": {VCPUs: 2, Memory: 6000, MemoryMax: 32768, Timeout: 600, Attempts: 2},
		"heavy":   {VCPUs: 2, Memory: 5000, MemoryMax: 32768, Timeout: 600, Attempts: 2, GPUs: 1},
	} {
		if r := got.Settings.Group(name).Resources; r != want {
			t.Errorf("group %s gets %+v, want %+v", name, r, want)
		}
	}
	if _, err := (Project{Env: "aws_batch", Settings: s}).Recorded(dir, LoadOptions{Set: map[string]string{"job.timeout": "1"}}); err == nil {
		t.Error("a flag out of bounds is taken")
	}
}

func TestTreeless(t *testing.T) {
	dir := t.TempDir()
	if IsHere(dir) {
		t.Error("an empty directory is taken for a project")
	}
	p, err := Treeless(dir, LoadOptions{Set: map[string]string{"bucket": "kedro-p-0a1b2c3d", "region": "eu-west-1"}})
	if err != nil || p.Settings.Bucket != "kedro-p-0a1b2c3d" || p.Env != DefaultEnv || p.Package != "" {
		t.Errorf("%+v, %v", p, err)
	}
	_, err = Treeless(dir, LoadOptions{Set: map[string]string{"bucket": "No Bucket"}})
	if _, ok := errors.AsType[*SettingsError](err); !ok {
		t.Errorf("error %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, Pyproject), []byte("["), 0o600); err != nil {
		t.Fatal(err)
	}
	if !IsHere(dir) {
		t.Error("a broken project is taken for none")
	}
}
