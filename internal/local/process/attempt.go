package process

import (
	"bufio"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/batch"
)

const (
	maxLine   = 256 << 10       // where AWS's log driver cuts lines
	drainTime = 2 * time.Second // for the last lines, where the process has left its output to another
)

// run runs an attempt in a directory of its own. That lies outside of the project: Kedro would look for one in the directories above, and jobs would
// share its data.
func (r *Runner) run(a batch.Attempt, e batch.Events, asked <-chan struct{}) batch.Exit {
	im, err := open(r.state, a.Image)
	if err != nil {
		return batch.NotStarted("CannotPullContainerError: " + err.Error())
	}
	dir, err := os.MkdirTemp("", "kedroctl-job-")
	if err != nil {
		return batch.NotStarted("CannotCreateContainerError: " + err.Error())
	}
	defer os.RemoveAll(dir)
	app, home := filepath.Join(dir, "app"), filepath.Join(dir, "home")
	if err := errors.Join(os.CopyFS(app, os.DirFS(im.App)), os.Mkdir(home, 0o700)); err != nil {
		return batch.NotStarted("CannotCreateContainerError: " + err.Error())
	}
	env := map[string]string{}
	maps.Copy(env, im.Env)
	env["HOME"], env["TMPDIR"] = home, home
	maps.Copy(env, a.Env)
	c := recorded(im.command(a.Command, app))
	c.Dir = app
	for name, value := range env {
		c.Env = append(c.Env, name+"="+value)
	}
	out, err := r.start(c, a, dir)
	if err != nil {
		return batch.NotStarted("CannotStartContainerError: " + err.Error())
	}
	defer os.Remove(r.record(a))
	defer out.Close()
	e.Running()
	return r.follow(c, out, e, asked)
}

// command is a job's command with the interpreter and the paths of an attempt.
func (im Image) command(words []string, app string) []string {
	words = slices.Clone(words)
	if len(words) == 0 {
		words = []string{"python", "-m", "kedroctl_boot"}
	}
	for i, word := range words {
		if rest, ok := strings.CutPrefix(word, "/app"); ok && (rest == "" || rest[0] == '/') {
			words[i] = app + rest
		}
	}
	if words[0] == "python" {
		words[0] = im.Python
	}
	return words
}

// start starts an attempt's process as the leader of a group of its own, and gives what it and its children print.
func (r *Runner) start(c *exec.Cmd, a batch.Attempt, dir string) (out *os.File, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errors.New("the server ends")
	}
	record, err := r.newRecord(a, dir)
	if err != nil {
		return nil, err
	}
	defer record.Close()
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	c.Stdout, c.Stderr, c.ExtraFiles = in, in, []*os.File{record}
	ownGroup(c)
	if err := c.Start(); err != nil {
		return nil, errors.Join(err, out.Close(), os.Remove(record.Name()))
	}
	return out, nil
}

// follow passes on the lines of a process, stops it when that is asked for, and gives its end.
func (r *Runner) follow(c *exec.Cmd, out *os.File, e batch.Events, asked <-chan struct{}) batch.Exit {
	ended, read := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Wait()             // its state says how it ended
		killGroup(c.Process.Pid) // as in a container, nothing outlives the first process
		_ = out.SetReadDeadline(time.Now().Add(drainTime))
	}()
	go func() {
		defer close(read)
		passOn(out, e.Line)
	}()
	select {
	case <-ended:
	case <-asked:
		terminateGroup(c.Process.Pid)
		select {
		case <-ended:
		case <-time.After(r.grace):
			killGroup(c.Process.Pid)
			<-ended
		}
	}
	<-read
	return batch.Exited(exitCode(c.ProcessState))
}

// passOn gives each line of a stream to f, until the stream ends.
func passOn(stream io.Reader, f func(string)) {
	lines := bufio.NewReaderSize(stream, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			f(strings.ToValidUTF8(strings.TrimRight(string(line), "\r\n"), "\uFFFD"))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}
