package scripted

import (
	"context"
	"path"
	"sync"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/clock"
)

// terminated is the exit code of a process that SIGTERM ended.
const terminated = 128 + 15

// Script is what becomes of the attempts that it is for. The zero value is for all of them, and leaves everything to their work.
type Script struct {
	Match    string        // pattern of path.Match over the job's name; "": every job
	Attempt  int           // for this attempt alone; 0: for each
	Startup  time.Duration // from STARTING to RUNNING
	Duration time.Duration // of RUNNING before the work; where none is done, before the end
	Lines    []string      // log lines, evenly over Duration
	End      batch.Exit    // zero: as the work ends
	After    time.Duration // of work until End; 0: no work is done for it
}

// Scripts are several, of which the first that is for an attempt counts.
type Scripts []Script

// For finds the script of an attempt.
func (all Scripts) For(a batch.Attempt) (Script, bool) {
	for _, s := range all {
		named, _ := path.Match(s.Match, a.JobName) // a malformed pattern matches nothing
		if (s.Match == "" || named) && (s.Attempt == 0 || s.Attempt == a.Number) {
			return s, true
		}
	}
	return Script{}, false
}

// Runner follows scripts.
type Runner struct {
	Clock clock.Clock
	Find  func(batch.Attempt) (s Script, found bool) // the script of an attempt
	Work  batch.Runner                               // does the work; nil: there is none, and it succeeds at once
}

// New makes a runner of jobs without any work.
func New(c clock.Clock, scripts ...Script) *Runner {
	return &Runner{Clock: c, Find: Scripts(scripts).For}
}

// Start begins an attempt.
func (r *Runner) Start(a batch.Attempt, e batch.Events) func() {
	s, found := r.Find(a)
	if !found && r.Work != nil {
		return r.Work.Start(a, e)
	}
	p := &play{Script: s, Events: e, runner: r, attempt: a}
	switch {
	case s.End.Code == nil && s.End.Reason != "": // it gets no container
		p.after(p.Startup+p.Duration, func() { p.Done(p.End) })
	case p.Startup == 0:
		p.run()
	default:
		p.after(p.Startup, p.run)
	}
	return p.halt
}

// Recover is the affair of who does the work: without it, an attempt has not outlived its process.
func (r *Runner) Recover(left []batch.Recovered) []func() { return batch.TakeUp(r.Work, left) }

// MemoryMiB is the limit of who does the work.
func (r *Runner) MemoryMiB() int64 { return batch.MemoryOf(r.Work) }

// play is an attempt on its way through a script. It listens to the runner that does the work.
type play struct {
	Script
	batch.Events
	runner  *Runner
	attempt batch.Attempt

	mu   sync.Mutex
	stop func() // asks the work for its end; nil before it begins
	cut  bool   // the work was asked for its end, as After is over
	over bool
}

func (p *play) run() {
	p.Events.Running()
	p.proceed(p.Lines, p.Duration)
}

// proceed writes the lines, evenly over the time that is left, and then lets the work begin.
func (p *play) proceed(lines []string, left time.Duration) {
	gap := left / time.Duration(len(lines)+1)
	p.after(gap, func() {
		if len(lines) == 0 {
			p.work()
			return
		}
		p.Line(lines[0])
		p.proceed(lines[1:], left-gap)
	})
}

func (p *play) work() {
	scripted := p.End != batch.Exit{}
	switch {
	case scripted && p.After == 0:
		p.Done(p.End)
		return
	case p.runner.Work == nil:
		p.Done(batch.Exited(0))
		return
	}
	stop := p.runner.Work.Start(p.attempt, p)
	p.mu.Lock()
	p.stop = stop
	over := p.over
	p.mu.Unlock()
	switch {
	case over: // meanwhile
		stop()
	case scripted:
		p.after(p.After, func() {
			p.mu.Lock()
			p.cut = true
			p.mu.Unlock()
			stop()
		})
	}
}

// after calls f once d is over, unless the attempt is over by then.
func (p *play) after(d time.Duration, f func()) {
	p.runner.Clock.AfterFunc(d, func() {
		p.mu.Lock()
		over := p.over
		p.mu.Unlock()
		if !over {
			f()
		}
	})
}

// Running was told before the work began.
func (p *play) Running() {}

// Done tells the end, once.
func (p *play) Done(e batch.Exit) {
	p.mu.Lock()
	over := p.over
	p.over = true
	if p.cut {
		e = p.End
	}
	p.mu.Unlock()
	if !over {
		p.Events.Done(e)
	}
}

// halt asks for the end, on behalf of whoever started the attempt.
func (p *play) halt() {
	p.mu.Lock()
	stop := p.stop
	p.mu.Unlock()
	if stop == nil {
		p.Done(batch.Exited(terminated))
		return
	}
	stop()
}

// Work is a runner whose jobs are calls within this process. An error is logged and makes the exit code 1. ctx ends when the job is to stop.
type Work func(ctx context.Context, job batch.Attempt) error

// Start begins the call.
func (w Work) Start(a batch.Attempt, e batch.Events) func() {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		defer stop()
		e.Running()
		exit := batch.Exited(0)
		if err := w(ctx, a); err != nil {
			e.Line(err.Error())
			exit = batch.Exited(1)
		}
		if ctx.Err() != nil {
			exit = batch.Exited(terminated)
		}
		e.Done(exit)
	}()
	return stop
}
