package process

import (
	"sync"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/batch"
)

// graceTime is between SIGTERM and SIGKILL (job_timeouts page of the Batch user guide).
const graceTime = 30 * time.Second

// Runner runs attempts as processes.
type Runner struct {
	state  string
	others batch.Runner
	grace  time.Duration
	ends   sync.WaitGroup // of attempts

	mu     sync.Mutex // held while a process is started
	closed bool
}

// New makes a runner for the server of a state directory. Attempts whose image is not one of Save go to others.
func New(state string, others batch.Runner) *Runner {
	return &Runner{state: state, others: others, grace: graceTime}
}

// Start begins an attempt.
func (r *Runner) Start(a batch.Attempt, e batch.Events) func() {
	if !Ours(a.Image) {
		return r.others.Start(a, e)
	}
	asked := make(chan struct{})
	r.ends.Go(func() {
		exit := r.run(a, e, asked)
		if !r.over() {
			e.Done(exit)
		}
	})
	return sync.OnceFunc(func() { close(asked) })
}

// over tells whether the ends of attempts are no news any more: the jobs have lost their host.
func (r *Runner) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// Close kills the processes that still run, without a report, and returns when they are gone. The other runner stays open.
func (r *Runner) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.sweep()
	r.ends.Wait()
}

// Recover ends the processes that a killed server left: what they print goes nowhere, and nobody could ask for their exit codes. Attempts that had not
// begun begin again. Those of the other runner are its own affair.
func (r *Runner) Recover(left []batch.Recovered) []func() {
	r.sweep()
	stops := make([]func(), len(left))
	var theirs []batch.Recovered
	var places []int
	for i, l := range left {
		switch {
		case !Ours(l.Image):
			theirs, places = append(theirs, l), append(places, i)
		case !l.Running:
			stops[i] = r.Start(l.Attempt, l.Events)
		}
	}
	for i, stop := range batch.TakeUp(r.others, theirs) {
		stops[places[i]] = stop
	}
	return stops
}

// MemoryMiB is the limit of the other runner: processes here have none.
func (r *Runner) MemoryMiB() int64 { return batch.MemoryOf(r.others) }
