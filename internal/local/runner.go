package local

import (
	"sync"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/faults"
)

// noRunner is what a server without a runner has: no container ever starts.
type noRunner struct{}

func (noRunner) Start(_ batch.Attempt, e batch.Events) func() {
	e.Done(batch.NotStarted("CannotStartContainerError: this server has no job runner"))
	return func() {}
}

// faultyRunner lets the fault script decide what becomes of attempts before its runner does.
type faultyRunner struct {
	JobRunner
	clock  Clock
	script func() *faults.Script
}

func (f faultyRunner) Start(a batch.Attempt, e batch.Events) func() {
	job := f.script().Job(a.JobName, a.Number)
	if job == nil {
		return f.JobRunner.Start(a, e)
	}
	p := &play{Events: e, runner: f, job: job, attempt: a}
	if job.End != nil && job.End.Code == nil && job.End.Reason != "" { // such an attempt got no container
		p.after(job.Sleep, func() { p.Done(*job.End) })
		return p.stop
	}
	e.Running()
	for _, line := range job.Lines {
		e.Line(line)
	}
	p.after(job.Sleep, p.work)
	return p.stop
}

// Recover hands on what the runner can do.
func (f faultyRunner) Recover(left []batch.Recovered) []func() {
	if r, ok := f.JobRunner.(batch.Recoverer); ok {
		return r.Recover(left)
	}
	return make([]func(), len(left))
}

// MemoryMiB hands on what the runner has.
func (f faultyRunner) MemoryMiB() int64 {
	if m, ok := f.JobRunner.(batch.Machine); ok {
		return m.MemoryMiB()
	}
	return 0
}

// play is an attempt on its way through a line of the fault script. It listens to the runner that does the attempt's work.
type play struct {
	batch.Events
	runner  faultyRunner
	job     *faults.Job
	attempt batch.Attempt

	mu       sync.Mutex
	stopWork func()      // nil before the work begins
	end      *batch.Exit // in place of that of the work
	over     bool
}

// after calls f once d is over; at once where d is zero, as a clock that stands still would never.
func (p *play) after(d time.Duration, f func()) {
	if d == 0 {
		f()
		return
	}
	p.runner.clock.AfterFunc(d, f)
}

func (p *play) work() {
	if p.job.End != nil && p.job.After == 0 {
		p.Done(*p.job.End)
		return
	}
	if p.ended() {
		return
	}
	stop := p.runner.JobRunner.Start(p.attempt, p)
	p.mu.Lock()
	p.stopWork = stop
	p.mu.Unlock()
	if p.ended() { // meanwhile
		stop()
		return
	}
	if p.job.End != nil {
		p.after(p.job.After, func() {
			p.mu.Lock()
			p.end = p.job.End
			p.mu.Unlock()
			stop()
		})
	}
}

func (p *play) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}

// Running was told before the work began.
func (p *play) Running() {}

// Done tells the end, once.
func (p *play) Done(e batch.Exit) {
	p.mu.Lock()
	over := p.over
	p.over = true
	if p.end != nil {
		e = *p.end
	}
	p.mu.Unlock()
	if !over {
		p.Events.Done(e)
	}
}

// terminated is the exit code of a process that SIGTERM ended.
const terminated = 128 + 15

func (p *play) stop() {
	p.mu.Lock()
	stop := p.stopWork
	p.mu.Unlock()
	if stop == nil {
		p.Done(batch.Exited(terminated))
		return
	}
	stop()
}
