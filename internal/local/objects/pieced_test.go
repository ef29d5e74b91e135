package objects_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/objects"
	"github.com/kedroctl/kedroctl/internal/local/wire/wiretest"
)

// blobs is how many files the contents take.
func blobs(t *testing.T, dir string) int {
	t.Helper()
	all, err := os.ReadDir(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// TestPartsStayWhereTheyAre reads an object of parts whole and over their borders, also in the next process, and while another one takes its place.
func TestPartsStayWhereTheyAre(t *testing.T) {
	for name, checksum := range map[string]s3.CreateMultipartUploadInput{
		"composite": {ChecksumAlgorithm: types.ChecksumAlgorithmCrc32, ChecksumType: types.ChecksumTypeComposite},
		"whole":     {ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme, ChecksumType: types.ChecksumTypeFullObject},
	} {
		t.Run(name, func(t *testing.T) {
			dir, whole := t.TempDir(), append(content(12*mib), "the end"...)
			c, server := serve(t, objects.Options{Dir: dir})
			create(t, c, "data")
			m := start(t, c, checksum)
			m.part(9, content(5*mib)) // of which the object is not made
			one, two, three := m.part(1, whole[:5*mib]), m.part(2, whole[5*mib:12*mib]), m.part(3, whole[12*mib:])
			if _, err := m.complete(one, two, three); err != nil {
				t.Fatal(err)
			}
			if n := blobs(t, dir); n != 3 {
				t.Errorf("%d files", n)
			}
			same := func(c *s3.Client) {
				t.Helper()
				for _, r := range [][2]int{{0, len(whole)}, {5*mib - 3, 5*mib + 3}, {5 * mib, 12 * mib}, {4 * mib, len(whole) - 1}, {12*mib - 1, 12*mib + 1}} {
					out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("data"), Key: aws.String("big"), Range: aws.String(fmt.Sprintf("bytes=%d-%d", r[0], r[1]-1))})
					if err != nil {
						t.Fatal(err)
					}
					if got := read(t, out.Body); got != string(whole[r[0]:r[1]]) {
						t.Errorf("bytes %v differ", r)
					}
				}
			}
			same(c)
			server.Close()
			c, _ = serve(t, objects.Options{Dir: dir})
			same(c)
			if n := blobs(t, dir); n != 3 {
				t.Errorf("after a restart %d files", n)
			}

			out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("data"), Key: aws.String("big")})
			if err != nil {
				t.Fatal(err)
			}
			put(t, c, "big", "small")
			if got := read(t, out.Body); got != string(whole) {
				t.Errorf("what was being read ended as %d bytes", len(got))
			}
			if n := blobs(t, dir); n != 1 || get(t, c, "big") != "small" {
				t.Errorf("after another one took its place %d files", n)
			}
		})
	}
}

// TestObjectOfManyPartsIsOneFile bounds how many files a reader opens.
func TestObjectOfManyPartsIsOneFile(t *testing.T) {
	dir, whole := t.TempDir(), bytes.Repeat([]byte("x"), 5*mib)
	c, _ := serve(t, objects.Options{Dir: dir})
	create(t, c, "data")
	m := start(t, c, s3.CreateMultipartUploadInput{})
	var all []types.CompletedPart
	for i := range int32(65) {
		all = append(all, m.part(i+1, whole))
	}
	if _, err := m.complete(all...); err != nil {
		t.Fatal(err)
	}
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("data"), Key: aws.String("big")})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, out.Body); err != nil || n != 65*5*mib || blobs(t, dir) != 1 {
		t.Errorf("%d bytes in %d files, %v", n, blobs(t, dir), err)
	}
}

// TestCompletionWhilePartsAreReplaced has either an object of parts that were told, whole, or none.
func TestCompletionWhilePartsAreReplaced(t *testing.T) {
	dir := t.TempDir()
	c, _ := serve(t, objects.Options{Dir: dir})
	create(t, c, "data")
	for range 20 {
		m := start(t, c, s3.CreateMultipartUploadInput{})
		one, two := m.part(1, content(5*mib)), m.part(2, []byte("old"))
		var work sync.WaitGroup
		work.Go(func() {
			_, _ = c.UploadPart(context.Background(), &s3.UploadPartInput{Bucket: aws.String("data"), Key: m.key, UploadId: m.id, PartNumber: aws.Int32(2), Body: bytes.NewReader([]byte("new"))})
		})
		_, err := m.complete(one, two)
		work.Wait()
		if err != nil {
			if code := wiretest.Code(t, err); code != "InvalidPart" {
				t.Fatal(err)
			}
			if _, err := c.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: aws.String("data"), Key: m.key, UploadId: m.id}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got := get(t, c, "big"); got != string(content(5*mib))+"old" {
			t.Fatalf("%d bytes, ending in %q", len(got), got[max(0, len(got)-3):])
		}
	}
	if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("data"), Key: aws.String("big")}); err != nil {
		t.Fatal(err)
	}
	if n := blobs(t, dir); n != 0 {
		t.Errorf("%d files are left", n)
	}
}
