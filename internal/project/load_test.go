package project

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const kedroTable = `[tool.kedro]
package_name = "spaceflights"
project_name = "Spaceflights"
kedro_init_version = "1.7.0"
`

// writeProject writes files into a new directory; names ending in / are directories.
func writeProject(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		parent := filepath.Dir(file)
		if strings.HasSuffix(name, "/") {
			parent = file
		}
		if err := os.MkdirAll(parent, 0o755); err != nil {
			t.Fatal(err)
		}
		if parent == file {
			continue
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func newProject(t *testing.T, pyproject string) string {
	t.Helper()
	return writeProject(t, map[string]string{Pyproject: pyproject, "src/spaceflights/__init__.py": ""})
}

func variables(set map[string]string) func(string) string {
	return func(name string) string { return set[name] }
}

func mustLoad(t *testing.T, dir string, o LoadOptions) Project {
	t.Helper()
	p, err := Load(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLoadReadsProject(t *testing.T) {
	dir := newProject(t, `[project]
name = "spaceflights"
requires-python = ">=3.11,<3.12"
dependencies = ["kedro~=1.7", "pandas[parquet]>=2; python_version < '3.13'"]
`+kedroTable+`tools = "['Linting']"
example_pipeline = "True"
`)
	got := mustLoad(t, filepath.Join(dir, "src", "spaceflights"), LoadOptions{})
	want := Project{
		Dir: dir, Package: "spaceflights", Name: "Spaceflights", KedroInit: "1.7.0",
		SourceDir:      filepath.Join(dir, "src"),
		RequiresPython: ">=3.11,<3.12",
		Dependencies:   []string{"kedro~=1.7", "pandas[parquet]>=2; python_version < '3.13'"},
		DependencyFile: Pyproject,
		Env:            "aws_batch",
		Settings: Settings{
			GroupBy: "auto", Crossing: "persist", MLflow: "one", KeepDays: 30, Engine: "auto",
			Image:   ImageSettings{Base: "python:3.11-slim", Platform: "linux/amd64", Repository: "spaceflights-batch", Logging: "plain", Slim: true},
			Compute: ComputeSettings{Type: "EC2", MaxVCPUs: 16},
			Job:     JobSettings{Resources: Resources{VCPUs: 2, Memory: 4096, MemoryMax: 32768, Timeout: 86400, Attempts: 2}},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Settings{}, "Origins")); diff != "" {
		t.Error(diff)
	}
}

func TestLoadSourceDirIsTheProject(t *testing.T) {
	for _, source := range []string{"", "."} {
		dir := newProject(t, kedroTable+`source_dir = "`+source+`"`)
		if got := mustLoad(t, dir, LoadOptions{}).SourceDir; got != dir {
			t.Errorf("source_dir %q: SourceDir = %q, want %q", source, got, dir)
		}
	}
}

func TestSettingsPrecedence(t *testing.T) {
	dir := newProject(t, kedroTable+`
[tool.kedroctl]
region = "eu-west-1"
bucket = "in-the-table"
keep_days = 7
raw_data = "data/01_raw"
[tool.kedroctl.image]
exclude = ["a", "b"]
[tool.kedroctl.job]
memory = 1000
vcpus = 3
environment = { A = "table", B = "table" }
[tool.kedroctl.job.groups.big]
memory = 2000
gpus = 1
queue = "gpus"
[tool.kedroctl.groups]
"fit all" = ["fit*", "tuning"]
draw = ["plots"]
[tool.kedroctl.env.prod]
bucket = "in-the-env"
keep_days = 14
raw_data = "data/prod"
image.exclude = ["c"]
image.slim = false
[tool.kedroctl.env.prod.job]
memory = 1001
environment = { B = "env" }
groups.big.memory = 3000
[tool.kedroctl.env.prod.groups]
draw = ["plots", "maps"]
`)
	got := mustLoad(t, dir, LoadOptions{
		Getenv: variables(map[string]string{
			"KEDROCTL_ENV": "prod", "KEDROCTL_KEEP_DAYS": "30", "KEDROCTL_RAW_DATA": "data/var", "KEDROCTL_IMAGE_SYSTEM_PACKAGES": "libgomp1, curl",
			"KEDROCTL_JOB_TIMEOUT": "", "KEDROCTL_IMAGE_SLIM": "true",
		}),
		Set: map[string]string{"raw_data": "data/flag", "job.groups.a.b.memory": "77", "job.groups.a.b.environment.D": "1", "job.environment.C": "flag", "groups.a.b": "x, y"},
	})
	want := Settings{
		Region: "eu-west-1", Bucket: "in-the-env", GroupBy: "auto", Crossing: "persist", MLflow: "one", RawData: "data/flag", KeepDays: 30, Engine: "auto",
		Image: ImageSettings{
			Base: "python:3.12-slim", Platform: "linux/amd64", Repository: "spaceflights-prod", Logging: "plain", Slim: true,
			Exclude: []string{"c"}, SystemPackages: []string{"libgomp1", "curl"},
		},
		Compute: ComputeSettings{Type: "EC2", MaxVCPUs: 16},
		Job: JobSettings{
			Resources: Resources{VCPUs: 3, Memory: 1001, MemoryMax: 32768, Timeout: 86400, Attempts: 2},
			Container: Container{Environment: map[string]string{"A": "table", "B": "env", "C": "flag"}},
			Groups: map[string]GroupSettings{
				"big": {Resources: Resources{Memory: 3000, GPUs: 1}, Queue: "gpus"}, "a.b": {Resources: Resources{Memory: 77}, Container: Container{Environment: map[string]string{"D": "1"}}},
			},
		},
		Groups: map[string][]string{"fit all": {"fit*", "tuning"}, "draw": {"plots", "maps"}, "a.b": {"x", "y"}},
	}
	if diff := cmp.Diff(want, got.Settings, cmpopts.IgnoreFields(Settings{}, "Origins")); diff != "" {
		t.Error(diff)
	}
}

// TestGroupSaysWhereValuesComeFrom has each kind of source. What a flag gives beats the entry of a group, which is about the same jobs.
func TestGroupSaysWhereValuesComeFrom(t *testing.T) {
	p := mustLoad(t, newProject(t, kedroTable+`
[tool.kedroctl.compute]
instance_types = ["g5"]
[tool.kedroctl.job]
vcpus = 3
environment = { A = "all", B = "all" }
secrets = { PW = "arn:aws:ssm:eu-west-1:123456789012:parameter/pw" }
gpus = 1
[tool.kedroctl.credentials]
dev-s3 = "arn:aws:ssm:eu-west-1:123456789012:parameter/lake"
[tool.kedroctl.job.groups."train*"]
memory = 16384
vcpus = 8
gpus = 0
shared_memory = 512
runner = "ThreadRunner"
queue = "big"
environment = { B = "train" }
[tool.kedroctl.env.prod.job.groups."train*"]
timeout = 600
[tool.kedroctl.env.prod.job]
attempts = 3
`), LoadOptions{
		Env: "prod", Getenv: variables(map[string]string{"KEDROCTL_JOB_MEMORY": "8000"}),
		Set: map[string]string{"job.vcpus": "4", "job.groups.train*.environment.C": "flag"},
	})
	entry := `job.groups."train*"`
	want := Group{
		GroupSettings{
			Resources: Resources{VCPUs: 4, Memory: 16384, MemoryMax: 32768, Timeout: 600, Attempts: 3},
			Container: Container{
				Environment: map[string]string{"A": "all", "B": "train", "C": "flag"}, SharedMemory: 512,
				Secrets: map[string]string{
					"PW": "arn:aws:ssm:eu-west-1:123456789012:parameter/pw", "KEDROCTL_CREDENTIALS_dev_x2D_s3": "arn:aws:ssm:eu-west-1:123456789012:parameter/lake",
				},
			},
			Runner: "ThreadRunner", Queue: "big",
		},
		map[string]string{
			"vcpus": "flag", "memory": entry, "timeout": "env.prod." + entry, "attempts": "[tool.kedroctl.env.prod.job]", "gpus": entry,
			"shared_memory": entry, "runner": entry, "queue": entry, "environment.A": "[tool.kedroctl.job]", "environment.B": entry,
			"environment.C": "flag", "secrets.PW": "[tool.kedroctl.job]", "secrets.KEDROCTL_CREDENTIALS_dev_x2D_s3": "[tool.kedroctl.credentials]",
		},
	}
	if diff := cmp.Diff(want, p.Settings.Group("train_model")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want.Secrets, p.Settings.Containers()["train*"].Secrets); diff != "" {
		t.Error(diff)
	}
	from := p.Settings.Group("report").From
	if from["memory"] != "KEDROCTL_JOB_MEMORY" || from["timeout"] != "" {
		t.Errorf("without an entry: %v", from)
	}
}

// TestContainers has one for each entry that a job definition has to know of; memory and the like come with each job.
func TestContainers(t *testing.T) {
	s := Settings{Job: JobSettings{
		Container: Container{Environment: map[string]string{"A": "1"}},
		Groups: map[string]GroupSettings{
			"big":    {Resources: Resources{Memory: 9000}},
			"same":   {Container: Container{Environment: map[string]string{"A": "1"}}},
			"shared": {Container: Container{SharedMemory: 64}},
			"secret": {Container: Container{Secrets: map[string]string{"B": "arn:b"}}},
		},
	}}
	env := map[string]string{"A": "1"}
	want := map[string]Container{
		"": {Environment: env}, "shared": {Environment: env, SharedMemory: 64}, "secret": {Environment: env, Secrets: map[string]string{"B": "arn:b"}},
	}
	if diff := cmp.Diff(want, s.Containers()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"arn:b"}, s.SecretARNs()); diff != "" {
		t.Error(diff)
	}
}

func TestLocalSettingsNameNothingOfTheAccount(t *testing.T) {
	s := Settings{
		Compute: ComputeSettings{MaxVCPUs: 16, Queue: "theirs"}, AWS: AWSSettings{JobRole: "theirs"},
		Job: JobSettings{Resources: Resources{VCPUs: 2}, Groups: map[string]GroupSettings{"train": {Resources: Resources{VCPUs: 96}, Queue: "gpu"}}},
	}
	want := Settings{
		Compute: ComputeSettings{MaxVCPUs: 96},
		Job:     JobSettings{Resources: Resources{VCPUs: 2}, Groups: map[string]GroupSettings{"train": {Resources: Resources{VCPUs: 96}}}},
	}
	if diff := cmp.Diff(want, s.Local()); diff != "" {
		t.Error(diff)
	}
	if s.Job.Groups["train"].Queue != "gpu" {
		t.Error("the settings themselves have changed")
	}
}

func TestLoadErrors(t *testing.T) {
	for name, test := range map[string]struct {
		pyproject  string
		options    LoadOptions
		want, hint string
	}{
		"no section":          {pyproject: "[project]\nname = 'x'\n", want: "not a Kedro project", hint: "-C DIR"},
		"section in comment":  {pyproject: "# [tool.kedro]\n", want: "not a Kedro project"},
		"broken TOML":         {pyproject: kedroTable + "\n[tool.ruff\n", want: "pyproject.toml: line 6: ", hint: "mend"},
		"broken at the top":   {pyproject: "[tool.kedro\n", want: "pyproject.toml: line 1: "},
		"section not a table": {pyproject: "# [tool.kedro]\n[tool]\nkedro = 1\n", want: "not a Kedro project"},
		"settings no table":   {pyproject: kedroTable + "[tool]\nkedroctl = 1\n", want: "pyproject.toml: tool.kedroctl: must be a table"},
		"missing key": {
			pyproject: "[tool.kedro]\npackage_name = 'x'\nproject_name = 'x'\n",
			want:      "pyproject.toml: tool.kedro.kedro_init_version: is missing", hint: "package_name, project_name, kedro_init_version",
		},
		"unexpected key":       {pyproject: kedroTable + "sourcedir = 'src'\n", want: "tool.kedro.sourcedir: unexpected key", hint: `did you mean "source_dir"?`},
		"settings in kedro":    {pyproject: kedroTable + "bucket = 'src'\n", want: "tool.kedro.bucket: unexpected key", hint: "[tool.kedroctl]"},
		"package not a string": {pyproject: strings.Replace(kedroTable, `"spaceflights"`, "1", 1), want: "tool.kedro.package_name: must be a string"},
		"package empty":        {pyproject: strings.Replace(kedroTable, `"spaceflights"`, `""`, 1), want: "tool.kedro.package_name: must be a string"},
		"source outside":       {pyproject: kedroTable + "source_dir = '../x'\n", want: `source_dir: "../x" is not inside the project`},
		"source absent":        {pyproject: kedroTable + "source_dir = 'lib'\n", want: `source_dir: no directory "lib"`, hint: "source_dir"},

		"unknown key":          {pyproject: kedroTable + "[tool.kedroctl]\nbuckett = 'x'\n", want: "pyproject.toml: tool.kedroctl.buckett: unknown key", hint: `did you mean "bucket"?`},
		"other capitals":       {pyproject: kedroTable + "[tool.kedroctl]\nBucket = 'x'\n", want: "Bucket: unknown key", hint: `"bucket"`},
		"unknown table":        {pyproject: kedroTable + "[tool.kedroctl.jobs]\nmemory = 1\n", want: "jobs: unknown key", hint: `"job"`},
		"unknown nested":       {pyproject: kedroTable + "[tool.kedroctl.image]\nplattform = 'x'\n", want: "image.plattform: unknown key", hint: `"image.platform"`},
		"unknown in group":     {pyproject: kedroTable + "[tool.kedroctl.job.groups.a]\nmemroy = 1\n", want: "job.groups.a.memroy: unknown key", hint: `"job.groups.a.memory"`},
		"unknown in other env": {pyproject: kedroTable + "[tool.kedroctl.env.prod.job]\nmemroy = 1\n", want: "env.prod.job.memroy: unknown key", hint: `"job.memory"`},
		"key of another table": {pyproject: kedroTable + "[tool.kedroctl]\nmax_vcpus = 1\n", want: "max_vcpus: unknown key", hint: `"compute.max_vcpus"`},
		"nothing near":         {pyproject: kedroTable + "[tool.kedroctl.access]\nzzzzzz = 1\n", want: "access.zzzzzz: unknown key", hint: "read, write"},
		"unknown by flag":      {options: LoadOptions{Set: map[string]string{"job.memry": "1"}}, want: "--set job.memry: unknown key", hint: `"job.memory"`},

		"text for number":   {pyproject: kedroTable + "[tool.kedroctl]\nkeep_days = '7'\n", want: `keep_days: must be a whole number, not "7"`},
		"fraction":          {pyproject: kedroTable + "[tool.kedroctl.job]\nmemory = 1.5\n", want: "job.memory: must be a whole number, not 1.5"},
		"too large":         {pyproject: kedroTable + "[tool.kedroctl.job]\nmemory = 99999999999\n", want: "job.memory: must be a whole number"},
		"number for text":   {pyproject: kedroTable + "[tool.kedroctl]\nbucket = 7\n", want: "bucket: must be a string, not 7"},
		"text for list":     {pyproject: kedroTable + "[tool.kedroctl.image]\nexclude = 'x'\n", want: `image.exclude: must be a list of strings, not "x"`},
		"list of numbers":   {pyproject: kedroTable + "[tool.kedroctl.image]\nexclude = [1]\n", want: "image.exclude: must be a list of strings, not 1"},
		"text for table":    {pyproject: kedroTable + "[tool.kedroctl]\njob = 'x'\n", want: `job: must be a table, not "x"`},
		"boolean vcpus":     {pyproject: kedroTable + "[tool.kedroctl.job]\nvcpus = true\n", want: "job.vcpus: must be a number, not true"},
		"text for yes":      {pyproject: kedroTable + "[tool.kedroctl.image]\nslim = 'no'\n", want: `image.slim: must be true or false, not "no"`},
		"flag no yes":       {options: LoadOptions{Set: map[string]string{"image.slim": "no"}}, want: `image.slim: must be true or false, not "no"`},
		"env not a table":   {pyproject: kedroTable + "[tool.kedroctl]\nenv = 'prod'\n", want: "env: must hold a table for each environment"},
		"env is text":       {pyproject: kedroTable + "[tool.kedroctl]\nenv.prod = 'x'\n", want: `env.prod: must be a table, not "x"`},
		"variable no digit": {options: LoadOptions{Getenv: variables(map[string]string{"KEDROCTL_JOB_MEMORY": "4GB"})}, want: `KEDROCTL_JOB_MEMORY: job.memory: must be a whole number, not "4GB"`},
		"flag no digit":     {options: LoadOptions{Set: map[string]string{"job.vcpus": "two"}}, want: `job.vcpus: must be a number, not "two"`},

		"group_by":      {pyproject: kedroTable + "[tool.kedroctl]\ngroup_by = 'size'\n", want: `group_by: "size" is not one of auto, namespace`},
		"group no list": {pyproject: kedroTable + "[tool.kedroctl.groups]\na = 'x'\n", want: `groups.a: must be a list of strings, not "x"`},
		"group of nothing": {
			pyproject: kedroTable + "[tool.kedroctl.groups]\na = []\n", want: "tool.kedroctl.groups.a: must have a name and a list of globs",
		},
		"glob of a group": {pyproject: kedroTable + "[tool.kedroctl.groups]\na = ['x', '[']\n", want: `tool.kedroctl.groups.a: "[" is not a valid glob`},
		"mlflow":          {pyproject: kedroTable + "[tool.kedroctl]\nmlflow = 'per-run'\n", want: `mlflow: "per-run" is not one of off, one, per-job`},
		"crossing":        {pyproject: kedroTable + "[tool.kedroctl]\ncrossing = 'keep'\n", want: `crossing: "keep" is not one of persist, error`},
		"kind":            {pyproject: kedroTable + "[tool.kedroctl.compute]\ntype = 'EKS'\n", want: `compute.type: "EKS" is not one of EC2, SPOT, FARGATE, FARGATE_SPOT`},
		"platform":        {pyproject: kedroTable + "[tool.kedroctl.image]\nplatform = 'amd64'\n", want: `image.platform: "amd64" is not one of linux/amd64`},
		"logging":         {pyproject: kedroTable + "[tool.kedroctl.image]\nlogging = 'rich'\n", want: `image.logging: "rich"`},
		"bucket":          {pyproject: kedroTable + "[tool.kedroctl]\nbucket = 'My_Bucket'\n", want: `bucket: "My_Bucket" cannot be the name of a bucket`},
		"bucket address":  {pyproject: kedroTable + "[tool.kedroctl]\nbucket = '192.168.1.1'\n", want: "cannot be the name of a bucket"},
		"region":          {pyproject: kedroTable + "[tool.kedroctl]\nregion = 'Ireland'\n", want: `region: "Ireland" is not the name of an AWS region`},
		"repository":      {pyproject: kedroTable + "[tool.kedroctl.image]\nrepository = 'A b'\n", want: `image.repository: "A b" cannot be`},
		"base":            {pyproject: kedroTable + "[tool.kedroctl.image]\nbase = ''\n", want: "image.base: must name an image"},
		"memory_max":      {pyproject: kedroTable + "[tool.kedroctl.job.groups.big]\nmemory_max = 3", want: "job.groups.big.memory_max: must be at least 4 (MiB)"},
		"timeout":         {pyproject: kedroTable + "[tool.kedroctl.job]\ntimeout = 59\n", want: "job.timeout: must be at least 60"},
		"attempts none":   {pyproject: kedroTable + "[tool.kedroctl.job]\nattempts = 0\n", want: "job.attempts: must be 1 to 10"},
		"attempts many":   {pyproject: kedroTable + "[tool.kedroctl.job]\nattempts = 11\n", want: "job.attempts: must be 1 to 10"},
		"memory":          {pyproject: kedroTable + "[tool.kedroctl.job]\nmemory = 3\n", want: "job.memory: must be at least 4"},
		"vcpus":           {pyproject: kedroTable + "[tool.kedroctl.job]\nvcpus = 0.5\n", want: "job.vcpus: must be a whole number"},
		"gpus":            {pyproject: kedroTable + "[tool.kedroctl.job]\ngpus = -1\n", want: "job.gpus: must not be negative"},
		"group's timeout": {pyproject: kedroTable + "[tool.kedroctl.job.groups.a]\ntimeout = 1\n", want: "job.groups.a.timeout: must be at least 60"},
		"group's glob":    {pyproject: kedroTable + "[tool.kedroctl.job.groups.\"a[\"]\ngpus = 1\n", want: "job.groups.a[: is not a valid glob"},
		"keep_days":       {pyproject: kedroTable + "[tool.kedroctl]\nkeep_days = 31\n", want: "keep_days: 31 is not a retention"},
		"role path":       {pyproject: kedroTable + "[tool.kedroctl.aws]\nrole_path = 'teams'\n", want: `aws.role_path: "teams" is not the path of a role`},
		"boundary":        {pyproject: kedroTable + "[tool.kedroctl.aws]\npermissions_boundary = 'limits'\n", want: `aws.permissions_boundary: "limits" is not the ARN`},
		"tag no text":     {pyproject: kedroTable + "[tool.kedroctl.aws]\ntags.team = 4711\n", want: "aws.tags.team: must be a string, not 4711"},
		"tag of AWS":      {pyproject: kedroTable + "[tool.kedroctl.aws]\ntags.\"AWS:team\" = 'x'\n", want: "aws.tags.AWS:team: what begins with aws: is AWS's own"},
		"value of AWS":    {pyproject: kedroTable + "[tool.kedroctl.aws]\ntags.team = 'aws:x'\n", want: "aws.tags.team: what begins with aws:"},
		"tag of ours":     {pyproject: kedroTable + "[tool.kedroctl.aws]\ntags.\"Kedroctl:run\" = 'x'\n", want: "aws.tags.Kedroctl:run: tags whose keys begin with kedroctl:"},
		"tag characters":  {pyproject: kedroTable + "[tool.kedroctl.aws]\ntags.team = 'a,b'\n", want: "aws.tags.team: a tag has letters, digits, spaces and _ . : / = + - @ alone"},
		"tag of nothing":  {pyproject: kedroTable + "[tool.kedroctl.aws]\ntags.\"\" = 'x'\n", want: "aws.tags: the key of a tag has 1 to 128 characters"},
		"tag space":       {pyproject: kedroTable + "[tool.kedroctl.aws]\ntags.team = 'x '\n", want: "aws.tags.team: neither key nor value begins or ends with a space"},
		"tag's key":       {pyproject: kedroTable + "[tool.kedroctl.aws]\ntags." + strings.Repeat("k", 129) + " = 'x'\n", want: "the key of a tag has 1 to 128 characters"},
		"tag's value":     {pyproject: kedroTable + "[tool.kedroctl.aws]\ntags.k = '" + strings.Repeat("ä", 257) + "'\n", want: "aws.tags.k: the value has 257 characters"},
		"tags in case":    {pyproject: kedroTable + "[tool.kedroctl.aws]\ntags = { Team = 'x', team = 'y' }\n", want: `aws.tags.team: differs from "Team" in case alone`},
		"too many tags":   {pyproject: kedroTable + "[tool.kedroctl.aws]\ntags = { " + manyTags(21) + " }\n", want: "aws.tags: 21 tags are more than the 20"},
		"tag of an env":   {pyproject: kedroTable + "[tool.kedroctl.env.aws_batch.aws]\ntags.team = 'a;b'\n", want: "tool.kedroctl.env.aws_batch.aws.tags.team: a tag has"},
		"key":             {pyproject: kedroTable + "[tool.kedroctl.access]\nkeys = ['alias/lake']\n", want: "access.keys: must be ARNs of KMS keys"},
		"max_vcpus":       {pyproject: kedroTable + "[tool.kedroctl.compute]\nmax_vcpus = 0\n", want: "compute.max_vcpus: must be at least 1"},
		"raw_data":        {pyproject: kedroTable + "[tool.kedroctl]\nraw_data = '../x'\n", want: `raw_data: "../x" is not a path inside the project`},
		"access":          {pyproject: kedroTable + "[tool.kedroctl.access]\nread = ['s3://lake/x']\n", want: "access.read: ", hint: ""},
		"variable":        {pyproject: kedroTable + "[tool.kedroctl.job.environment]\n\"A-B\" = 'x'\n", want: "job.environment.A-B: is not the name of a variable"},
		"reserved":        {pyproject: kedroTable + "[tool.kedroctl.job.environment]\nAWS_BATCH_X = 'x'\n", want: "job.environment.AWS_BATCH_X: is reserved"},
		"secret itself":   {pyproject: kedroTable + "[tool.kedroctl.job.secrets]\nPW = 'hunter2'\n", want: "job.secrets.PW: must be the ARN"},
		"no secret": {
			pyproject: kedroTable + "[tool.kedroctl.job.secrets]\nPW = 'arn:aws:s3:::bucket'\n", want: "job.secrets.PW: must be the ARN of a secret in Secrets Manager",
		},
		"secret and variable": {
			pyproject: kedroTable + "[tool.kedroctl.job]\nenvironment.PW = 'x'\ngroups.a.secrets.PW = 'arn:aws:ssm:eu-west-1:123456789012:parameter/pw'\n",
			want:      "job.groups.a.secrets.PW: is a variable of the environment too",
		},
		"too many vcpus": {
			pyproject: kedroTable + "[tool.kedroctl.job.groups.a]\nvcpus = 17\n", want: "job.groups.a.vcpus: 17 are more than compute.max_vcpus, 16",
		},
		"too many vcpus by flag": {options: LoadOptions{Set: map[string]string{"job.vcpus": "32"}}, want: "--set job.vcpus: 32 are more than"},
		"group without vcpus":    {pyproject: kedroTable + "[tool.kedroctl.job.groups.a]\nvcpus = 0\n", want: "job.groups.a.vcpus: must be a whole number"},
		"shared memory": {
			pyproject: kedroTable + "[tool.kedroctl.job.groups.a]\nshared_memory = 5000\n", want: "job.groups.a.shared_memory: must be 0 (Docker's default) to the memory of the job, 4096",
		},
		"runner": {pyproject: kedroTable + "[tool.kedroctl.job]\nrunner = 'Thread Runner'\n", want: `job.runner: "Thread Runner" is not the name of a runner`},
		"group's queue": {
			pyproject: kedroTable + "[tool.kedroctl.job.groups.a]\nqueue = 'arn:aws:sqs:x'\n", want: "job.groups.a.queue: ",
		},
		"credentials": {
			pyproject: kedroTable + "[tool.kedroctl.credentials]\nlake = '{}'\n", want: "tool.kedroctl.credentials.lake: must be the ARN of a secret",
		},
		"name of credentials": {
			pyproject: kedroTable + "[tool.kedroctl.credentials]\na_x2D_b = 'arn:aws:ssm:eu-west-1:123456789012:parameter/lake'\n", want: "cannot be the name of an entry",
		},
		"role": {pyproject: kedroTable + "[tool.kedroctl.aws]\nexecution_role = 'arn:aws:iam::1:role/x'\n", want: "aws.execution_role: "},
		"entry of an environment": {
			pyproject: kedroTable + "[tool.kedroctl.env.prod.job.groups.a]\nmemory = 1\n", options: LoadOptions{Env: "prod"},
			want: "tool.kedroctl.env.prod.job.groups.a.memory: must be at least 4",
		},
		"environment": {options: LoadOptions{Env: "a b"}, want: `--env: "a b" is not the name of an environment`},
		"variable's fault": {
			pyproject: kedroTable + "[tool.kedroctl.job]\nmemory = 100\n",
			options:   LoadOptions{Getenv: variables(map[string]string{"KEDROCTL_JOB_MEMORY": "1"})}, want: "KEDROCTL_JOB_MEMORY: job.memory: must be at least 4",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(newProject(t, firstOf(test.pyproject, kedroTable)), test.options)
			settings, ok := errors.AsType[*SettingsError](err)
			if !ok {
				t.Fatalf("Load: %v; want a SettingsError", err)
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(settings.Hint(), test.hint) {
				t.Errorf("got  %q, hint %q\nwant %q, hint %q", err, settings.Hint(), test.want, test.hint)
			}
		})
	}
}

func TestLoadWithoutProject(t *testing.T) {
	dir := t.TempDir()
	for place, want := range map[string]string{dir: "not a Kedro project", filepath.Join(dir, "absent"): "no such directory"} {
		if _, err := Load(place, LoadOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%s): %v, want %q", place, err, want)
		}
	}
}

func TestBaseImage(t *testing.T) {
	for requires, want := range map[string]string{
		"": "python:3.12-slim", ">=3.10": "python:3.12-slim", ">=3.9,<3.12": "python:3.11-slim", ">=3.13": "python:3.13-slim",
		"==3.13.*": "python:3.13-slim", "==3.12.10": "python:3.12.10-slim", "==3.13": "python:3.13.0-slim", "~=3.10": "python:3.12-slim",
		"~=3.11.4": "python:3.11-slim", "!=3.12.*,>=3.11": "python:3.13-slim", "^3.10": "python:3.12-slim", "~3.11": "python:3.11-slim",
		">= 3.10, < 4.0": "python:3.12-slim", "<=3.12": "python:3.11-slim", ">3.12": "python:3.12-slim", ">=4": "python:3.12-slim",
	} {
		if got := baseImage(requires); got != want {
			t.Errorf("baseImage(%q) = %q, want %q", requires, got, want)
		}
	}
}

func TestGroupByNameOrGlob(t *testing.T) {
	s := Settings{Job: JobSettings{
		Resources: Resources{VCPUs: 2, Memory: 4096, MemoryMax: 32768, Timeout: 600, Attempts: 2},
		Groups: map[string]GroupSettings{
			"*":          {Resources: Resources{Memory: 1}},
			"data_*":     {Resources: Resources{Memory: 2, MemoryMax: 65536, VCPUs: 8, Timeout: 60, Attempts: 1, GPUs: 1}},
			"data_sci*":  {Resources: Resources{Memory: 3}},
			"data_s??nc": {Resources: Resources{Memory: 4}},
			"data_x":     {Resources: Resources{Memory: 5}},
		},
	}}
	for group, want := range map[string]Resources{
		"reporting":    {VCPUs: 2, Memory: 1, MemoryMax: 32768, Timeout: 600, Attempts: 2},
		"data_proc":    {VCPUs: 8, Memory: 2, MemoryMax: 65536, Timeout: 60, Attempts: 1, GPUs: 1},
		"data_science": {VCPUs: 2, Memory: 3, MemoryMax: 32768, Timeout: 600, Attempts: 2},
		"data_x":       {VCPUs: 2, Memory: 5, MemoryMax: 32768, Timeout: 600, Attempts: 2},
	} {
		if got := s.Group(group).Resources; got != want {
			t.Errorf("Group(%q) = %+v, want %+v", group, got, want)
		}
	}
	if got := (Settings{Job: JobSettings{Resources: Resources{Memory: 9}}}).Group("x"); got.Memory != 9 {
		t.Errorf("without groups: %+v", got)
	}
}

func TestDependencies(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  []string
		file  string
	}{
		"dynamic, one file": {
			map[string]string{
				Pyproject:           "[project]\ndynamic = ['dependencies']\n[tool.setuptools.dynamic]\ndependencies = {file = 'deps/main.txt'}\n" + kedroTable,
				"deps/main.txt":     "# why\nkedro~=1.7  # pinned\r\npandas \\\n  >=2 --hash=sha256:00\n--index-url https://x\n-r more.txt\n",
				"deps/more.txt":     "pkg @ https://x/y#egg=pkg\n-r main.txt\n",
				"requirements.txt":  "unused\n",
				"src/spaceflights/": "",
			},
			[]string{"kedro~=1.7", "pandas    >=2", "pkg @ https://x/y#egg=pkg"}, filepath.Join("deps", "main.txt"),
		},
		"template of older Kedro": {
			map[string]string{Pyproject: kedroTable, "src/requirements.txt": "kedro\n"},
			[]string{"kedro"}, filepath.Join("src", "requirements.txt"),
		},
		"nothing": {map[string]string{Pyproject: kedroTable, "src/": ""}, nil, Pyproject},
		"poetry": {
			map[string]string{Pyproject: kedroTable + `
[tool.poetry.dependencies]
python = "^3.10"
a = "^1.2"
b = {version = "~2.3.4", extras = ["x", "y"], markers = "os_name == 'posix'"}
c = {git = "https://x/c.git", tag = "v1"}
d = {version = "*", optional = true}
e = "*"
f = "1.5"
g = ">=1,<2"
h = "^0.2.3"
i = {path = "../i"}
j = {url = "https://x/j.whl"}
k = [{version = "1", python = "<3.9"}, "^2"]
`, "src/": ""},
			[]string{
				"a>=1.2,<2", "b[x,y]>=2.3.4,<2.4 ; os_name == 'posix'", "c @ git+https://x/c.git@v1", "e", "f==1.5", "g>=1,<2", "h>=0.2.3,<0.3",
				"j @ https://x/j.whl", "k==1", "k>=2,<3",
			},
			Pyproject,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := mustLoad(t, writeProject(t, test.files), LoadOptions{})
			if diff := cmp.Diff(test.want, p.Dependencies); diff != "" || p.DependencyFile != test.file {
				t.Errorf("file %q, want %q; dependencies:\n%s", p.DependencyFile, test.file, diff)
			}
		})
	}
}

func TestDistributionName(t *testing.T) {
	for requirement, want := range map[string]string{
		"S3FS[boto3]>=2024.6; python_version<'3.13'": "s3fs", "scikit_learn": "scikit-learn", "a.b~=1": "a-b", "x @ https://y": "x",
		"zope..interface (>1)": "zope-interface", "x;a": "x",
	} {
		if got := DistributionName(requirement); got != want {
			t.Errorf("DistributionName(%q) = %q, want %q", requirement, got, want)
		}
	}
}

// manyTags are n tags as TOML.
func manyTags(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("k%d = 'v'", i)
	}
	return strings.Join(all, ", ")
}

func TestTagsOfTheSettings(t *testing.T) {
	dir := newProject(t, kedroTable+"[tool.kedroctl.aws]\ntags = { team = 'data', \"Cost Center\" = '4711', none = '', "+manyTags(16)+" }\n"+
		"[tool.kedroctl.env.aws_batch.aws]\ntags.team = 'größe+1@x:/=_.-'\n")
	p := mustLoad(t, dir, LoadOptions{Set: map[string]string{"aws.tags.owner": strings.Repeat("o", 256)}})
	for key, want := range map[string]string{"team": "größe+1@x:/=_.-", "Cost Center": "4711", "none": "", "k15": "v", "owner": strings.Repeat("o", 256)} {
		if got, ok := p.Settings.AWS.Tags[key]; got != want || !ok {
			t.Errorf("tag %q is %q, want %q", key, got, want)
		}
	}
	if got := len(p.Settings.AWS.Tags); got != 20 {
		t.Errorf("%d tags", got)
	}
	if got := p.Settings.Local().AWS.Tags; len(got) != 20 {
		t.Errorf("with --local %v", got)
	}
}
