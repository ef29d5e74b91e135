package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// halt lets nothing more be submitted where that is what a failure means for the rest.
func (f *follower) halt(failed bool) {
	if failed && f.options.OnFailure != KeepGoing {
		f.stopped = true
	}
}

// stopAfter does what the first failure means for the rest. What waits for a failed job is left to Batch, which fails it by itself.
func (f *follower) stopAfter(failed []types.JobDetail) {
	if f.culprit != "" || len(failed) == 0 || f.options.OnFailure == KeepGoing {
		return
	}
	f.stopped, f.culprit = true, f.job(aws.ToString(failed[0].JobId)).Group
	names, text := f.markLeft(), "nothing more starts"
	switch kill := f.options.OnFailure == Kill; {
	case kill && len(names) == 0:
		return
	case kill:
		text = "terminating " + strings.Join(names, ", ")
	case len(names) > 0:
		text = "not started any more: " + strings.Join(names, ", ")
	}
	f.report.Notice(Notice{NoticeStopping, fmt.Sprintf("group %s failed: %s", f.culprit, text)})
}

// markLeft marks the jobs that are to be ended now that a group has failed, and gives their groups.
func (f *follower) markLeft() []string {
	names := f.kept()
	if f.options.OnFailure == Kill {
		names = f.killed()
	}
	for _, name := range names {
		f.jobs[name].Cause = Terminated
	}
	return names
}

// kept are the groups that are kept from starting.
func (f *follower) kept() []string { return unstarted(f.run.Plan.Groups, f.jobs, f.doomed()) }

// killed are the groups with unfinished jobs, those that come last first.
func (f *follower) killed() (names []string) {
	doomed := f.doomed()
	for _, g := range slices.Backward(f.run.Plan.Groups) {
		if j := f.jobs[g.Name]; j.ID != "" && !j.Ended() && !doomed[g.Name] {
			names = append(names, g.Name)
		}
	}
	return names
}

// stop ends what was marked, and at the next poll again what Batch could not be told: a job that is left alone costs money. What is only not to start is
// cancelled and not terminated, which leaves alone what has started meanwhile.
func (f *follower) stop(ctx context.Context) {
	var left []target
	for _, g := range f.run.Plan.Groups {
		if j := f.jobs[g.Name]; j.Cause == Terminated && !j.Ended() {
			left = append(left, target{j.ID, j.Key, j.State})
		}
	}
	if len(left) == 0 {
		return
	}
	end := cancel
	if f.options.OnFailure == Kill {
		end = terminate
	}
	ids := slices.DeleteFunc(endingOrder(f.run.Plan.Groups, left), func(id string) bool { return f.told[id] })
	told, err := end(ctx, f.clients, ids, ownReason+"group "+f.culprit+" failed")
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

// cancel tells Batch not to start jobs, and gives those that it told of. One that waits is cancelled when what it waits for has ended.
// https://docs.aws.amazon.com/batch/latest/APIReference/API_CancelJob.html
func cancel(ctx context.Context, c Clients, ids []string, reason string) (told []string, err error) {
	return tell(ids, func(id string) error {
		if _, err := c.Batch.CancelJob(ctx, &batch.CancelJobInput{JobId: &id, Reason: &reason}); err != nil {
			return fmt.Errorf("cancel job %s: %w", id, err)
		}
		return nil
	})
}

// leaveOutCancelled gives the failures that are the run's own: where the run was cancelled, the jobs that were ended so have not failed.
func (f *follower) leaveOutCancelled(ctx context.Context, failed []types.JobDetail) ([]types.JobDetail, error) {
	ended := func(d types.JobDetail) bool { return f.job(aws.ToString(d.JobId)).Cause == Ended }
	if !slices.ContainsFunc(failed, ended) {
		return failed, nil
	}
	cancelled, err := f.wasCancelled(ctx)
	if err != nil || !cancelled {
		return failed, err
	}
	return slices.DeleteFunc(failed, ended), nil
}

// wasCancelled looks whether somebody has cancelled the run, once it is followed. Then nothing of it is submitted any more, and what this driver has submitted
// meanwhile, which Cancel may not have seen, is ended too.
func (f *follower) wasCancelled(ctx context.Context) (bool, error) {
	if f.cancelled != nil || !f.following {
		return f.cancelled != nil, nil
	}
	m, err := Marked(ctx, f.clients, f.run)
	if m == nil || err != nil {
		return false, err
	}
	var left []target
	for _, g := range f.run.Plan.Groups {
		if j := f.jobs[g.Name]; j.ID != "" && !j.Ended() {
			left = append(left, target{j.ID, j.Key, j.State})
		}
	}
	if _, err := terminate(ctx, f.clients, endingOrder(f.run.Plan.Groups, left), m.Reason); err != nil {
		return false, err
	}
	f.cancelled, f.stopped = m, true
	f.report.Notice(Notice{NoticeCancelled, fmt.Sprintf("the run was cancelled by %s: %s", m.By, m.Reason)})
	return true, nil
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
