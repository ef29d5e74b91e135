package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// stopAfter lets nothing more start after the first failure. What waits for a failed job is left to Batch, which fails it by itself.
func (f *follower) stopAfter(failed []types.JobDetail) {
	if f.culprit != "" || len(failed) == 0 {
		return
	}
	f.stopped, f.culprit = true, f.job(aws.ToString(failed[0].JobId)).Group
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
