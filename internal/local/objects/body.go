package objects

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

const (
	maxPut      = 5 << 30 // bytes in one PUT: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
	maxDocument = 2 << 20 // bytes of a document; 1,000 keys of DeleteObjects fit
)

// intake is the body of a request, with all that its headers promise of it.
type intake struct {
	from      io.Reader
	trailers  *chunked // nil unless the body is aws-chunked
	size      int64
	sha256    hash.Hash // nil unless contentID is promised
	algorithm string
	value     string // promised checksum, "" for none or in a trailer
	contentID string // promised SHA-256 in hexadecimal, "" for none
}

// received is what came.
type received struct {
	size     int64
	md5      []byte
	checksum checksum
}

// newIntake reads the promises. fallback is the checksum's algorithm where the client names none.
func newIntake(r *http.Request, fallback string) (*intake, error) {
	algorithm, value, err := declared(r.Header)
	if err != nil {
		return nil, err
	}
	in := &intake{from: r.Body, size: r.ContentLength, algorithm: algorithm, value: value}
	if algorithm == "" {
		in.algorithm = fallback
	}
	switch payload := r.Header.Get("X-Amz-Content-Sha256"); {
	case strings.HasPrefix(payload, "STREAMING-"):
		if in.size, err = strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64); err != nil {
			return nil, errNoLength
		}
		in.trailers = newChunked(r.Body)
		in.from = in.trailers
	case len(payload) == hex.EncodedLen(sha256.Size):
		in.contentID, in.sha256 = payload, sha256.New()
	}
	switch {
	case in.size < 0:
		return nil, errNoLength
	case in.size > maxPut:
		return nil, errTooLarge
	}
	return in, nil
}

// copyTo takes the whole body and checks the promises; what is at w is of use only if there is no error.
func (in *intake) copyTo(w io.Writer, h http.Header) (received, error) {
	if in.sha256 != nil {
		w = io.MultiWriter(w, in.sha256)
	}
	got, err := digest(w, in.from, in.algorithm)
	if errors.Is(err, io.ErrUnexpectedEOF) || err == nil && got.size != in.size {
		return received{}, errIncomplete
	}
	if err != nil {
		return received{}, err
	}
	return got, in.check(got, h)
}

// digest copies a content and computes what S3 tells of it.
func digest(w io.Writer, from io.Reader, algorithm string) (received, error) {
	id, sum := md5.New(), algorithms[algorithm]()
	n, err := io.Copy(io.MultiWriter(w, id, sum), from)
	value := base64.StdEncoding.EncodeToString(sum.Sum(nil))
	return received{n, id.Sum(nil), checksum{algorithm, value, fullObject}}, err
}

func (in *intake) check(got received, h http.Header) error {
	if in.sha256 != nil && hex.EncodeToString(in.sha256.Sum(nil)) != strings.ToLower(in.contentID) {
		return wire.NewFault(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	if want := h.Get("Content-Md5"); want != "" {
		sum, err := base64.StdEncoding.DecodeString(want)
		if err != nil || len(sum) != md5.Size {
			return errInvalidDigest
		}
		if !bytes.Equal(sum, got.md5) {
			return errBadDigest
		}
	}
	want := in.value
	if h.Get("X-Amz-Trailer") != "" {
		if want = in.trailers.value(checksumHeader + in.algorithm); want == "" {
			return wire.NewFault(http.StatusBadRequest, "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
		}
	}
	if want != "" && want != got.checksum.Value {
		return wire.NewFault(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", in.algorithm)
	}
	return nil
}

// readDocument is a small body, checked.
func readDocument(r *http.Request) ([]byte, error) {
	in, err := newIntake(r, defaultAlgorithm)
	if err != nil {
		return nil, err
	}
	if in.size > maxDocument {
		return nil, errTooLarge
	}
	var b bytes.Buffer
	_, err = in.copyTo(&b, r.Header)
	return b.Bytes(), err
}

// receive stores the body as a new blob of the bucket, and gives its name.
func (b *bucket) receive(r *http.Request, fallback string) (name string, got received, err error) {
	in, err := newIntake(r, fallback)
	if err != nil {
		return "", received{}, err
	}
	name, err = b.newBlob(func(f *os.File) error {
		got, err = in.copyTo(f, r.Header)
		return err
	})
	return name, got, err
}

// store writes what from has as a new blob of the bucket, and gives its name.
func (b *bucket) store(from io.Reader, algorithm string) (name string, got received, err error) {
	name, err = b.newBlob(func(f *os.File) error {
		got, err = digest(f, from, algorithm)
		return err
	})
	return name, got, err
}
