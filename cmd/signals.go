package cmd

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// errHungUp is the cause by which a context ends whose terminal has gone.
var errHungUp = errors.New("the terminal has gone")

// heed says what signals mean to a command that follows a run. The first interrupt ends the command's context, as everywhere; a second one ends the program
// at once. A hang-up ends only the context that heed gives, so that a submission under way then is not cut short.
func (d *deps) heed(ctx context.Context, table *jobTable) (followed context.Context, stop func()) {
	followed, end := context.WithCancelCause(ctx)
	signals, done := make(chan os.Signal, 4), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup does
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		for interrupts := 0; ; {
			select {
			case <-done:
				return
			case s := <-signals:
				if s == syscall.SIGHUP {
					end(errHungUp)
				} else if interrupts++; interrupts == 2 {
					d.leaveAtOnce(table)
				}
			}
		}
	}()
	return followed, func() {
		signal.Stop(signals)
		close(done)
		end(nil)
	}
}

// leaveAtOnce ends the program, whatever it waits for, and says what may go on without it.
func (d *deps) leaveAtOnce(table *jobTable) {
	d.term.SetStatus(nil)
	id, open := table.unfinished()
	switch {
	case id == "":
		d.term.Line("left at once: no run had begun")
	case len(open) == 0:
		d.term.Line("left at once: no job of run %s was unfinished", id)
	default:
		d.term.Line("left at once; unfinished jobs of run %s: %s", id, strings.Join(open, ", "))
		d.term.Hint("see them with '%s'; end them with '%s'", d.commandLine("status", id), d.commandLine("cancel", id))
	}
	os.Exit(exitInterrupted)
}

// unfinished names the run, "" before it has an id, and its groups with unfinished jobs and their states.
func (t *jobTable) unfinished() (id string, groups []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, j := range t.board.all() {
		if j.ID != "" && !j.Ended() {
			groups = append(groups, j.Group+" "+j.State)
		}
	}
	return t.board.run.ID, groups
}
