package run

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

func TestCauseOfAFailedJob(t *testing.T) {
	yes, failed, code := true, types.JobStatusFailed, int32(137)
	text := func(s string) *string { return &s }
	at := int64(1)
	depends := []types.JobDependency{{JobId: text("p1")}}
	for name, test := range map[string]struct {
		job  types.JobDetail
		want string
	}{
		"its program": {types.JobDetail{StartedAt: &at, DependsOn: depends, StatusReason: text("Essential container in task exited")}, ""},
		"killed by SIGKILL, who knows why": {
			types.JobDetail{StartedAt: &at, Container: &types.ContainerDetail{ExitCode: &code}}, ""},
		"out of memory": {types.JobDetail{StartedAt: &at, Container: &types.ContainerDetail{
			ExitCode: &code, Reason: text("OutOfMemoryError: Container killed due to memory usage")}}, OutOfMemory},
		"ended in the console": {types.JobDetail{StartedAt: &at, IsTerminated: &yes, StatusReason: text("no")}, Ended},
		"ended while it died for memory": {types.JobDetail{StartedAt: &at, IsTerminated: &yes, Container: &types.ContainerDetail{
			ExitCode: &code, Reason: text("OutOfMemoryError: Container killed due to memory usage")}}, Ended},
		"cancelled before it started": {types.JobDetail{IsCancelled: &yes, DependsOn: depends}, Ended},
		"ended by kedroctl":           {types.JobDetail{IsTerminated: &yes, StatusReason: text(ownReason + "group x failed")}, Terminated},
		"what it waits for failed":    {types.JobDetail{DependsOn: depends}, ""},
		"no image": {types.JobDetail{DependsOn: depends, Attempts: []types.AttemptDetail{{}},
			StatusReason: text("Task failed to start")}, ""},
		"ended by kedroctl, where Batch does not say that it was ended": {types.JobDetail{StatusReason: text(ownReason + "group x failed")}, Terminated},
	} {
		test.job.Status = failed
		if got := causeOf(test.job); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestNextMemory(t *testing.T) {
	for _, test := range []struct {
		had, most, want int
		fargate         bool
	}{
		{4096, 32768, 8192, false}, {20000, 32768, 32768, false}, {32768, 32768, 0, false}, {65536, 32768, 0, false}, {4096, 4096, 0, false}, {0, 32768, 0, false},
		{4096, 32768, 8192, true}, {16384, 122880, 32768, true}, {9000, 32768, 18432, true}, {61440, 122880, 122880, true}, {122880, 122880, 0, true},
		{122880, 200000, 0, true},
	} {
		if got := nextMemory(test.had, project.Resources{VCPUs: 2, MemoryMax: test.most}, test.fargate); got != test.want {
			t.Errorf("%+v: %d", test, got)
		}
	}
}

func TestWhatIsKeptFromStarting(t *testing.T) {
	groups := input("bad", "child <- bad", "runs", "starts", "next <- runs", "after <- next", "both <- runs bad", "free", "late <- free").Plan.Groups
	jobs := map[string]*Job{}
	for group, state := range map[string]string{
		"bad": Failed, "child": Pending, "runs": Running, "starts": Starting, "next": Pending, "after": Pending, "both": Pending, "free": Runnable, "late": Unsubmitted,
	} {
		j := Job{Submission: Submission{Group: group, ID: "id-" + group}, State: state}
		if state == Unsubmitted {
			j.ID = ""
		}
		jobs[group] = &j
	}
	doomed := map[string]bool{"child": true, "both": true}
	if diff := cmp.Diff([]string{"next", "free"}, unstarted(groups, jobs, doomed)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if slices.Contains(unstarted(groups, jobs, doomed), "both") {
		t.Error("what waits for a failed group is Batch's affair")
	}
}
