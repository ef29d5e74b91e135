package cmd

import (
	"strings"
	"testing"
	"time"

	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/run"
)

// TestJobsDoNotSteerTheTerminal lets each text that comes from a container try to clear the screen and to set the window's title.
func TestJobsDoNotSteerTheTerminal(t *testing.T) {
	const evil = "\x1b[2Jgone\x1b]0;title\a\u009b1A\r\tümläut"
	var out, story strings.Builder
	table := jobTable{now: time.Now, typed: new(deps).typed, term: ui.New(ui.Options{Out: &out, Err: &story, Getenv: func(string) string { return "" }})}
	job := run.Job{Submission: run.Submission{Group: "a"}, State: run.Failed, Reason: evil}
	table.Changed(job)
	table.Failed(run.Failure{Job: job, Attempts: []run.Attempt{
		{Number: 1, Reason: evil, Error: &run.ProgramError{Type: "ValueError", Message: evil}, Lines: []string{evil}},
	}})
	if strings.ContainsAny(story.String(), "\x1b\a\u009b\r") {
		t.Errorf("the story steers the terminal: %q", story.String())
	}
	if got := strings.Count(story.String(), "\tümläut"); got != 5 {
		t.Errorf("%d of 5 texts were told: %q", got, story.String())
	}
}
