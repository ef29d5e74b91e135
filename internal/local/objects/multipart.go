package objects

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	maxParts = 10_000
	minPart  = 5 << 20 // bytes of any part but the last
)

// Kinds of checksums of multipart objects: over the whole object, or over the checksums of its parts.
const (
	fullObject = string(types.ChecksumTypeFullObject)
	composite  = string(types.ChecksumTypeComposite)
)

// upload splits the key of an upload's record.
func (n id) upload() (key, uploadID string) {
	i := strings.LastIndex(n.Key, "/")
	return n.Key[:i], n.Key[i+1:]
}

// upload names the one that the request is about.
func (r *request) upload() id { return id{uploads, r.bucket, r.key + "/" + r.query.Get("uploadId")} }

func (s *Service) createUpload(r *request) ([]any, error) {
	u, err := newObject(r)
	if err != nil {
		return nil, err
	}
	named := strings.ToUpper(r.Header.Get("X-Amz-Checksum-Algorithm"))
	u.Checksum.Algorithm = cmp.Or(named, defaultAlgorithm)
	if algorithms[u.Checksum.Algorithm] == nil {
		return nil, invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	}
	if u.Checksum.Type, err = checksumType(u.Checksum.Algorithm, strings.ToUpper(r.Header.Get("X-Amz-Checksum-Type"))); err != nil {
		return nil, err
	}
	uploadID := rand.Text()
	u.ID, u.Modified, u.Parts = id{uploads, r.bucket, r.key + "/" + uploadID}, s.opt.Now().UTC(), map[int32]record{}
	if err := s.store.change(u.ID, func(record, bool) (record, error) { return u, nil }); err != nil {
		return nil, err
	}
	if named != "" {
		r.w.Header().Set("x-amz-checksum-algorithm", named)
		r.w.Header().Set("x-amz-checksum-type", u.Checksum.Type)
	}
	return []any{s3.CreateMultipartUploadOutput{Bucket: &r.bucket, Key: &r.key, UploadId: &uploadID}}, nil
}

// checksumType is that of a multipart upload.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
func checksumType(algorithm, asked string) (string, error) {
	switch {
	case asked == "" && algorithm == defaultAlgorithm:
		return fullObject, nil
	case asked == "":
		return composite, nil
	case asked != composite && asked != fullObject:
		return "", invalidRequest("Value for x-amz-checksum-type header is invalid.")
	case asked == composite && algorithm == defaultAlgorithm, asked == fullObject && strings.HasPrefix(algorithm, "SHA"):
		return "", invalidRequest("The %s checksum type cannot be used with the %s checksum algorithm.", asked, strings.ToLower(algorithm))
	}
	return asked, nil
}

// partOf is the upload and the number of the part that the request is about.
func (s *Service) partOf(r *request) (u record, number int32, err error) {
	n, err := strconv.Atoi(r.query.Get("partNumber"))
	if err != nil || n < 1 || n > maxParts {
		return record{}, 0, invalidArgument("Part number must be an integer between 1 and %d, inclusive", maxParts)
	}
	u, ok := s.store.get(r.upload())
	if !ok {
		return record{}, 0, errNoSuchUpload
	}
	return u, int32(n), nil
}

// addPart takes the place of an earlier part of that number.
func (s *Service) addPart(n id, number int32, p *record) error {
	p.Modified = s.opt.Now().UTC()
	return s.store.change(n, func(u record, exists bool) (record, error) {
		if !exists { // any more
			return *p, errNoSuchUpload
		}
		u.Parts = maps.Clone(u.Parts)
		u.Parts[number] = *p
		return u, nil
	})
}

func (s *Service) uploadPart(r *request) ([]any, error) {
	u, number, err := s.partOf(r)
	if err != nil {
		return nil, err
	}
	if algorithm, _, err := declared(r.Header); err == nil && algorithm != "" && algorithm != u.Checksum.Algorithm && u.Checksum.Algorithm != defaultAlgorithm {
		return nil, invalidRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
			strings.ToLower(u.Checksum.Algorithm), strings.ToLower(algorithm))
	}
	p, err := s.store.content(func(w io.Writer) (record, error) { return receive(r.Request, w, u.Checksum.Algorithm) })
	if err != nil {
		return nil, err
	}
	p.Checksum.Type = "" // only objects have one
	if err := s.addPart(u.ID, number, &p); err != nil {
		return nil, err
	}
	r.showWritten(p)
	return nil, nil
}

func (s *Service) uploadPartCopy(r *request) ([]any, error) {
	u, number, err := s.partOf(r)
	if err != nil {
		return nil, err
	}
	source, f, err := s.copySource(r)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	first, length, err := copyRange(r.Header.Get("X-Amz-Copy-Source-Range"), source.Size)
	if err != nil {
		return nil, err
	}
	p, err := s.store.content(func(w io.Writer) (record, error) {
		return digest(w, io.NewSectionReader(f, first, length), u.Checksum.Algorithm)
	})
	if err != nil {
		return nil, err
	}
	if err := s.addPart(u.ID, number, &p); err != nil {
		return nil, err
	}
	return []any{types.CopyPartResult{ETag: p.quotedETag(), LastModified: &p.Modified}}, nil
}

// copyRange is bytes=first-last, both given and within the source.
func copyRange(header string, size int64) (first, length int64, err error) {
	if header == "" {
		return 0, size, nil
	}
	var last int64
	if n, err := fmt.Sscanf(header, "bytes=%d-%d", &first, &last); n != 2 || err != nil || first > last {
		return 0, 0, invalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
	}
	if last >= size {
		return 0, 0, invalidArgument("Range specified is not valid for source object of size: %d", size)
	}
	return first, last - first + 1, nil
}

func (s *Service) abortUpload(r *request) ([]any, error) {
	return nil, s.store.change(r.upload(), func(u record, exists bool) (record, error) {
		if !exists {
			return u, errNoSuchUpload
		}
		return record{}, nil
	})
}

func (s *Service) completeUpload(r *request) ([]any, error) {
	allow, err := condition(r.Header)
	if err != nil {
		return nil, err
	}
	document, err := io.ReadAll(io.LimitReader(r.Body, maxDocument)) // its checksum headers are of the object
	if err != nil {
		return nil, err
	}
	var in types.CompletedMultipartUpload
	if err := wire.DecodeXML(bytes.NewReader(document), "CompleteMultipartUpload", &in); err != nil {
		return nil, err
	}
	u, ok := s.store.get(r.upload())
	if !ok {
		return nil, errNoSuchUpload
	}
	parts, err := u.chosen(in.Parts)
	if err != nil {
		return nil, err
	}
	got, err := s.store.assembled(u.Checksum, parts)
	if err != nil {
		return nil, err
	}
	o := record{ID: r.subject(), Headers: u.Headers, Config: u.Config}
	o, err = s.commit(o, got, func(old record, exists bool) error {
		if _, ok := s.store.records[u.ID]; !ok { // another request ended it while the parts were put together
			return errNoSuchUpload
		}
		if err := checkWhole(r.Header, got); err != nil {
			return err
		}
		return allow(old, exists)
	})
	if err == nil {
		err = s.store.change(u.ID, gone)
	}
	if err != nil {
		return nil, err
	}
	out := s3.CompleteMultipartUploadOutput{Location: aws.String("http://" + r.Host + r.URL.EscapedPath()), Bucket: &r.bucket, Key: &r.key, ETag: o.quotedETag(), ChecksumType: types.ChecksumType(o.Checksum.Type)}
	o.Checksum.field(&out).Set(reflect.ValueOf(&o.Checksum.Value))
	return []any{out}, nil
}

// chosen are the parts that the client lists, in its order.
func (r record) chosen(listed []types.CompletedPart) ([]record, error) {
	if len(listed) == 0 {
		return nil, errMalformedXML
	}
	var parts []record
	for i, c := range listed {
		number := aws.ToInt32(c.PartNumber)
		if i > 0 && number <= aws.ToInt32(listed[i-1].PartNumber) {
			return nil, errPartOrder
		}
		if i > 0 && parts[i-1].Size < minPart {
			return nil, errTooSmall
		}
		p, ok := r.Parts[number]
		sum := r.Checksum.field(&c).Elem()
		if !ok || strings.Trim(aws.ToString(c.ETag), `"`) != p.ETag || sum.IsValid() && sum.String() != p.Checksum.Value {
			return nil, errInvalidPart
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// assembled puts parts together as a new blob. The ETag is the MD5 of the parts' MD5s and their number; so is the checksum if it is a composite.
func (s *store) assembled(sum checksum, parts []record) (record, error) {
	var readers []io.Reader
	ids, sums := md5.New(), algorithms[sum.Algorithm]()
	for _, p := range parts {
		f, err := os.Open(s.blobPath(p.Blob))
		if err != nil {
			return record{}, err
		}
		defer f.Close()
		readers = append(readers, f)
		etag, err := hex.DecodeString(p.ETag)
		value, err2 := base64.StdEncoding.DecodeString(p.Checksum.Value)
		if err := cmp.Or(err, err2); err != nil {
			return record{}, err
		}
		ids.Write(etag)
		sums.Write(value)
	}
	got, err := s.content(func(w io.Writer) (record, error) { return digest(w, io.MultiReader(readers...), sum.Algorithm) })
	suffix := "-" + strconv.Itoa(len(parts))
	got.ETag = hex.EncodeToString(ids.Sum(nil)) + suffix
	if sum.Type == composite {
		got.Checksum = checksum{sum.Algorithm, base64.StdEncoding.EncodeToString(sums.Sum(nil)) + suffix, composite}
	}
	return got, err
}

// checkWhole takes what the client says of the whole object.
func checkWhole(h http.Header, o record) error {
	if want := h.Get(checksumHeader + o.Checksum.Algorithm); want != "" && want != o.Checksum.Value {
		return badDigest(o.Checksum.Algorithm)
	}
	if want := h.Get("X-Amz-Mp-Object-Size"); want != "" && want != strconv.FormatInt(o.Size, 10) {
		return invalidRequest("The provided 'x-amz-mp-object-size' header does not match what was computed.")
	}
	return nil
}

func (s *Service) listParts(r *request) ([]any, error) {
	limit, err := r.limit("max-parts", pageLimit)
	if err != nil {
		return nil, err
	}
	u, ok := s.store.get(r.upload())
	if !ok {
		return nil, errNoSuchUpload
	}
	_, uploadID := u.ID.upload()
	marker, _ := strconv.Atoi(r.query.Get("part-number-marker")) // one that is no number is none
	out := s3.ListPartsOutput{Bucket: &r.bucket, Key: &r.key, UploadId: &uploadID, PartNumberMarker: aws.String(strconv.Itoa(marker)),
		MaxParts: aws.Int32(int32(limit)), IsTruncated: aws.Bool(false), StorageClass: types.StorageClassStandard, Owner: s.owner()}
	for _, number := range slices.Sorted(maps.Keys(u.Parts)) {
		if int(number) <= marker {
			continue
		}
		if len(out.Parts) == limit {
			out.IsTruncated = aws.Bool(true)
			break
		}
		p := u.Parts[number]
		out.Parts = append(out.Parts, types.Part{PartNumber: &number, LastModified: &p.Modified, ETag: p.quotedETag(), Size: &p.Size})
		out.NextPartNumberMarker = aws.String(strconv.Itoa(int(number)))
	}
	return []any{out}, nil
}
