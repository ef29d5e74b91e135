package objects_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	tmtypes "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/objects"
	"github.com/kedroctl/kedroctl/internal/local/wire/wiretest"
)

const mib = 1 << 20

// content is n bytes that differ from part to part.
func content(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>16 + i)
	}
	return b
}

// multipart is an upload that a test takes step by step.
type multipart struct {
	*s3.Client
	t   *testing.T
	key *string
	id  *string
}

func start(t *testing.T, c *s3.Client, in s3.CreateMultipartUploadInput) multipart {
	t.Helper()
	in.Bucket, in.Key = aws.String("data"), aws.String("big")
	out, err := c.CreateMultipartUpload(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return multipart{c, t, in.Key, out.UploadId}
}

func (m multipart) part(number int32, body []byte) types.CompletedPart {
	m.t.Helper()
	out, err := m.UploadPart(m.t.Context(), &s3.UploadPartInput{Bucket: aws.String("data"), Key: m.key, UploadId: m.id, PartNumber: &number, Body: bytes.NewReader(body)})
	if err != nil {
		m.t.Fatal(err)
	}
	return types.CompletedPart{PartNumber: &number, ETag: out.ETag}
}

func (m multipart) complete(parts ...types.CompletedPart) (*s3.CompleteMultipartUploadOutput, error) {
	return m.CompleteMultipartUpload(context.Background(), &s3.CompleteMultipartUploadInput{Bucket: aws.String("data"), Key: m.key, UploadId: m.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
}

func TestPartsBecomeOneObject(t *testing.T) {
	c := withBucket(t)
	m := start(t, c, s3.CreateMultipartUploadInput{ContentType: aws.String("text/plain"), Metadata: map[string]string{"k": "v"}})
	first, last := content(5*mib), []byte("the end")
	m.part(1, content(6*mib)) // is replaced
	one, seven := m.part(1, first), m.part(7, last)
	out, err := m.complete(one, seven)
	if err != nil {
		t.Fatal(err)
	}
	a, b := md5.Sum(first), md5.Sum(last)
	ids := md5.Sum(append(a[:], b[:]...))
	if want := `"` + hex.EncodeToString(ids[:]) + `-2"`; *out.ETag != want {
		t.Errorf("ETag %s, want %s", *out.ETag, want)
	}
	got, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("data"), Key: aws.String("big")})
	if err != nil {
		t.Fatal(err)
	}
	if text := read(t, got.Body); text != string(first)+string(last) || *got.ContentType != "text/plain" || got.Metadata["k"] != "v" {
		t.Errorf("%d bytes of %s, %v", len(text), *got.ContentType, got.Metadata)
	}
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("data"), Key: aws.String("big"), PartNumber: aws.Int32(2)})
	if wiretest.Code(t, err) != "NotImplemented" {
		t.Errorf("reading by parts: %v", err)
	}
	if _, err := m.complete(one, seven); wiretest.Code(t, err) != "NoSuchUpload" {
		t.Errorf("completed again: %v", err)
	}
}

func TestCompletionsThatAreRefused(t *testing.T) {
	m := start(t, withBucket(t), s3.CreateMultipartUploadInput{})
	small, big := m.part(1, []byte("small")), m.part(2, content(5*mib))
	tests := map[string]struct {
		parts []types.CompletedPart
		want  string
	}{
		"no parts":          {[]types.CompletedPart{}, "MalformedXML"},
		"a part too small":  {[]types.CompletedPart{small, big}, "EntityTooSmall"},
		"parts in disorder": {[]types.CompletedPart{big, small}, "InvalidPartOrder"},
		"a part twice":      {[]types.CompletedPart{big, big}, "InvalidPartOrder"},
		"a part not sent":   {[]types.CompletedPart{{PartNumber: aws.Int32(3), ETag: big.ETag}}, "InvalidPart"},
		"another ETag":      {[]types.CompletedPart{{PartNumber: aws.Int32(2), ETag: small.ETag}}, "InvalidPart"},
		"another checksum":  {[]types.CompletedPart{{PartNumber: aws.Int32(2), ETag: big.ETag, ChecksumCRC64NVME: aws.String("x")}}, "InvalidPart"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := m.complete(tt.parts...); wiretest.Code(t, err) != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	if _, err := m.complete(small); err != nil {
		t.Errorf("after all refusals: %v", err)
	}
}

func TestChecksumsOfMultipartObjects(t *testing.T) {
	parts := [][]byte{content(5 * mib), []byte("the end")}
	tests := []struct {
		algorithm types.ChecksumAlgorithm
		kind      types.ChecksumType
		want      types.ChecksumType
		code      string
	}{
		{"", "", types.ChecksumTypeFullObject, ""},
		{types.ChecksumAlgorithmCrc32, "", types.ChecksumTypeComposite, ""},
		{types.ChecksumAlgorithmCrc32, types.ChecksumTypeFullObject, types.ChecksumTypeFullObject, ""},
		{types.ChecksumAlgorithmSha256, "", types.ChecksumTypeComposite, ""},
		{types.ChecksumAlgorithmCrc64nvme, "", types.ChecksumTypeFullObject, ""},
		{types.ChecksumAlgorithmSha256, types.ChecksumTypeFullObject, "", "InvalidRequest"},
		{types.ChecksumAlgorithmCrc64nvme, types.ChecksumTypeComposite, "", "InvalidRequest"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.algorithm, tt.kind), func(t *testing.T) {
			c, ctx := withBucket(t), t.Context()
			created, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String("data"), Key: aws.String("big"), ChecksumAlgorithm: tt.algorithm, ChecksumType: tt.kind})
			if got := wiretest.Code(t, err); got != tt.code || err != nil {
				if got != tt.code {
					t.Errorf("got %q, want %q", got, tt.code)
				}
				return
			}
			var done []types.CompletedPart
			for i, body := range parts {
				number := int32(i + 1)
				out, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: aws.String("data"), Key: aws.String("big"), UploadId: created.UploadId,
					PartNumber: &number, Body: bytes.NewReader(body), ChecksumAlgorithm: tt.algorithm})
				if err != nil {
					t.Fatal(err)
				}
				done = append(done, types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32, ChecksumSHA256: out.ChecksumSHA256})
			}
			out, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: aws.String("data"), Key: aws.String("big"), UploadId: created.UploadId,
				MultipartUpload: &types.CompletedMultipartUpload{Parts: done}})
			if err != nil || out.ChecksumType != tt.want {
				t.Fatalf("got %v, %v; want %s", out, err, tt.want)
			}
			got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("data"), Key: aws.String("big"), ChecksumMode: types.ChecksumModeEnabled})
			if err != nil {
				t.Fatal(err)
			}
			read(t, got.Body) // the client compares the checksum where it is of the whole object
		})
	}
}

func TestUploadsSurviveAndAreAborted(t *testing.T) {
	dir := t.TempDir()
	c, server := serve(t, objects.Options{Dir: dir})
	create(t, c, "data")
	m := start(t, c, s3.CreateMultipartUploadInput{})
	m.part(3, []byte("three"))
	m.part(1, []byte("one"))
	server.Close()

	m.Client, _ = serve(t, objects.Options{Dir: dir}) // after a restart
	m.part(1, []byte("another one"))
	blobs := func() int {
		entries, err := os.ReadDir(filepath.Join(dir, "blobs"))
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	if got := blobs(); got != 2 {
		t.Errorf("%d contents of two parts", got)
	}
	abort := func() error {
		_, err := m.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: aws.String("data"), Key: m.key, UploadId: m.id})
		return err
	}
	if err := abort(); err != nil {
		t.Fatal(err)
	}
	if got := wiretest.Code(t, abort()); got != "NoSuchUpload" {
		t.Errorf("aborted again: %q", got)
	}
	if got := blobs(); got != 0 {
		t.Errorf("%d contents are left behind", got)
	}
}

func TestPartsAreCopied(t *testing.T) {
	c := withBucket(t)
	whole := content(6 * mib)
	put(t, c, "source", string(whole))
	m := start(t, c, s3.CreateMultipartUploadInput{})
	part := func(number int32, from string) (types.CompletedPart, error) {
		out, err := c.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{Bucket: aws.String("data"), Key: m.key, UploadId: m.id, PartNumber: &number,
			CopySource: aws.String("data/source"), CopySourceRange: &from})
		if err != nil {
			return types.CompletedPart{}, err
		}
		return types.CompletedPart{PartNumber: &number, ETag: out.CopyPartResult.ETag}, nil
	}
	one, err := part(1, fmt.Sprintf("bytes=0-%d", 5*mib-1))
	if err != nil {
		t.Fatal(err)
	}
	two, err := part(2, fmt.Sprintf("bytes=%d-%d", 5*mib, 6*mib-1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part(3, fmt.Sprintf("bytes=0-%d", 6*mib)); wiretest.Code(t, err) != "InvalidArgument" {
		t.Errorf("a range beyond the end: %v", err)
	}
	if _, err := m.complete(one, two); err != nil {
		t.Fatal(err)
	}
	if got := get(t, c, "big"); got != string(whole) {
		t.Errorf("%d bytes differ from the source", len(got))
	}
}

func TestTransferManager(t *testing.T) {
	c, ctx := withBucket(t), t.Context()
	for _, size := range []int{0, 100, 11*mib + 1} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			m := transfermanager.New(c, func(o *transfermanager.Options) { o.GetObjectType = tmtypes.GetObjectRanges })
			whole := content(size)
			// A reader that cannot seek, as of a pipe.
			if _, err := m.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: aws.String("data"), Key: aws.String("big"), Body: io.MultiReader(bytes.NewReader(whole))}); err != nil {
				t.Fatal(err)
			}
			got, err := m.GetObject(ctx, &transfermanager.GetObjectInput{Bucket: aws.String("data"), Key: aws.String("big")})
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(got.Body)
			if err != nil || !bytes.Equal(text, whole) {
				t.Errorf("%d of %d bytes came back, %v", len(text), size, err)
			}
		})
	}
}

func TestAKilledProcessLeavesNothingByHalves(t *testing.T) {
	dir := t.TempDir()
	c, server := serve(t, objects.Options{Dir: dir})
	create(t, c, "data")
	put(t, c, "x", "content")
	server.Close()
	if err := os.WriteFile(filepath.Join(dir, "blobs", "HALFWRITTEN"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "records.jsonl")
	written, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	cut := []byte("\n" + `[{"ID":{"Kind":"object","Bucket":"data","Key":"x"},"Gone":true},{"ID":{"Kind":"obj`)
	if err := os.WriteFile(log, append(written, cut...), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _ = serve(t, objects.Options{Dir: dir})
	if got := get(t, c, "x"); got != "content" {
		t.Errorf("got %q", got)
	}
	blobs, err := os.ReadDir(filepath.Join(dir, "blobs"))
	if err != nil || len(blobs) != 1 || blobs[0].Name() == "HALFWRITTEN" {
		t.Errorf("left: %v, %v", blobs, err)
	}
}
