package run

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

// OnFailure says what becomes of the rest of a run when a group has failed.
type OnFailure int

// The zero value is FailFast.
const (
	FailFast  OnFailure = iota // nothing more starts, and what runs may finish
	Kill                       // what runs is ended too
	KeepGoing                  // groups that do not need the failed one go on
)

// outOfMemory says whether a job failed as its container wanted more memory than it had. Exit code 137 alone may have other reasons: the text is that of
// ECS, which Batch passes on as the container's reason.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
func outOfMemory(d types.JobDetail) bool {
	return d.Container != nil && aws.ToInt32(d.Container.ExitCode) == 137 &&
		strings.HasPrefix(aws.ToString(d.Container.Reason), "OutOfMemoryError")
}

// nextMemory is what the next try of a job gets that ran out of memory, in MiB: twice as much, at most MemoryMax; on Fargate what its next size has.
// 0 is none: it had that already.
func nextMemory(had int, r project.Resources, fargate bool) int {
	if had <= 0 || had >= r.MemoryMax {
		return 0
	}
	next := min(2*had, r.MemoryMax)
	if !fargate {
		return next
	}
	_, next, ok := project.FargateSize(r.VCPUs, next)
	if !ok {
		return 0
	}
	return next
}

// causeOf says why a job that Batch calls FAILED did so, as far as Batch tells: Terminated, Ended, OutOfMemory, else "". A job that was told to end has
// the reason that was given then.
func causeOf(d types.JobDetail) string {
	switch {
	case d.Status != types.JobStatusFailed:
		return ""
	case strings.HasPrefix(aws.ToString(d.StatusReason), ownReason):
		return Terminated
	case aws.ToBool(d.IsTerminated) || aws.ToBool(d.IsCancelled):
		return Ended
	case outOfMemory(d):
		return OutOfMemory
	}
	return ""
}

// unstarted are the groups whose jobs are to be kept from starting when nothing more is to start: those that Batch would start, but for what waits for
// another of them or for a failed one, which Batch fails by itself.
func unstarted(groups []plan.Group, jobs map[string]*Job, doomed map[string]bool) []string {
	held := make(map[string]bool) // to be kept from starting, themselves or by what they wait for
	var names []string
	for _, g := range groups {
		j := jobs[g.Name]
		switch {
		case doomed[g.Name] || j.ID == "" || j.Ended() || j.State == Starting || j.State == Running:
		case slices.ContainsFunc(g.DependsOn, func(p string) bool { return held[p] }):
			held[g.Name] = true
		default:
			held[g.Name] = true
			names = append(names, g.Name)
		}
	}
	return names
}
