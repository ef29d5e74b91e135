package run

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/plan"
)

// exitTwin is the exit code of a job whose work another job has claimed. docs/container.md
const exitTwin = 75

// verdict is what follows from a job that has failed.
type verdict int

const (
	open       verdict = iota // not to be told yet: other jobs have to be seen first
	own                       // the group failed
	blocked                   // a group before it failed
	terminated                // this driver ended it
	again                     // the next try of the group is due
	larger                    // the next try of the group is due, with more memory
	twin                      // another job does the work
)

// decide settles what follows from jobs that have failed, parents first, and gives those that failed by themselves.
func (f *follower) decide(ctx context.Context) (failed []types.JobDetail, decided bool, err error) {
	if len(f.undecided) == 0 {
		return nil, false, nil
	}
	for _, g := range f.run.Plan.Groups {
		d, ok := f.undecided[g.Name]
		if !ok {
			continue
		}
		j := f.jobs[g.Name]
		v, winner, err := f.judge(ctx, g, *j, d)
		if err != nil {
			return failed, decided, err
		}
		switch v {
		case open:
			continue
		case own:
			j.Cause = causeOf(d)
			f.tellMost(g, *j)
			failed = append(failed, d)
		case blocked:
			j.Cause = Blocked
		case terminated:
			j.Cause = Terminated
		case again:
			f.tryAgain(j, j.Memory)
		case larger:
			f.tryAgain(j, f.moreMemory(g, *j))
		case twin:
			f.follow(j, winner)
		}
		f.forget(g.Name)
		decided = true
		f.report.Changed(*j)
	}
	return failed, decided, nil
}

// judge says what follows from a failed job, and of a twin which job won.
func (f *follower) judge(ctx context.Context, g plan.Group, j Job, d types.JobDetail) (v verdict, winner string, err error) {
	switch cause := causeOf(d); {
	case cause == Terminated, cause == Ended && j.Cause == Terminated:
		return terminated, "", nil
	case cause == Ended && neverStarted(d) && slices.ContainsFunc(g.DependsOn, f.dead): // it would not have started either way
		return blocked, "", nil
	case cause == Ended:
		return own, "", nil
	case cause == OutOfMemory && !f.stopped && nextMemory(j.Memory, g.Resources, f.run.Plan.Fargate) > 0:
		return larger, "", nil
	}
	if neverStarted(d) && len(d.DependsOn) > 0 {
		return f.judgeWaiting(g, d), "", nil
	}
	if code := lastExit(d); code != nil && *code == exitTwin {
		winner, err = f.clients.worker(ctx, f.run, j.Submission)
		if err != nil {
			return open, "", err
		}
		if winner != "" && winner != j.ID {
			return twin, winner, nil
		}
	}
	return own, "", nil
}

// judgeWaiting judges a job that never started. Batch fails what waits for a failed job; where that one counts no more, as its group has another job by
// now, the group is to be submitted again.
func (f *follower) judgeWaiting(g plan.Group, d types.JobDetail) verdict {
	if slices.ContainsFunc(g.DependsOn, f.dead) {
		return blocked
	}
	stale := slices.ContainsFunc(d.DependsOn, func(dep types.JobDependency) bool {
		return !slices.ContainsFunc(g.DependsOn, func(p string) bool { return f.jobs[p].ID == aws.ToString(dep.JobId) })
	})
	switch {
	case stale && f.stopped:
		return blocked
	case stale:
		return again
	case len(f.waitsFor(g)) == 0:
		return own
	}
	return open
}

// moreMemory is what the next try of a job gets that ran out of memory, in MiB.
func (f *follower) moreMemory(g plan.Group, j Job) int {
	next := nextMemory(j.Memory, g.Resources, f.run.Plan.Fargate)
	f.report.Notice(Notice{NoticeMemory, fmt.Sprintf("group %s ran out of its %d MiB of memory: next try with %d MiB", g.Name, j.Memory, next)})
	return next
}

// tellMost says of a job that ran out of memory for good which setting would give it more.
func (f *follower) tellMost(g plan.Group, j Job) {
	if j.Cause != OutOfMemory || nextMemory(j.Memory, g.Resources, f.run.Plan.Fargate) > 0 {
		return
	}
	most, remedy := "the most that memory_max allows", fmt.Sprintf("raise memory_max under [tool.kedroctl.job.groups.%q]", g.Name)
	if f.run.Plan.Fargate {
		most, remedy = "and Fargate has no larger size within memory_max and compute.max_vcpus", remedy+", or max_vcpus and 'kedroctl provision'"
	}
	f.report.Notice(Notice{NoticeMemory, fmt.Sprintf("group %s ran out of its %d MiB of memory, %s: %s, then 'kedroctl resume %s'", g.Name, j.Memory, most, remedy, f.run.ID)})
}

// tryAgain makes the next try of a group due, with so much memory in MiB. What waits for the job that failed is failed by Batch, and tried again in its turn.
func (f *follower) tryAgain(j *Job, memory int) {
	*j = Job{Submission: Submission{Group: j.Group, Key: j.Key, Try: j.Try + 1, Memory: memory}, State: Unsubmitted, Since: f.clients.now()}
	f.shake(j.Group)
}

// follow makes another job the group's, as that has the work.
func (f *follower) follow(j *Job, id string) {
	*j = Job{Submission: Submission{Group: j.Group, Key: j.Key, Try: j.Try, ID: id, Memory: j.Memory}, State: Submitted, Since: f.clients.now()}
	f.unsure[id], f.unsaved = true, true
	f.run.note(j.Submission)
	f.shake(j.Group)
}

// shake marks all that comes after a group: its jobs may wait for one that counts no more.
func (f *follower) shake(group string) {
	behind := map[string]bool{group: true}
	for _, g := range f.run.Plan.Groups {
		if slices.ContainsFunc(g.DependsOn, func(p string) bool { return behind[p] }) {
			behind[g.Name], f.shaken[g.Name] = true, true
		}
	}
}

// neverStarted says whether no attempt of a job began.
func neverStarted(d types.JobDetail) bool {
	return aws.ToInt64(d.StartedAt) == 0 && len(d.Attempts) == 0
}

// lastExit is the exit code of a job's last attempt; nil where no container ran to its end.
func lastExit(d types.JobDetail) *int32 {
	all := attempts(d)
	return all[len(all)-1].ExitCode
}
