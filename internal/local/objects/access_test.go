package objects_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/objects"
	"github.com/kedroctl/kedroctl/internal/local/policy"
	"github.com/kedroctl/kedroctl/internal/local/wire/wiretest"
)

// guarded is S3 with the buckets data and other, each with an object x, for a caller of a policy with the given statements.
func guarded(t *testing.T, statements string) *s3.Client {
	t.Helper()
	var allowed []policy.Statement
	c, _ := serve(t, objects.Options{Denied: func(_ context.Context, action, resource string, conditions map[string]string) bool {
		return allowed != nil && !policy.Allows(allowed, action, resource, conditions)
	}})
	for _, bucket := range []string{"data", "other"} {
		create(t, c, bucket)
		if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("x"), Body: strings.NewReader("1"), Tagging: aws.String("k=v")}); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if allowed, err = policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)); err != nil {
		t.Fatal(err)
	}
	return c
}

// Statements of policies, which tests put together.
const (
	listAll   = `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::data"}`
	listRaw   = `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::data","Condition":{"StringLike":{"s3:prefix":["raw/*","raw"]}}}`
	readData  = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::data/*"}`
	writeData = `{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::data/*"}`
)

func TestActionsThatOperationsNeed(t *testing.T) {
	data, other, x, y := aws.String("data"), aws.String("other"), aws.String("x"), aws.String("y")
	get := func(bucket, key *string) func(context.Context, *s3.Client) error {
		return func(ctx context.Context, c *s3.Client) error {
			_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
			return err
		}
	}
	head := func(key *string) func(context.Context, *s3.Client) error {
		return func(ctx context.Context, c *s3.Client) error {
			_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: data, Key: key})
			return err
		}
	}
	list := func(prefix *string) func(context.Context, *s3.Client) error {
		return func(ctx context.Context, c *s3.Client) error {
			_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: data, Prefix: prefix})
			return err
		}
	}
	put := func(in s3.PutObjectInput) func(context.Context, *s3.Client) error {
		return func(ctx context.Context, c *s3.Client) error {
			in.Bucket, in.Key = data, y
			_, err := c.PutObject(ctx, &in)
			return err
		}
	}
	copied := func(source string) func(context.Context, *s3.Client) error {
		return func(ctx context.Context, c *s3.Client) error {
			_, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: data, Key: y, CopySource: &source})
			return err
		}
	}
	tests := map[string]struct {
		statements string
		do         func(context.Context, *s3.Client) error
		want       string
	}{
		"an object":                             {readData, get(data, x), ""},
		"an object of another bucket":           {readData, get(other, x), "AccessDenied"},
		"a bucket that is not there":            {readData, get(y, x), "NoSuchBucket"},
		"a missing object":                      {readData, get(data, y), "AccessDenied"},
		"a missing object, with a listing":      {readData + "," + listAll, get(data, y), "NoSuchKey"},
		"a missing object, beside a prefix":     {readData + "," + listRaw, get(data, y), "AccessDenied"},
		"a missing object, within a prefix":     {readData + "," + listRaw, get(data, aws.String("raw/y")), "NoSuchKey"},
		"HEAD":                                  {readData, head(x), ""},
		"HEAD of a missing object":              {readData, head(y), "Forbidden"},
		"HEAD of a missing object, listed":      {readData + "," + listAll, head(y), "NotFound"},
		"a listing":                             {listAll, list(nil), ""},
		"a listing of an allowed prefix":        {listRaw, list(aws.String("raw/2026")), ""},
		"a listing of another prefix":           {listRaw, list(aws.String("rawer")), "AccessDenied"},
		"a listing without a prefix":            {listRaw, list(nil), "AccessDenied"},
		"a write":                               {writeData, put(s3.PutObjectInput{}), ""},
		"a write without the action":            {readData, put(s3.PutObjectInput{}), "AccessDenied"},
		"a write with tags":                     {writeData, put(s3.PutObjectInput{Tagging: aws.String("k=v")}), "AccessDenied"},
		"a write with an ACL":                   {writeData, put(s3.PutObjectInput{ACL: types.ObjectCannedACLPrivate}), "AccessDenied"},
		"a copy that may not read":              {writeData, copied("data/x"), "AccessDenied"},
		"a copy that may not read tags":         {writeData + "," + readData, copied("data/x"), "AccessDenied"},
		"a copy of another bucket":              {writeData + "," + readData, copied("other/x"), "AccessDenied"},
		"a copy of a missing object":            {writeData + "," + readData, copied("data/z"), "AccessDenied"},
		"a copy of a missing object, listed":    {writeData + "," + readData + "," + listAll, copied("data/z"), "NoSuchKey"},
		"a copy with all that its tags ask for": {`{"Effect":"Allow","Action":["s3:*Object","s3:*Tagging"],"Resource":"*"}`, copied("data/x"), ""},
		"all buckets": {listAll, func(ctx context.Context, c *s3.Client) error {
			_, err := c.ListBuckets(ctx, &s3.ListBucketsInput{})
			return err
		}, "AccessDenied"},
		"tags": {readData, func(ctx context.Context, c *s3.Client) error {
			_, err := c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: data, Key: x})
			return err
		}, "AccessDenied"},
		"a deletion": {writeData, func(ctx context.Context, c *s3.Client) error {
			_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: data, Key: x})
			return err
		}, "AccessDenied"},
		"a version": {readData, func(ctx context.Context, c *s3.Client) error {
			_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: data, Key: x, VersionId: aws.String("null")})
			return err
		}, "AccessDenied"},
		"versions": {listAll, func(ctx context.Context, c *s3.Client) error {
			_, err := c.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: data})
			return err
		}, "AccessDenied"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := wiretest.Code(t, tt.do(t.Context(), guarded(t, tt.statements))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestARefusalReadsAsAWSSays(t *testing.T) {
	_, err := guarded(t, readData).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("other"), Key: aws.String("a b")})
	const want = `is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::other/a b" because no identity-based policy allows the s3:GetObject action`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestUploadsInPartsNeedOneAction checks what the generated policies count on: PutObject is enough to write in parts, and no more than that.
func TestUploadsInPartsNeedOneAction(t *testing.T) {
	c, data, key := guarded(t, writeData), aws.String("data"), aws.String("big")
	m := start(t, c, s3.CreateMultipartUploadInput{})
	one := m.part(1, []byte("one"))
	copied := func(source string) string {
		_, err := c.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{Bucket: data, Key: key, UploadId: m.id, PartNumber: aws.Int32(2), CopySource: &source})
		return wiretest.Code(t, err)
	}
	_, abort := c.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: data, Key: key, UploadId: m.id})
	got := []string{copied("other/x"), wiretest.Code(t, abort)}
	if diff := cmp.Diff([]string{"AccessDenied", "AccessDenied"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := m.complete(one); err != nil {
		t.Error(err)
	}
}

func TestManyAreDeletedEachByItself(t *testing.T) {
	c := guarded(t, `{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::data/*"},{"Effect":"Deny","Action":"s3:*","Resource":"*/x"}`)
	ids := []types.ObjectIdentifier{{Key: aws.String("x")}, {Key: aws.String("y")}, {Key: aws.String("z"), VersionId: aws.String("null")}}
	out, err := c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String("data"), Delete: &types.Delete{Objects: ids}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Deleted) != 1 || *out.Deleted[0].Key != "y" || len(out.Errors) != 2 || *out.Errors[0].Code != "AccessDenied" || *out.Errors[1].Code != "AccessDenied" {
		t.Errorf("deleted %v, errors %v", out.Deleted, out.Errors)
	}
}
