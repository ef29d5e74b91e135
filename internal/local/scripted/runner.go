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

func (s Script) end() batch.Exit {
	if s.End != nil {
		return *s.End
	}
	return batch.Exited(s.Exit)
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
	return append([]batch.Attempt(nil), r.started...)
}

// Start begins an attempt.
func (r *Runner) Start(a batch.Attempt, e batch.Events) func() {
	r.mu.Lock()
	r.started = append(r.started, a)
	p := &play{clock: r.clock, attempt: a, events: e}
	for _, s := range r.scripts {
		if s.matches(a) {
			p.script = s
			break
		}
	}
	r.mu.Unlock()
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.begin()
	return p.stop
}

// play is an attempt on its way through a script.
type play struct {
	clock   clock.Clock
	script  Script
	attempt batch.Attempt
	events  batch.Events
	ctx     context.Context
	cancel  context.CancelFunc

	mu   sync.Mutex
	over bool
}

func (p *play) begin() {
	if p.script.neverRan() {
		p.after(p.script.Startup, func() { p.done(*p.script.End) })
		return
	}
	if p.script.Startup <= 0 {
		p.run()
		return
	}
	p.after(p.script.Startup, p.run)
}

// neverRan tells the ends of attempts that got no container.
func (s Script) neverRan() bool {
	return s.End != nil && s.End.Code == nil && s.End.Reason != ""
}

func (p *play) run() {
	p.events.Running()
	p.proceed(p.script.Lines, p.script.Duration)
}

// proceed writes the lines, evenly over the time that is left, and then does the work.
func (p *play) proceed(lines []string, left time.Duration) {
	gap := left / time.Duration(len(lines)+1)
	p.after(gap, func() {
		if len(lines) == 0 {
			p.work()
			return
		}
		p.events.Line(lines[0])
		p.proceed(lines[1:], left-gap)
	})
}

func (p *play) work() {
	if p.script.Do == nil {
		p.done(p.script.end())
		return
	}
	if err := p.script.Do(p.ctx, p.attempt); err != nil {
		p.events.Line(err.Error())
		p.done(batch.Exited(1))
		return
	}
	p.done(p.script.end())
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
	p.mu.Lock()
	over := p.over
	p.over = true
	p.mu.Unlock()
	p.cancel()
	if !over {
		p.events.Done(e)
	}
}

func (p *play) stop() { p.done(batch.Exited(terminated)) }
