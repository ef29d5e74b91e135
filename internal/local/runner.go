package local

import "github.com/kedroctl/kedroctl/internal/local/batch"

// noRunner is what a server without a runner has: no container ever starts.
type noRunner struct{}

func (noRunner) Start(_ batch.Attempt, e batch.Events) func() {
	e.Done(batch.NotStarted("CannotStartContainerError: this server has no job runner"))
	return func() {}
}
