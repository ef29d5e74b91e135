package run

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// Failure says why a group failed, attempt by attempt.
type Failure struct {
	Job      Job       `json:"job"`
	Nodes    []string  `json:"nodes"`
	Attempts []Attempt `json:"attempts"`
}

// Attempt is one try of a job by Batch itself.
type Attempt struct {
	Number   int           `json:"attempt"`
	Reason   string        `json:"reason,omitempty"`    // Batch's words
	ExitCode *int32        `json:"exit_code,omitempty"` // nil where no container ran to its end
	Error    *ProgramError `json:"error,omitempty"`     // from the record that the container left
	Stream   string        `json:"log_stream,omitempty"`
	Lines    []string      `json:"lines,omitempty"`   // the last of its output
	Trouble  string        `json:"trouble,omitempty"` // why record or output could not be read
	Started  time.Time     `json:"started,omitzero"`
	Stopped  time.Time     `json:"stopped,omitzero"`
}

// failure gathers all that is known of a failed job.
func (c Clients) failure(ctx context.Context, r Run, j Job, d types.JobDetail, lines int) Failure {
	f := Failure{Job: j, Nodes: r.group(j.Group).Nodes}
	for _, a := range attempts(d) {
		c.inspect(ctx, r, j, &a, lines)
		f.Attempts = append(f.Attempts, a)
	}
	if n := len(f.Attempts); n > 0 && f.Job.ExitCode == nil {
		f.Job.ExitCode = f.Attempts[n-1].ExitCode
	}
	return f
}

// inspect adds to an attempt what the container and its output say. Its exit code is the record's where Batch gives none.
func (c Clients) inspect(ctx context.Context, r Run, j Job, a *Attempt, lines int) {
	rec, err := c.record(ctx, r, j.Submission, a.Number)
	if err != nil {
		a.Trouble = err.Error()
	}
	if rec != nil {
		a.Error = rec.Error
		if a.ExitCode == nil {
			a.ExitCode = &rec.Exit
		}
	}
	if a.Lines, err = c.tail(ctx, r, a.Stream, lines); err != nil {
		a.Trouble = err.Error()
	}
}

// attempts are those that Batch lists. The last one, or the only one where it lists none, is completed by what it says of the job as a whole.
func attempts(d types.JobDetail) []Attempt {
	var all []Attempt
	for i, a := range d.Attempts {
		n := Attempt{Number: i + 1, Reason: aws.ToString(a.StatusReason), Started: millis(a.StartedAt), Stopped: millis(a.StoppedAt)}
		if a.Container != nil {
			n.Reason = join(n.Reason, aws.ToString(a.Container.Reason))
			n.ExitCode, n.Stream = a.Container.ExitCode, aws.ToString(a.Container.LogStreamName)
		}
		all = append(all, n)
	}
	if len(all) == 0 {
		all = []Attempt{{Number: 1, Started: millis(d.StartedAt), Stopped: millis(d.StoppedAt)}}
	}
	complete(&all[len(all)-1], d)
	return all
}

func complete(a *Attempt, d types.JobDetail) {
	if a.Reason == "" {
		a.Reason = reason(d)
	}
	if d.Container == nil {
		return
	}
	if a.ExitCode == nil {
		a.ExitCode = d.Container.ExitCode
	}
	if a.Stream == "" {
		a.Stream = aws.ToString(d.Container.LogStreamName)
	}
}
