package batch_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/google/go-cmp/cmp"
)

func TestTagsComeAndGo(t *testing.T) {
	w := newQueue(t, nil)
	queues, err := w.DescribeJobQueues(t.Context(), &sdk.DescribeJobQueuesInput{JobQueues: []string{"q"}})
	if err != nil {
		t.Fatal(err)
	}
	w.define("tagged", nil)
	definitions, err := w.DescribeJobDefinitions(t.Context(), &sdk.DescribeJobDefinitionsInput{JobDefinitionName: aws.String("tagged")})
	if err != nil {
		t.Fatal(err)
	}
	for _, arn := range []*string{queues.JobQueues[0].JobQueueArn, w.described("ce").ComputeEnvironmentArn, definitions.JobDefinitions[0].JobDefinitionArn} {
		_, err := w.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "1", "team:x": "2"}})
		wantRefusal(t, err, "")
		_, err = w.UntagResource(t.Context(), &sdk.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}})
		wantRefusal(t, err, "")
		tags, err := w.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceArn: arn})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"team:x": "2"}, tags.Tags); diff != "" {
			t.Errorf("%s (-want +got):\n%s", *arn, diff)
		}
		_, err = w.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"aws:x": "1"}})
		if err == nil {
			t.Errorf("%s took a tag that is AWS's own", *arn)
		}
	}
	if got := w.described("ce").Tags; got["team:x"] != "2" {
		t.Errorf("the environment tells of %v", got)
	}
	nobody := aws.String(strings.Replace(*w.described("ce").ComputeEnvironmentArn, "/ce", "/nobody", 1))
	_, err = w.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: nobody, Tags: map[string]string{"a": "1"}})
	wantRefusal(t, err, "does not exist")
}

// TestJobsTellTheirCluster: by it one knows which environment a job runs on.
func TestJobsTellTheirCluster(t *testing.T) {
	w := newQueue(t, nil)
	cluster := lastPart(*w.described("ce").EcsClusterArn)
	id := w.submit("a")
	c := w.job(id).Container
	if !strings.Contains(*c.TaskArn, ":task/"+cluster+"/") || !strings.Contains(*c.ContainerInstanceArn, ":container-instance/"+cluster+"/") {
		t.Errorf("task %s on %s, the environment's cluster is %s", *c.TaskArn, *c.ContainerInstanceArn, cluster)
	}
	if got := w.job(id).Status; got != types.JobStatusRunning {
		t.Errorf("it is %s", got)
	}
}

func lastPart(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }
