package provision

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// RequestsUnderWay is how many files are sent at the same time at most: as many as hide the latency of a network.
const RequestsUnderWay = 128

// bytesUnderWay is what is sent at the same time: as much as fills a fast network.
const bytesUnderWay = 256 << 20

// Sizes of parts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	smallestPart = 16 << 20 // bytes; what is not larger is sent at once
	mostParts    = 10_000
)

// partSize is the size of the parts of a file, in bytes. It depends on the file's size alone, so that a later upload finds the parts of an earlier one.
func partSize(size int64) int64 {
	const step = 1 << 20
	least := (size + mostParts - 1) / mostParts
	return max(smallestPart, (least+step-1)/step*step)
}

// sender sends files, and knows what of the bandwidth is free.
type sender struct {
	store Store
	in    Inputs
	marks *marks
	free  *semaphore.Weighted
	count *counter
	mu    sync.Mutex
	sent  []Object
}

// sendAll gives what was sent, also where a file could not be.
func sendAll(ctx context.Context, store Store, in Inputs, m *marks, send []Object, progress func(done, total int64)) ([]Object, error) {
	s := &sender{store: store, in: in, marks: m, free: semaphore.NewWeighted(bytesUnderWay), count: &counter{total: total(send), progress: progress}}
	group, ctx := errgroup.WithContext(ctx)
	for _, o := range send {
		if o.Size > smallestPart {
			group.Go(func() error { return s.tell(o, s.sendParts(ctx, o)) })
		}
	}
	group.Go(func() error { return s.sendSmall(ctx, send) })
	err := group.Wait()
	slices.SortFunc(s.sent, func(a, b Object) int { return cmp.Compare(a.Key, b.Key) })
	return s.sent, err
}

// tell notes what was sent, or says what of it failed.
func (s *sender) tell(o Object, err error) error {
	if err != nil {
		if lost, ok := errors.AsType[*url.Error](err); ok && !errors.Is(err, context.Canceled) {
			err = ui.WithHint(fmt.Errorf("the connection failed: %w", lost.Err), "run the same command again: what has arrived is not sent again")
		}
		return explain(fmt.Sprintf("send %s to s3://%s/%s", o.Local, s.in.Bucket, o.Key), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, o)
	return nil
}

// claim waits for room for a request, and gives it back by the function.
func (s *sender) claim(ctx context.Context, size int64) (func(), error) {
	weight := min(max(size, bytesUnderWay/RequestsUnderWay), bytesUnderWay)
	if err := s.free.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	return func() { s.free.Release(weight) }, nil
}

func (s *sender) sendSmall(ctx context.Context, send []Object) error {
	group, ctx := errgroup.WithContext(ctx)
	var ended error // while waiting for room
	for _, o := range send {
		if o.Size > smallestPart {
			continue
		}
		release, err := s.claim(ctx, o.Size)
		if err != nil {
			ended = err
			break
		}
		group.Go(func() error {
			defer release()
			return s.tell(o, s.put(ctx, o))
		})
	}
	return cmp.Or(group.Wait(), ended)
}

// put sends a file at once.
func (s *sender) put(ctx context.Context, o Object) error {
	before, err := stampOf(s.in.path(o))
	if err != nil {
		return err
	}
	content, err := os.ReadFile(s.in.path(o))
	if err != nil {
		return err
	}
	if int64(len(content)) != o.Size {
		return errChanged
	}
	digest := sha256.Sum256(content)
	sum := base64.StdEncoding.EncodeToString(digest[:])
	out, err := s.store.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.in.Bucket, Key: &o.Key, Body: bytes.NewReader(content), ContentLength: &o.Size, ChecksumSHA256: &sum}, unsigned)
	if err != nil {
		return err
	}
	s.count.add(o.Size)
	return s.marks.sent(s.in, o, before, sum, aws.ToString(out.ETag))
}

// unsigned leaves the content out of the signature: its checksum, a header that is signed, stands for it.
func unsigned(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
}

// pieces are the parts of one file under way.
type pieces struct {
	*sender
	o      Object
	file   *os.File
	upload string
	have   map[int32]s3types.Part // that an earlier upload has sent
	sums   [][]byte               // by part
	parts  []s3types.CompletedPart
}

// sendParts sends a large file. Parts that an earlier, interrupted upload has left are not sent again where they are the same.
func (s *sender) sendParts(ctx context.Context, o Object) error {
	before, err := stampOf(s.in.path(o))
	if err != nil {
		return err
	}
	file, err := os.Open(s.in.path(o))
	if err != nil {
		return err
	}
	defer file.Close()
	size := partSize(o.Size)
	n := int((o.Size + size - 1) / size)
	p := &pieces{sender: s, o: o, file: file, sums: make([][]byte, n), parts: make([]s3types.CompletedPart, n)}
	if err := p.begin(ctx, n); err != nil {
		return err
	}
	group, partCtx := errgroup.WithContext(ctx)
	var ended error // while waiting for room
	for i := range n {
		section := io.NewSectionReader(file, int64(i)*size, min(size, o.Size-int64(i)*size))
		release, err := s.claim(partCtx, section.Size())
		if err != nil {
			ended = err
			break
		}
		group.Go(func() error {
			defer release()
			return p.send(partCtx, i, section)
		})
	}
	if err := cmp.Or(group.Wait(), ended); err != nil {
		return err
	}
	if after, err := stampOf(s.in.path(o)); err != nil || after != before {
		return cmp.Or(err, errChanged)
	}
	out, err := s.store.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &s.in.Bucket, Key: &o.Key, UploadId: &p.upload,
		MultipartUpload: &s3types.CompletedMultipartUpload{Parts: p.parts}})
	if err != nil {
		return err
	}
	return s.marks.sent(s.in, o, before, compositeSum(p.sums), aws.ToString(out.ETag))
}

// begin takes up the latest upload of the object that was left, or begins one.
func (p *pieces) begin(ctx context.Context, n int) error {
	if err := p.takeUp(ctx, n); err != nil || p.upload != "" {
		return err
	}
	out, err := p.store.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &p.in.Bucket, Key: &p.o.Key,
		ChecksumAlgorithm: s3types.ChecksumAlgorithmSha256, ChecksumType: s3types.ChecksumTypeComposite})
	p.upload = aws.ToString(valueOf(out).UploadId)
	return err
}

func valueOf[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// takeUp looks for an upload whose parts are cut as these are. Who may not look begins anew.
func (p *pieces) takeUp(ctx context.Context, n int) error {
	out, err := p.store.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &p.in.Bucket, Prefix: &p.o.Key})
	if err != nil && ignoreDenied(err) == nil {
		return nil
	}
	if err != nil {
		return err
	}
	for _, u := range slices.Backward(out.Uploads) {
		if aws.ToString(u.Key) != p.o.Key || u.ChecksumAlgorithm != s3types.ChecksumAlgorithmSha256 {
			continue
		}
		have, err := p.partsOf(ctx, u.UploadId)
		if absent(err) || err != nil && ignoreDenied(err) == nil || err == nil && !p.fit(have, n) {
			continue
		}
		p.upload, p.have = aws.ToString(u.UploadId), have
		return err
	}
	return nil
}

func (p *pieces) partsOf(ctx context.Context, upload *string) (map[int32]s3types.Part, error) {
	have := map[int32]s3types.Part{}
	pages := s3.NewListPartsPaginator(p.store, &s3.ListPartsInput{Bucket: &p.in.Bucket, Key: &p.o.Key, UploadId: upload})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, part := range page.Parts {
			have[aws.ToInt32(part.PartNumber)] = part
		}
	}
	return have, nil
}

// fit says whether parts are cut as those of the file.
func (p *pieces) fit(have map[int32]s3types.Part, n int) bool {
	size := partSize(p.o.Size)
	for number, part := range have {
		if want := min(size, p.o.Size-int64(number-1)*size); int(number) > n || aws.ToInt64(part.Size) != want {
			return false
		}
	}
	return true
}

// send sends one part, counted from 0, unless it is there.
func (p *pieces) send(ctx context.Context, i int, section *io.SectionReader) error {
	h := sha256.New()
	if n, err := io.Copy(h, section); err != nil || n != section.Size() {
		return cmp.Or(err, errChanged)
	}
	p.sums[i] = h.Sum(nil)
	number, sum := int32(i+1), base64.StdEncoding.EncodeToString(p.sums[i])
	defer p.count.add(section.Size())
	if have, ok := p.have[number]; ok && aws.ToString(have.ChecksumSHA256) == sum {
		p.parts[i] = s3types.CompletedPart{PartNumber: &number, ETag: have.ETag, ChecksumSHA256: &sum}
		return nil
	}
	if _, err := section.Seek(0, io.SeekStart); err != nil {
		return err
	}
	out, err := p.store.UploadPart(ctx, &s3.UploadPartInput{Bucket: &p.in.Bucket, Key: &p.o.Key, UploadId: &p.upload, PartNumber: &number, Body: section,
		ContentLength: aws.Int64(section.Size()), ChecksumSHA256: &sum}, unsigned)
	if err != nil {
		return err
	}
	p.parts[i] = s3types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumSHA256: &sum}
	return nil
}

// errChanged ends the sending of a file that somebody writes.
var errChanged = errors.New("the file changed while it was being sent: run the same command again when it is complete")

// compositeSum is S3's checksum of an object in parts.
func compositeSum(sums [][]byte) string {
	whole := sha256.Sum256(bytes.Join(sums, nil))
	return base64.StdEncoding.EncodeToString(whole[:]) + "-" + strconv.Itoa(len(sums))
}

// fileSum is the checksum that S3 has of a file that was sent.
func fileSum(path string, size int64) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	part := max(1, size) // an empty file is one part too
	if size > smallestPart {
		part = partSize(size)
	}
	var sums [][]byte
	for from := int64(0); from == 0 || from < size; from += part {
		h := sha256.New()
		if _, err := io.Copy(h, io.NewSectionReader(file, from, min(part, size-from))); err != nil {
			return "", err
		}
		sums = append(sums, h.Sum(nil))
	}
	if size <= smallestPart {
		return base64.StdEncoding.EncodeToString(sums[0]), nil
	}
	return compositeSum(sums), nil
}

// cutAlike says whether two checksums are over parts of the same number.
func cutAlike(a, b string) bool {
	_, x, _ := strings.Cut(a, "-")
	_, y, _ := strings.Cut(b, "-")
	return x == y
}
