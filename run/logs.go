package run

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// LogOptions say what of a run's output is wanted. The zero value is all that there is now.
type LogOptions struct {
	Groups   []string      // names or patterns of path.Match; none: all groups
	Attempt  int           // of Batch, from 1; 0: all
	Since    time.Time     // only what was written from then on
	Tail     int           // only the last lines of what is there at first; 0: all
	Follow   bool          // go on until the groups have ended, and nothing more of them comes
	Interval time.Duration // between two looks while following; by default 2 s
}

// LogEvent is one line of a job's output.
type LogEvent struct {
	Time    time.Time `json:"time"`
	Group   string    `json:"group"`
	Try     int       `json:"try"`
	Attempt int       `json:"attempt"`
	Message string    `json:"message"`
}

// LogReader hears what Logs reads.
type LogReader interface {
	Lines([]LogEvent) error // by time, as far as it has come in; an error ends Logs
	Notice(text string)     // what is not there, and why
}

const (
	logsEvery = 2 * time.Second
	logsEnd   = 5                // intervals after the last line of a job that has ended, in which none may come: the log driver sends each 5 s
	logsLimit = 30 * time.Second // after its end, however many come
	askEvery  = 5 * time.Second  // between two looks at the jobs of a run
	abandoned = time.Minute      // after which a run with a failure in which nothing goes on counts as ended
)

// Logs reads the output of a run's jobs, all tries and attempts, and gives it by time; with Follow until the wanted groups have ended. What CloudWatch
// shows late is not lost: each look goes back over half a minute, and after the end of a job there are more until nothing comes. It returns the jobs as
// they were last, in the plan's order. The error names a group that the run has not.
func Logs(ctx context.Context, c Clients, r Run, o LogOptions, to LogReader) ([]Job, error) {
	groups, err := r.match(o.Groups)
	if err != nil {
		return nil, err
	}
	if o.Interval <= 0 {
		o.Interval = logsEvery
	}
	w := &logWatch{clients: c, run: r, options: o, groups: groups, to: to, window: newLogWindow(c, r, o), quiet: c.now(), ended: make(map[string]types.JobDetail)}
	for {
		if err := w.look(ctx); err != nil {
			return nil, fmt.Errorf("logs of run %s: %w", r.ID, err)
		}
		if !o.Follow || w.over() {
			w.tellRest()
			return w.wanted(), nil
		}
		if err := c.sleep(ctx, w.pause()); err != nil {
			return nil, err
		}
	}
}

// match are the groups of the plan that names or patterns mean.
func (r Run) match(patterns []string) ([]plan.Group, error) {
	used := make(map[string]bool)
	var groups []plan.Group
	for _, g := range r.Plan.Groups {
		ok, by := MatchGroup(patterns, g.Name)
		if ok {
			groups = append(groups, g)
		}
		for _, p := range by {
			used[p] = true
		}
	}
	for _, p := range patterns {
		if !used[p] {
			return nil, ui.WithHint(fmt.Errorf("run %s has no group %s", r.ID, p), "its groups are "+strings.Join(r.groupNames(), ", "))
		}
	}
	return groups, nil
}

// MatchGroup says whether names or patterns of path.Match mean a group, and which of them do. None at all mean every group.
func MatchGroup(patterns []string, group string) (ok bool, by []string) {
	for _, p := range patterns {
		if matched, err := path.Match(p, group); p == group || err == nil && matched {
			by = append(by, p)
		}
	}
	return len(patterns) == 0 || len(by) > 0, by
}

func (r Run) groupNames() []string {
	names := make([]string, len(r.Plan.Groups))
	for i, g := range r.Plan.Groups {
		names[i] = g.Name
	}
	return names
}

// logWatch reads the logs of one run.
type logWatch struct {
	clients Clients
	run     Run
	options LogOptions
	groups  []plan.Group
	to      LogReader
	window  *logWindow
	jobs    []Job                      // of the wanted groups; of all, while one of these is not submitted
	ended   map[string]types.JobDetail // jobs that will not change any more, by id
	asked   time.Time                  // when the jobs were looked at last
	quiet   time.Time                  // since when nothing has changed
	done    time.Time                  // when the wanted groups were seen to have ended
}

// look reads what is new: which attempts there are, and what they wrote.
func (w *logWatch) look(ctx context.Context) error {
	now := w.clients.now()
	if w.asked.IsZero() || now.Sub(w.asked) >= min(askEvery, w.options.Interval*2) {
		if err := w.ask(ctx); err != nil && (!passing(err) || w.asked.IsZero()) {
			return err
		}
		w.asked = now
	}
	events, err := w.window.read(ctx)
	if err != nil || len(events) == 0 {
		return err
	}
	w.quiet = now
	return w.to.Lines(events)
}

// ask finds the attempts of the wanted groups, of all their tries. Jobs that were submitted meanwhile, by whoever drives the run, are in its records.
func (w *logWatch) ask(ctx context.Context) error {
	if !w.asked.IsZero() && !slices.ContainsFunc(w.jobs, func(j Job) bool { return j.ID != "" && !j.Ended() }) {
		again, err := Load(ctx, w.clients, w.run.Plan.Bucket, w.run.ID)
		if err != nil {
			return err
		}
		w.run = again
	}
	details, err := w.details(ctx)
	if err != nil {
		return err
	}
	was := w.jobs
	w.jobs = nil
	for _, j := range snapshot(w.run, w.clients.now()) {
		if d, ok := details[j.ID]; ok {
			j.update(d, w.clients.now())
		} else if j.ID != "" {
			j.State = Unknown
		}
		if w.watches(j.Group) {
			w.jobs = append(w.jobs, j)
		}
	}
	if !slices.EqualFunc(was, w.jobs, func(a, b Job) bool { return a.State == b.State && a.Attempt == b.Attempt && a.ID == b.ID }) {
		w.quiet = w.clients.now()
	}
	for _, s := range w.run.Jobs {
		if d, ok := details[s.ID]; ok && w.wants(s.Group) {
			w.window.add(s, d, w.options.Attempt)
		}
	}
	return nil
}

func (w *logWatch) wants(group string) bool {
	return slices.ContainsFunc(w.groups, func(g plan.Group) bool { return g.Name == group })
}

// watches says whether the state of a group matters: those of others tell what becomes of a wanted one that is not submitted.
func (w *logWatch) watches(group string) bool {
	return w.wants(group) || slices.ContainsFunc(w.run.Late(), w.wants)
}

// wanted are the jobs of the wanted groups.
func (w *logWatch) wanted() []Job {
	return slices.DeleteFunc(slices.Clone(w.jobs), func(j Job) bool { return !w.wants(j.Group) })
}

// details are what Batch says of all tries; it is asked once about those that have ended.
func (w *logWatch) details(ctx context.Context) (map[string]types.JobDetail, error) {
	var ids []string
	for _, s := range w.run.Jobs {
		if _, known := w.ended[s.ID]; !known && w.watches(s.Group) {
			ids = append(ids, s.ID)
		}
	}
	details, err := describe(ctx, w.clients, ids)
	if err != nil {
		return nil, err
	}
	for id, d := range details {
		if d.Status == types.JobStatusSucceeded || d.Status == types.JobStatusFailed {
			w.ended[id] = d
		}
	}
	for id, d := range w.ended {
		details[id] = d
	}
	return details, nil
}

// over says whether the wanted groups have ended and nothing more of them comes. A group that was never submitted ends with the run: where one before it
// failed, or where nothing has happened for a while since another did.
func (w *logWatch) over() bool {
	now := w.clients.now()
	silent := now.Sub(w.quiet)
	failed := make(map[string]bool)
	for _, j := range w.jobs {
		failed[j.Group] = j.State == Failed || j.State == Unknown
	}
	given := silent > abandoned && slices.ContainsFunc(w.jobs, func(j Job) bool { return failed[j.Group] })
	for _, j := range w.jobs {
		if j.ID == "" && slices.ContainsFunc(w.run.group(j.Group).DependsOn, func(p string) bool { return failed[p] }) {
			failed[j.Group] = true
		} else if w.wants(j.Group) && !j.Ended() && !(j.ID == "" && given) {
			w.done = time.Time{}
			return false
		}
	}
	if w.done.IsZero() {
		w.done = now
	}
	return silent >= max(logsEnd*w.options.Interval, 2*time.Second) || now.Sub(w.done) > logsLimit
}

// pause keeps below what the account allows for all its users: a call for a hundred attempts each second, of the five that FilterLogEvents may be called.
func (w *logWatch) pause() time.Duration {
	return max(w.options.Interval, time.Duration(len(w.window.open())/streamsMax)*time.Second)
}

// tellRest says what of the wanted output is not there.
func (w *logWatch) tellRest() {
	for _, j := range w.wanted() {
		switch {
		case j.ID == "":
			w.to.Notice(fmt.Sprintf("group %s: not submitted yet", j.Group))
		case j.State == Unknown:
			w.to.Notice(fmt.Sprintf("group %s: Batch has forgotten the job, and with it the name of its log; look for it with 'aws logs tail %s --since 30d'", j.Group, ui.Quote(w.run.LogGroup)))
		case j.Started.IsZero() && j.Attempt == 0 && !j.Ended():
			w.to.Notice(strings.TrimSuffix(fmt.Sprintf("group %s: not started yet, %s: %s", j.Group, j.State, j.Reason), ": "))
		case j.State == Failed && j.Started.IsZero():
			w.to.Notice(strings.TrimSuffix(fmt.Sprintf("group %s: never started: %s", j.Group, j.Reason), ": "))
		case w.options.Attempt > max(j.Attempt, 1) && !w.window.has(j.Group):
			w.to.Notice(fmt.Sprintf("group %s: no attempt %d: its last one is %d", j.Group, w.options.Attempt, max(j.Attempt, 1)))
		}
	}
	for _, s := range w.window.silent() {
		w.to.Notice(fmt.Sprintf("group %s, try %d, attempt %d: nothing in its log: it wrote nothing in that time, or what it wrote has expired in log group %s", s.Group, s.Try, s.attempt, w.run.LogGroup))
	}
}

// throttled says whether a service wants fewer calls.
func throttled(err error) bool {
	api, ok := errors.AsType[interface {
		error
		ErrorCode() string
	}](err)
	return ok && slices.Contains([]string{"ThrottlingException", "TooManyRequestsException", "LimitExceededException"}, api.ErrorCode())
}

// patiently calls again what was throttled or got no answer, six times within half a minute.
func (c Clients) patiently(ctx context.Context, call func() error) error {
	wait := 500 * time.Millisecond
	for try := 1; ; try++ {
		err := call()
		if err == nil || ctx.Err() != nil || try == 7 || !throttled(err) && !passing(err) {
			return err
		}
		if err := c.sleep(ctx, wait); err != nil {
			return err
		}
		wait *= 2
	}
}

// streams are the names of the logs of a job's attempts, in order; "" where one never started.
func streams(d types.JobDetail) []string {
	var names []string
	for _, a := range attempts(d) {
		names = append(names, a.Stream)
	}
	if d.Status == types.JobStatusRunning && d.Container != nil && len(d.Attempts) > 0 && d.Attempts[len(d.Attempts)-1].StoppedAt != nil {
		names = append(names, aws.ToString(d.Container.LogStreamName)) // attempts has those that ended
	}
	return names
}
