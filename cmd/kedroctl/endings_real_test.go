//go:build real

package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRealEndings: a driver that is killed in the middle of a run with Docker jobs, somebody else who takes the run up from another copy of the project and
// cancels it, and a third who resumes it. Nothing is done twice that was done, and the outputs are those of a run that nothing happened to.
func TestRealEndings(t *testing.T) {
	w := newWorkshop(t)
	appendTo(t, filepath.Join(w.dir, "src/spaceflights/pipelines/data_science/nodes.py"), slowly)
	w.do("init")
	w.do("deploy")
	driver := w.command("run", "--pipelines", "data_processing,data_science")
	if err := driver.Start(); err != nil {
		t.Fatal(err)
	}
	id := w.waitForRun()
	w.waitForRegressor(id)
	if err := driver.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = driver.Wait() // it was killed

	other := newWorkshopFor(t, w.dir, w.python, w.localDir)
	attached := make(chan string)
	go func() {
		code, stdout, stderr := other.try("attach", id)
		if code != 3 {
			t.Errorf("attach: exit code %d", code)
		}
		attached <- stdout + stderr
	}()
	time.Sleep(time.Second)
	other.do("cancel", id)
	if said := <-attached; !strings.Contains(said, "data_processing") || !strings.Contains(said, "cancelled by") {
		t.Errorf("attach said %s", said)
	}
	if n := len(w.containers()); n != 0 {
		t.Errorf("%d containers after the cancel", n)
	}

	began := time.Now()
	resumed := answer[jobs](other, "resume", id)
	w.wantSucceeded(resumed, 2)
	t.Logf("resumed in %s", time.Since(began))
	if tries := triesOf(resumed); tries["data_processing"] != 1 || tries["data_science"] != 2 {
		t.Errorf("tries %v: what was done is not to be done again", tries)
	}
	report := answer[jobs](w, "verify", id)
	if !report.OK {
		t.Errorf("verify: %+v", report)
	}
}

// waitForRun waits until there is a run, and gives its id.
func (w *workshop) waitForRun() string {
	w.t.Helper()
	for range 120 {
		if code, stdout, _ := w.try("status"); code == 0 {
			return strings.Fields(stdout)[0]
		}
		time.Sleep(250 * time.Millisecond)
	}
	w.t.Fatal("there is no run")
	return ""
}

func triesOf(state jobs) map[string]int {
	n := map[string]int{}
	for _, j := range state.Jobs {
		n[j.Group] = j.Try
	}
	return n
}
