package run

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// States of a job: Batch's own, and one for what Batch has not been given.
const (
	Unsubmitted = "UNSUBMITTED"
	Submitted   = string(types.JobStatusSubmitted)
	Pending     = string(types.JobStatusPending)
	Runnable    = string(types.JobStatusRunnable)
	Starting    = string(types.JobStatusStarting)
	Running     = string(types.JobStatusRunning)
	Succeeded   = string(types.JobStatusSucceeded)
	Failed      = string(types.JobStatusFailed)
	Unknown     = "UNKNOWN" // Batch has forgotten the job, and it left no record
)

// Why a job ended FAILED, where its program did not fail by itself.
const (
	Blocked     = "blocked"       // a group before it failed, and it never started
	Terminated  = "terminated"    // kedroctl ended it because another group failed
	Ended       = "ended"         // somebody ended it: 'kedroctl cancel', or a person in the console
	OutOfMemory = "out of memory" // it wanted more than it had
)

// Job is what is known of a group's latest try.
type Job struct {
	Submission
	State    string    `json:"state"`
	Cause    string    `json:"cause,omitempty"`  // Blocked, Terminated, Ended or OutOfMemory
	Reason   string    `json:"reason,omitempty"` // Batch's words: why it failed, or why it waits for an instance
	Attempt  int       `json:"attempt,omitempty"`
	ExitCode *int32    `json:"exit_code,omitempty"`       // of the last attempt; nil where no container ran
	Peak     int       `json:"peak_memory_mib,omitempty"` // that the last attempt used at most, by its record; 0 where that is not known
	Timeout  int       `json:"timeout,omitempty"`         // seconds that each attempt may take
	Since    time.Time `json:"since,omitzero"`            // when the state began: by Batch's clock where it tells, else when it was seen first
	Created  time.Time `json:"created,omitzero"`
	Started  time.Time `json:"started,omitzero"`
	Stopped  time.Time `json:"stopped,omitzero"`
}

// Over says whether nothing of a run will happen any more: each job has ended, or will never be submitted as one before it failed.
func Over(jobs []Job) bool {
	return !slices.ContainsFunc(jobs, func(j Job) bool { return !j.Ended() && !(j.State == Unsubmitted && j.Cause == Blocked) })
}

// Ended says whether the job will not change any more.
func (j Job) Ended() bool { return j.State == Succeeded || j.State == Failed || j.State == Unknown }

// FailedItself says whether the job failed, and not as kedroctl ended it or another one failed.
func (j Job) FailedItself() bool {
	return j.State == Failed && j.Cause != Blocked && j.Cause != Terminated
}

// update takes over what Batch says, and tells whether a person would want to hear of it.
func (j *Job) update(d types.JobDetail, now time.Time) bool {
	was := *j
	j.State, j.Reason = string(d.Status), reason(d)
	j.Created, j.Started, j.Stopped = millis(d.CreatedAt), millis(d.StartedAt), millis(d.StoppedAt)
	j.Attempt = attempt(d)
	if d.Container != nil {
		j.ExitCode = d.Container.ExitCode
		j.Memory = cmp.Or(memory(d.Container.ResourceRequirements), j.Memory)
	}
	if d.Timeout != nil {
		j.Timeout = int(aws.ToInt32(d.Timeout.AttemptDurationSeconds))
	}
	if j.State != was.State {
		j.Since = cmp.Or(j.began(), now)
	}
	return j.State != was.State || j.Reason != was.Reason || j.Attempt != was.Attempt
}

// began is when the job's state began, as far as Batch tells; zero where it does not.
func (j Job) began() time.Time {
	switch j.State {
	case Running:
		return j.Started
	case Succeeded, Failed:
		return j.Stopped
	}
	return time.Time{}
}

// memory is what a container asks for in MiB, 0 where it does not say.
func memory(all []types.ResourceRequirement) int {
	for _, r := range all {
		if r.Type == types.ResourceTypeMemory {
			mib, _ := strconv.Atoi(aws.ToString(r.Value)) // Batch takes whole numbers alone
			return mib
		}
	}
	return 0
}

// attempt counts from 1: the attempts that have ended, and the one that goes on; 0 before the first has started.
func attempt(d types.JobDetail) int {
	ended := 0
	for _, a := range d.Attempts {
		if a.StoppedAt != nil {
			ended++
		}
	}
	switch d.Status {
	case types.JobStatusSucceeded, types.JobStatusFailed:
		return max(ended, len(d.Attempts))
	case types.JobStatusStarting, types.JobStatusRunning:
		return ended + 1
	}
	return ended
}

// reason joins what Batch says of the job and of its container: "Task failed to start: CannotPullContainerError: …".
func reason(d types.JobDetail) string {
	container := ""
	if d.Container != nil {
		container = aws.ToString(d.Container.Reason)
	}
	return join(aws.ToString(d.StatusReason), container)
}

func join(status, container string) string {
	switch {
	case container == "" || status == container:
		return status
	case status == "":
		return container
	}
	return status + ": " + container
}

func millis(ms *int64) time.Time {
	if ms == nil || *ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(*ms).UTC()
}
