package objects_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/wire/wiretest"
)

func TestUnfinishedUploadsAreListed(t *testing.T) {
	c := withBucket(t)
	first := start(t, c, s3.CreateMultipartUploadInput{ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
	second := start(t, c, s3.CreateMultipartUploadInput{})
	var keys []string
	pages := s3.NewListMultipartUploadsPaginator(c, &s3.ListMultipartUploadsInput{Bucket: aws.String("data"), Prefix: aws.String("b"), MaxUploads: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil || len(page.Uploads) != 1 {
			t.Fatalf("%v: %+v", err, page)
		}
		keys = append(keys, *page.Uploads[0].Key+" "+*page.Uploads[0].UploadId)
	}
	if len(keys) != 2 || !slices.Contains(keys, "big "+*first.id) || !slices.Contains(keys, "big "+*second.id) {
		t.Errorf("uploads %q", keys)
	}

	for _, number := range []int32{3, 1, 2} {
		first.part(number, []byte{byte(number)})
	}
	var got []types.Part
	parts := s3.NewListPartsPaginator(c, &s3.ListPartsInput{Bucket: aws.String("data"), Key: first.key, UploadId: first.id, MaxParts: aws.Int32(2)})
	for parts.HasMorePages() {
		page, err := parts.NextPage(t.Context())
		if err != nil || page.ChecksumAlgorithm != types.ChecksumAlgorithmCrc32 {
			t.Fatalf("%v: %+v", err, page)
		}
		got = append(got, page.Parts...)
	}
	for i, p := range got {
		if *p.PartNumber != int32(i+1) || *p.Size != 1 || aws.ToString(p.ChecksumCRC32) == "" || aws.ToString(p.ETag) == "" {
			t.Errorf("part %d: %+v", i+1, p)
		}
	}
	if len(got) != 3 {
		t.Errorf("%d parts", len(got))
	}

	if _, err := c.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: aws.String("data"), Key: first.key, UploadId: first.id}); err != nil {
		t.Fatal(err)
	}
	_, err := c.ListParts(t.Context(), &s3.ListPartsInput{Bucket: aws.String("data"), Key: first.key, UploadId: first.id})
	if wiretest.Code(t, err) != "NoSuchUpload" {
		t.Errorf("parts of one that was aborted: %v", err)
	}
	out, err := c.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String("data")})
	if err != nil || len(out.Uploads) != 1 {
		t.Errorf("%v: %+v", err, out.Uploads)
	}
}
