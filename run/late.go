package run

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/plan"
)

const (
	atOnce     = 100              // submissions between two polls
	learnEvery = 10 * time.Second // between two looks by name for what other drivers submit
	saveCost   = 2 * time.Millisecond
)

// LateError says that a command which is to leave at once would have to stay.
type LateError struct {
	Groups []string // submitted later
	Reason string   // "": the run has begun without them
}

func (e *LateError) Error() string {
	if e.Reason == "" {
		return "groups that are not submitted yet: " + some(e.Groups)
	}
	return fmt.Sprintf("groups that cannot be submitted at once, as they %s: %s", e.Reason, some(e.Groups))
}

// Hint implements the next step for the user.
func (e *LateError) Hint() string {
	return "--detach alone waits until they are submitted, and leaves then"
}

// some names a few of many.
func some(names []string) string {
	const most = 5
	text := strings.Join(names[:min(len(names), most)], ", ")
	if n := len(names) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// late says which groups of a plan are not submitted at first, and why; nil where all are.
func late(p plan.Plan, workers int) *LateError {
	waits, e := make(map[string]bool), &LateError{}
	room, crowded := workers, false
	for _, g := range p.Groups {
		behind := len(g.DependsOn) > parentsMax || slices.ContainsFunc(g.DependsOn, func(parent string) bool { return waits[parent] })
		switch {
		case behind:
			waits[g.Name] = true
		case workers > 0 && room == 0:
			waits[g.Name], crowded = true, true
		default:
			room--
			continue
		}
		e.Groups = append(e.Groups, g.Name)
	}
	if len(e.Groups) == 0 {
		return nil
	}
	e.Reason = fmt.Sprintf("wait for more than %d jobs, or for a group that does", parentsMax)
	if crowded {
		e.Reason = fmt.Sprintf("go beyond --max-workers %d", workers)
	}
	return e
}

// submitDue submits what can be submitted now, most jobs at a time. Batch takes 20 dependencies per job, and finished parents need not be named.
func (f *follower) submitDue(ctx context.Context, most int) (submitted bool, err error) {
	list := f.due()
	f.more = len(list) > most
	list = list[:min(len(list), most)]
	if len(list) == 0 {
		return false, f.save(ctx, false)
	}
	if cancelled, err := f.wasCancelled(ctx); cancelled || err != nil {
		return false, err
	}
	jobs, foreign, err := f.dispatch(list).submit(ctx, list)
	for _, j := range jobs {
		*f.jobs[j.Group] = j
		delete(f.shaken, j.Group)
		f.unsaved, f.mine[j.Submission] = true, true
	}
	f.foreign = foreign
	saveErr := f.save(ctx, err != nil)
	_, lookErr := f.wasCancelled(ctx) // between the first look and the last submission
	return len(jobs) > 0, cmp.Or(err, saveErr, lookErr)
}

func (f *follower) dispatch(list []due) *dispatch {
	d := &dispatch{clients: f.clients, run: &f.run, report: f.report, driver: f.driver, ids: make(map[string]string), datasets: f.datasets}
	for _, q := range list {
		for _, p := range q.parents {
			d.ids[p] = f.jobs[p].ID
		}
	}
	return d
}

// due are the groups to be submitted now, in the plan's order.
func (f *follower) due() []due {
	if f.stopped {
		return nil
	}
	room := f.room()
	var list []due
	planned := make(map[string]bool)
	for _, g := range f.run.Plan.Groups {
		j := f.jobs[g.Name]
		if j.ID != "" || slices.ContainsFunc(g.DependsOn, f.dead) {
			continue
		}
		parents := f.waitsFor(g)
		if len(parents) > parentsMax || slices.ContainsFunc(parents, func(p string) bool { return f.jobs[p].ID == "" && !planned[p] }) {
			continue
		}
		if len(list) == room {
			break
		}
		planned[g.Name] = true
		list = append(list, due{g, *j, parents})
	}
	return list
}

// room is how many more jobs may be unfinished.
func (f *follower) room() int {
	if f.run.MaxWorkers == 0 {
		return math.MaxInt
	}
	room := f.run.MaxWorkers
	for group, j := range f.jobs {
		if j.ID != "" && !f.ended(group) {
			room--
		}
	}
	return max(room, 0)
}

// save notes the jobs in the bucket, those of large runs not each time: what is not noted is found by name.
func (f *follower) save(ctx context.Context, now bool) error {
	every := time.Duration(len(f.run.Jobs)) * saveCost
	if !f.unsaved || !now && f.clients.now().Sub(f.savedAt) < every {
		return nil
	}
	if err := f.ledger.save(ctx, f.clients, &f.run); err != nil {
		return err
	}
	f.unsaved, f.savedAt = false, f.clients.now()
	f.takeUp()
	return nil
}

// learn looks for jobs that other drivers of the run submit: in what they have noted, and now and then by name.
func (f *follower) learn(ctx context.Context) (learned bool, err error) {
	if f.foreign == 0 {
		return false, nil
	}
	if err := f.ledger.read(ctx, f.clients, &f.run); err != nil {
		return false, err
	}
	learned = f.takeUp()
	if learned || f.clients.now().Sub(f.listedAt) < learnEvery {
		return learned, nil
	}
	f.listedAt = f.clients.now()
	listed, err := listRun(ctx, f.clients, f.run)
	if err != nil {
		return false, err
	}
	f.run.learn(f.run.named(listed))
	f.unsaved = f.takeUp()
	return f.unsaved, nil
}

// findStrays looks, before a run that was stopped is left, for jobs of it that nobody would follow: those on their way to Batch, and twins of jobs that were
// ended before they started. found says that there is one.
func (f *follower) findStrays(ctx context.Context) (found bool, err error) {
	if err := f.findClaimed(ctx); err != nil || f.foreign > 0 || f.cancelled != nil { // who cancels a run looks for all of it
		return false, err
	}
	listed, err := listRun(ctx, f.clients, f.run)
	if err != nil {
		return false, err
	}
	alive := slices.DeleteFunc(listed, func(s types.JobSummary) bool { return s.Status == types.JobStatusFailed })
	for _, s := range f.run.named(alive) {
		j := f.jobs[s.Group]
		if f.strays[s.ID] || s.ID == j.ID || s.Try < j.Try || j.ID != "" && !(j.Cause == Terminated && j.Ended()) {
			continue
		}
		f.strays[s.ID], f.strays[j.ID] = true, true // a list that lags may show either again
		j.Try, found = s.Try, true
		f.follow(j, s.ID)
	}
	if found && f.culprit != "" {
		f.markLeft()
	}
	return found, nil
}

// findClaimed counts the groups that may have a job which nobody knows yet, as their submission was claimed a short time ago: groups without a job, and those
// whose job was ended before it started, where there may be a second one. A young claim is followed by a job, and a list shows that, before it is a minute old.
func (f *follower) findClaimed(ctx context.Context) error {
	f.foreign = 0
	claims, err := f.clients.list(ctx, f.run.Plan.Bucket, f.run.object("submissions")+"/")
	if err != nil {
		return err
	}
	claimed := make(map[string]time.Time, len(claims))
	for _, o := range claims {
		claimed[aws.ToString(o.Key)] = aws.ToTime(o.LastModified)
	}
	youngest, open := "", 0
	for _, g := range f.run.Plan.Groups {
		j := f.jobs[g.Name]
		key := f.run.object("submissions", tryName(j.Submission))
		if at, ok := claimed[key]; ok && (j.ID == "" || j.Cause == Terminated && j.Started.IsZero() && f.doubtful(j.Submission)) {
			open++
			if youngest == "" || at.After(claimed[youngest]) {
				youngest = key
			}
		}
	}
	if open == 0 {
		return nil
	}
	_, _, age, err := f.clients.heldClaim(ctx, f.run.Plan.Bucket, youngest)
	if err == nil && age < claimAge {
		f.foreign = open
	}
	return err
}

// doubtful says whether a try may have two jobs: after an answer that was unclear, or where another driver submitted it, of which nobody knows how it ended.
func (f *follower) doubtful(s Submission) bool { return f.run.doubtful || f.run.loaded && !f.mine[s] }

// takeUp follows jobs that the run has and this driver has not: of groups without one, and those of higher tries.
func (f *follower) takeUp() (any bool) {
	for group, s := range f.run.latest() {
		j := f.jobs[group]
		if j.ID != "" && s.Try <= j.Try || s.Try < j.Try {
			continue
		}
		*j = Job{Submission: s, State: Submitted, Since: f.clients.now()}
		f.forget(group)
		f.unsure[s.ID], any = true, true
		f.report.Submitted(*j)
	}
	return any
}

// forget drops what is known of a group's earlier job.
func (f *follower) forget(group string) {
	delete(f.undecided, group)
	delete(f.shaken, group)
}
