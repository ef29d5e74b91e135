package objects_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/objects"
	"github.com/kedroctl/kedroctl/internal/local/wire/wiretest"
)

func TestANewBucketIsPrivateAndEncrypted(t *testing.T) {
	c, ctx, bucket := withBucket(t), t.Context(), aws.String("data")
	block, err := c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: bucket})
	if err != nil || !*block.PublicAccessBlockConfiguration.RestrictPublicBuckets {
		t.Errorf("access block: %v, %v", block, err)
	}
	encryption, err := c.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: bucket})
	if err != nil || encryption.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm != types.ServerSideEncryptionAes256 {
		t.Errorf("encryption: %v, %v", encryption, err)
	}
	owners, err := c.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: bucket})
	if err != nil || owners.OwnershipControls.Rules[0].ObjectOwnership != types.ObjectOwnershipBucketOwnerEnforced {
		t.Errorf("ownership: %v, %v", owners, err)
	}
	versioning, err := c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: bucket})
	if err != nil || versioning.Status != "" {
		t.Errorf("versioning: %v, %v", versioning, err)
	}
}

func TestConfigurationComesBack(t *testing.T) {
	c, ctx, bucket := withBucket(t), t.Context(), aws.String("data")
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::data","arn:aws:s3:::data/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`
	if _, err := c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: &policy}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket}); err != nil || *got.Policy != policy {
		t.Errorf("policy: %v, %v", got, err)
	}
	tags := []types.Tag{{Key: aws.String("kedroctl:project"), Value: aws.String("a + b")}}
	if _, err := c.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: bucket, Tagging: &types.Tagging{TagSet: tags}}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: bucket}); err != nil || *got.TagSet[0].Value != "a + b" {
		t.Errorf("tags: %v, %v", got, err)
	}
}

func TestAbsentConfigurationHasItsCode(t *testing.T) {
	c, ctx, bucket := withBucket(t), t.Context(), aws.String("data")
	if _, err := c.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	_, block := c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: bucket})
	_, policy := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})
	_, tags := c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: bucket})
	_, versioning := c.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}})
	_, absent := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String("absent")})
	want := []string{"NoSuchPublicAccessBlockConfiguration", "NoSuchBucketPolicy", "NoSuchTagSet", "NotImplemented", "NoSuchBucket"}
	got := []string{wiretest.Code(t, block), wiretest.Code(t, policy), wiretest.Code(t, tags), wiretest.Code(t, versioning), wiretest.Code(t, absent)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBrokenConfigurationIsRefused(t *testing.T) {
	c, ctx, bucket := withBucket(t), t.Context(), aws.String("data")
	policy := func(p string) error {
		_, err := c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: &p})
		return err
	}
	encryption := func(rules ...types.ServerSideEncryptionRule) error {
		_, err := c.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{Bucket: bucket, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: append([]types.ServerSideEncryptionRule{}, rules...)}})
		return err
	}
	tags := func(tags ...types.Tag) error {
		_, err := c.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: bucket, Tagging: &types.Tagging{TagSet: tags}})
		return err
	}
	const allow = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::data/*"}}`
	tests := map[string]struct {
		err  error
		want string
	}{
		"a right policy":                {policy(allow), ""},
		"a policy that is no JSON":      {policy(`{`), "MalformedPolicy"},
		"a policy without version":      {policy(strings.Replace(allow, "2012-10-17", "", 1)), "MalformedPolicy"},
		"a policy with a typing error":  {policy(strings.Replace(allow, "Principal", "Principle", 1)), "MalformedPolicy"},
		"a policy of another bucket":    {policy(strings.Replace(allow, ":::data", ":::date", 1)), "MalformedPolicy"},
		"an encryption without rules":   {encryption(), "MalformedXML"},
		"an encryption of another kind": {encryption(types.ServerSideEncryptionRule{ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: "ROT13"}}), "MalformedXML"},
		"a tag twice":                   {tags(types.Tag{Key: bucket, Value: bucket}, types.Tag{Key: bucket, Value: bucket}), "InvalidTag"},
		"a reserved tag":                {tags(types.Tag{Key: aws.String("aws:x"), Value: bucket}), "InvalidTag"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := wiretest.Code(t, tt.err); got != tt.want {
				t.Errorf("got %q (%v), want %q", got, tt.err, tt.want)
			}
		})
	}
}

func TestABucketCanBeCreatedWithTags(t *testing.T) {
	c, _ := serve(t, objects.Options{})
	in := &s3.CreateBucketInput{Bucket: aws.String("tagged"), CreateBucketConfiguration: &types.CreateBucketConfiguration{
		LocationConstraint: region, Tags: []types.Tag{{Key: aws.String("kedroctl:project"), Value: aws.String("a + b")}}}}
	if _, err := c.CreateBucket(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: in.Bucket})
	if err != nil || len(got.TagSet) != 1 || *got.TagSet[0].Value != "a + b" {
		t.Errorf("tags: %v, %v", got, err)
	}
}

// Terraform waits until it reads what it has put, this header too.
func TestALifecycleTellsFromWhichSizeObjectsMove(t *testing.T) {
	c, ctx, bucket := withBucket(t), t.Context(), aws.String("data")
	rules := []types.LifecycleRule{{ID: aws.String("r"), Status: "Enabled", Filter: &types.LifecycleRuleFilter{Prefix: aws.String("tmp/")}, Expiration: &types.LifecycleExpiration{Days: aws.Int32(1)}}}
	put := func(size types.TransitionDefaultMinimumObjectSize) error {
		_, err := c.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{Bucket: bucket,
			LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules}, TransitionDefaultMinimumObjectSize: size})
		return err
	}
	if err := put(types.TransitionDefaultMinimumObjectSizeAllStorageClasses128k); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: bucket})
	if err != nil || got.TransitionDefaultMinimumObjectSize != types.TransitionDefaultMinimumObjectSizeAllStorageClasses128k {
		t.Errorf("got %v, %v", got, err)
	}
	if code := wiretest.Code(t, put(types.TransitionDefaultMinimumObjectSizeVariesByStorageClass)); code != "NotImplemented" {
		t.Errorf("another size: %q", code)
	}
}

func TestLifecycleRulesAreChecked(t *testing.T) {
	c, ctx, bucket := withBucket(t), t.Context(), aws.String("data")
	rule := func(change func(*types.LifecycleRule)) types.LifecycleRule {
		r := types.LifecycleRule{ID: aws.String("r"), Status: "Enabled", Filter: &types.LifecycleRuleFilter{Prefix: aws.String("tmp/")},
			Expiration: &types.LifecycleExpiration{Days: aws.Int32(1)}}
		change(&r)
		return r
	}
	fine := rule(func(*types.LifecycleRule) {})
	for code, rules := range map[string][]types.LifecycleRule{
		"":                {fine, rule(func(r *types.LifecycleRule) { r.ID = aws.String("other") })},
		"InvalidArgument": {fine, fine},
		"InvalidRequest":  {rule(func(r *types.LifecycleRule) { r.Expiration = nil })},
		"MalformedXML":    {rule(func(r *types.LifecycleRule) { r.Filter = nil })},
		"NotImplemented":  {rule(func(r *types.LifecycleRule) { r.Filter.Tag = &types.Tag{Key: aws.String("a"), Value: aws.String("b")} })},
	} {
		_, err := c.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{Bucket: bucket,
			LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules}})
		if code == "" && err == nil {
			continue
		}
		if err == nil || wiretest.Code(t, err) != code {
			t.Errorf("got %v, want %q", err, code)
		}
	}
}
