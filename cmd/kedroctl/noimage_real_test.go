//go:build real

package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/realtest"
)

// shared lets one node leave a file in its working directory for another one of the next job, which only works in one process.
const shared = `

_%[1]s = %[1]s


def %[1]s(*args):
    from pathlib import Path

    %[2]s
    return _%[1]s(*args)
`

// TestRealSpaceflightsWithoutAnImage runs the example with processes in place of containers. There is no Docker Engine, and variables of the user's shell
// would lead astray who saw them.
func TestRealSpaceflightsWithoutAnImage(t *testing.T) {
	w := newWorkshop(t)
	w.env = append(w.env, noEngine(t), "AWS_ACCESS_KEY_ID=astray", "AWS_SECRET_ACCESS_KEY=astray",
		"PYTHONPATH=/astray", "KEDRO_LOGGING_CONFIG=/astray")
	w.do("init")
	first := answer[jobs](w, "run", "--no-image")
	w.wantSucceeded(first, 3)
	report := answer[jobs](w, "verify")
	if !report.OK || report.Run != first.Run {
		t.Errorf("verify: %+v", report)
	}
	oneVersion(t, report)
	said := w.compare(t, filepath.Join("..", "..", "examples", "spaceflights"), report)
	for _, name := range []string{"metrics: equal", "model_input_table: equal", "regressor: equal"} {
		if !strings.Contains(said, name) {
			t.Errorf("compare.py does not say %q", name)
		}
	}
	t.Run("nothing is missing", func(t *testing.T) {
		if again := answer[jobs](w, "run", "--no-image", "--only-missing-outputs"); again.Run != "" {
			t.Errorf("run %s makes again what is in S3: %+v", again.Run, again.Jobs)
		}
	})
	t.Run("parallel runner", func(t *testing.T) {
		w.wantSucceeded(answer[jobs](w, "run", "--no-image", "--runner", "ParallelRunner", "--pipelines", "reporting,data_processing"), 2)
	})
	t.Run("nothing is written into the project", func(t *testing.T) { wantUntouched(t, w.dir) })
	t.Run("a killed server", w.killedBesideProcesses)
	t.Run("a file that jobs cannot share", w.sharedFile)
}

// noEngine is the variable that leads to no Docker Engine.
func noEngine(t *testing.T) string {
	return "DOCKER_HOST=unix://" + filepath.Join(t.TempDir(), "no-engine.sock")
}

// notKept is what projects leave in containers.
var notKept = map[string][]unkept{"pictures": {{File: "notes.txt"}}, "chunks": {{Dataset: "locked"}}}

// TestRealProjectShapesWithoutAnImage: processes find what other projects than the example bring along.
func TestRealProjectShapesWithoutAnImage(t *testing.T) {
	python, localDir := realtest.Python(t), t.TempDir()
	all := maps.Clone(shapes)
	maps.Copy(all, unpacked)
	for name, tt := range all {
		t.Run(name, func(t *testing.T) {
			source := filepath.Join("..", "..", "testdata", "projects", name)
			w := newWorkshopFor(t, source, python, localDir)
			w.env = append(w.env, noEngine(t))
			w.do("init")
			w.wantSucceeded(answer[jobs](w, append([]string{"run", "--no-image"}, tt.flag...)...), tt.jobs)
			report := answer[jobs](w, "verify")
			if !report.OK {
				t.Errorf("verify: %+v", report)
			}
			if diff := cmp.Diff(notKept[name], report.NotKept); diff != "" {
				t.Errorf("not kept (-want +got):\n%s", diff)
			}
			w.compare(t, source, report, tt.flag...)
		})
	}
}

// wantUntouched: data of jobs is in the bucket, and the project's own has only what was there before.
func wantUntouched(t *testing.T, dir string) {
	for _, made := range []string{"data/02_intermediate", "data/03_primary", "data/06_models", "data/08_reporting"} {
		files, err := filepath.Glob(filepath.Join(dir, made, "[^.]*"))
		if err != nil || len(files) > 0 {
			t.Errorf("%s has %v, %v", made, files, err)
		}
	}
}

// killedBesideProcesses: the next server ends the process of the last one, and Batch tries the job again.
func (w *workshop) killedBesideProcesses(t *testing.T) {
	w.t = t
	nodes := filepath.Join(w.dir, "src/spaceflights/pipelines/data_science/nodes.py")
	before, err := os.ReadFile(nodes)
	if err != nil {
		t.Fatal(err)
	}
	appendTo(t, nodes, slowly)
	id := strings.Fields(w.do("run", "--no-image", "--detach", "--pipelines", "data_science"))[0]
	w.waitForRegressor(id)
	processes := w.processes()
	server := answer[struct{ PID int }](w, "local")
	if err := syscall.Kill(server.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	state := answer[jobs](w, "status", id) // starts the server again
	for _, pid := range processes {
		if strings.Contains(commandLine(pid), "kedroctl_boot") {
			t.Errorf("process %s of the killed server goes on", pid)
		}
	}
	for end := time.Now().Add(2 * time.Minute); !ended(state) && time.Now().Before(end); time.Sleep(time.Second) {
		state = answer[jobs](w, "status", id)
	}
	w.wantSucceeded(state, 1)
	if state.Jobs[0].Attempt != 2 {
		t.Errorf("attempt %d, want 2", state.Jobs[0].Attempt)
	}
	if err := os.WriteFile(nodes, before, 0o644); err != nil {
		t.Fatal(err)
	}
}

// processes are the numbers of those that run a job of this project.
func (w *workshop) processes() (pids []string) {
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, dir := range all {
		environment, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err == nil && strings.Contains(string(environment), "PYTHONPATH="+w.localDir) {
			pids = append(pids, filepath.Base(dir))
		}
	}
	if len(pids) == 0 {
		w.t.Error("no process runs the job")
	}
	return pids
}

func commandLine(pid string) string {
	text, _ := os.ReadFile("/proc/" + pid + "/cmdline") // none: it has ended
	return string(text)
}

// sharedFile: what a local run does not notice fails here, in the job that misses the file.
func (w *workshop) sharedFile(t *testing.T) {
	w.t = t
	share := func(file, node, statement string) {
		appendTo(t, filepath.Join(w.dir, "src/spaceflights/pipelines", file), fmt.Sprintf(shared, node, statement))
	}
	share("data_processing/nodes.py", "create_model_input_table", `Path("between.txt").write_text("jobs")`)
	share("data_science/nodes.py", "split_data", `Path("between.txt").read_text()`)
	code, _, stderr := w.try("run", "--no-image", "--pipelines", "data_processing,data_science")
	if code != 3 || !strings.Contains(stderr, "data_science failed") || !strings.Contains(stderr, "No such file or directory: 'between.txt'") {
		t.Errorf("exit code %d, stderr %s", code, stderr)
	}
}
