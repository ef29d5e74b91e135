//go:build unix

package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/batch"
)

// witness notes events. Its channels are closed at Running and Done.
type witness struct {
	running, done chan struct{}
	lines         []string
	exit          string
}

func newWitness() *witness {
	return &witness{running: make(chan struct{}), done: make(chan struct{})}
}

func (w *witness) Running()         { close(w.running) }
func (w *witness) Line(text string) { w.lines = append(w.lines, text) }
func (w *witness) Done(e batch.Exit) {
	w.exit = e.Reason
	if e.Code != nil {
		w.exit = fmt.Sprint(*e.Code)
	}
	close(w.done)
}

func (w *witness) wait(t *testing.T, event chan struct{}) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(20 * time.Second):
		t.Fatal("no end in 20 s")
	}
}

// elsewhere is the runner of jobs with an image.
type elsewhere struct{ started []string }

func (r *elsewhere) Start(a batch.Attempt, e batch.Events) func() {
	r.started = append(r.started, a.Image)
	e.Done(batch.Exited(0))
	return func() {}
}

func (r *elsewhere) Recover(all []batch.Recovered) []func() {
	stops := make([]func(), len(all))
	for i, a := range all {
		r.started = append(r.started, "again "+a.Image)
		stops[i] = func() {}
	}
	return stops
}

// newRunner has an image whose interpreter is a shell, and keeps temporary files in a directory of the test.
func newRunner(t *testing.T) (r *Runner, ref string) {
	t.Helper()
	state, app := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	if err := os.MkdirAll(filepath.Join(app, "conf", "base"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(app, "conf", "base", "catalog.yml"), []byte("a: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ref, err := Save(state, "k1", Image{Python: "/bin/sh", App: app, Env: map[string]string{"PATH": os.Getenv("PATH"), "FROM": "image", "BOTH": "image"}})
	if err != nil {
		t.Fatal(err)
	}
	r = New(state, &elsewhere{})
	t.Cleanup(r.Close)
	return r, ref
}

// sh is an attempt that runs a shell's script as a job runs its command.
func sh(ref, script string, args ...string) batch.Attempt {
	return batch.Attempt{JobID: "job", Number: 1, Image: ref, Command: append([]string{"python", "-c", script, "sh"}, args...),
		Env: map[string]string{"BOTH": "batch", "AWS_BATCH_JOB_ID": "job"}}
}

func TestAJobRunsInADirectoryOfItsOwnWithItsOwnVariables(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "of the user's shell")
	r, ref := newRunner(t)
	for range 2 { // the second job finds nothing of the first one
		w := newWitness()
		r.Start(sh(ref, `cat "$1/base/catalog.yml"; ls; touch left; rm -r conf; ls -A "$HOME"; echo $FROM $BOTH "$AWS_SECRET_ACCESS_KEY."; echo oh >&2; pwd >"$2"`,
			"/app/conf", filepath.Join(r.state, "where")), w)
		w.wait(t, w.done)
		if diff := cmp.Diff([]string{"a: 1", "conf", "image batch .", "oh"}, w.lines); diff != "" {
			t.Error(diff)
		}
		where, err := os.ReadFile(filepath.Join(r.state, "where"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(strings.TrimSpace(string(where))); err == nil {
			t.Errorf("%s is still there", where)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(place(r.state), "jobs", "*")); len(left) > 0 {
		t.Errorf("records %v are still there", left)
	}
}

func TestEnds(t *testing.T) {
	r, ref := newRunner(t)
	for name, tt := range map[string]struct {
		attempt batch.Attempt
		exit    string
	}{
		"a code":           {sh(ref, "exit 3"), "3"},
		"a signal":         {sh(ref, "kill -9 $$"), "137"},
		"no such program":  {batch.Attempt{JobID: "job", Image: ref, Command: []string{"no-such-program"}}, "127"},
		"no such image":    {sh(repository+"k2", "exit 0"), "CannotPullContainerError: open " + file(r.state, "k2") + ": no such file or directory"},
		"a name with path": {sh(repository+"../k1", "exit 4"), "4"},
		"another runner":   {batch.Attempt{Image: "registry/flights@sha256:0"}, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWitness()
			r.Start(tt.attempt, w)
			w.wait(t, w.done)
			if w.exit != tt.exit {
				t.Errorf("exit %q, want %q; lines %q", w.exit, tt.exit, w.lines)
			}
		})
	}
	if diff := cmp.Diff([]string{"registry/flights@sha256:0"}, r.others.(*elsewhere).started); diff != "" {
		t.Error(diff)
	}
}

func TestNothingOutlivesTheFirstProcess(t *testing.T) {
	r, ref := newRunner(t)
	w := newWitness()
	r.Start(sh(ref, "sleep 60 & echo $!"), w)
	w.wait(t, w.done)
	wantGone(t, w.lines[0])
}

func wantGone(t *testing.T, pid string) {
	t.Helper()
	for range 200 { // whoever inherits a dead process may take a moment to see it
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if exec.Command("kill", "-0", pid).Run() != nil || err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %s is still there", pid)
}

func TestStopAsksFirst(t *testing.T) {
	for name, tt := range map[string]struct{ script, exit string }{
		"and the job obeys":     {`trap 'echo bye; exit 143' TERM; echo up; while :; do sleep 0.05; done`, "143"},
		"and does not wait on":  {`trap '' TERM; echo up; while :; do sleep 0.05; done`, "137"},
		"and the children obey": {`sh -c 'echo up; sleep 60'; echo bye`, "143"},
	} {
		t.Run(name, func(t *testing.T) {
			r, ref := newRunner(t)
			r.grace = 500 * time.Millisecond
			up := make(chan struct{})
			w := newWitness()
			stop := r.Start(sh(ref, tt.script), &firstLine{w, up})
			w.wait(t, up)
			stop()
			stop()
			w.wait(t, w.done)
			if w.exit != tt.exit {
				t.Errorf("exit %s, want %s; lines %q", w.exit, tt.exit, w.lines)
			}
		})
	}
}

// firstLine closes a channel when the first line comes.
type firstLine struct {
	*witness
	up chan struct{}
}

func (f *firstLine) Line(text string) {
	f.witness.Line(text)
	if len(f.lines) == 1 {
		close(f.up)
	}
}

func TestCloseEndsJobsWithoutAReport(t *testing.T) {
	r, ref := newRunner(t)
	up, w := make(chan struct{}), newWitness()
	r.Start(sh(ref, "echo $$; sleep 60"), &firstLine{w, up})
	w.wait(t, up)
	r.Close()
	wantGone(t, w.lines[0])
	late := newWitness()
	r.Start(sh(ref, "echo never"), late)
	r.Close()
	if w.exit != "" || late.exit != "" || late.lines != nil {
		t.Errorf("reported %q, %q, %q", w.exit, late.exit, late.lines)
	}
}

func TestAServerEndsWhatAKilledOneLeft(t *testing.T) {
	r, ref := newRunner(t)
	up, w := make(chan struct{}), newWitness()
	r.Start(sh(ref, "trap '' TERM; echo $$; sleep 60"), &firstLine{w, up})
	w.wait(t, up)
	next := New(r.state, &elsewhere{})
	t.Cleanup(next.Close)
	begins := newWitness()
	stops := next.Recover([]batch.Recovered{
		{Attempt: batch.Attempt{Image: "a"}}, {Attempt: sh(ref, ""), Running: true}, {Attempt: batch.Attempt{Image: "b"}}, {Attempt: sh(ref, "exit 5"), Events: begins},
	})
	wantGone(t, w.lines[0])
	if len(stops) != 4 || stops[0] == nil || stops[1] != nil || stops[2] == nil || stops[3] == nil {
		t.Errorf("taken up: %v; want all but the second", stops)
	}
	if w.wait(t, begins.done); begins.exit != "5" {
		t.Errorf("the attempt that had not begun ends with %q", begins.exit)
	}
	w.wait(t, w.done) // the runner of before, which is not really dead, cleans up too
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if diff := cmp.Diff([]string{"again a", "again b"}, next.others.(*elsewhere).started); diff != "" {
		t.Error(diff)
	}
}

// TestRecoverSparesStrangers: the number of a process that ended unseen may be another one's by now.
func TestRecoverSparesStrangers(t *testing.T) {
	r, _ := newRunner(t)
	stranger := exec.Command("sleep", "60")
	stranger.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer stranger.Wait()
	record, err := r.newRecord(batch.Attempt{JobID: "gone", Number: 1}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(record, stranger.Process.Pid)
	record.Close()
	r.Recover(nil)
	if err := syscall.Kill(stranger.Process.Pid, 0); err != nil {
		t.Errorf("the stranger is gone: %v", err)
	}
	if _, err := os.Stat(record.Name()); err == nil {
		t.Error("the record is still there")
	}
	stranger.Process.Kill()
}

func TestOldImagesGo(t *testing.T) {
	state := t.TempDir()
	dirs := make([]string, kept+2)
	for i := range dirs {
		var err error
		if dirs[i], err = NewDir(state); err != nil {
			t.Fatal(err)
		}
		if _, err := Save(state, fmt.Sprint(i), Image{Dir: dirs[i]}); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(time.Duration(i-len(dirs)) * time.Minute)
		if err := os.Chtimes(file(state, fmt.Sprint(i)), when, when); err != nil {
			t.Fatal(err)
		}
		if _, found := Find(state, "0"); !found { // it stays, as it is in use
			t.Fatalf("the first of %d images is gone", i+1)
		}
	}
	for i, dir := range dirs {
		_, err := os.Stat(dir)
		if gone := err != nil; gone != (i == 1 || i == 2) {
			t.Errorf("image %d is gone: %v", i, gone)
		}
	}
}

func TestLinesAreCut(t *testing.T) {
	var got []int
	passOn(strings.NewReader(strings.Repeat("x", maxLine+5)+"\r\n\nlast"), func(line string) { got = append(got, len(line)) })
	if diff := cmp.Diff([]int{maxLine, 5, 0, 4}, got); diff != "" {
		t.Error(diff)
	}
}
