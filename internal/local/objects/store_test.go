package objects_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/objects"
)

// TestStateStaysAsSmallAsItIs replaces and removes a few objects over and over, from several clients at once: what is on disk afterwards is what the
// buckets have, in the process that did it and in the next one.
func TestStateStaysAsSmallAsItIs(t *testing.T) {
	dir := t.TempDir()
	c, server := serve(t, objects.Options{Dir: dir})
	create(t, c, "data")
	meta := map[string]string{"m": strings.Repeat("m", 1900)}
	var wg sync.WaitGroup
	for client := range 4 {
		wg.Go(func() {
			for i := range 200 {
				key := aws.String(fmt.Sprintf("%d/%d", client%2, i%5)) // each has two writers
				_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("data"), Key: key, Metadata: meta, Body: strings.NewReader(*key)})
				if err == nil && i%7 == 0 {
					_, err = c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("data"), Key: key})
				}
				if err != nil {
					t.Errorf("client %d: %v", client, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if info, err := os.Stat(filepath.Join(dir, "records.jsonl")); err != nil || info.Size() > 1100<<10 {
		t.Errorf("the log has %d bytes after 800 writes of 2 KB, %v", info.Size(), err)
	}
	before := listV2(t, c, s3.ListObjectsV2Input{Bucket: aws.String("data")})
	if blobs, err := os.ReadDir(filepath.Join(dir, "blobs")); err != nil || len(blobs) != len(before) {
		t.Errorf("%d contents of %d objects, %v", len(blobs), len(before), err)
	}
	server.Close()
	c, _ = serve(t, objects.Options{Dir: dir})
	if diff := cmp.Diff(before, listV2(t, c, s3.ListObjectsV2Input{Bucket: aws.String("data")})); diff != "" {
		t.Errorf("after a restart: %s", diff)
	}
	for _, key := range before {
		if got := get(t, c, key); got != key {
			t.Errorf("%s: got %q", key, got)
		}
	}
}
