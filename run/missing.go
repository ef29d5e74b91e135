package run

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/kedroctl/kedroctl/internal/plan"
)

// Made is what S3 has of the data that the nodes of a plan save and the project's own catalog keeps.
type Made struct {
	There  map[string]bool // by the name without the part behind @
	Unseen []string        // what is not on S3, or may not be looked at from here: it counts as not there
}

// FindMade looks for what the nodes of a plan save, for a run of what is missing. An object counts where it holds something: a save that failed may leave
// an empty one. Of a versioned dataset the version counts that a job would load, the latest unless versions names another.
func FindMade(ctx context.Context, c Clients, p plan.Plan, versions map[string]string) (Made, error) {
	made := Made{There: map[string]bool{}}
	var mu sync.Mutex
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(lookers)
	for _, d := range p.Datasets {
		if d.Role == plan.Input || d.Action == plan.Persist {
			continue
		}
		work.Go(func() error {
			there, seen, err := c.isMade(ctx, d, versions[d.Name])
			mu.Lock()
			defer mu.Unlock()
			made.There[d.Name] = there
			if !seen {
				made.Unseen = append(made.Unseen, d.Name)
			}
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return Made{}, fmt.Errorf("look for what is made: %w", err)
	}
	slices.Sort(made.Unseen)
	return made, nil
}

// isMade looks for one dataset. Without the bucket there is nothing.
func (c Clients) isMade(ctx context.Context, d plan.Dataset, version string) (there, seen bool, err error) {
	bucket, key, ok := splitURI(d.Path)
	if !ok {
		return false, false, nil
	}
	there, err = c.holds(ctx, d, bucket, strings.TrimSuffix(key, "/"), version)
	switch {
	case status(err) == http.StatusForbidden:
		return false, false, nil
	case absent(err):
		return false, true, nil
	}
	return there, true, err
}

func (c Clients) holds(ctx context.Context, d plan.Dataset, bucket, key, version string) (bool, error) {
	if !d.Versioned || d.Nested {
		return c.filled(ctx, bucket, key)
	}
	if version == "" {
		latest, err := c.latestVersion(ctx, bucket, key)
		if err != nil || latest == "" {
			return false, err
		}
		version = latest
	}
	return c.filled(ctx, bucket, key+"/"+version+"/"+path.Base(key))
}

// filled says whether the object at a key has content, or one below it.
func (c Clients) filled(ctx context.Context, bucket, key string) (bool, error) {
	head, err := c.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err != nil && !absent(err) {
		return false, fmt.Errorf("look at s3://%s/%s: %w", bucket, key, err)
	}
	if err == nil && aws.ToInt64(head.ContentLength) > 0 {
		return true, nil
	}
	prefix := key + "/"
	pages := s3.NewListObjectsV2Paginator(c.S3, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, fmt.Errorf("list s3://%s/%s: %w", bucket, prefix, err)
		}
		if slices.ContainsFunc(page.Contents, func(o types.Object) bool { return aws.ToInt64(o.Size) > 0 }) {
			return true, nil
		}
	}
	return false, nil
}
