package cmd

import (
	"time"

	"github.com/kedroctl/kedroctl/run"
)

// Types of events that --json writes of a run, one a line: docs/events.md.
const (
	eventRun       = "run"
	eventSubmitted = "submitted"
	eventState     = "state"
	eventFailure   = "failure"
	eventNotice    = "notice"
	eventEnd       = "end"
)

// event is one line. Of the members behind Run there is the one that the type says.
type event struct {
	Type    string       `json:"type"`
	Time    time.Time    `json:"time"`
	Run     string       `json:"run"`
	Groups  []string     `json:"groups,omitempty"`
	Code    *run.Code    `json:"code,omitempty"`
	Job     *run.Job     `json:"job,omitempty"`
	Failure *run.Failure `json:"failure,omitempty"`
	Notice  *run.Notice  `json:"notice,omitempty"`
}

// end is the last event: what has become of the run.
type end struct {
	Type string    `json:"type"`
	Time time.Time `json:"time"`
	runAnswer
}
