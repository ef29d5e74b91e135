package provision

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

// patient lets a client learn from a refusal what time it is.
func patient(o *s3.Options) { o.RetryMaxAttempts = 3 }

func keysOf(t *testing.T, a *testAWS, bucket string) (keys []string) {
	t.Helper()
	out, err := a.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket}, patient)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out.Contents {
		keys = append(keys, *o.Key)
	}
	return keys
}

func TestWhatRunsLeaveExpiresAndNothingElse(t *testing.T) {
	a, s := embedded(t), testSpec(t)
	s.KeepDays = 7
	mustApply(t, a, s)
	const run = "2026-11-23T09.55.12.345Z"
	kept := []string{".kedroctl/deployment.json", ".kedroctl/deployments/1.json", "01_raw/runs/a.csv", "06_models/m.pkl/v/m.pkl", "outputs/" + run + "/y.pkl"}
	gone := []string{".kedroctl/code/1a2b.tar.gz", ".kedroctl/runs/" + run + "/plan.json", ".kedroctl/runs/" + run + "/records/g-t1-a1.json",
		".kedroctl/starting/" + run + ".json", "runs/" + run + "/x.pkl"}
	for _, key := range slices.Concat(kept, gone) {
		must(t, a.s3.PutObject, &s3.PutObjectInput{Bucket: &s.Bucket, Key: &key, Body: strings.NewReader("x")})
	}
	must(t, a.s3.CreateMultipartUpload, &s3.CreateMultipartUploadInput{Bucket: &s.Bucket, Key: aws.String("01_raw/large.csv")})
	if err := a.Sleep(t.Context(), 7*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(kept, gone)
	slices.Sort(all)
	if diff := cmp.Diff(all, keysOf(t, a, s.Bucket)); diff != "" {
		t.Errorf("after as many days and before midnight (-want +got):\n%s", diff)
	}
	if err := a.Sleep(t.Context(), 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept, keysOf(t, a, s.Bucket)); diff != "" {
		t.Errorf("afterwards (-want +got):\n%s", diff)
	}
	left, err := a.s3.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &s.Bucket}, patient)
	if err != nil || len(left.Uploads) > 0 {
		t.Errorf("uploads that nobody goes on with: %+v, %v", left, err)
	}
}

func TestRetentionFollowsTheSettings(t *testing.T) {
	a, s := embedded(t), testSpec(t)
	mustApply(t, a, s)
	s.KeepDays = 90
	var told []string
	for _, c := range mustDiff(t, a, s) {
		for _, attr := range c.Attributes {
			told = append(told, fmt.Sprintf("%s %s: %s -> %s", c.Kind, attr.Name, attr.Is, attr.Want))
		}
	}
	if !slices.Contains(told, "bucket lifecycle[kedroctl-runs].Expiration.Days: 30 -> 90") {
		t.Errorf("what is told: %v", told)
	}
	mustApply(t, a, s)
	want := []string{"CloudWatch Logs.PutRetentionPolicy", "ECR.PutLifecyclePolicy", "S3.PutBucketLifecycleConfiguration"}
	got := a.mutations()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestRulesOfABucketThatWasThereStay(t *testing.T) {
	a := embedded(t)
	_, s := borrowed(t, a)
	theirs := []s3types.LifecycleRule{{ID: aws.String("theirs"), Status: s3types.ExpirationStatusEnabled, Filter: &s3types.LifecycleRuleFilter{Prefix: aws.String("tmp/")},
		Expiration: &s3types.LifecycleExpiration{Days: aws.Int32(3)}}}
	must(t, a.s3.PutBucketLifecycleConfiguration, &s3.PutBucketLifecycleConfigurationInput{Bucket: &s.Bucket,
		LifecycleConfiguration: &s3types.BucketLifecycleConfiguration{Rules: theirs}})
	mustApply(t, a, s)
	got := must(t, a.s3.GetBucketLifecycleConfiguration, &s3.GetBucketLifecycleConfigurationInput{Bucket: &s.Bucket}).Rules
	if len(got) != 1 || aws.ToString(got[0].ID) != "theirs" {
		t.Errorf("rules of a bucket that was there: %s", compact(got))
	}
}

func TestAnEmptyFilterIsNoDrift(t *testing.T) {
	a, s := embedded(t), testSpec(t)
	mustApply(t, a, s)
	rules := s.lifecycle()
	rules[0].Filter = &s3types.LifecycleRuleFilter{}
	slices.Reverse(rules)
	must(t, a.s3.PutBucketLifecycleConfiguration, &s3.PutBucketLifecycleConfigurationInput{Bucket: &s.Bucket,
		LifecycleConfiguration: &s3types.BucketLifecycleConfiguration{Rules: rules}})
	a.mutations()
	mustApply(t, a, s)
	if calls := a.mutations(); len(calls) > 0 {
		t.Errorf("what means the same was changed: %v", calls)
	}
}
