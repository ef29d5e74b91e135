package provision

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// expiring are the prefixes of the own bucket that hold what is of use for a time alone: data that crosses jobs, requests and records of runs, what runs
// are about to write, and code that was sent without a build. Outputs, data and deployments never expire.
var expiring = []struct{ id, prefix string }{
	{"kedroctl-crossing", "runs/"},
	{"kedroctl-runs", ".kedroctl/runs/"},
	{"kedroctl-starting", ".kedroctl/starting/"},
	{"kedroctl-code", ".kedroctl/code/"},
}

// uploadDays is how long an upload in parts may go on: what is left of an interrupted one costs as much as an object.
const uploadDays = 7

// lifecycle are the rules of the own bucket. In one that someone has made versioned, what expires leaves nothing behind.
func (s Spec) lifecycle() []s3types.LifecycleRule {
	all := []s3types.LifecycleRule{{ID: aws.String("kedroctl-uploads"), Status: s3types.ExpirationStatusEnabled, Filter: &s3types.LifecycleRuleFilter{Prefix: aws.String("")},
		AbortIncompleteMultipartUpload: &s3types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(uploadDays)}}}
	for _, e := range expiring {
		all = append(all, s3types.LifecycleRule{ID: &e.id, Status: s3types.ExpirationStatusEnabled, Filter: &s3types.LifecycleRuleFilter{Prefix: &e.prefix},
			Expiration:                  &s3types.LifecycleExpiration{Days: aws.Int32(int32(max(s.KeepDays, 1)))},
			NoncurrentVersionExpiration: &s3types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(1)}})
	}
	return all
}

func (b bucket) lifecycle(ctx context.Context) (string, error) {
	out, err := b.S3.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &b.spec.Bucket})
	if err != nil || len(out.Rules) == 0 {
		return "", err
	}
	for i := range out.Rules { // "all objects" may be said by an empty filter too, as Terraform does
		if f := out.Rules[i].Filter; f != nil && f.Prefix == nil && f.And == nil && f.Tag == nil && f.ObjectSizeGreaterThan == nil && f.ObjectSizeLessThan == nil {
			f.Prefix = aws.String("")
		}
	}
	return string(compact(out.Rules)), nil
}

func (b bucket) putLifecycle(ctx context.Context) error {
	_, err := b.S3.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{Bucket: &b.spec.Bucket,
		LifecycleConfiguration: &s3types.BucketLifecycleConfiguration{Rules: b.spec.lifecycle()}})
	return err
}
