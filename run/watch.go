package run

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

const (
	describeMax = 100  // job ids that DescribeJobs takes
	pageMax     = 1000 // jobs on a page of ListJobs by state
)

// unfinishedStates are those of jobs that have not ended, in the order in which a job passes them.
var unfinishedStates = []types.JobStatus{
	types.JobStatusSubmitted, types.JobStatusPending, types.JobStatusRunnable, types.JobStatusStarting, types.JobStatusRunning,
}

// watch asks Batch for the jobs that may have changed. What has failed is undecided then.
func (f *follower) watch(ctx context.Context) (changed bool, err error) {
	groups := f.watched()
	seen, err := f.look(ctx, groups)
	if err != nil {
		return false, err
	}
	var lost []*Job
	for _, group := range groups {
		j := f.jobs[group]
		d, known := seen[j.ID]
		if !known {
			lost = append(lost, j)
			continue
		}
		changed = f.see(j, d) || changed
	}
	recalled, err := f.recall(ctx, lost)
	return changed || recalled, err
}

// see takes over what Batch says of a job. What has failed is told when it is decided.
func (f *follower) see(j *Job, d types.JobDetail) (changed bool) {
	delete(f.unseen, j.ID)
	delete(f.unsure, j.ID)
	if changed = j.update(d, f.clients.now()); !changed {
		return false
	}
	if j.State == Failed {
		f.undecided[j.Group] = d
		return true
	}
	f.report.Changed(*j)
	return true
}

// recall finds out what became of jobs that Batch does not know: their records say so of those that ended long ago. One that was just submitted has a
// time of grace, as DescribeJobs lags behind SubmitJob, and counts as lost then.
func (f *follower) recall(ctx context.Context, lost []*Job) (changed bool, err error) {
	if len(lost) == 0 {
		return false, nil
	}
	now := f.clients.now()
	var records map[string]Record
	if slices.ContainsFunc(lost, func(j *Job) bool { return f.unsure[j.ID] }) {
		if records, err = f.clients.records(ctx, f.run); err != nil {
			return false, err
		}
	}
	for _, j := range lost {
		if _, ok := f.unseen[j.ID]; !ok {
			f.unseen[j.ID] = now
		}
		delete(f.unsure, j.ID)
		switch forgotten := now.Sub(f.run.Created) > remembered; {
		case j.recall(records[j.Key]):
			f.halt(j.State == Failed)
		case forgotten && slices.ContainsFunc(f.run.group(j.Group).DependsOn, f.dead):
			j.State, j.Cause, j.Since = Failed, Blocked, now
		case forgotten || now.Sub(f.unseen[j.ID]) >= grace:
			j.State, j.Reason, j.Since = Unknown, "Batch does not know this job", now
			f.halt(true)
		default:
			continue
		}
		changed = true
		f.report.Changed(*j)
	}
	return changed, nil
}

// watched are the groups with jobs that may have changed: the others wait for jobs that have not ended. Of no more than one call takes it is all.
func (f *follower) watched() []string {
	var all, frontier []string
	for _, g := range f.run.Plan.Groups {
		j := f.jobs[g.Name]
		if j.ID == "" || j.Ended() {
			continue
		}
		all = append(all, g.Name)
		free := len(f.waitsFor(g)) == 0 || slices.ContainsFunc(g.DependsOn, f.dead)
		if free || f.unsure[j.ID] || f.shaken[g.Name] || j.Cause == Terminated {
			frontier = append(frontier, g.Name)
		}
	}
	if len(all) <= describeMax {
		return all
	}
	return frontier
}

// cost is how many calls the next look takes.
func (f *follower) cost() int {
	groups := f.watched()
	describing := (len(groups) + describeMax - 1) / describeMax
	return min(describing, f.listing(groups))
}

// look asks for jobs in the way that takes fewer calls: by their ids, 100 a call, or by the states that they can be in, where a page has 1,000 jobs of
// the queue. What has left those has ended, or begins anew, and is asked for by its id.
func (f *follower) look(ctx context.Context, groups []string) (map[string]types.JobDetail, error) {
	seen := make(map[string]types.JobDetail, len(groups))
	if f.listing(groups)*describeMax < len(groups) {
		if err := f.list(ctx, groups, seen); err != nil {
			return nil, err
		}
	}
	var ids []string
	for _, group := range groups {
		if id := f.jobs[group].ID; seen[id].JobId == nil {
			ids = append(ids, id)
		}
	}
	details, err := describe(ctx, f.clients, ids)
	if err != nil {
		return nil, err
	}
	for id, d := range details {
		seen[id] = d
	}
	return seen, nil
}

// listing is the number of calls that a look by states takes, as far as can be known before: as many pages as last time, and one for what has ended.
func (f *follower) listing(groups []string) int {
	calls := 1
	for _, q := range Queues(f.run.Plan, f.run.Queue) {
		for _, s := range f.listedStates(groups) {
			calls += max(1, f.pages[q+" "+string(s)])
		}
	}
	return calls
}

// listedStates are those that jobs of some groups can be in: the earliest that one was seen in, and what comes after it.
func (f *follower) listedStates(groups []string) []types.JobStatus {
	first := len(unfinishedStates) - 1
	for _, group := range groups {
		first = min(first, max(0, slices.Index(unfinishedStates, types.JobStatus(f.jobs[group].State))))
	}
	return unfinishedStates[first:]
}

// list adds the jobs of some groups that their queues have in the states that they can be in. One that seems to have gone back may be an old answer.
func (f *follower) list(ctx context.Context, groups []string, seen map[string]types.JobDetail) error {
	wanted := make(map[string]*Job, len(groups))
	for _, group := range groups {
		wanted[f.jobs[group].ID] = f.jobs[group]
	}
	for _, q := range Queues(f.run.Plan, f.run.Queue) {
		for _, s := range f.listedStates(groups) {
			pages := batch.NewListJobsPaginator(f.clients.Batch, &batch.ListJobsInput{JobQueue: &q, JobStatus: s})
			n := 0
			for ; pages.HasMorePages(); n++ {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return fmt.Errorf("list %s jobs of queue %s: %w", s, q, err)
				}
				for _, sum := range page.JobSummaryList {
					if j := wanted[aws.ToString(sum.JobId)]; j != nil && stage(string(sum.Status)) >= stage(j.State) {
						seen[j.ID] = detail(sum, *j)
					}
				}
			}
			f.pages[q+" "+string(s)] = n
		}
	}
	return nil
}

func stage(state string) int { return slices.Index(unfinishedStates, types.JobStatus(state)) }

// detail is what a list says of a job, with the attempts that are known already.
func detail(s types.JobSummary, j Job) types.JobDetail {
	d := types.JobDetail{JobId: s.JobId, Status: s.Status, StatusReason: s.StatusReason, CreatedAt: s.CreatedAt, StartedAt: s.StartedAt, StoppedAt: s.StoppedAt}
	if s.Container != nil {
		d.Container = &types.ContainerDetail{ExitCode: s.Container.ExitCode, Reason: s.Container.Reason}
	}
	running := s.Status == types.JobStatusStarting || s.Status == types.JobStatusRunning
	for range j.Attempt {
		d.Attempts = append(d.Attempts, types.AttemptDetail{StoppedAt: aws.Int64(1)})
	}
	if n := len(d.Attempts); running && n > 0 {
		d.Attempts = d.Attempts[:n-1] // the last goes on
	}
	return d
}

// takeListed takes over what Batch said of the jobs when the run was loaded, but for those that have failed: what follows from that needs all of it.
func (f *follower) takeListed(listed []types.JobSummary) {
	byID := make(map[string]*Job, len(f.jobs))
	for _, j := range f.jobs {
		byID[j.ID] = j
	}
	for _, s := range listed {
		if j := byID[aws.ToString(s.JobId)]; j != nil && s.Status != types.JobStatusFailed {
			j.update(detail(s, *j), f.clients.now())
			delete(f.unsure, j.ID)
		}
	}
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
