package scripted

import (
	"context"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/clock"
)

// terminated is the exit code of a process that SIGTERM ended.
const terminated = 128 + 15

// Script is what becomes of the jobs that it is for. The zero value lets every job succeed at once.
type Script struct {
	Match    string        // pattern of path.Match over the job's name; "": every job
	Attempt  int           // for this attempt alone; 0: for each
	Startup  time.Duration // from STARTING to RUNNING
	Duration time.Duration // of RUNNING
	Lines    []string      // log lines, evenly over Duration
	// Do is the job's work, done when Duration is over: it may write outputs and records. An error is logged and makes the exit code 1. ctx ends when
	// the job is to stop.
	Do   func(ctx context.Context, job batch.Attempt) error
	Exit int32       // code with which the container exits
	End  *batch.Exit // another end than an exit code, such as batch.HostLost("i-1"); a job that never started skips Lines and Do
}

func (s Script) matches(a batch.Attempt) bool {
	ok, _ := path.Match(s.Match, a.JobName) // a malformed pattern matches nothing
	return (s.Match == "" || ok) && (s.Attempt == 0 || s.Attempt == a.Number)
}

// Runner follows scripts.
type Runner struct {
	clock clock.Clock

	mu      sync.Mutex
	scripts []Script
	started []batch.Attempt
}

// New makes a runner. The first script that matches an attempt decides; one without any succeeds at once.
func New(c clock.Clock, scripts ...Script) *Runner {
	return &Runner{clock: c, scripts: scripts}
}

// Add puts scripts before those that the runner has.
func (r *Runner) Add(scripts ...Script) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scripts = append(scripts, r.scripts...)
}

// Started lists the attempts so far, in order.
func (r *Runner) Started() []batch.Attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.started)
}

// Start begins an attempt.
func (r *Runner) Start(a batch.Attempt, e batch.Events) func() {
	r.mu.Lock()
	r.started = append(r.started, a)
	p := &play{clock: r.clock, attempt: a, events: e}
	if i := slices.IndexFunc(r.scripts, func(s Script) bool { return s.matches(a) }); i >= 0 {
		p.Script = r.scripts[i]
	}
	r.mu.Unlock()
	p.ctx, p.cancel = context.WithCancel(context.Background())
	switch {
	case p.End != nil && p.End.Code == nil && p.End.Reason != "": // it gets no container
		p.after(p.Startup, func() { p.done(*p.End) })
	case p.Startup <= 0:
		p.run()
	default:
		p.after(p.Startup, p.run)
	}
	return func() { p.done(batch.Exited(terminated)) }
}

// play is an attempt on its way through a script.
type play struct {
	Script
	clock   clock.Clock
	attempt batch.Attempt
	events  batch.Events
	ctx     context.Context
	cancel  context.CancelFunc
	over    atomic.Bool
}

func (p *play) run() {
	p.events.Running()
	p.proceed(p.Lines, p.Duration)
}

// proceed writes the lines, evenly over the time that is left, and then does the work.
func (p *play) proceed(lines []string, left time.Duration) {
	gap := left / time.Duration(len(lines)+1)
	p.after(gap, func() {
		if len(lines) == 0 {
			p.done(p.work())
			return
		}
		p.events.Line(lines[0])
		p.proceed(lines[1:], left-gap)
	})
}

func (p *play) work() batch.Exit {
	if p.Do != nil {
		if err := p.Do(p.ctx, p.attempt); err != nil {
			p.events.Line(err.Error())
			return batch.Exited(1)
		}
	}
	if p.End != nil {
		return *p.End
	}
	return batch.Exited(p.Exit)
}

// after calls f once d is over, unless the attempt is over by then.
func (p *play) after(d time.Duration, f func()) {
	p.clock.AfterFunc(d, func() {
		if p.ctx.Err() == nil {
			f()
		}
	})
}

// done tells the end, once.
func (p *play) done(e batch.Exit) {
	p.cancel()
	if p.over.CompareAndSwap(false, true) {
		p.events.Done(e)
	}
}
