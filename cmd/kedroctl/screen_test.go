package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kedroctl/kedroctl/internal/ui/uitest"
)

// cmdScreen runs kedroctl as people do, on a terminal of 100 columns and 30 lines, and writes what they see at the end to the file screen:
// [!] screen [-interrupt ANSWER] ARGS…. With -interrupt Ctrl-C is pressed when a job runs, and the question answered.
func cmdScreen(ts *testscript.TestScript, neg bool, args []string) {
	answer, interrupt := "", len(args) > 1 && args[0] == "-interrupt"
	if interrupt {
		answer, args = args[1], args[2:]
	}
	s := uitest.New(scriptT{ts}, 100, 30)
	c := kedroctl(ts, args)
	c.Stdin, c.Stdout, c.Stderr = s.File, s.File, s.File
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	ts.Check(c.Start())
	ts.Defer(func() { _ = c.Process.Kill() }) // ended, but for failures of the script
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	if interrupt {
		cmdStarted(ts, false, []string{"1"})
		within10s(ts, func() bool { return strings.Contains(s.Text(), "RUNNING") })
		s.Type("\x03")
		within10s(ts, func() bool { return strings.Contains(s.Text(), "?") })
		s.Type(answer + "\n")
	}
	var err error
	select {
	case err = <-ended:
	case <-time.After(time.Minute):
		ts.Check(c.Process.Kill())
		ts.Fatalf("still running after a minute:\n%s", s.Text())
	}
	text := s.Text()
	ts.Logf("[screen]\n%s", text)
	if column, hidden := s.Cursor(); column != 0 || hidden {
		ts.Fatalf("cursor in column %d, hidden %t", column, hidden)
	}
	ts.Check(os.WriteFile(ts.MkAbs("screen"), []byte(text+"\n"), 0o600))
	if (err != nil) != neg {
		ts.Fatalf("kedroctl %s: %v", strings.Join(args, " "), err)
	}
}

// cmdTorn runs kedroctl with a reader of stdout who goes away after the first line: torn ARGS…. That it cannot write any more is the command's error, and
// not its end.
func cmdTorn(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: torn ARGS…")
	}
	var stderr strings.Builder
	c := kedroctl(ts, args)
	c.Stderr = &stderr
	stdout, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	_, err = bufio.NewReader(stdout).ReadString('\n')
	ts.Check(err)
	ts.Check(stdout.Close())
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != 1 || !strings.Contains(stderr.String(), "broken pipe") {
		ts.Fatalf("%s, and says:\n%s", c.ProcessState, stderr.String())
	}
}

// kedroctl is the program as a script would run it.
func kedroctl(ts *testscript.TestScript, args []string) *exec.Cmd {
	program, err := exec.LookPath("kedroctl")
	ts.Check(err)
	c := exec.Command(program, args...)
	c.Dir, c.Env = ts.MkAbs("."), append(os.Environ(), "TERM=xterm")
	for _, name := range []string{"HOME", "KEDROCTL_LOCAL_DIR", "KEDROCTL_INTERVAL", "NO_COLOR", "DOCKER_HOST", "PATH"} {
		c.Env = append(c.Env, name+"="+ts.Getenv(name))
	}
	return c
}

// scriptT lets a script have a terminal.
type scriptT struct{ *testscript.TestScript }

func (t scriptT) Helper()           {}
func (t scriptT) Cleanup(f func())  { t.Defer(f) }
func (t scriptT) Fatal(args ...any) { t.Fatalf("%s", fmt.Sprint(args...)) }
