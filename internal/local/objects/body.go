package objects

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"io/fs"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"reflect"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

const (
	maxPut         = 5 << 30 // bytes in one PUT: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
	maxDocument    = 4 << 20 // bytes of a document; 10,000 parts with their checksums fit
	checksumHeader = "X-Amz-Checksum-"
	// What S3 computes where the client names no algorithm.
	defaultAlgorithm = "CRC64NVME"
)

// Kinds of checksums of multipart objects: over the whole object, or over the checksums of its parts.
const (
	fullObject = string(types.ChecksumTypeFullObject)
	composite  = string(types.ChecksumTypeComposite)
)

// algorithms of checksums, and the kinds that a multipart object may have of each, the default first. The polynomial of CRC-64/NVME is with its bits
// reversed, as package crc64 wants it. https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
var algorithms = map[string]struct {
	new   func() hash.Hash
	kinds []string
}{
	"CRC32":          {func() hash.Hash { return crc32.NewIEEE() }, []string{composite, fullObject}},
	"CRC32C":         {func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }, []string{composite, fullObject}},
	defaultAlgorithm: {func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) }, []string{fullObject}},
	"SHA1":           {sha1.New, []string{composite}},
	"SHA256":         {sha256.New, []string{composite}},
}

// known tells whether there is an algorithm of that name.
func known(algorithm string) bool { return algorithms[algorithm].new != nil }

// checksum is one of an object or a part; the value is base64, with "-N" after it for a composite of N parts.
type checksum struct {
	Algorithm, Value, Type string
}

// show sets the checksum in the headers of an answer.
func (c checksum) show(h http.Header) {
	h.Set(checksumHeader+c.Algorithm, c.Value)
	if c.Type != "" {
		h.Set(checksumHeader+"Type", c.Type)
	}
}

// field is the member of an SDK's struct that has checksums of the algorithm.
func (c checksum) field(of any) reflect.Value {
	return reflect.ValueOf(of).Elem().FieldByName("Checksum" + c.Algorithm)
}

// readDocument is a small body, checked.
func readDocument(r *http.Request) ([]byte, error) {
	r.Body = http.MaxBytesReader(nil, r.Body, maxDocument)
	var b bytes.Buffer
	_, err := receive(r, &b, defaultAlgorithm)
	return b.Bytes(), err
}

// readXML is a document whose root is called root, as a struct of the SDK.
func readXML[T any](r *http.Request, root string) (in T, err error) {
	document, err := readDocument(r)
	if err == nil {
		err = wire.DecodeXML(bytes.NewReader(document), root, &in)
	}
	return in, err
}

// receive copies the body of r to w and checks all that the headers promise of it; what is at w is of use only if there is no error.
// Signatures of chunks are not checked: who may call is the router's matter, and the checksums tell whether the content is whole.
func receive(r *http.Request, w io.Writer, algorithm string) (record, error) {
	named, promised, err := declared(r.Header)
	if err != nil {
		return record{}, err
	}
	if named != "" {
		algorithm = named
	}
	var body io.Reader = r.Body
	size, buffered := r.ContentLength, bufio.NewReader(r.Body)
	payload := r.Header.Get("X-Amz-Content-Sha256")
	if strings.HasPrefix(payload, "STREAMING-") { // aws-chunked has the form of HTTP's own chunks
		body = httputil.NewChunkedReader(buffered)
		if size, err = strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64); err != nil {
			size = -1
		}
	}
	if size < 0 {
		return record{}, errNoLength
	}
	if size > maxPut {
		return record{}, errTooLarge
	}
	id := sha256.New()
	if len(payload) == hex.EncodedLen(sha256.Size) {
		w = io.MultiWriter(w, id)
	}
	got, err := digested(w, io.LimitReader(body, size+1), algorithm)
	_, ours := errors.AsType[*fs.PathError](err)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || err == nil && got.Size != size:
		return record{}, errIncomplete
	case err != nil && !ours:
		return record{}, invalidRequest("The body cannot be read: %v", err)
	case err != nil:
		return record{}, err
	case len(payload) == hex.EncodedLen(sha256.Size) && hex.EncodeToString(id.Sum(nil)) != strings.ToLower(payload):
		return record{}, wire.NewFault(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	if r.Header.Get("X-Amz-Trailer") != "" {
		trailer, _ := textproto.NewReader(buffered).ReadMIMEHeader() // what cannot be read is not there
		if promised = strings.TrimSpace(trailer.Get(checksumHeader + algorithm)); promised == "" {
			return record{}, wire.NewFault(http.StatusBadRequest, "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
		}
	}
	return got, got.check(r.Header.Get("Content-Md5"), promised)
}

// check compares a content with its promised MD5 and checksum, where they are not "".
func (r record) check(md5sum, promised string) error {
	if md5sum != "" {
		want, err := base64.StdEncoding.DecodeString(md5sum)
		if err != nil || len(want) != md5.Size {
			return wire.NewFault(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified was invalid.")
		}
		if hex.EncodeToString(want) != r.ETag {
			return badDigest("Content-MD5")
		}
	}
	if promised != "" && promised != r.Checksum.Value {
		return badDigest(r.Checksum.Algorithm)
	}
	return nil
}

func badDigest(name string) error {
	return wire.NewFault(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", name)
}

// digest computes what S3 tells of the content that is written to it.
type digest struct {
	algorithm string
	etag, sum hash.Hash
	size      int64
}

func newDigest(algorithm string) *digest {
	return &digest{algorithm: algorithm, etag: md5.New(), sum: algorithms[algorithm].new()}
}

func (d *digest) Write(b []byte) (int, error) {
	d.etag.Write(b)
	d.sum.Write(b)
	d.size += int64(len(b))
	return len(b), nil
}

func (d *digest) record() record {
	value := base64.StdEncoding.EncodeToString(d.sum.Sum(nil))
	return record{Size: d.size, ETag: hex.EncodeToString(d.etag.Sum(nil)), Checksum: checksum{d.algorithm, value, fullObject}}
}

// digested copies a content and gives its digest.
func digested(w io.Writer, from io.Reader, algorithm string) (record, error) {
	d := newDigest(algorithm)
	_, err := io.Copy(io.MultiWriter(w, d), from)
	return d.record(), err
}

// declared is the checksum that the headers promise: its algorithm ("" for none) and value ("" where it comes as a trailer).
func declared(h http.Header) (algorithm, value string, err error) {
	promised := map[string]string{}
	for name := range algorithms {
		if v := h.Get(checksumHeader + name); v != "" {
			promised[name] = v
		}
	}
	if trailer := h.Get("X-Amz-Trailer"); trailer != "" {
		promised[strings.TrimPrefix(strings.ToUpper(trailer), strings.ToUpper(checksumHeader))] = ""
	}
	if len(promised) > 1 {
		return "", "", invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
	}
	for name, v := range promised {
		algorithm, value = name, v
	}
	if algorithm != "" && !known(algorithm) {
		return "", "", invalidRequest("The value specified in the x-amz-trailer header is not supported")
	}
	if sdk := strings.ToUpper(h.Get("X-Amz-Sdk-Checksum-Algorithm")); sdk != "" && sdk != algorithm {
		return "", "", invalidRequest("x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	}
	return algorithm, value, nil
}
