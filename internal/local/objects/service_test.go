package objects_test

import (
	"bytes"
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/objects"
)

const region = "eu-west-1"

var now = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// serve starts S3 over dir and gives a client that does not retry.
func serve(t *testing.T, opt objects.Options) (*s3.Client, *httptest.Server) {
	t.Helper()
	if opt.Dir == "" {
		opt.Dir = t.TempDir()
	}
	if opt.Region == "" {
		opt.Region = region
	}
	opt.Account, opt.Now = "123456789012", func() time.Time { return now }
	s, err := objects.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s3.New(s3.Options{Region: opt.Region, BaseEndpoint: &server.URL, UsePathStyle: true, RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}), server
}

// withBucket starts S3 with a bucket called data.
func withBucket(t *testing.T) *s3.Client {
	t.Helper()
	c, _ := serve(t, objects.Options{})
	create(t, c, "data")
	return c
}

func create(t *testing.T, c *s3.Client, bucket string) {
	t.Helper()
	if err := tryCreate(c, bucket, region); err != nil {
		t.Fatal(err)
	}
}

func tryCreate(c *s3.Client, bucket, constraint string) error {
	in := &s3.CreateBucketInput{Bucket: &bucket}
	if constraint != "" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(constraint)}
	}
	_, err := c.CreateBucket(context.Background(), in)
	return err
}

func put(t *testing.T, c *s3.Client, key, content string) *s3.PutObjectOutput {
	t.Helper()
	out, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("data"), Key: &key, Body: strings.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func get(t *testing.T, c *s3.Client, key string) string {
	t.Helper()
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("data"), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	return read(t, out.Body)
}

func read(t *testing.T, r io.ReadCloser) string {
	t.Helper()
	defer r.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
