package run

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

const (
	describeMax = 100              // job ids that DescribeJobs takes
	grace       = time.Minute      // for which a job that was just submitted may be unknown to DescribeJobs
	patience    = 15 * time.Minute // for which Batch may be out of reach before Follow gives up
	slowest     = 5                // the interval grows to this many times the shortest while nothing changes
)

// Options say how a run is followed. The zero value has the defaults.
type Options struct {
	Interval time.Duration // between two looks at the jobs while things change; by default 2 s. It grows to five times that while nothing does
	LogLines int           // last lines of a failed attempt's output that a Failure has; by default 20
	Detach   bool          // return as soon as nothing is left to submit
}

// Result is how far a run has come when Follow returns.
type Result struct {
	Jobs     []Job     `json:"jobs"` // by the plan's order
	Failures []Failure `json:"failures,omitempty"`
}

// Succeeded says whether every group of the run has done its work.
func (r Result) Succeeded() bool {
	return !slices.ContainsFunc(r.Jobs, func(j Job) bool { return j.State != Succeeded })
}

// follower watches the jobs of one run; nothing but itself changes them.
type follower struct {
	clients  Clients
	run      Run
	options  Options
	report   Reporter
	jobs     map[string]*Job // by group
	failures []Failure
	unseen   map[string]time.Time // since when DescribeJobs does not know a job
	stopped  bool                 // a group failed: nothing more is submitted
	culprit  string               // the group that failed first
	told     map[string]bool      // ids of the jobs that Batch was told to terminate
}

// Follow watches a run until all its jobs have ended, submits what could not be submitted at first, and terminates what is left when a group fails.
// One poll asks for all jobs. The end of ctx ends Follow with ctx's error and leaves the jobs alone: Cancel ends them.
// Failed jobs are no error; Result has them.
func Follow(ctx context.Context, c Clients, r Run, o Options, rep Reporter) (Result, error) {
	f := newFollower(c, r, o, rep)
	wait, reached := f.options.Interval, c.now()
	for {
		changed, err := f.poll(ctx)
		switch {
		case ctx.Err() != nil:
			return f.result(), ctx.Err()
		case err != nil && (!passing(err) || c.now().Sub(reached) > patience):
			return f.result(), ui.WithHint(fmt.Errorf("follow run %s: %w", r.ID, err), "the jobs go on without this command")
		case err != nil:
			rep.Notice(Notice{NoticeTrouble, err.Error()})
		default:
			reached = c.now()
		}
		if f.done() {
			return f.result(), nil
		}
		wait = f.next(wait, changed)
		if err := c.sleep(ctx, wait); err != nil {
			return f.result(), err
		}
	}
}

func newFollower(c Clients, r Run, o Options, rep Reporter) *follower {
	if o.Interval <= 0 {
		o.Interval = 2 * time.Second
	}
	if o.LogLines <= 0 {
		o.LogLines = 20
	}
	r.Jobs = slices.Clone(r.Jobs)
	f := &follower{clients: c, run: r, options: o, report: rep, jobs: make(map[string]*Job), unseen: make(map[string]time.Time), told: make(map[string]bool)}
	for _, j := range snapshot(r, c.now()) {
		f.jobs[j.Group] = &j
	}
	return f
}

// snapshot is the state of a run's jobs before anybody has asked Batch.
func snapshot(r Run, now time.Time) []Job {
	latest := r.latest()
	jobs := make([]Job, 0, len(r.Plan.Groups))
	for _, g := range r.Plan.Groups {
		j := Job{Submission: Submission{Group: g.Name, Key: g.Key}, State: Unsubmitted, Since: now}
		if s, ok := latest[g.Name]; ok {
			j.Submission, j.State = s, Submitted
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// passing errors may go away by themselves: no answer, throttling, trouble at the service.
func passing(err error) bool { return unclear(err) || status(err) == http.StatusTooManyRequests }

func (f *follower) next(wait time.Duration, changed bool) time.Duration {
	if changed {
		return f.options.Interval
	}
	return min(wait+wait/2, slowest*f.options.Interval)
}

// poll looks at the jobs once and does what follows from it.
func (f *follower) poll(ctx context.Context) (changed bool, err error) {
	groups := f.watched()
	ids := make([]string, len(groups))
	for i, g := range groups {
		ids[i] = f.jobs[g.Name].ID
	}
	details, err := describe(ctx, f.clients, ids)
	if err != nil {
		return false, err
	}
	var failed []types.JobDetail
	for _, g := range groups {
		j := f.jobs[g.Name]
		d, known := details[j.ID]
		if !f.see(j, d, known) {
			continue
		}
		changed = true
		if j.State == Failed && f.classify(g, j) {
			failed = append(failed, d)
		}
		f.report.Changed(*j)
	}
	if f.culprit == "" && len(failed) > 0 {
		f.stopped, f.culprit = true, f.job(aws.ToString(failed[0].JobId)).Group
		f.announceStop()
	}
	f.stop(ctx)
	f.fail(ctx, failed)
	submitted, err := f.submitLate(ctx)
	return changed || submitted, err
}

// see takes over what Batch says of a job. One that it does not know has a time of grace, as DescribeJobs lags behind SubmitJob, and then counts as lost.
func (f *follower) see(j *Job, d types.JobDetail, known bool) (changed bool) {
	now := f.clients.now()
	if known {
		delete(f.unseen, j.ID)
		return j.update(d, now)
	}
	if _, ok := f.unseen[j.ID]; !ok {
		f.unseen[j.ID] = now
	}
	if now.Sub(f.unseen[j.ID]) < grace {
		return false
	}
	j.State, j.Reason, j.Since = Unknown, "Batch does not know this job", now
	f.stopped = true
	return true
}

// watched are the groups with unfinished jobs; of more than one call can take, those alone whose turn has come.
func (f *follower) watched() []plan.Group {
	var all, frontier []plan.Group
	for _, g := range f.run.Plan.Groups {
		if j := f.jobs[g.Name]; j.ID == "" || j.Ended() {
			continue
		}
		all = append(all, g)
		if len(f.unfinished(g)) == 0 {
			frontier = append(frontier, g)
		}
	}
	if len(all) <= describeMax || f.stopped {
		return all
	}
	return frontier
}

// unfinished are the parents of a group that have not ended.
func (f *follower) unfinished(g plan.Group) []string {
	var parents []string
	for _, p := range g.DependsOn {
		if !f.jobs[p].Ended() {
			parents = append(parents, p)
		}
	}
	return parents
}

// submitLate submits the groups that had too many parents, once few enough of these are unfinished. Finished ones need not be named.
func (f *follower) submitLate(ctx context.Context) (submitted bool, err error) {
	for _, g := range f.run.Plan.Groups {
		if f.stopped || f.jobs[g.Name].ID != "" {
			continue
		}
		parents := f.unfinished(g)
		if len(parents) > parentsMax || slices.ContainsFunc(parents, func(p string) bool { return f.jobs[p].ID == "" }) {
			continue
		}
		if err := submitGroup(ctx, f.clients, &f.run, g, parents, f.run.requestURI(g, 1), f.report); err != nil {
			return submitted, err
		}
		submitted = true
		*f.jobs[g.Name] = Job{Submission: f.run.latest()[g.Name], State: Submitted, Since: f.clients.now()}
	}
	if !submitted {
		return false, nil
	}
	return true, saveJobs(ctx, f.clients, f.run)
}

// fail reports why the given jobs failed.
func (f *follower) fail(ctx context.Context, failed []types.JobDetail) {
	for _, d := range failed {
		failure := f.clients.failure(ctx, f.run, f.job(aws.ToString(d.JobId)), d, f.options.LogLines)
		f.failures = append(f.failures, failure)
		f.report.Failed(failure)
	}
}

func (f *follower) job(id string) Job {
	for _, j := range f.jobs {
		if j.ID == id {
			return *j
		}
	}
	return Job{}
}

// announceStop marks and names what is to be terminated as a group failed. What waits for a failed job is left to Batch, which fails it by itself.
func (f *follower) announceStop() {
	var names []string
	doomed := f.doomed()
	for _, g := range slices.Backward(f.run.Plan.Groups) {
		if j := f.jobs[g.Name]; j.ID != "" && !j.Ended() && !doomed[g.Name] {
			j.Cause = Terminated
			names = append(names, g.Name)
		}
	}
	if len(names) > 0 {
		f.report.Notice(Notice{NoticeStopping, fmt.Sprintf("group %s failed: terminating %s", f.culprit, strings.Join(names, ", "))})
	}
}

// stop terminates what was marked, and at the next poll again what Batch could not be told: a job that is left alone costs money.
func (f *follower) stop(ctx context.Context) {
	var ids []string
	for _, g := range slices.Backward(f.run.Plan.Groups) {
		if j := f.jobs[g.Name]; j.Cause == Terminated && !j.Ended() && !f.told[j.ID] {
			ids = append(ids, j.ID)
		}
	}
	told, err := terminate(ctx, f.clients, ids, "kedroctl: group "+f.culprit+" failed")
	if err != nil {
		f.report.Notice(Notice{NoticeTrouble, err.Error()})
		if !passing(err) {
			told = ids // what is not allowed will not be at the next poll
		}
	}
	for _, id := range told {
		f.told[id] = true
	}
}

// doomed are the groups that wait, directly or not, for one that failed.
func (f *follower) doomed() map[string]bool {
	m := make(map[string]bool)
	for _, g := range f.run.Plan.Groups {
		m[g.Name] = slices.ContainsFunc(g.DependsOn, func(p string) bool { return m[p] || f.jobs[p].State == Failed })
	}
	return m
}

// classify says whether a failed job failed by itself; one that another's failure took along gets its cause.
func (f *follower) classify(g plan.Group, j *Job) bool {
	switch {
	case j.Cause == Terminated:
		return false
	case j.Started.IsZero() && slices.ContainsFunc(g.DependsOn, func(p string) bool { return f.jobs[p].State == Failed }):
		j.Cause = Blocked
		return false
	}
	return true
}

// done says whether nothing more will happen, or with Detach whether nothing is left for this driver to do.
func (f *follower) done() bool {
	for _, j := range f.jobs {
		if j.ID == "" && !f.stopped || j.ID != "" && !j.Ended() && !f.options.Detach {
			return false
		}
	}
	return true
}

func (f *follower) result() Result {
	r := Result{Failures: f.failures}
	for _, g := range f.run.Plan.Groups {
		r.Jobs = append(r.Jobs, *f.jobs[g.Name])
	}
	return r
}

// describe asks for jobs by id, 100 a call; what Batch does not know is left out.
func describe(ctx context.Context, c Clients, ids []string) (map[string]types.JobDetail, error) {
	details := make(map[string]types.JobDetail, len(ids))
	for some := range slices.Chunk(ids, describeMax) {
		out, err := c.Batch.DescribeJobs(ctx, &batch.DescribeJobsInput{Jobs: some})
		if err != nil {
			return nil, fmt.Errorf("describe jobs: %w", err)
		}
		for _, d := range out.Jobs {
			details[aws.ToString(d.JobId)] = d
		}
	}
	return details, nil
}
