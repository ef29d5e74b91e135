package run

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

const (
	grace         = time.Minute        // for which a job that was just submitted may be unknown to DescribeJobs
	patience      = 15 * time.Minute   // for which Batch or S3 may be out of reach before Follow gives up
	slowest       = 5                  // the interval grows to this many times the shortest while nothing changes
	complainEvery = time.Minute        // between two complaints while it is
	pollShare     = 4                  // polls take at most one in so many calls of the budget
	remembered    = 7 * 24 * time.Hour // for which Batch knows a job that has ended
)

// Options say how a run is followed. The zero value has the defaults.
type Options struct {
	Interval time.Duration // between two looks at the jobs while things change; by default 2 s. It grows to five times that while nothing does
	LogLines int           // last lines of a failed attempt's output that a Failure has; by default 20
	Detach   bool          // return as soon as nothing is left to submit

	OnFailure OnFailure // what becomes of the rest when a group has failed
}

// Result is how far a run has come when Follow returns.
type Result struct {
	Jobs     []Job     `json:"jobs"` // by the plan's order
	Failures []Failure `json:"failures,omitempty"`

	Cancelled *Mark `json:"cancelled,omitempty"` // by whom the run was cancelled meanwhile; nil: by nobody
}

// Succeeded says whether every group of the run has done its work.
func (r Result) Succeeded() bool {
	return !slices.ContainsFunc(r.Jobs, func(j Job) bool { return j.State != Succeeded })
}

// follower is one driver of a run: it submits what is due, watches the jobs and does what follows from their ends. Another may do the same elsewhere.
type follower struct {
	clients  Clients
	run      Run
	options  Options
	report   Reporter
	driver   string // the name of this driver
	ledger   ledger
	datasets map[string]plan.Dataset
	jobs     map[string]*Job // by group: that of its latest try, without an id while it is not submitted
	failures []Failure

	unseen    map[string]time.Time       // since when DescribeJobs does not know a job
	unsure    map[string]bool            // ids of jobs that Batch has not been asked about since this driver has them
	shaken    map[string]bool            // groups whose jobs may depend on one that counts no more
	undecided map[string]types.JobDetail // by group: it failed, and what follows is open
	pages     map[string]int             // that ListJobs had last, by queue and state

	unsaved  bool      // jobs.json lacks a job
	savedAt  time.Time // when it was written last
	more     bool      // jobs are due that have not been submitted for want of time
	foreign  int       // submissions that another driver has claimed, and whose jobs are not known yet
	listedAt time.Time // when those were looked for by name

	following bool                // in Follow, and not in Start
	looked    bool                // whether the run was cancelled before it was followed
	stopped   bool                // nothing more is submitted: a group failed, or the run was cancelled
	culprit   string              // the group that failed first
	cancelled *Mark               // by whom
	told      map[string]bool     // ids of the jobs that Batch was told to end
	mine      map[Submission]bool // by this driver
	strays    map[string]bool     // ids of jobs that were found, or left for one that was found, before the run was left
}

// Follow watches a run until all its jobs have ended, submits what could not be submitted at first, gives jobs that ran out of memory more, and does what
// the options say when a group fails. A run that was loaded is taken up so, wherever its driver left it. The end of ctx ends Follow with ctx's error and leaves the jobs alone: Cancel ends them.
// Failed jobs are no error; Result has them.
func Follow(ctx context.Context, c Clients, r Run, o Options, rep Reporter) (Result, error) {
	f := newFollower(c, r, o, rep)
	f.following = true
	f.tellKnown()
	wait, reached, complained := f.options.Interval, c.now(), time.Time{}
	for {
		changed, err := f.poll(ctx)
		switch {
		case ctx.Err() != nil:
			return f.result(), ctx.Err()
		case err != nil && (!passing(err) || c.now().Sub(reached) > patience):
			return f.result(), ui.WithHint(fmt.Errorf("follow run %s: %w", r.ID, err), f.wayOn())
		case err == nil:
			reached, complained = c.now(), time.Time{}
		case c.now().Sub(complained) >= complainEvery:
			complained = c.now()
			rep.Notice(Notice{NoticeTrouble, err.Error()})
		}
		if err == nil && f.done() {
			return f.result(), f.save(ctx, true)
		}
		if f.more && err == nil {
			continue
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
	f := &follower{
		clients: c, run: r, options: o, report: rep, driver: newDriver(), datasets: datasetsByName(r.Plan), jobs: make(map[string]*Job),
		unseen: make(map[string]time.Time), unsure: make(map[string]bool), shaken: make(map[string]bool),
		undecided: make(map[string]types.JobDetail), pages: make(map[string]int), told: make(map[string]bool), strays: make(map[string]bool), mine: make(map[Submission]bool),
	}
	for _, j := range snapshot(r, c.now()) {
		f.jobs[j.Group] = &j
		f.unsure[j.ID] = r.loaded && j.ID != ""
	}
	f.takeListed(r.listed)
	return f
}

// snapshot is the state of a run's jobs before anybody has asked Batch.
func snapshot(r Run, now time.Time) []Job {
	latest, due := r.latest(), r.dueTries()
	jobs := make([]Job, 0, len(r.Plan.Groups))
	for _, g := range r.Plan.Groups {
		j := Job{Submission: Submission{Group: g.Name, Key: g.Key, Try: max(due[g.Name], 1), Memory: g.Resources.Memory}, State: Unsubmitted, Since: now}
		if s, ok := latest[g.Name]; ok && s.Try >= j.Try {
			j.Submission, j.State = s, Submitted
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// tellKnown tells how the jobs of a run stand that was taken up.
func (f *follower) tellKnown() {
	if !f.run.loaded {
		return
	}
	for _, g := range f.run.Plan.Groups {
		if j := f.jobs[g.Name]; j.ID != "" {
			f.report.Changed(*j)
		}
	}
}

// wayOn is the next step after an error of Follow.
func (f *follower) wayOn() string {
	again := "'kedroctl attach " + f.run.ID + "' takes the run up again"
	if n := len(f.unsubmitted()); n > 0 && !f.stopped {
		return fmt.Sprintf("the jobs that are submitted go on, and %d groups are not submitted yet: %s", n, again)
	}
	return "the jobs go on without this command: " + again
}

// passing errors may go away by themselves: no answer, throttling, trouble at the service.
func passing(err error) bool { return unclear(err) || status(err) == http.StatusTooManyRequests }

// next is the time to the next poll: short while things change, longer while nothing does, and where so many jobs are under way that something always does.
func (f *follower) next(wait time.Duration, changed bool) time.Duration {
	watched := len(f.watched())
	if changed {
		wait = f.options.Interval * time.Duration(100+watched) / 100
	} else {
		wait += wait / 2
	}
	wait = min(wait, slowest*f.options.Interval)
	return max(wait, time.Duration(f.cost())*time.Second*pollShare/callsMax)
}

// poll looks at the jobs once and does what follows from it.
func (f *follower) poll(ctx context.Context) (changed bool, err error) {
	changed, err = f.watch(ctx)
	if err != nil {
		return changed, err
	}
	if !f.looked {
		if _, err := f.wasCancelled(ctx); err != nil {
			return changed, err
		}
		f.looked = true
	}
	failed, decided, err := f.decide(ctx)
	if err != nil {
		return changed, err
	}
	if failed, err = f.leaveOutCancelled(ctx, failed); err != nil {
		return changed, err
	}
	f.stopAfter(failed)
	f.stop(ctx)
	f.fail(ctx, failed)
	learned, err := f.learn(ctx)
	if err != nil {
		return changed, err
	}
	if learned && f.culprit != "" {
		f.markLeft()
	}
	submitted, err := f.submitDue(ctx, atOnce)
	if submitted && len(f.unsubmitted()) == 0 {
		f.report.Notice(Notice{NoticeLeave, "all jobs are submitted: from now on the run would go on without this command"})
	}
	found := false
	if err == nil && f.stopped && f.settled() {
		found, err = f.findStrays(ctx)
	}
	return changed || decided || learned || submitted || found, err
}

// ended says whether a group has come to its end, well or not.
func (f *follower) ended(group string) bool {
	_, open := f.undecided[group]
	return !open && f.jobs[group].Ended()
}

// dead says whether a group has ended without doing its work, so that what waits for it never will.
func (f *follower) dead(group string) bool { return f.ended(group) && f.jobs[group].State != Succeeded }

// waitsFor are the parents of a group that have not ended.
func (f *follower) waitsFor(g plan.Group) []string {
	var parents []string
	for _, p := range g.DependsOn {
		if !f.ended(p) {
			parents = append(parents, p)
		}
	}
	return parents
}

// doomed are the groups that wait, directly or not, for a dead one.
func (f *follower) doomed() map[string]bool {
	m := make(map[string]bool)
	for _, g := range f.run.Plan.Groups {
		if slices.ContainsFunc(g.DependsOn, func(p string) bool { return m[p] || f.dead(p) }) {
			m[g.Name] = true
		}
	}
	return m
}

// unsubmitted are the groups that are still to be submitted.
func (f *follower) unsubmitted() []string {
	var groups []string
	doomed := f.doomed()
	for _, g := range f.run.Plan.Groups {
		if f.jobs[g.Name].ID == "" && !doomed[g.Name] {
			groups = append(groups, g.Name)
		}
	}
	return groups
}

// done says whether nothing more will happen, or with Detach whether nothing is left for this driver to do.
func (f *follower) done() bool { return f.settled() && !(f.stopped && f.foreign > 0) }

// settled says whether nothing more will happen to the jobs that are known, or with Detach whether nothing is left to submit.
func (f *follower) settled() bool {
	if !f.stopped && len(f.unsubmitted()) > 0 {
		return false
	}
	for group, j := range f.jobs {
		if j.ID != "" && !f.ended(group) && !f.options.Detach {
			return false
		}
	}
	return true
}

func (f *follower) result() Result {
	r, doomed := Result{Failures: f.failures, Cancelled: f.cancelled}, f.doomed()
	for _, g := range f.run.Plan.Groups {
		j := *f.jobs[g.Name]
		if j.ID == "" && doomed[g.Name] {
			j.Cause = Blocked
		}
		r.Jobs = append(r.Jobs, j)
	}
	return r
}
