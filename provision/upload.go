package provision

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"golang.org/x/sync/errgroup"
)

// uploadsAtATime is the number of files that are compared or sent at the same time. Parts of a large file are sent in parallel besides.
const uploadsAtATime = 8

// metaSHA256 is the object metadata that holds the SHA-256 of a file that Upload sent.
const metaSHA256 = "kedroctl-sha256"

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

// Upload sends the files of inputs that the bucket lacks. What differs in size or content it leaves, and names, unless it is forced to send.
func Upload(ctx context.Context, store transfermanager.S3APIClient, in Inputs, o UploadOptions) (Uploaded, error) {
	files, err := in.files(ctx, store)
	if err != nil {
		return Uploaded{}, err
	}
	compared, err := compareAll(ctx, store, in, files)
	if err != nil {
		return Uploaded{}, err
	}
	var done Uploaded
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
	done.Sent, err = sendAll(ctx, store, in, send, o.Progress)
	return done, err
}

func total(objects []Object) int64 {
	var sum int64
	for _, o := range objects {
		sum += o.Size
	}
	return sum
}

// compareAll keeps the order of files.
func compareAll(ctx context.Context, store transfermanager.S3APIClient, in Inputs, files []Object) ([]comparison, error) {
	compared := make([]comparison, len(files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploadsAtATime)
	for i, file := range files {
		group.Go(func() (err error) {
			compared[i], err = compare(ctx, store, in, file)
			return err
		})
	}
	return compared, group.Wait()
}

// sendAll gives what was sent, also where a file could not be.
func sendAll(ctx context.Context, store transfermanager.S3APIClient, in Inputs, send []Object, progress func(done, total int64)) ([]Object, error) {
	manager := transfermanager.New(store)
	counter := &counter{total: total(send), progress: progress}
	sent := make(chan Object, len(send))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploadsAtATime)
	for _, o := range send {
		group.Go(func() error {
			if err := sendOne(ctx, manager, in, o, counter); err != nil {
				return explain(fmt.Sprintf("send %s to s3://%s/%s", o.Local, in.Bucket, o.Key), err)
			}
			sent <- o
			return nil
		})
	}
	err := group.Wait()
	close(sent)
	var done []Object
	for o := range sent {
		done = append(done, o)
	}
	slices.SortFunc(done, func(a, b Object) int { return cmp.Compare(a.Key, b.Key) })
	return done, err
}

func sendOne(ctx context.Context, manager *transfermanager.Client, in Inputs, o Object, c *counter) error {
	sum, err := sha256File(in.path(o))
	if err != nil {
		return err
	}
	file, err := os.Open(in.path(o))
	if err != nil {
		return err
	}
	defer file.Close()
	listen := &listener{counter: c}
	_, err = manager.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: &in.Bucket, Key: &o.Key, Body: file,
		Metadata: map[string]string{metaSHA256: sum}}, func(opts *transfermanager.Options) { opts.ObjectProgressListeners.Register(listen) })
	return err
}

// counter adds up the bytes of all files.
type counter struct {
	done     atomic.Int64
	total    int64
	progress func(done, total int64)
}

// listener hears how far one file is, and passes on what came since it last heard.
type listener struct {
	*counter
	heard atomic.Int64
}

// OnObjectBytesTransferred is called by the transfer manager.
func (l *listener) OnObjectBytesTransferred(_ context.Context, e *transfermanager.ObjectBytesTransferredEvent) {
	done := l.done.Add(e.BytesTransferred - l.heard.Swap(e.BytesTransferred))
	if l.progress != nil {
		l.progress(done, l.total)
	}
}
