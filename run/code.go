package run

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// Code is a code archive in the bucket: what the jobs of a development run have in place of the image's own sources and configuration.
type Code struct {
	Key    string `json:"key"`
	SHA256 string `json:"sha256"` // hexadecimal
	Size   int64  `json:"size"`   // bytes
}

// codePrefix is where archives are, named by their content. A rule of the bucket may let them expire.
const codePrefix = ".kedroctl/code/"

// codeAge is from when on an archive is written once more: objects expire some days after they were written, and a run that goes on needs its own.
const codeAge = 24 * time.Hour

// SendCode puts a code archive, whose SHA-256 sum is given, into the bucket unless it is there; sent says which.
func SendCode(ctx context.Context, c Clients, bucket string, body []byte, sum string) (code Code, sent bool, err error) {
	code = Code{Key: codePrefix + sum + ".tar.gz", SHA256: sum, Size: int64(len(body))}
	head, err := c.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &code.Key})
	switch {
	case err == nil && aws.ToInt64(head.ContentLength) == code.Size && c.now().Sub(aws.ToTime(head.LastModified)) < codeAge:
		return code, false, nil
	case err != nil && !absent(err):
		return code, false, fmt.Errorf("look at s3://%s/%s: %w", bucket, code.Key, err)
	}
	_, err = c.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &code.Key, Body: bytes.NewReader(body), ContentType: aws.String("application/gzip")})
	if err != nil {
		return code, false, fmt.Errorf("write s3://%s/%s: %w", bucket, code.Key, err)
	}
	return code, true, nil
}

// findCode makes sure that a run's code archive is still there.
func (c Clients) findCode(ctx context.Context, r Run) error {
	if r.Code == nil {
		return nil
	}
	_, err := c.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &r.Plan.Bucket, Key: &r.Code.Key})
	if absent(err) {
		return ui.WithHint(fmt.Errorf("run %s: its code, s3://%s/%s, is not in the bucket any more", r.ID, r.Plan.Bucket, r.Code.Key),
			"'kedroctl resume "+r.ID+" --deploy' goes on with the project as it is now")
	}
	if err != nil {
		return fmt.Errorf("look at s3://%s/%s: %w", r.Plan.Bucket, r.Code.Key, err)
	}
	return nil
}
