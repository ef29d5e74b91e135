package run

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"golang.org/x/sync/errgroup"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// Failure says why a group failed, attempt by attempt.
type Failure struct {
	Job      Job          `json:"job"`
	Nodes    []string     `json:"nodes"`
	Node     string       `json:"node,omitempty"` // the one that failed, where the job recorded it
	Why      *Explanation `json:"why,omitempty"`  // of the last attempt
	Attempts []Attempt    `json:"attempts"`
	Logs     string       `json:"logs_command"`   // shows the whole log
	Resume   string       `json:"resume_command"` // runs again what failed and what waits for it
}

// Attempt is one try of a job by Batch itself.
type Attempt struct {
	Number    int           `json:"attempt"`
	Reason    string        `json:"reason,omitempty"`    // Batch's words
	ExitCode  *int32        `json:"exit_code,omitempty"` // nil where no container ran to its end
	Why       *Explanation  `json:"why,omitempty"`
	Error     *ProgramError `json:"error,omitempty"` // from the record that the container left
	Stream    string        `json:"log_stream,omitempty"`
	Traceback []string      `json:"traceback,omitempty"` // lines of the exception that ended the program, frames of libraries folded
	Lines     []string      `json:"lines,omitempty"`     // the last of its output
	Trouble   string        `json:"trouble,omitempty"`   // why record or output could not be read
	Started   time.Time     `json:"started,omitzero"`
	Stopped   time.Time     `json:"stopped,omitzero"`
}

const (
	tracebackReach = 500              // last lines of a log in which a traceback is looked for
	settled        = 30 * time.Second // after a job's end no more lines of it come
)

// Explain says why jobs of a run failed: those with an end of their own, in the plan's order. Batch is asked, and where it has forgotten a job its records tell.
func Explain(ctx context.Context, c Clients, r Run, jobs []Job, lines int) ([]Failure, error) {
	var failed []Job
	var ids []string
	for _, j := range jobs {
		if j.FailedItself() {
			failed, ids = append(failed, j), append(ids, j.ID)
		}
	}
	details, err := describe(ctx, c, ids)
	if err != nil {
		return nil, fmt.Errorf("explain run %s: %w", r.ID, err)
	}
	all := make([]Failure, len(failed))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(lookers)
	for i, j := range failed {
		work.Go(func() error {
			if d, ok := details[j.ID]; ok {
				all[i] = c.failure(ctx, r, j, d, lines)
				return ctx.Err()
			}
			var err error
			all[i], err = c.forgotten(ctx, r, j)
			return err
		})
	}
	return all, work.Wait()
}

// failure gathers all that is known of a failed job.
func (c Clients) failure(ctx context.Context, r Run, j Job, d types.JobDetail, lines int) Failure {
	f := newFailure(r, j)
	g := r.group(j.Group)
	all := attempts(d)
	for i, a := range all {
		rec := c.inspect(ctx, r, j, &a, lines)
		words := a.Reason
		if i == len(all)-1 {
			words = strings.TrimSpace(reason(d) + "\n" + words)
		}
		a.Why = explainAttempt(g, a, words, rec.PeakMemory)
		if i == len(all)-1 && (aws.ToBool(d.IsTerminated) || aws.ToBool(d.IsCancelled)) && !slices.Contains([]string{"stopped", "cancelled"}, a.Why.Cause) {
			a.Why = &Explanation{Cause: "cancelled", Text: "somebody ended the job: " + aws.ToString(d.StatusReason)}
		}
		f.add(a, rec)
	}
	return f
}

// forgotten is what the records tell of a failed job that Batch does not know any more.
func (c Clients) forgotten(ctx context.Context, r Run, j Job) (Failure, error) {
	f := newFailure(r, j)
	for n := 1; n <= max(j.Attempt, 1); n++ {
		rec, err := c.record(ctx, r, j.Submission, n)
		if err != nil {
			return f, err
		}
		if rec == nil {
			continue // as one that was killed leaves none
		}
		a := Attempt{Number: n, ExitCode: &rec.Exit, Error: rec.Error, Started: rec.Started, Stopped: rec.Ended,
			Trouble: "Batch has forgotten the job, and with it where its log is in the log group " + r.LogGroup}
		a.Why = explainAttempt(r.group(j.Group), a, "", rec.PeakMemory)
		f.add(a, *rec)
	}
	return f, nil
}

func newFailure(r Run, j Job) Failure {
	return Failure{
		Job: j, Nodes: r.group(j.Group).Nodes, Attempts: []Attempt{},
		Logs: "kedroctl logs " + r.ID + " " + ui.Quote(j.Group), Resume: "kedroctl resume " + r.ID,
	}
}

// add takes an attempt over, of which the last one tells for the whole job.
func (f *Failure) add(a Attempt, rec Record) {
	f.Attempts, f.Why = append(f.Attempts, a), a.Why
	if f.Job.ExitCode == nil {
		f.Job.ExitCode = a.ExitCode
	}
	f.Node = ""
	if rec.Error != nil {
		f.Node = rec.Error.Node
	}
}

// explainAttempt explains an attempt by Batch's words, exit code and record. It always says something.
func explainAttempt(g plan.Group, a Attempt, words string, peak int) *Explanation {
	if e := explain(failures, g, words, a.ExitCode, a.Error, peak); e != nil {
		return e
	}
	text := "no reason is known"
	switch {
	case a.ExitCode != nil:
		text = "the program ended with exit code " + strconv.Itoa(int(*a.ExitCode))
	case words != "":
		text = words
	}
	return &Explanation{Cause: "unknown", Text: text}
}

// inspect adds to an attempt what the container and its output say, and gives its record. Its exit code is the record's where Batch gives none.
func (c Clients) inspect(ctx context.Context, r Run, j Job, a *Attempt, lines int) Record {
	rec, err := c.record(ctx, r, j.Submission, a.Number)
	if err != nil {
		a.Trouble = err.Error()
	}
	if rec == nil {
		rec = &Record{}
	} else {
		a.Error = rec.Error
		if a.ExitCode == nil {
			a.ExitCode = &rec.Exit
		}
	}
	wait := a.Stopped.IsZero() || c.now().Sub(a.Stopped) < settled
	all, err := c.tail(ctx, r, a.Stream, max(lines, tracebackReach), wait)
	if err != nil {
		a.Trouble = err.Error()
	}
	if byItself(a.ExitCode) {
		a.Traceback = traceback(all, r.Plan.Package, a.Error)
	}
	a.Lines = all[max(0, len(all)-lines):]
	return *rec
}

// byItself says whether a program ended by itself: what it logged last is then why.
func byItself(exit *int32) bool { return exit != nil && *exit > 0 && *exit < 125 }

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
