package provision

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// invalidQueue is a Batch with one queue, which cannot be made VALID.
type invalidQueue struct {
	slowBatch
	tags map[string]string
}

func (b *invalidQueue) DescribeJobQueues(context.Context, *batch.DescribeJobQueuesInput, ...func(*batch.Options)) (*batch.DescribeJobQueuesOutput, error) {
	return &batch.DescribeJobQueuesOutput{JobQueues: []batchtypes.JobQueueDetail{{JobQueueName: aws.String("q"), JobQueueArn: aws.String("arn:q"), Tags: b.tags,
		State: batchtypes.JQStateEnabled, Status: batchtypes.JQStatusInvalid, StatusReason: aws.String("CLIENT_ERROR - the environment is gone")}}}, nil
}

func (b *invalidQueue) UpdateJobQueue(context.Context, *batch.UpdateJobQueueInput, ...func(*batch.Options)) (*batch.UpdateJobQueueOutput, error) {
	b.updated++
	return &batch.UpdateJobQueueOutput{}, nil
}

func TestInvalidQueueSaysWhy(t *testing.T) {
	for name, named := range map[string]bool{"ours": false, "of the settings": true} {
		t.Run(name, func(t *testing.T) {
			s := testSpec(t, func(p *project.Project) {
				if named {
					p.Settings.Compute.Queue = "q"
				}
			})
			b := &invalidQueue{tags: s.Tags()}
			q := queue{Clients: Clients{Batch: b, Sleep: b.sleep}, spec: s, environments: []string{"arn:env"}}
			var r resource = q
			if named {
				r = existingQueue{q}
			}
			_, err := converge(t.Context(), r, &steps{})
			if err == nil || !strings.Contains(err.Error(), "it is INVALID: CLIENT_ERROR - the environment is gone") || ui.Hint(err) == "" {
				t.Errorf("error %v, hint %q", err, ui.Hint(err))
			}
			if named && b.updated > 0 {
				t.Error("a queue of the settings was changed")
			}
		})
	}
}
