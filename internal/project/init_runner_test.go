package project

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var aBatch = &Batch{Queue: "q", Definition: "d"}

func TestInitRunner(t *testing.T) {
	dir := newProject(t, projectTable+kedroTable)
	options := InitOptions{Runner: aBatch}
	got, err := initialise(t, dir, "", options)
	if err != nil {
		t.Fatal(err)
	}
	files := []string{
		"src/spaceflights/runner/__init__.py", "src/spaceflights/runner/batch_runner.py", "src/spaceflights/runner/batch_jobs.py", "src/spaceflights/cli.py",
		"conf/aws_batch/parameters.yml",
	}
	for _, file := range files {
		if got[file] != Written {
			t.Errorf("%s: %q", file, got[file])
		}
	}
	if text := read(t, dir, files[4]); !strings.Contains(text, "\naws_batch:\n  job_queue: q\n  job_definition: d\n") {
		t.Error(text)
	}
	if text := read(t, dir, Pyproject); strings.Contains(text, "boto3") {
		t.Errorf("boto3 is a dependency, which pip cannot resolve beside s3fs:\n%s", text)
	}
	before := tree(t, dir)
	if again, err := initialise(t, dir, "", options); err != nil || cmp.Diff(before, tree(t, dir)) != "" || again[files[1]] != Unchanged {
		t.Errorf("second run: %v %v", err, again)
	}
}

func TestInitRunnerKeepsWhatIsThere(t *testing.T) {
	for name, test := range map[string]struct{ file, text, want, after string }{
		"parameters":            {"conf/aws_batch/parameters.yml", "x: 1 # mine", Updated, "x: 1 # mine\n\n# Settings of AWSBatchRunner."},
		"empty parameters":      {"conf/aws_batch/parameters.yml", "# none yet\n", Updated, "# none yet\n\n# Settings of AWSBatchRunner."},
		"settings of the guide": {"conf/aws_batch/parameters.yml", "aws_batch: {job_queue: mine}\n", Unchanged, "aws_batch: {job_queue: mine}\n"},
		"parameters in braces":  {"conf/aws_batch/parameters.yml", "{x: 1}\n", "kept: yours; add aws_batch with job_queue: q and job_definition: d", "{x: 1}\n"},
		"the guide's runner":    {"src/spaceflights/runner/batch_runner.py", "class AWSBatchRunner:\n", "kept: yours", "class AWSBatchRunner:\n"},
		"a cli.py":              {"src/spaceflights/cli.py", "cli = 1\n", "kept: yours; AWSBatchRunner works with", "cli = 1\n"},
		"other runners":         {"src/spaceflights/runner/__init__.py", "X = 1\n", "kept: yours; add 'from .batch_runner import AWSBatchRunner'", "X = 1\n"},
		"other runners, and it": {"src/spaceflights/runner/__init__.py", "from .batch_runner import AWSBatchRunner  # too\n", Unchanged, "from .batch_runner"},
		"an empty package":      {"src/spaceflights/runner/__init__.py", "", Updated, "\"\"\"Runners of the project"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newProject(t, projectTable+kedroTable)
			write(t, dir, test.file, test.text)
			got, err := initialise(t, dir, "", InitOptions{Runner: aBatch})
			if err != nil || !strings.HasPrefix(got[test.file], test.want) {
				t.Errorf("%v: %q, want %q", err, got[test.file], test.want)
			}
			if text := read(t, dir, test.file); !strings.HasPrefix(text, test.after) {
				t.Errorf("the file is\n%s", text)
			}
		})
	}
}

func TestInitRunnerBesideAModule(t *testing.T) {
	dir := newProject(t, projectTable+kedroTable)
	write(t, dir, "src/spaceflights/runner.py", "X = 1\n")
	before := tree(t, dir)
	_, err := initialise(t, dir, "", InitOptions{Runner: aBatch})
	if _, ok := errors.AsType[*SettingsError](err); !ok || !strings.Contains(err.Error(), "src/spaceflights/runner.py") || cmp.Diff(before, tree(t, dir)) != "" {
		t.Errorf("%v; want a SettingsError and nothing written", err)
	}
}
