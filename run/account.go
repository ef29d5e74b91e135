package run

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// Account is all that is known of a run at one moment.
type Account struct {
	Run      Run
	At       time.Time
	Jobs     []Job // by the plan's order
	Spans    []Span
	Records  map[string]Record // by group: of its last attempt
	Outputs  []Output          // what jobs recorded and what they should have, without a look at S3: State is "" where nothing speaks against one
	Failures []Failure
}

// Span is one attempt of a job on the run's line of time.
type Span struct {
	Group        string
	Try, Attempt int
	Ready        time.Time // since when nothing but an instance was missing
	Started      time.Time // zero: not yet
	Stopped      time.Time // zero: not yet
	State        string    // Running, Succeeded or Failed; Runnable while it waits
}

// Tell gathers what Batch, the records and the logs have of a run: of each failed attempt so many last lines of its output. Where Batch has forgotten the
// jobs, records tell what they can.
func Tell(ctx context.Context, c Clients, r Run, lines int) (Account, error) {
	a := Account{Run: r, At: c.now(), Records: make(map[string]Record)}
	var err error
	if a.Jobs, err = Status(ctx, c, r); err != nil {
		return a, err
	}
	if a.Failures, err = Explain(ctx, c, r, a.Jobs, lines); err != nil {
		return a, err
	}
	all, err := c.everyRecord(ctx, r)
	if err != nil {
		return a, fmt.Errorf("tell of run %s: %w", r.ID, err)
	}
	for i, g := range r.Plan.Groups {
		for _, rec := range all {
			if rec.Group == g.Name && rec.of(a.Jobs[i]) {
				a.Records[g.Name] = rec
			}
		}
		a.Outputs = append(a.Outputs, expected(r, g, a.Jobs[i], a.Records[g.Name])...)
		if rec := a.Records[g.Name]; a.Jobs[i].Peak == 0 {
			a.Jobs[i].Peak = rec.PeakMemory
		}
	}
	var ids []string
	for _, s := range r.Jobs {
		ids = append(ids, s.ID)
	}
	details, err := describe(ctx, c, ids)
	if err != nil {
		return a, fmt.Errorf("tell of run %s: %w", r.ID, err)
	}
	a.Spans = spans(r, details, all)
	return a, nil
}

// everyRecord reads the records of all attempts, by try and attempt.
func (c Clients) everyRecord(ctx context.Context, r Run) ([]Record, error) {
	objects, err := c.list(ctx, r.Plan.Bucket, r.object("records")+"/")
	if err != nil {
		return nil, err
	}
	keys := make(map[string]string)
	for _, o := range objects {
		if key := aws.ToString(o.Key); recordName.MatchString(path.Base(key)) {
			keys[key] = key
		}
	}
	read, err := c.readRecords(ctx, r.Plan.Bucket, keys)
	var all []Record
	for _, rec := range read {
		all = append(all, rec)
	}
	slices.SortFunc(all, func(x, y Record) int {
		if x.Try != y.Try {
			return x.Try - y.Try
		}
		return x.Attempt - y.Attempt
	})
	return all, err
}

// spans are the attempts of all tries, by the plan's order of groups: as Batch has them, else as they were recorded.
func spans(r Run, details map[string]types.JobDetail, records []Record) []Span {
	ended := make(map[string]time.Time) // of the groups before
	var all []Span
	for _, g := range r.Plan.Groups {
		ready := r.Created
		for _, p := range g.DependsOn {
			if ended[p].After(ready) {
				ready = ended[p]
			}
		}
		last := make(map[int]Submission) // by try: of two, the one that had the work
		for _, s := range r.Jobs {
			if s.Group == g.Name {
				last[s.Try] = s
			}
		}
		for _, try := range slices.Sorted(maps.Keys(last)) {
			s := last[try]
			tries := spansOf(s, details[s.ID], records)
			for i := range tries {
				tries[i].Ready = ready
				if i == 0 && millis(details[s.ID].CreatedAt).After(ready) {
					tries[i].Ready = millis(details[s.ID].CreatedAt)
				}
				if !tries[i].Stopped.IsZero() {
					ready, ended[g.Name] = tries[i].Stopped, tries[i].Stopped
				}
			}
			all = append(all, tries...)
		}
	}
	return all
}

// spansOf are the attempts of one try.
func spansOf(s Submission, d types.JobDetail, records []Record) []Span {
	var all []Span
	if d.JobId == nil {
		for _, rec := range records {
			if rec.Group == s.Group && rec.Try == s.Try { // perhaps of another job, which had the work
				all = append(all, Span{Group: s.Group, Try: s.Try, Attempt: rec.Attempt, Started: rec.Started, Stopped: rec.Ended, State: endOf(rec.Exit == 0)})
			}
		}
		return all
	}
	for i, a := range d.Attempts {
		last := i == len(d.Attempts)-1
		if a.StartedAt == nil || a.StoppedAt == nil { // no container, or the attempt that goes on, which the job tells of
			continue
		}
		ok := last && d.Status == types.JobStatusSucceeded
		all = append(all, Span{Group: s.Group, Try: s.Try, Attempt: i + 1, Started: millis(a.StartedAt), Stopped: millis(a.StoppedAt), State: endOf(ok)})
	}
	now := Span{Group: s.Group, Try: s.Try, Attempt: len(all) + 1, State: string(d.Status)}
	switch d.Status {
	case types.JobStatusRunning:
		now.Started = millis(d.StartedAt)
		return append(all, now)
	case types.JobStatusRunnable, types.JobStatusStarting:
		return append(all, now)
	case types.JobStatusSucceeded, types.JobStatusFailed:
		if now.Started, now.Stopped = millis(d.StartedAt), millis(d.StoppedAt); len(all) == 0 && !now.Started.IsZero() {
			return append(all, now)
		}
	}
	return all
}

func endOf(ok bool) string {
	if ok {
		return Succeeded
	}
	return Failed
}

// State is what the jobs say of the run as a whole.
func (a Account) State() string {
	count := make(map[string]int)
	for _, j := range a.Jobs {
		switch {
		case j.State == Unsubmitted, j.Ended():
			count[j.State]++
		default:
			count[Running]++
		}
	}
	switch {
	case count[Succeeded] == len(a.Jobs):
		return RunSucceeded
	case count[Running] > 0:
		return RunRunning
	case count[Failed] > 0:
		if len(a.Failures) > 0 && !slices.ContainsFunc(a.Failures, func(f Failure) bool { return f.Why == nil || f.Why.Cause != "cancelled" }) {
			return RunCancelled
		}
		return RunFailed
	case count[Unsubmitted] > 0:
		return RunWaiting
	}
	return RunUnknown
}

// Given are the names of what the run's jobs were given besides the plan: flags and parameters, without their values, which may be secret.
func (r Run) Given() []string {
	var names []string
	for i, word := range r.Args {
		name, value, inline := strings.Cut(word, "=")
		if !strings.HasPrefix(name, "-") {
			continue
		}
		if !inline && i+1 < len(r.Args) {
			value = r.Args[i+1]
		}
		if name == "--params" {
			name += " " + strings.Join(paramNames(value), ", ")
		}
		names = append(names, name)
	}
	for name := range r.Params {
		names = append(names, "parameter "+strconv.Quote(name))
	}
	slices.Sort(names)
	return names
}

// paramNames are those of Kedro's --params: key=value or key:value, with commas between.
func paramNames(list string) []string {
	var names []string
	for item := range strings.SplitSeq(list, ",") {
		if i := strings.IndexAny(item, "=:"); i > 0 {
			names = append(names, strings.TrimSpace(item[:i]))
		}
	}
	return names
}
