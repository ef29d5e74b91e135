package provision

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Store is what of S3 an upload calls.
type Store interface {
	Lister
	Multipart
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Multipart is what of S3 large files need.
type Multipart interface {
	s3.ListPartsAPIClient
	ListMultipartUploads(context.Context, *s3.ListMultipartUploadsInput, ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error)
	CreateMultipartUpload(context.Context, *s3.CreateMultipartUploadInput, ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error)
	UploadPart(context.Context, *s3.UploadPartInput, ...func(*s3.Options)) (*s3.UploadPartOutput, error)
	CompleteMultipartUpload(context.Context, *s3.CompleteMultipartUploadInput, ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error)
}

// UploadOptions say what Upload does besides sending what is absent.
type UploadOptions struct {
	Force    bool                               // send also what differs in the bucket
	Confirm  func(files int, bytes int64) error // asked before the first byte is sent; nil: no question
	Progress func(done, total int64)            // bytes; called by several goroutines; may be nil
}

// Object is one file and its place in the bucket.
type Object struct {
	Local string `json:"local"` // relative to the project
	Key   string `json:"key"`
	Size  int64  `json:"size"` // bytes
}

// Difference is a file that is in the bucket with another content.
type Difference struct {
	Object
	LocalTime  time.Time `json:"local_time"`  // last change of the file
	BucketTime time.Time `json:"bucket_time"` // last change of the object
}

// Uploaded is what Upload did.
type Uploaded struct {
	Sent      []Object     `json:"sent"`
	Same      int          `json:"same"`                // files that the bucket had
	Different []Difference `json:"different,omitempty"` // left as they are in the bucket
}

// Upload sends the files of inputs that the bucket lacks, files and parts of large ones side by side. What differs in size or content it leaves, and names,
// unless it is forced to send. After an error or a kill the next Upload sends what is missing, of a large file the missing parts.
func Upload(ctx context.Context, store Store, in Inputs, o UploadOptions) (Uploaded, error) {
	files, err := in.files(ctx, store)
	if err != nil {
		return Uploaded{}, err
	}
	known := openMarks(in)
	defer known.save()
	return sendAbsent(ctx, store, in, known, files, o)
}

func sendAbsent(ctx context.Context, store Store, in Inputs, known *marks, files []Object, o UploadOptions) (Uploaded, error) {
	var done Uploaded
	compared, err := compareAll(ctx, store, in, known, files)
	if err != nil {
		return done, err
	}
	var send []Object
	for _, c := range compared {
		switch {
		case c.state == isAbsent, c.state == isDifferent && o.Force:
			send = append(send, c.Object)
		case c.state == isDifferent:
			done.Different = append(done.Different, c.Difference)
		default:
			done.Same++
		}
	}
	if len(send) == 0 {
		return done, nil
	}
	if o.Confirm != nil {
		if err := o.Confirm(len(send), total(send)); err != nil {
			return done, err
		}
	}
	done.Sent, err = sendAll(ctx, store, in, known, send, o.Progress)
	return done, err
}

func total(objects []Object) int64 {
	var sum int64
	for _, o := range objects {
		sum += o.Size
	}
	return sum
}

// counter adds up the bytes of all files.
type counter struct {
	done     atomic.Int64
	total    int64
	progress func(done, total int64)
}

func (c *counter) add(n int64) {
	done := c.done.Add(n)
	if c.progress != nil {
		c.progress(done, c.total)
	}
}
