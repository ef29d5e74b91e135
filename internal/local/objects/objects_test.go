package objects_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/objects"
	"github.com/kedroctl/kedroctl/internal/local/wire/wiretest"
)

// oddKeys would be trouble as names of files.
var oddKeys = []string{"a", "a/b", "a/b/", "a//b", "../../etc/passwd", "..", "./x", "with space", "per%20cent%", "ümläut/日本語", "plus+plus",
	"A", "q?x=1&y#z", "new\nline", `back\slash`, strings.Repeat("long/", 204) + "1234", strings.Repeat("x", 1024)}

func TestOddKeysAreSafe(t *testing.T) {
	c := withBucket(t)
	for _, key := range oddKeys {
		put(t, c, key, "content of "+key)
	}
	for _, key := range oddKeys {
		if got := get(t, c, key); got != "content of "+key {
			t.Errorf("%q: got %q", key, got)
		}
	}
	var listed []string
	p := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String("data"), MaxKeys: aws.Int32(3), EncodingType: types.EncodingTypeUrl})
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			listed = append(listed, *o.Key)
		}
	}
	if len(listed) != len(oddKeys) {
		t.Errorf("%d of %d keys are listed", len(listed), len(oddKeys))
	}
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("data"), Key: aws.String(strings.Repeat("x", 1025))})
	if wiretest.Code(t, err) != "KeyTooLongError" {
		t.Errorf("a key of 1,025 bytes: %v", err)
	}
}

func TestAnObjectKeepsWhatItWasGiven(t *testing.T) {
	c, ctx := withBucket(t), t.Context()
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("data"), Key: aws.String("x"), Body: strings.NewReader("0123456789"),
		ContentType: aws.String("text/plain"), CacheControl: aws.String("no-cache"), Metadata: map[string]string{"owner": "ada"}, Tagging: aws.String("a=1&b=2")})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("data"), Key: aws.String("x"), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		t.Fatal(err)
	}
	want := []any{"text/plain", "no-cache", "ada", int64(10), `"781e5e245d69b566979b86e28d23f2c7"`, int32(2), "poTHxg==", now.Truncate(time.Second)}
	have := []any{*got.ContentType, *got.CacheControl, got.Metadata["owner"], *got.ContentLength, *got.ETag, *got.TagCount, aws.ToString(got.ChecksumCRC32), *got.LastModified}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	tags, err := c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: aws.String("data"), Key: aws.String("x")})
	if err != nil || len(tags.TagSet) != 2 {
		t.Errorf("tags: %v, %v", tags, err)
	}
}

func TestRanges(t *testing.T) {
	c := withBucket(t)
	put(t, c, "x", "0123456789")
	put(t, c, "empty", "")
	tests := []struct{ key, header, want, code string }{
		{"x", "bytes=2-4", "234", ""},
		{"x", "bytes=7-", "789", ""},
		{"x", "bytes=-3", "789", ""},
		{"x", "bytes=5-99", "56789", ""},
		{"x", "bytes=-99", "0123456789", ""},
		{"x", "bytes=10-", "", "InvalidRange"},
		{"x", "bytes=-0", "", "InvalidRange"},
		{"x", "bytes=4-2", "0123456789", ""},
		{"x", "lines=1-2", "0123456789", ""},
		{"empty", "bytes=0-1", "", "InvalidRange"},
	}
	for _, tt := range tests {
		t.Run(tt.key+" "+tt.header, func(t *testing.T) {
			out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("data"), Key: &tt.key, Range: &tt.header})
			if got := wiretest.Code(t, err); got != tt.code {
				t.Fatalf("got %q, want %q", got, tt.code)
			}
			if err != nil {
				return
			}
			if got := read(t, out.Body); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestConditionalReads(t *testing.T) {
	c := withBucket(t)
	etag := put(t, c, "x", "1").ETag
	other, before, after := aws.String(`"other"`), aws.Time(now.Add(-time.Hour)), aws.Time(now.Add(time.Hour))
	tests := map[string]struct {
		in   s3.GetObjectInput
		want int
	}{
		"the ETag matches":             {s3.GetObjectInput{IfMatch: etag}, 200},
		"the ETag does not match":      {s3.GetObjectInput{IfMatch: other}, 412},
		"nothing new":                  {s3.GetObjectInput{IfNoneMatch: etag}, 304},
		"something new":                {s3.GetObjectInput{IfNoneMatch: other}, 200},
		"modified since":               {s3.GetObjectInput{IfModifiedSince: before}, 200},
		"not modified since":           {s3.GetObjectInput{IfModifiedSince: after}, 304},
		"unmodified since":             {s3.GetObjectInput{IfUnmodifiedSince: after}, 200},
		"modified all the same":        {s3.GetObjectInput{IfUnmodifiedSince: before}, 412},
		"a match outweighs the date":   {s3.GetObjectInput{IfMatch: etag, IfUnmodifiedSince: before}, 200},
		"no match outweighs the date":  {s3.GetObjectInput{IfNoneMatch: other, IfModifiedSince: after}, 200},
		"the only version":             {s3.GetObjectInput{VersionId: aws.String("null")}, 200},
		"a version that cannot be had": {s3.GetObjectInput{VersionId: aws.String("1")}, 400},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.in.Bucket, tt.in.Key = aws.String("data"), aws.String("x")
			_, err := c.GetObject(t.Context(), &tt.in)
			got := 200
			if response, ok := errors.AsType[interface {
				error
				HTTPStatusCode() int
			}](err); ok {
				got = response.HTTPStatusCode()
			}
			if got != tt.want {
				t.Errorf("got %d (%v), want %d", got, err, tt.want)
			}
		})
	}
}

func TestConditionalWrites(t *testing.T) {
	c := withBucket(t)
	etag := put(t, c, "taken", "1").ETag
	tests := map[string]struct {
		in   s3.PutObjectInput
		want string
	}{
		"a free key":              {s3.PutObjectInput{Key: aws.String("free"), IfNoneMatch: aws.String("*")}, ""},
		"a taken key":             {s3.PutObjectInput{Key: aws.String("taken"), IfNoneMatch: aws.String("*")}, "PreconditionFailed"},
		"another ETag":            {s3.PutObjectInput{Key: aws.String("taken"), IfMatch: aws.String(`"other"`)}, "PreconditionFailed"},
		"the ETag":                {s3.PutObjectInput{Key: aws.String("taken"), IfMatch: etag}, ""},
		"the ETag of nothing":     {s3.PutObjectInput{Key: aws.String("absent"), IfMatch: etag}, "NoSuchKey"},
		"a condition S3 has not":  {s3.PutObjectInput{Key: aws.String("taken"), IfNoneMatch: etag}, "NotImplemented"},
		"an ACL":                  {s3.PutObjectInput{Key: aws.String("taken"), ACL: types.ObjectCannedACLPublicRead}, "AccessControlListNotSupported"},
		"the ACL of the owner":    {s3.PutObjectInput{Key: aws.String("free2"), ACL: types.ObjectCannedACLBucketOwnerFullControl}, ""},
		"eleven tags":             {s3.PutObjectInput{Key: aws.String("t"), Tagging: aws.String("a&b&c&d&e&f&g&h&i&j&k")}, "BadRequest"},
		"too much of metadata":    {s3.PutObjectInput{Key: aws.String("m"), Metadata: map[string]string{"m": strings.Repeat("x", 2048)}}, "MetadataTooLarge"},
		"a bucket that is absent": {s3.PutObjectInput{Bucket: aws.String("absent"), Key: aws.String("x")}, "NoSuchBucket"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.in.Bucket == nil {
				tt.in.Bucket = aws.String("data")
			}
			tt.in.Body = strings.NewReader("2")
			_, err := c.PutObject(t.Context(), &tt.in)
			if got := wiretest.Code(t, err); got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

func TestOneOfManyClaimsWins(t *testing.T) {
	c := withBucket(t)
	var wg sync.WaitGroup
	won := make(chan string, 20)
	for i := range cap(won) {
		wg.Go(func() {
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("data"), Key: aws.String("claim"),
				IfNoneMatch: aws.String("*"), Body: strings.NewReader(fmt.Sprint(i))})
			if err == nil {
				won <- fmt.Sprint(i)
			} else if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "PreconditionFailed" {
				t.Errorf("claim %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	close(won)
	var winners []string
	for w := range won {
		winners = append(winners, w)
	}
	if len(winners) != 1 || get(t, c, "claim") != winners[0] {
		t.Errorf("winners %v, content %q", winners, get(t, c, "claim"))
	}
}

func TestConditionalDeletes(t *testing.T) {
	c := withBucket(t)
	etag := put(t, c, "x", "1").ETag
	remove := func(etag *string) string {
		_, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("data"), Key: aws.String("x"), IfMatch: etag})
		return wiretest.Code(t, err)
	}
	if diff := cmp.Diff([]string{"PreconditionFailed", "", ""}, []string{remove(aws.String(`"other"`)), remove(etag), remove(nil)}); diff != "" {
		t.Error(diff)
	}
	_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("data"), Key: aws.String("x")})
	if _, ok := errors.AsType[*types.NoSuchKey](err); !ok {
		t.Errorf("the object is still there: %v", err)
	}
}

func TestManyAreDeletedAtOnce(t *testing.T) {
	c := withBucket(t)
	ids := []types.ObjectIdentifier{{Key: aws.String("absent")}, {Key: aws.String("old"), VersionId: aws.String("1")}}
	for i := range 5 {
		key := fmt.Sprintf("a & b/%d", i)
		put(t, c, key, "x")
		ids = append(ids, types.ObjectIdentifier{Key: &key, VersionId: aws.String("null")})
	}
	got, err := c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String("data"), Delete: &types.Delete{Objects: ids}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Deleted) != 6 || len(got.Errors) != 1 || *got.Errors[0].Code != "NoSuchVersion" {
		t.Errorf("deleted %v, errors %v", got.Deleted, got.Errors)
	}
	tooMany := make([]types.ObjectIdentifier, 1001)
	for i := range tooMany {
		tooMany[i].Key = aws.String(fmt.Sprint(i))
	}
	_, err = c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String("data"), Delete: &types.Delete{Objects: tooMany}})
	if wiretest.Code(t, err) != "MalformedXML" {
		t.Errorf("1,001 keys: %v", err)
	}
}

func TestCopies(t *testing.T) {
	c, ctx := withBucket(t), t.Context()
	create(t, c, "other")
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("data"), Key: aws.String("a b/ü"), Body: strings.NewReader("content"), Metadata: map[string]string{"k": "v"}})
	if err != nil {
		t.Fatal(err)
	}
	copied := func(in s3.CopyObjectInput) error {
		in.Bucket = aws.String("other")
		_, err := c.CopyObject(ctx, &in)
		return err
	}
	source := aws.String("data/a%20b/%C3%BC")
	tests := map[string]struct {
		in   s3.CopyObjectInput
		want string
	}{
		"a copy":              {s3.CopyObjectInput{Key: aws.String("x"), CopySource: source}, ""},
		"a missing source":    {s3.CopyObjectInput{Key: aws.String("y"), CopySource: aws.String("data/absent")}, "NoSuchKey"},
		"a missing bucket":    {s3.CopyObjectInput{Key: aws.String("y"), CopySource: aws.String("absent/x")}, "NoSuchBucket"},
		"a changed source":    {s3.CopyObjectInput{Key: aws.String("y"), CopySource: source, CopySourceIfMatch: aws.String("x")}, "PreconditionFailed"},
		"itself":              {s3.CopyObjectInput{Key: aws.String("x"), CopySource: aws.String("/other/x")}, "InvalidRequest"},
		"itself, with a news": {s3.CopyObjectInput{Key: aws.String("x"), CopySource: aws.String("other/x"), MetadataDirective: "REPLACE", Metadata: map[string]string{"k": "new"}}, ""},
	}
	for _, name := range []string{"a copy", "a missing source", "a missing bucket", "a changed source", "itself"} {
		if got := wiretest.Code(t, copied(tests[name].in)); got != tests[name].want {
			t.Errorf("%s: got %q, want %q", name, got, tests[name].want)
		}
	}
	head := func() string {
		got, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("other"), Key: aws.String("x")})
		if err != nil {
			t.Fatal(err)
		}
		return got.Metadata["k"]
	}
	before := head()
	if err := copied(tests["itself, with a news"].in); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"v", "new"}, []string{before, head()}); diff != "" {
		t.Error(diff)
	}
}

func TestPlainRequestsThatS3Refuses(t *testing.T) {
	c, server := serve(t, objects.Options{})
	create(t, c, "data")
	tests := map[string]struct {
		method, path, body string
		header             map[string]string
		want               string
	}{
		"a wrong Content-MD5":         {"PUT", "/data/x", "1", map[string]string{"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, "BadDigest"},
		"a broken Content-MD5":        {"PUT", "/data/x", "1", map[string]string{"Content-MD5": "nonsense"}, "InvalidDigest"},
		"a wrong checksum":            {"PUT", "/data/x", "1", map[string]string{"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"},
		"two checksums":               {"PUT", "/data/x", "1", map[string]string{"x-amz-checksum-crc32": "g9zvtw==", "x-amz-checksum-sha1": "x"}, "InvalidRequest"},
		"a checksum that is not sent": {"PUT", "/data/x", "1", map[string]string{"x-amz-sdk-checksum-algorithm": "CRC32"}, "InvalidRequest"},
		"a wrong SHA-256":             {"PUT", "/data/x", "1", map[string]string{"x-amz-content-sha256": strings.Repeat("0", 64)}, "XAmzContentSHA256Mismatch"},
		"DeleteObjects without sum":   {"POST", "/data?delete", "<Delete/>", nil, "InvalidRequest"},
		"a listing of later":          {"GET", "/data?inventory", "", nil, "NotImplemented"},
		"a document without end":      {"PUT", "/data?tagging", strings.Repeat(" ", 4<<20) + "<Tagging/>", nil, "InvalidRequest"},
		"a page of no number":         {"GET", "/data?max-keys=few", "", nil, "InvalidArgument"},
		"a header of later":           {"PUT", "/data/x", "1", map[string]string{"x-amz-object-lock-mode": "GOVERNANCE"}, "NotImplemented"},
		"a parameter of later":        {"GET", "/data/x?partNumber=1", "", nil, "NotImplemented"},
		"a sub-resource of later":     {"PUT", "/data?metrics", "", nil, "NotImplemented"},
		"a method that is none":       {"PATCH", "/data/x", "", nil, "NotImplemented"},
		"a typing error":              {"PUT", "/data?ownershipControls", "<OwnershipControls><Rulez/></OwnershipControls>", nil, "MalformedXML"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest(tt.method, server.URL+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range tt.header {
				r.Header.Set(k, v)
			}
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, response.Body); !strings.Contains(got, "<Code>"+tt.want+"</Code>") {
				t.Errorf("got %d %s, want %s", response.StatusCode, got, tt.want)
			}
		})
	}
	if _, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("data"), Key: aws.String("x")}); wiretest.Code(t, err) != "NotFound" {
		t.Errorf("a refused write left something: %v", err)
	}
}
