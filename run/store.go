package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// status is the HTTP status that a service answered with, 0 where no answer came.
func status(err error) int {
	r, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err)
	if !ok {
		return 0
	}
	return r.HTTPStatusCode()
}

func absent(err error) bool { return status(err) == http.StatusNotFound }

// encode is JSON as short as it gets: names like <lambda> keep their brackets.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// put writes a JSON object; with ifNoneMatch "*" only where there is none yet.
func (c Clients) put(ctx context.Context, bucket, key string, v any, ifNoneMatch *string) error {
	_, err := c.write(ctx, bucket, key, v, &s3.PutObjectInput{IfNoneMatch: ifNoneMatch})
	return err
}

// putIf writes a JSON object in place of the version that an ETag names, "" for none, and gives the ETag of the new one.
func (c Clients) putIf(ctx context.Context, bucket, key string, v any, etag string) (string, error) {
	if etag == "" {
		return c.write(ctx, bucket, key, v, &s3.PutObjectInput{IfNoneMatch: aws.String("*")})
	}
	return c.write(ctx, bucket, key, v, &s3.PutObjectInput{IfMatch: &etag})
}

func (c Clients) write(ctx context.Context, bucket, key string, v any, in *s3.PutObjectInput) (etag string, err error) {
	body, err := encode(v)
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", key, err)
	}
	in.Bucket, in.Key, in.Body, in.ContentType = &bucket, &key, bytes.NewReader(body), aws.String("application/json")
	out, err := c.S3.PutObject(ctx, in)
	if err != nil {
		return "", fmt.Errorf("write s3://%s/%s: %w", bucket, key, err)
	}
	return aws.ToString(out.ETag), nil
}

func (c Clients) get(ctx context.Context, bucket, key string, v any) error {
	_, err := c.read(ctx, bucket, key, v)
	return err
}

// read is get that tells ETag, the time of the last change, and what time S3 had when it answered.
func (c Clients) read(ctx context.Context, bucket, key string, v any) (*s3.GetObjectOutput, error) {
	out, err := c.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", bucket, key, err)
	}
	defer out.Body.Close()
	if err := json.NewDecoder(out.Body).Decode(v); err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", bucket, key, err)
	}
	return out, nil
}

// list gives all objects under a prefix.
func (c Clients) list(ctx context.Context, bucket, prefix string) ([]types.Object, error) {
	var all []types.Object
	pages := s3.NewListObjectsV2Paginator(c.S3, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list s3://%s/%s: %w", bucket, prefix, err)
		}
		all = append(all, page.Contents...)
	}
	return all, nil
}

// folders gives the names of the "directories" right under a prefix that ends in a slash, in S3's order.
func (c Clients) folders(ctx context.Context, bucket, prefix string) ([]string, error) {
	var names []string
	pages := s3.NewListObjectsV2Paginator(c.S3, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix, Delimiter: aws.String("/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list s3://%s/%s: %w", bucket, prefix, err)
		}
		for _, p := range page.CommonPrefixes {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(aws.ToString(p.Prefix), prefix), "/"))
		}
	}
	return names, nil
}

// exists says whether there is an object at a key, or are objects below it (the files of a partitioned dataset).
func (c Clients) exists(ctx context.Context, bucket, key string) (bool, error) {
	_, err := c.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err == nil {
		return true, nil
	}
	if !absent(err) {
		return false, fmt.Errorf("look at s3://%s/%s: %w", bucket, key, err)
	}
	prefix := strings.TrimSuffix(key, "/") + "/"
	page, err := c.S3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix, MaxKeys: aws.Int32(1)})
	if err != nil {
		return false, fmt.Errorf("list s3://%s/%s: %w", bucket, prefix, err)
	}
	return len(page.Contents) > 0, nil
}

// splitURI takes s3://bucket/key apart; ok is false for anything else. Keys are taken as they stand: percent signs in them are their own.
func splitURI(uri string) (bucket, key string, ok bool) {
	scheme, rest, _ := strings.Cut(uri, "://")
	if scheme != "s3" && scheme != "s3a" && scheme != "s3n" {
		return "", "", false
	}
	bucket, key, ok = strings.Cut(rest, "/")
	return bucket, key, ok && key != ""
}
