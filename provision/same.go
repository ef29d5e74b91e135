package provision

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

// States of a file in the bucket.
const (
	isAbsent = iota
	isSame
	isDifferent
)

type comparison struct {
	Difference
	state int
}

// comparer compares files with their objects.
type comparer struct {
	store  Store
	in     Inputs
	marks  *marks
	listed map[string]*s3types.Object // by key; nil: looked for, and not there
}

// comparedAtOnce bounds what is read and asked for at the same time.
const comparedAtOnce = 16

// compareAll keeps the order of files.
func compareAll(ctx context.Context, store Store, in Inputs, m *marks, files []Object) ([]comparison, error) {
	c := comparer{store: store, in: in, marks: m, listed: map[string]*s3types.Object{}}
	for _, s := range in.sources {
		if err := c.list(ctx, s.key, files); err != nil {
			return nil, err
		}
	}
	compared := make([]comparison, len(files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(comparedAtOnce)
	for i, file := range files {
		group.Go(func() (err error) {
			compared[i], err = c.compare(ctx, file)
			return err
		})
	}
	return compared, group.Wait()
}

// listFrom is the number of files of a directory from which on one listing is cheaper than a question for each.
const listFrom = 8

// list looks for the files of a directory together.
func (c *comparer) list(ctx context.Context, dir string, files []Object) error {
	prefix := strings.TrimSuffix(dir, "/") + "/"
	var keys []string
	for _, f := range files {
		if strings.HasPrefix(f.Key, prefix) {
			keys = append(keys, f.Key)
		}
	}
	if len(keys) < listFrom {
		return nil
	}
	for _, key := range keys {
		c.listed[key] = nil
	}
	pages := s3.NewListObjectsV2Paginator(c.store, &s3.ListObjectsV2Input{Bucket: &c.in.Bucket, Prefix: &prefix})
	for last := ""; pages.HasMorePages() && last <= keys[len(keys)-1]; {
		page, err := pages.NextPage(ctx)
		if absent(err) { // without a bucket there is no object
			return nil
		}
		if err != nil {
			return explain("look for "+prefix+" in bucket "+c.in.Bucket, err)
		}
		for _, o := range page.Contents {
			last = aws.ToString(o.Key)
			if _, ok := c.listed[last]; ok {
				c.listed[last] = &o
			}
		}
	}
	return nil
}

// compare looks whether the bucket has the file: by size, then by its mark, then by the SHA-256 that S3 has of what Upload sent, else by an ETag that is an
// MD5. An object without any of these counts as the same if its size is.
func (c *comparer) compare(ctx context.Context, o Object) (comparison, error) {
	out := comparison{Difference: Difference{Object: o}}
	now, err := stampOf(c.in.path(o))
	if err != nil {
		return out, fmt.Errorf("compare %s with the bucket: %w", o.Local, err)
	}
	mark, marked := c.marks.of(c.in, o, now)
	listed, ok := c.listed[o.Key]
	switch {
	case ok && listed == nil:
		return out, nil
	case ok && marked && aws.ToInt64(listed.Size) == now.Size && aws.ToString(listed.ETag) == mark.ETag:
		out.state = isSame
		return out, nil
	}
	head, err := c.store.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &c.in.Bucket, Key: &o.Key, ChecksumMode: s3types.ChecksumModeEnabled})
	if absent(err) {
		return out, nil
	}
	if err != nil {
		return out, explain(fmt.Sprintf("look for s3://%s/%s", c.in.Bucket, o.Key), err)
	}
	out.LocalTime, out.BucketTime = now.changed(), aws.ToTime(head.LastModified)
	out.state = isDifferent
	same, err := c.sameContent(o, now, mark, marked, head)
	if err != nil {
		return out, fmt.Errorf("compare %s with the bucket: %w", o.Local, err)
	}
	if same {
		out.state = isSame
	}
	return out, nil
}

func (c *comparer) sameContent(o Object, now stamp, m mark, marked bool, head *s3.HeadObjectOutput) (bool, error) {
	if aws.ToInt64(head.ContentLength) != now.Size {
		return false, nil
	}
	if marked && m.ETag == aws.ToString(head.ETag) {
		return true, nil
	}
	file, etag := c.in.path(o), strings.Trim(aws.ToString(head.ETag), `"`)
	if want := aws.ToString(head.ChecksumSHA256); want != "" {
		sum, err := m.Sum, error(nil)
		if !marked {
			sum, err = fileSum(file, now.Size)
		}
		if err != nil || cutAlike(sum, want) {
			if sum == want {
				c.marks.note(c.in, o, now, sum, aws.ToString(head.ETag))
			}
			return sum == want, err
		}
	}
	if len(etag) != 2*md5.Size || head.ServerSideEncryption == s3types.ServerSideEncryptionAwsKms {
		return true, nil
	}
	sum, err := md5File(file)
	return sum == etag, err
}

func md5File(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := md5.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
