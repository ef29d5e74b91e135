package run

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kedroctl/kedroctl/internal/plan"
)

// Limits of Batch and S3 that a run may come to by what it is named, made of or told. Those of single settings (vCPUs, memory, timeout, attempts, names of
// variables) are checked where settings are read, internal/project; those of job definitions where these are registered, provision.
const (
	// parentsMax are the dependencies of a job: SubmitJob of the Batch API reference. What has more is submitted late.
	parentsMax = 20
	// overridesMax are the characters of a job's overrides, which Batch hands on to RunTask of ECS; it takes more and then fails the job:
	// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
	overridesMax = 8192
	// offloadFrom leaves room for the variables that Batch adds itself.
	offloadFrom = 7000
	// reasonMax are the characters of a reason: TerminateJob of the Batch API reference.
	reasonMax = 1024
	// keyMax are the bytes of a key: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
	keyMax = 1024
	// tagsMax are the tags of a job with those of its definition, which are passed on: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
	tagsMax = 50

	highestTry = 99 // for which names have to have room
)

// jobNameForm is that of SubmitJob in the Batch API reference.
var jobNameForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,127}$`)

// LimitError says that a run does not fit into a limit of AWS.
type LimitError struct {
	Thing, Value, Limit string
	next                string
}

func (e *LimitError) Error() string { return fmt.Sprintf("%s: %s, and %s", e.Thing, e.Value, e.Limit) }

// Hint is the next step.
func (e *LimitError) Hint() string { return e.next }

// checkLimits refuses a run that Batch or S3 would refuse a part of, before anything is submitted.
func checkLimits(r Run) error {
	for _, g := range r.Plan.Groups {
		if err := checkJobLimits(r, g); err != nil {
			return err
		}
	}
	for _, d := range r.Plan.Datasets {
		if n := len(longestKey(d, r.ID)); n > keyMax {
			return &LimitError{"dataset " + d.Name, fmt.Sprintf("its key in S3 has %d bytes", n), fmt.Sprintf("S3 takes %d", keyMax),
				"give it a shorter name, or a shorter path in the catalog"}
		}
	}
	return nil
}

func checkJobLimits(r Run, g plan.Group) error {
	last := Submission{Key: g.Key, Try: highestTry}
	in := jobInput(r, g, last, nil, r.requestURI(last))
	thing := "group " + g.Name
	if name := r.jobName(g, highestTry); !jobNameForm.MatchString(name) {
		return &LimitError{thing, "its jobs would be named " + name, "names of jobs have 1 to 128 letters, digits, hyphens and underscores", "rename the group"}
	}
	if n := size(in.ContainerOverrides); n >= offloadFrom {
		return &LimitError{thing, fmt.Sprintf("environment and resources of a job have %d characters", n), fmt.Sprintf("Batch takes %d", overridesMax),
			"give the group a short name in [tool.kedroctl.groups]"}
	}
	if slices.Contains(words(r, g), "") {
		return &LimitError{thing, "a word of its command is empty", "Batch takes none", `leave out arguments that are ""`}
	}
	if n := len(in.Tags); n > tagsMax {
		return &LimitError{thing, fmt.Sprintf("its jobs have %d tags", n), fmt.Sprintf("Batch takes %d", tagsMax), "use fewer"}
	}
	return nil
}

// longestKey is the longest key at which a dataset keeps a file of a run; what partitions add is not known.
func longestKey(d plan.Dataset, id string) string {
	_, key, ok := splitURI(strings.ReplaceAll(d.Path, plan.RunID, id))
	if !ok || !d.Versioned {
		return key
	}
	return path.Join(key, id, path.Base(key))
}

// reasonFor is text as Batch takes it for a reason: cut where it is too long, between characters.
func reasonFor(text string) string {
	for at, c := range text {
		if at+utf8.RuneLen(c) > reasonMax {
			return text[:at]
		}
	}
	return text
}
