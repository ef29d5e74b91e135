//go:build real

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

// workshop is a copy of the example project and what kedroctl needs to work on it, with the embedded AWS.
type workshop struct {
	t        *testing.T
	dir      string // of the project
	localDir string
	python   string
	global   []string // flags of every command
	env      []string // variables besides the process's own
}

// newWorkshop has the example project. It skips the test where a part is missing; under CI=true that is a failure.
func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	return newWorkshopFor(t, filepath.Join("..", "..", "examples", "spaceflights"), realtest.Python(t), t.TempDir())
}

// newWorkshopFor has a copy of a project, and the embedded AWS of a state directory.
func newWorkshopFor(t *testing.T, project, python, localDir string) *workshop {
	t.Helper()
	w := &workshop{t: t, dir: filepath.Join(t.TempDir(), filepath.Base(project)), localDir: localDir, python: python}
	copyTree(t, project, w.dir)
	w.global = []string{"-C", w.dir, "--python", w.python, "--local"}
	w.global = append(w.global, "--set", "image.base="+realtest.Base())
	w.env = []string{"KEDROCTL_LOCAL_DIR=" + w.localDir}
	t.Cleanup(func() { w.command("local", "stop").Run() })
	return w
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func (w *workshop) command(args ...string) *exec.Cmd {
	c := exec.Command("kedroctl", append(w.global[:len(w.global):len(w.global)], args...)...)
	c.Env = append(os.Environ(), w.env...)
	return c
}

// try runs a command and gives its exit code, answer and story.
func (w *workshop) try(args ...string) (code int, stdout, stderr string) {
	w.t.Helper()
	var out, err bytes.Buffer
	c := w.command(args...)
	c.Stdout, c.Stderr = &out, &err
	if e := c.Run(); c.ProcessState == nil {
		w.t.Fatalf("kedroctl %s: %v", strings.Join(args, " "), e)
	}
	w.t.Logf("$ kedroctl %s\n%s%s", strings.Join(args, " "), err.String(), out.String())
	return c.ProcessState.ExitCode(), out.String(), err.String()
}

// do runs a command that must succeed and gives its answer.
func (w *workshop) do(args ...string) string {
	w.t.Helper()
	answer, _ := w.told(args...)
	return answer
}

// told is do, with the story besides.
func (w *workshop) told(args ...string) (answer, story string) {
	w.t.Helper()
	code, stdout, stderr := w.try(args...)
	if code != 0 {
		w.t.Fatalf("kedroctl %s: exit code %d\n%s", strings.Join(args, " "), code, stderr)
	}
	return stdout, stderr
}

// answer is do with --json, decoded.
func answer[T any](w *workshop, args ...string) T {
	w.t.Helper()
	var v T
	out := w.do(append(args, "--json")...)
	last := out
	if lines := strings.Split(strings.TrimSpace(out), "\n"); strings.HasPrefix(lines[0], `{"type":`) { // events: the last is the answer
		last = lines[len(lines)-1]
	}
	if err := json.Unmarshal([]byte(last), &v); err != nil {
		w.t.Fatalf("kedroctl %s --json: %v in %s", strings.Join(args, " "), err, out)
	}
	return v
}

// jobs is what a run's or a verification's answer says, as far as tests look at it.
type jobs struct {
	Run  string
	OK   bool
	Jobs []struct {
		Group, State string
		Try, Attempt int
	}
	Outputs []struct{ Dataset, Path, Version, State string }
	NotKept []unkept `json:"not_kept"`
}

type unkept struct{ File, Dataset string }

func (w *workshop) wantSucceeded(j jobs, n int) {
	w.t.Helper()
	if len(j.Jobs) != n {
		w.t.Errorf("%d jobs, want %d", len(j.Jobs), n)
	}
	for _, job := range j.Jobs {
		if job.State != "SUCCEEDED" {
			w.t.Errorf("job %s is %s", job.Group, job.State)
		}
	}
}

func TestRealSpaceflightsOnTheEmbeddedAWS(t *testing.T) {
	w := newWorkshop(t)
	w.do("init")
	w.do("deploy")
	first := answer[jobs](w, "run")
	w.wantSucceeded(first, 3)
	report := answer[jobs](w, "verify")
	if !report.OK || report.Run != first.Run {
		t.Errorf("verify: %+v", report)
	}
	t.Run("versions", func(t *testing.T) { oneVersion(t, report) })
	t.Run("outputs equal a local kedro run", func(t *testing.T) {
		said := w.compare(t, filepath.Join("..", "..", "examples", "spaceflights"), report)
		for _, name := range []string{"metrics: equal", "model_input_table: equal", "regressor: equal"} {
			if !strings.Contains(said, name) {
				t.Errorf("compare.py does not say %q", name)
			}
		}
	})
	t.Run("a look inside", w.lookInside)
	t.Run("a second deploy changes nothing", func(t *testing.T) {
		_, stdout, stderr := w.try("deploy")
		for _, word := range []string{"created", "updated", "package", "build", "push", "done"} {
			if strings.Contains(strings.ReplaceAll(stderr, "inspect    done", ""), word) {
				t.Errorf("the second deploy says %q:\n%s%s", word, stdout, stderr)
			}
		}
	})
	t.Run("a development run", w.developmentRun)
	w.t = t
	t.Run("parallel runner", func(t *testing.T) {
		j := answer[jobs](w, "run", "--runner", "ParallelRunner", "--pipelines", "reporting,data_processing")
		w.wantSucceeded(j, 2)
		if r := answer[jobs](w, "verify", j.Run); !r.OK {
			t.Errorf("verify: %+v", r)
		}
	})
	t.Run("a failing node", w.failingNode)
	t.Run("a lost host and a composed registry", w.lostHost)
	t.Run("destroy", func(t *testing.T) {
		w.t = t
		w.do("destroy", "--data", "--yes")
		if code, _, stderr := w.try("run"); code != 1 || !strings.Contains(stderr, "kedroctl deploy") {
			t.Errorf("run after destroy: exit code %d, %s", code, stderr)
		}
	})
}

// oneVersion: every versioned output of a run carries the run's id.
func oneVersion(t *testing.T, report jobs) {
	versioned := 0
	for _, o := range report.Outputs {
		if o.Version == "" {
			continue
		}
		versioned++
		if o.Version != report.Run || !strings.Contains(o.Path, "/"+report.Run+"/") {
			t.Errorf("%s has version %s at %s, the run is %s", o.Dataset, o.Version, o.Path, report.Run)
		}
	}
	if versioned != 4 {
		t.Errorf("%d versioned outputs, want 4", versioned)
	}
}

// compare runs a project in this machine's Python and compares every output, those that no catalog names included. It gives what compare.py says.
func (w *workshop) compare(t *testing.T, project string, report jobs, flags ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.json")
	text, err := json.Marshal(map[string]any{"outputs": lower(report)})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	local := filepath.Join(t.TempDir(), "local")
	copyTree(t, project, local)
	script, err := filepath.Abs(filepath.Join("testdata", "compare.py"))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(w.python, append([]string{script, local, file}, flags...)...)
	c.Env = append(os.Environ(), append(w.awsEnv(), "DO_NOT_TRACK=1")...)
	out, err := c.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func lower(report jobs) (outputs []map[string]string) {
	for _, o := range report.Outputs {
		outputs = append(outputs, map[string]string{"dataset": o.Dataset, "path": o.Path})
	}
	return outputs
}

// awsEnv lets other programs use the embedded AWS.
func (w *workshop) awsEnv() []string {
	info := answer[struct {
		Endpoint  string
		AccessKey string `json:"access_key"`
		SecretKey string `json:"secret_key"`
		Region    string
	}](w, "local")
	return []string{"AWS_ENDPOINT_URL=" + info.Endpoint, "AWS_ACCESS_KEY_ID=" + info.AccessKey, "AWS_SECRET_ACCESS_KEY=" + info.SecretKey,
		"AWS_DEFAULT_REGION=" + info.Region, "AWS_REGION=" + info.Region}
}

// aws is for clients of the embedded AWS in this process.
func (w *workshop) aws() aws.Config {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.localDir, "server.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	var server local.Info
	if err := json.Unmarshal(text, &server); err != nil {
		w.t.Fatal(err)
	}
	return aws.Config{Region: server.Region, BaseEndpoint: &server.Endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(server.AccessKey, server.SecretKey, "")}
}

// failingNode: Batch's reason, the exit code and the node's own words reach the user, and the command has its own exit code.
func (w *workshop) failingNode(t *testing.T) {
	code, _, stderr := w.try("run", "--params", "model_options.test_size=-1", "--pipelines", "data_science")
	if code != 3 {
		t.Errorf("exit code %d, want 3", code)
	}
	for _, want := range []string{"data_science failed", "exit code 1", "test_size"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr lacks %q", want)
		}
	}
}

// slowly makes evaluate_model of the example take long enough to be interrupted after the regressor was saved.
const slowly = `

_evaluate_model = evaluate_model


def evaluate_model(*args):
    import time

    time.sleep(25)
    return _evaluate_model(*args)
`

// composed registers a pipeline under a name that no module has.
const composed = `

_register_pipelines = register_pipelines


def register_pipelines():
    pipelines = _register_pipelines()
    pipelines["training"] = pipelines["data_processing"] + pipelines["data_science"]
    return pipelines
`

// lostHost: a job whose host goes away after it saved a versioned output succeeds on its second attempt, in a run of a pipeline that the registry
// composes; the death of the server alone does not matter to it. The changed line of code is all that the deployment sends.
func (w *workshop) lostHost(t *testing.T) {
	w.t = t
	appendTo(t, filepath.Join(w.dir, "src/spaceflights/pipelines/data_science/nodes.py"), slowly)
	appendTo(t, filepath.Join(w.dir, "src/spaceflights/pipeline_registry.py"), composed)
	w.do("deploy")
	id := strings.Fields(w.do("run", "--pipeline", "training", "--detach"))[0]
	w.waitForRegressor(id)
	w.killServer()
	if attempt := attempts(answer[jobs](w, "status", id))["data_science"]; attempt != 1 || len(w.containers()) != 1 {
		t.Errorf("the next server did not take the job up: attempt %d", attempt)
	}
	w.killServer()
	for _, c := range w.containers() {
		if err := exec.Command("docker", "rm", "--force", c).Run(); err != nil {
			t.Fatal(err)
		}
	}
	var state jobs
	for range 90 {
		state = answer[jobs](w, "status", id) // the first one starts the server again
		if ended(state) {
			break
		}
		time.Sleep(2 * time.Second)
	}
	w.wantSucceeded(state, 2)
	if n := attempts(state); n["data_science"] != 2 {
		t.Errorf("attempts %v, want 2 of data_science", n)
	}
	if r := answer[jobs](w, "verify", id); !r.OK {
		t.Errorf("verify: %+v", r)
	}
}

// killServer ends the embedded AWS in the middle of its work; the next command starts it again.
func (w *workshop) killServer() {
	w.t.Helper()
	server := answer[struct{ PID int }](w, "local")
	if err := syscall.Kill(server.PID, syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
}

// attempts counts those of each group.
func attempts(state jobs) map[string]int {
	n := map[string]int{}
	for _, j := range state.Jobs {
		n[j.Group] = j.Attempt
	}
	return n
}

func appendTo(t *testing.T, file, text string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// waitForRegressor waits until the run has saved its version of the regressor.
func (w *workshop) waitForRegressor(id string) {
	w.t.Helper()
	p, err := project.Load(w.dir, project.LoadOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	store := s3.NewFromConfig(w.aws(), func(o *s3.Options) { o.UsePathStyle = true })
	key := "06_models/regressor.pickle/" + id + "/regressor.pickle"
	for range 240 {
		if _, err := store.HeadObject(context.Background(), &s3.HeadObjectInput{Bucket: &p.Settings.Bucket, Key: &key}); err == nil {
			return
		}
		time.Sleep(250 * time.Millisecond)
	}
	w.t.Fatalf("run %s has not saved %s", id, key)
}

func ended(state jobs) bool {
	for _, j := range state.Jobs {
		if j.State != "SUCCEEDED" && j.State != "FAILED" {
			return false
		}
	}
	return true
}
