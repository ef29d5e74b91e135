package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/batch"
)

const (
	endTime = 30 * time.Second      // for the end of a process after SIGKILL
	endPoll = 10 * time.Millisecond // between two looks
)

// A record is a file about a process, which keeps it open and locked for as long as it lives. Its first line is the directory of the attempt, the
// second one the process's number, which it writes itself: there is no moment at which a killed server leaves a process that nobody knows.
func (r *Runner) record(a batch.Attempt) string {
	return filepath.Join(place(r.state), "jobs", a.ID())
}

// newRecord is for the process alone: whoever else has it open has to close it.
func (r *Runner) newRecord(a batch.Attempt, dir string) (*os.File, error) {
	file := r.record(a)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = fmt.Fprintln(f, dir); err == nil {
		err = lock(f)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(file))
	}
	return f, nil
}

// recorded is a command that writes its number into the record, which is its file 3.
func recorded(words []string) *exec.Cmd {
	return exec.Command("/bin/sh", append([]string{"-c", `echo $$ >&3; exec "$@"`, "sh"}, words...)...)
}

// sweep ends the process of each record.
func (r *Runner) sweep() {
	files, _ := filepath.Glob(filepath.Join(place(r.state), "jobs", "*")) // without a record nothing has run
	for _, file := range files {
		endRecorded(file)
	}
}

// endRecorded kills the process of a record, waits for its end, and removes what it left. While the lock is held, the number is not another process's.
func endRecorded(file string) {
	f, err := os.Open(file)
	if err != nil {
		return
	}
	defer f.Close()
	for begun := time.Now(); lock(f) != nil && time.Since(begun) < endTime; time.Sleep(endPoll) {
		if _, number := readRecord(file); number > 0 {
			killGroup(number)
		}
	}
	if dir, _ := readRecord(file); dir != "" {
		_ = os.RemoveAll(dir) // what stays lies among temporary files
	}
	_ = os.Remove(file)
}

// readRecord gives what the record says by now.
func readRecord(file string) (dir string, number int) {
	text, _ := os.ReadFile(file)
	dir, last, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	number, _ = strconv.Atoi(last)
	return dir, number
}
