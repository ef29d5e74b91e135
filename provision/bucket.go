package provision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// bucket is where the project's data lies. One that the account has already is used as it is.
type bucket struct {
	Clients
	spec    Spec
	account account
}

func (b bucket) diff(ctx context.Context) (*Resource, []change, error) {
	is := &Resource{Kind: KindBucket, Name: b.spec.Bucket, ARN: b.account.s3(b.spec.Bucket)}
	there, err := b.exists(ctx)
	if err != nil {
		return is, nil, err
	}
	if !there {
		changes := []change{{what: "create", create: true, do: b.create}}
		for _, r := range b.rules() {
			changes = append(changes, r.change(""))
		}
		return is, changes, nil
	}
	tags, err := b.tags(ctx)
	if err != nil {
		return is, nil, err
	}
	if !b.spec.owns(tags) {
		is.State = Existing
		return is, nil, b.otherStack(tags)
	}
	changes, err := b.drift(ctx)
	return is, append(b.retag(tags), changes...), err
}

// retag brings the bucket's tags to the spec in one call: S3 takes all of them or none.
func (b bucket) retag(is map[string]string) []change {
	r := b.spec.retag(is)
	if r.attributes() == nil {
		return nil
	}
	return []change{{what: putTags, attributes: r.attributes(), do: func(ctx context.Context) error {
		now, err := b.tags(ctx)
		if err != nil {
			return err
		}
		return b.putTags(ctx, r.apply(now))
	}}}
}

func (b bucket) putTags(ctx context.Context, tags map[string]string) error {
	_, err := b.S3.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: &b.spec.Bucket, Tagging: &s3types.Tagging{TagSet: tagSet(tags)}})
	return err
}

// otherStack is the error for the bucket of another project or environment: their deployments and runs would mix. Any other bucket may be used.
func (b bucket) otherStack(tags map[string]string) error {
	if tags[tagProject] == "" && tags[tagEnv] == "" {
		return nil
	}
	return ui.WithHint(fmt.Errorf("it belongs to project %s, environment %s, in %s", tags[tagProject], tags[tagEnv], tags[tagRegion]),
		"each environment has a bucket of its own: set bucket in [tool.kedroctl.env.<env>] and in globals.yml of the environment")
}

// drift lists the rules that the bucket does not follow.
func (b bucket) drift(ctx context.Context) ([]change, error) {
	var changes []change
	for _, r := range b.rules() {
		is, err := r.is(ctx)
		if err != nil && !unset(err) {
			return nil, err
		}
		if !sameDocument(is, r.want) {
			changes = append(changes, r.change(is))
		}
	}
	return changes, nil
}

// exists asks with the account's id: a bucket of that name in another account is then refused as forbidden.
func (b bucket) exists(ctx context.Context) (bool, error) {
	_, err := b.S3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.spec.Bucket, ExpectedBucketOwner: &b.account.ID})
	switch {
	case err == nil:
		return true, nil
	case absent(err):
		return false, nil
	case hasStatus(err, http.StatusForbidden):
		return false, ui.WithHint(errors.New("it is owned by another account, or s3:ListBucket on it is not allowed"), bucketHint)
	case hasStatus(err, http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusBadRequest):
		return false, ui.WithHint(fmt.Errorf("it lies in another region than %s", b.spec.Region), bucketHint)
	}
	return false, err
}

// create gives the bucket its tags in the same call, so that one whose set-up was interrupted is known again as ours. Servers that do not
// know tags in this call get them in the next.
func (b bucket) create(ctx context.Context) error {
	in := &s3.CreateBucketInput{Bucket: &b.spec.Bucket, ObjectOwnership: s3types.ObjectOwnershipBucketOwnerEnforced,
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{Tags: tagSet(b.spec.resourceTags())}}
	if b.spec.Region != "us-east-1" { // which has no location constraint
		in.CreateBucketConfiguration.LocationConstraint = s3types.BucketLocationConstraint(b.spec.Region)
	}
	_, err := b.S3.CreateBucket(ctx, in)
	if err != nil && !hasCode(err, "BucketAlreadyOwnedByYou") {
		return err
	}
	tags, err := b.tags(ctx)
	if err != nil || b.spec.owns(tags) {
		return err
	}
	return b.putTags(ctx, b.spec.resourceTags())
}

func tagSet(tags map[string]string) []s3types.Tag {
	var set []s3types.Tag
	for _, t := range sorted(tags) {
		set = append(set, s3types.Tag{Key: &t.key, Value: &t.value})
	}
	return set
}

func (b bucket) tags(ctx context.Context) (map[string]string, error) {
	out, err := b.S3.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &b.spec.Bucket})
	if err != nil && !unset(err) {
		return nil, err
	}
	tags := map[string]string{}
	if out != nil {
		for _, t := range out.TagSet {
			tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
		}
	}
	return tags, nil
}

// unset says whether the bucket has no configuration of the kind that was asked for.
func unset(err error) bool {
	return hasCode(err, "NoSuchTagSet", "NoSuchTagSetError", "NoSuchBucketPolicy", "NoSuchPublicAccessBlockConfiguration",
		"ServerSideEncryptionConfigurationNotFoundError", "OwnershipControlsNotFoundError", "NoSuchLifecycleConfiguration")
}

// rule is one configuration of the bucket.
type rule struct {
	what, attribute string
	want            string                                // a document, or a word
	is              func(context.Context) (string, error) // the same as the bucket has it
	put             func(context.Context) error
}

func (r rule) change(is string) change {
	return change{what: r.what, attributes: documents(r.attribute, is, r.want), do: r.put}
}

// rules are those of every bucket. Where S3 itself is reached without TLS, as on one machine, a policy that asks for it would shut everyone out.
func (b bucket) rules() []rule {
	rules := []rule{
		{"block public access", "public_access_block", string(compact(allBlocked)), b.access, b.blockAccess},
		{"encrypt", "encryption", string(s3types.ServerSideEncryptionAes256), b.encryption, b.encrypt},
		{"enforce ownership", "object_ownership", string(s3types.ObjectOwnershipBucketOwnerEnforced), b.ownership, b.enforceOwnership},
		{"expire what runs leave", "lifecycle", string(compact(b.spec.lifecycle())), b.lifecycle, b.putLifecycle},
	}
	if b.withoutTLS() {
		return rules
	}
	return append(rules, rule{"refuse all but TLS", "policy", b.spec.tlsOnly(b.account).String(), b.policy, b.putPolicy})
}

// withoutTLS says whether the client's endpoint is one of plain HTTP.
func (b bucket) withoutTLS() bool {
	client, ok := b.S3.(interface{ Options() s3.Options })
	return ok && strings.HasPrefix(aws.ToString(client.Options().BaseEndpoint), "http://")
}

var allBlocked = s3types.PublicAccessBlockConfiguration{
	BlockPublicAcls: aws.Bool(true), IgnorePublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(true), RestrictPublicBuckets: aws.Bool(true),
}

func (b bucket) access(ctx context.Context) (string, error) {
	out, err := b.S3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &b.spec.Bucket})
	if err != nil || out.PublicAccessBlockConfiguration == nil {
		return "", err
	}
	return string(compact(out.PublicAccessBlockConfiguration)), nil
}

func (b bucket) blockAccess(ctx context.Context) error {
	_, err := b.S3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: &b.spec.Bucket, PublicAccessBlockConfiguration: &allBlocked})
	return err
}

func (b bucket) encryption(ctx context.Context) (string, error) {
	out, err := b.S3.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &b.spec.Bucket})
	if err != nil || out.ServerSideEncryptionConfiguration == nil {
		return "", err
	}
	var algorithms []string
	for _, r := range out.ServerSideEncryptionConfiguration.Rules {
		if d := r.ApplyServerSideEncryptionByDefault; d != nil {
			algorithms = append(algorithms, string(d.SSEAlgorithm))
		}
	}
	return strings.Join(algorithms, ", "), nil
}

func (b bucket) encrypt(ctx context.Context) error {
	_, err := b.S3.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{Bucket: &b.spec.Bucket,
		ServerSideEncryptionConfiguration: &s3types.ServerSideEncryptionConfiguration{Rules: []s3types.ServerSideEncryptionRule{{
			ApplyServerSideEncryptionByDefault: &s3types.ServerSideEncryptionByDefault{SSEAlgorithm: s3types.ServerSideEncryptionAes256},
		}}}})
	return err
}

// withKey is the spec with the key of the bucket among those that jobs use.
func (b bucket) withKey(ctx context.Context) (Spec, error) {
	key, err := b.key(ctx)
	if err != nil {
		return b.spec, explain("key of bucket "+b.spec.Bucket, err)
	}
	s := b.spec
	if key != "" {
		s.Keys = union(s.Keys, []string{key})
	}
	return s, nil
}

// key is the ARN of the KMS key, or of its alias, that encrypts what is put into a bucket which is not the stack's; "" for none, for S3's own key, which
// needs no permission, and where the caller may not ask.
func (b bucket) key(ctx context.Context) (string, error) {
	tags, err := b.tags(ctx)
	if absent(err) || err == nil && b.spec.owns(tags) {
		return "", nil
	}
	if err != nil {
		return "", ignoreDenied(err)
	}
	out, err := b.S3.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &b.spec.Bucket})
	if err != nil || out.ServerSideEncryptionConfiguration == nil {
		return "", ignoreDenied(ignoreAbsent(err))
	}
	for _, r := range out.ServerSideEncryptionConfiguration.Rules {
		if d := r.ApplyServerSideEncryptionByDefault; d != nil {
			return b.account.key(b.spec.Region, aws.ToString(d.KMSMasterKeyID)), nil
		}
	}
	return "", nil
}

func (b bucket) ownership(ctx context.Context) (string, error) {
	out, err := b.S3.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: &b.spec.Bucket})
	if err != nil || out.OwnershipControls == nil {
		return "", err
	}
	var rules []string
	for _, r := range out.OwnershipControls.Rules {
		rules = append(rules, string(r.ObjectOwnership))
	}
	return strings.Join(rules, ", "), nil
}

func (b bucket) enforceOwnership(ctx context.Context) error {
	_, err := b.S3.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{Bucket: &b.spec.Bucket,
		OwnershipControls: &s3types.OwnershipControls{Rules: []s3types.OwnershipControlsRule{{ObjectOwnership: s3types.ObjectOwnershipBucketOwnerEnforced}}}})
	return err
}

func (b bucket) policy(ctx context.Context) (string, error) {
	out, err := b.S3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &b.spec.Bucket})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Policy), nil
}

func (b bucket) putPolicy(ctx context.Context) error {
	_, err := b.S3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &b.spec.Bucket, Policy: aws.String(b.spec.tlsOnly(b.account).String())})
	return err
}

func (b bucket) removal(ctx context.Context) (Resource, func(context.Context) error, error) {
	is := Resource{Kind: KindBucket, Name: b.spec.Bucket}
	there, err := b.exists(ctx)
	if err != nil || !there {
		return is, nil, err
	}
	tags, err := b.tags(ctx)
	if err != nil {
		return is, nil, err
	}
	if !b.spec.owns(tags) {
		return foreign(is), nil, nil
	}
	return is, b.remove, nil
}

// remove deletes all objects in all their versions, then the bucket.
func (b bucket) remove(ctx context.Context) error {
	if err := b.empty(ctx); err != nil {
		return err
	}
	_, err := b.S3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &b.spec.Bucket})
	return ignoreAbsent(err)
}

// empty deletes page by page: a page of versions is as long as DeleteObjects takes, 1,000 keys.
func (b bucket) empty(ctx context.Context) error {
	in := &s3.ListObjectVersionsInput{Bucket: &b.spec.Bucket}
	for {
		page, err := b.S3.ListObjectVersions(ctx, in)
		if err != nil {
			return fmt.Errorf("list objects: %w", err)
		}
		if err := b.deleteAll(ctx, page); err != nil {
			return fmt.Errorf("delete objects: %w", err)
		}
		if !aws.ToBool(page.IsTruncated) {
			return nil
		}
		in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
	}
}

func (b bucket) deleteAll(ctx context.Context, page *s3.ListObjectVersionsOutput) error {
	var ids []s3types.ObjectIdentifier
	for _, v := range page.Versions {
		ids = append(ids, s3types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
	}
	for _, m := range page.DeleteMarkers {
		ids = append(ids, s3types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
	}
	if len(ids) == 0 {
		return nil
	}
	out, err := b.S3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &b.spec.Bucket, Delete: &s3types.Delete{Objects: ids, Quiet: aws.Bool(true)}})
	if err != nil {
		return err
	}
	var refused []error
	for _, e := range out.Errors {
		refused = append(refused, fmt.Errorf("%s: %s: %s", aws.ToString(e.Key), aws.ToString(e.Code), aws.ToString(e.Message)))
	}
	return errors.Join(refused...)
}
