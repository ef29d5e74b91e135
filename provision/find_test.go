package provision

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// someQueues answers DescribeJobQueues alone.
type someQueues struct {
	queues
	list []batchtypes.JobQueueDetail
}

func (s someQueues) DescribeJobQueues(context.Context, *batch.DescribeJobQueuesInput, ...func(*batch.Options)) (*batch.DescribeJobQueuesOutput, error) {
	return &batch.DescribeJobQueuesOutput{JobQueues: s.list}, nil
}

func TestCheckQueue(t *testing.T) {
	queue := func(status batchtypes.JQStatus, state batchtypes.JQState, reason string) []batchtypes.JobQueueDetail {
		return []batchtypes.JobQueueDetail{{JobQueueName: aws.String("q"), Status: status, State: state, StatusReason: &reason}}
	}
	for name, c := range map[string]struct {
		list []batchtypes.JobQueueDetail
		want string
	}{
		"valid":    {queue(batchtypes.JQStatusValid, batchtypes.JQStateEnabled, ""), ""},
		"invalid":  {queue(batchtypes.JQStatusInvalid, batchtypes.JQStateEnabled, "CLIENT_ERROR - no role"), "job queue q is INVALID: CLIENT_ERROR - no role"},
		"disabled": {queue(batchtypes.JQStatusValid, batchtypes.JQStateDisabled, ""), "job queue q is disabled"},
		"gone":     {nil, "job queue q: not provisioned"},
	} {
		err := CheckQueue(context.Background(), someQueues{list: c.list}, "q")
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || ui.Hint(err) == "" {
			t.Errorf("%s: got %v with hint %q, want %q", name, err, ui.Hint(err), c.want)
		}
		if name == "gone" && !errors.Is(err, ErrNotProvisioned) {
			t.Errorf("%s: %v is not ErrNotProvisioned", name, err)
		}
	}
}
