package objects

import (
	"cmp"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
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

// upload names the one that the request is about.
func (r *request) upload() id {
	return id{Kind: uploads, Bucket: r.bucket, Key: r.key, Upload: r.query.Get("uploadId")}
}

func (s *Service) createUpload(r *request) ([]any, error) {
	u, err := newObject(r)
	if err != nil {
		return nil, err
	}
	named := strings.ToUpper(r.Header.Get("X-Amz-Checksum-Algorithm"))
	u.Checksum.Algorithm = cmp.Or(named, defaultAlgorithm)
	if !known(u.Checksum.Algorithm) {
		return nil, invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	}
	kinds := algorithms[u.Checksum.Algorithm].kinds
	u.Checksum.Type = cmp.Or(strings.ToUpper(r.Header.Get("X-Amz-Checksum-Type")), kinds[0])
	if !slices.Contains(kinds, u.Checksum.Type) {
		return nil, invalidRequest("The %s checksum type cannot be used with the %s checksum algorithm.", u.Checksum.Type, strings.ToLower(u.Checksum.Algorithm))
	}
	u.ID, u.Modified = r.upload(), s.opt.Now().UTC()
	u.ID.Upload = rand.Text()
	if err := s.store.change(func() ([]record, error) { return []record{u}, nil }); err != nil {
		return nil, err
	}
	if named != "" {
		r.w.Header().Set("x-amz-checksum-algorithm", named)
		r.w.Header().Set("x-amz-checksum-type", u.Checksum.Type)
	}
	return []any{s3.CreateMultipartUploadOutput{Bucket: &r.bucket, Key: &r.key, UploadId: &u.ID.Upload}}, nil
}

// addPart takes the place of an earlier part of that number; fill writes its content.
func (s *Service) addPart(r *request, fill func(u record, w io.Writer) (record, error)) (p record, err error) {
	number, err := strconv.Atoi(r.query.Get("partNumber"))
	if err != nil || number < 1 || number > maxParts {
		return p, invalidArgument("Part number must be an integer between 1 and %d, inclusive", maxParts)
	}
	u, ok := s.store.get(r.upload())
	if !ok {
		return p, errNoSuchUpload
	}
	if p, err = s.store.content(func(w io.Writer) (record, error) { return fill(u, w) }); err != nil {
		return p, err
	}
	p.ID, p.Modified = u.ID.part(number), s.opt.Now().UTC()
	p.Checksum.Type = "" // only objects have one
	return p, s.store.change(func() ([]record, error) {
		if _, ok := s.store.records[u.ID]; !ok { // any more
			return []record{p}, errNoSuchUpload
		}
		return []record{p}, nil
	})
}

func (s *Service) uploadPart(r *request) ([]any, error) {
	p, err := s.addPart(r, func(u record, w io.Writer) (record, error) {
		algorithm, _, err := declared(r.Header)
		if err == nil && algorithm != "" && algorithm != u.Checksum.Algorithm && u.Checksum.Algorithm != defaultAlgorithm {
			return record{}, invalidRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
				strings.ToLower(u.Checksum.Algorithm), strings.ToLower(algorithm))
		}
		return receive(r.Request, w, u.Checksum.Algorithm)
	})
	if err == nil {
		r.showWritten(p)
	}
	return nil, err
}

func (s *Service) uploadPartCopy(r *request) ([]any, error) {
	p, err := s.addPart(r, func(u record, w io.Writer) (record, error) {
		source, f, err := s.copySource(r)
		if err != nil {
			return record{}, err
		}
		defer f.Close()
		first, length, err := copyRange(r.Header.Get("X-Amz-Copy-Source-Range"), source.Size)
		if err != nil {
			return record{}, err
		}
		return digested(w, io.NewSectionReader(f, first, length), u.Checksum.Algorithm)
	})
	return []any{types.CopyPartResult{ETag: p.quotedETag(), LastModified: &p.Modified}}, err
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
	return nil, s.store.change(func() ([]record, error) {
		if _, ok := s.store.records[r.upload()]; !ok {
			return nil, errNoSuchUpload
		}
		return s.store.ended(r.upload()), nil
	})
}

// ended are the changes that end an upload. The caller holds the lock.
func (s *store) ended(u id) []record {
	changes := []record{u.gone()}
	for n := range s.records {
		if n == u.part(n.Part) {
			changes = append(changes, n.gone())
		}
	}
	return changes
}

func (s *Service) completeUpload(r *request) ([]any, error) {
	allow, err := condition(r.Header)
	if err != nil {
		return nil, err
	}
	var in types.CompletedMultipartUpload // whose checksum in the headers is of the object
	if err := wire.DecodeXML(io.LimitReader(r.Body, maxDocument), "CompleteMultipartUpload", &in); err != nil {
		return nil, err
	}
	u, ok := s.store.get(r.upload())
	if !ok {
		return nil, errNoSuchUpload
	}
	chosen, err := s.chosen(u, in.Parts)
	if err != nil {
		return nil, err
	}
	got, err := s.store.assembled(u.Checksum, chosen)
	if errors.Is(err, fs.ErrNotExist) { // another request has replaced a part, or ended the upload
		err = errInvalidPart
	}
	if err != nil {
		return nil, err
	}
	o := s.object(record{ID: r.subject(), Headers: u.Headers, Config: u.Config}, got)
	err = s.store.change(func() ([]record, error) {
		refused := []record{o}
		if o.Blob == "" {
			refused = nil // what the object would have had is the parts'
		}
		if _, ok := s.store.records[u.ID]; !ok { // another request ended it while the parts were put together
			return refused, errNoSuchUpload
		}
		for _, p := range chosen {
			if s.store.records[p.ID].Blob != p.Blob { // another request has replaced it
				return refused, errInvalidPart
			}
		}
		old, exists := s.store.records[o.ID]
		if err := cmp.Or(allow(old, exists), checkWhole(r.Header, o)); err != nil {
			return refused, err
		}
		return append(s.store.ended(u.ID), o), nil
	})
	if err != nil {
		return nil, err
	}
	out := s3.CompleteMultipartUploadOutput{Location: aws.String("http://" + r.Host + r.URL.EscapedPath()), Bucket: &r.bucket, Key: &r.key,
		ETag: o.quotedETag(), ChecksumType: types.ChecksumType(o.Checksum.Type)}
	o.Checksum.field(&out).Set(reflect.ValueOf(&o.Checksum.Value))
	return []any{out}, nil
}

// chosen are the parts that the client lists, in its order.
func (s *Service) chosen(u record, listed []types.CompletedPart) ([]record, error) {
	if len(listed) == 0 {
		return nil, errMalformedXML
	}
	var found []record
	for i, c := range listed {
		number := int(aws.ToInt32(c.PartNumber))
		if i > 0 && number <= int(aws.ToInt32(listed[i-1].PartNumber)) {
			return nil, errPartOrder
		}
		if i > 0 && found[i-1].Size < minPart {
			return nil, errTooSmall
		}
		p, ok := s.store.get(u.ID.part(number))
		sum := u.Checksum.field(&c).Elem()
		if !ok || strings.Trim(aws.ToString(c.ETag), `"`) != p.ETag || sum.IsValid() && sum.String() != p.Checksum.Value {
			return nil, errInvalidPart
		}
		found = append(found, p)
	}
	return found, nil
}

// assembled puts parts together. The ETag is the MD5 of the parts' MD5s and their number; so is the checksum if it is a composite.
func (s *store) assembled(sum checksum, chosen []record) (record, error) {
	got, err := s.together(chosen)
	if err != nil {
		return record{}, err
	}
	ids, sums, all := md5.New(), algorithms[sum.Algorithm].new(), algorithms[sum.Algorithm].new()
	for _, p := range chosen {
		etag, err := hex.DecodeString(p.ETag)
		value, err2 := base64.StdEncoding.DecodeString(p.Checksum.Value)
		if err := cmp.Or(err, err2); err != nil {
			return record{}, err
		}
		ids.Write(etag)
		sums.Write(value)
	}
	suffix := "-" + strconv.Itoa(len(chosen))
	got.ETag = hex.EncodeToString(ids.Sum(nil)) + suffix
	if sum.Type == composite {
		got.Checksum = checksum{sum.Algorithm, base64.StdEncoding.EncodeToString(sums.Sum(nil)) + suffix, composite}
		return got, nil
	}
	err = s.read(got, all)
	got.Checksum = checksum{sum.Algorithm, base64.StdEncoding.EncodeToString(all.Sum(nil)), fullObject}
	return got, err
}

// together makes one content of parts: their blobs as its pieces or, where they are many, a new blob.
func (s *store) together(chosen []record) (whole record, err error) {
	for _, p := range chosen {
		whole.Size += p.Size
		whole.Pieces = append(whole.Pieces, p.Blob)
	}
	if len(chosen) <= mostPieces {
		return whole, nil
	}
	return s.content(func(w io.Writer) (record, error) {
		for _, p := range chosen {
			if err := s.read(p, w); err != nil {
				return record{}, err
			}
		}
		return record{Size: whole.Size}, nil
	})
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
