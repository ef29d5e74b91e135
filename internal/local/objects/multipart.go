package objects

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/disk"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	maxParts = 10_000
	minPart  = 5 << 20 // bytes of any part but the last
)

func (s *Service) createUpload(r *request) error {
	target, err := s.newObject(r)
	if err != nil {
		return err
	}
	algorithm := strings.ToUpper(r.Header.Get("X-Amz-Checksum-Algorithm"))
	u := upload{ID: rand.Text(), Started: s.opt.Now().UTC(), Explicit: algorithm != "", parts: map[int]part{}}
	if algorithm = cmp.Or(algorithm, defaultAlgorithm); algorithms[algorithm] == nil {
		return invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	}
	target.Checksum.Algorithm = algorithm
	if target.Checksum.Type, err = checksumType(algorithm, r.Header.Get("X-Amz-Checksum-Type")); err != nil {
		return err
	}
	u.Target = target
	if err := r.bucket.addUpload(u); err != nil {
		return err
	}
	if u.Explicit {
		r.w.Header().Set("x-amz-checksum-algorithm", algorithm)
		r.w.Header().Set("x-amz-checksum-type", target.Checksum.Type)
	}
	r.w.Header().Set("x-amz-server-side-encryption", "AES256")
	writeXML(r.w, http.StatusOK, struct {
		XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
		Bucket   string
		Key      string
		UploadID string `xml:"UploadId"`
	}{Bucket: r.bucketName, Key: r.key, UploadID: u.ID})
	return nil
}

func (b *bucket) addUpload(u upload) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return errNoSuchBucket
	}
	if err := disk.WriteJSON(filepath.Join(b.uploadDir(u.ID), "upload.json"), u); err != nil {
		return err
	}
	b.uploads[u.ID] = u
	return nil
}

// upload is the one that the request names, for the key of the request. The caller holds the bucket's lock.
func (r *request) upload() (upload, error) {
	u, ok := r.bucket.uploads[r.query.Get("uploadId")]
	if !ok || u.Target.Key != r.key {
		return upload{}, errNoSuchUpload
	}
	return u, nil
}

// partOf is the upload and the number of the part that the request is about.
func (r *request) partOf() (upload, int, error) {
	number, err := strconv.Atoi(r.query.Get("partNumber"))
	if err != nil || number < 1 || number > maxParts {
		return upload{}, 0, invalidArgument("Part number must be an integer between 1 and %d, inclusive", maxParts)
	}
	r.bucket.mu.RLock()
	defer r.bucket.mu.RUnlock()
	u, err := r.upload()
	return u, number, err
}

func (s *Service) uploadPart(r *request) error {
	u, number, err := r.partOf()
	if err != nil {
		return err
	}
	if algorithm, _, err := declared(r.Header); err != nil {
		return err
	} else if u.Explicit && algorithm != "" && algorithm != u.Target.Checksum.Algorithm {
		return invalidRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
			strings.ToLower(u.Target.Checksum.Algorithm), strings.ToLower(algorithm))
	}
	name, got, err := r.bucket.receive(r.Request, u.Target.Checksum.Algorithm)
	if err != nil {
		return err
	}
	p := s.newPart(number, name, got)
	if err := r.addPart(p); err != nil {
		return err
	}
	r.w.Header().Set("ETag", quoted(p.MD5))
	r.w.Header().Set("x-amz-server-side-encryption", "AES256")
	r.w.Header().Set(checksumHeader+got.checksum.Algorithm, p.Checksum)
	return nil
}

func (s *Service) newPart(number int, blob string, got received) part {
	return part{number, blob, got.size, hex.EncodeToString(got.md5), got.checksum.Value, s.opt.Now().UTC()}
}

// addPart takes the place of an earlier part of that number.
func (r *request) addPart(p part) error {
	b := r.bucket
	b.mu.Lock()
	defer b.mu.Unlock()
	u, err := r.upload() // it may have ended meanwhile
	if err == nil {
		err = disk.WriteJSON(b.partPath(u.ID, p.Number), p)
	}
	if err != nil {
		b.dropBlobs(p.Blob)
		return err
	}
	if old, ok := u.parts[p.Number]; ok {
		b.dropBlobs(old.Blob)
	}
	u.parts[p.Number] = p
	return nil
}

func (s *Service) uploadPartCopy(r *request) error {
	u, number, err := r.partOf()
	if err != nil {
		return err
	}
	source, f, err := s.copySource(r)
	if err != nil {
		return err
	}
	defer f.Close()
	c, err := copyRange(r.Header.Get("X-Amz-Copy-Source-Range"), source.Size)
	if err != nil {
		return err
	}
	name, got, err := r.bucket.store(io.NewSectionReader(f, c.start, c.length), u.Target.Checksum.Algorithm)
	if err != nil {
		return err
	}
	p := s.newPart(number, name, got)
	if err := r.addPart(p); err != nil {
		return err
	}
	writeXML(r.w, http.StatusOK, copyAnswer{XMLName: xml.Name{Local: "CopyPartResult"}, ETag: quoted(p.MD5), LastModified: stamp(p.Modified)})
	return nil
}

// copyRange is bytes=first-last, both given and within the source.
func copyRange(header string, size int64) (section, error) {
	if header == "" {
		return section{0, size, size, false}, nil
	}
	var first, last int64
	if n, err := fmt.Sscanf(header, "bytes=%d-%d", &first, &last); n != 2 || err != nil || first > last {
		return section{}, invalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
	}
	if last >= size {
		return section{}, invalidArgument("Range specified is not valid for source object of size: %d", size)
	}
	return section{first, last - first + 1, size, true}, nil
}

func (s *Service) abortUpload(r *request) error {
	r.bucket.mu.Lock()
	defer r.bucket.mu.Unlock()
	u, err := r.upload()
	if err != nil {
		return err
	}
	if err := r.bucket.dropUpload(u); err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}

// dropUpload forgets an upload and its parts. The caller holds the lock.
func (b *bucket) dropUpload(u upload) error {
	if err := os.RemoveAll(b.uploadDir(u.ID)); err != nil {
		return err
	}
	delete(b.uploads, u.ID)
	for _, p := range u.parts {
		b.dropBlobs(p.Blob)
	}
	return nil
}

type completeAnswer struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
	Location string
	Bucket   string
	Key      string
	ETag     string

	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
	ChecksumType      string
}

func (s *Service) completeUpload(r *request) error {
	allow, err := condition(r.Header)
	if err != nil {
		return err
	}
	document, err := io.ReadAll(io.LimitReader(r.Body, maxDocument))
	if err != nil {
		return err
	}
	var in types.CompletedMultipartUpload
	if err := wire.DecodeXML(bytes.NewReader(document), "CompleteMultipartUpload", &in); err != nil {
		return err
	}
	r.bucket.mu.RLock()
	u, err := r.upload()
	var parts []part
	if err == nil {
		parts, err = chosen(u, in.Parts)
	}
	r.bucket.mu.RUnlock()
	if err != nil {
		return err
	}
	o, err := s.assemble(r, u, parts)
	if err != nil {
		return err
	}
	if err := s.finish(r, u, o, allow); err != nil {
		return err
	}
	writeXML(r.w, http.StatusOK, completed(r, o))
	return nil
}

func completed(r *request, o object) completeAnswer {
	answer := completeAnswer{Location: "http://" + r.Host + r.URL.EscapedPath(), Bucket: r.bucketName, Key: r.key, ETag: quoted(o.ETag), ChecksumType: o.Checksum.Type}
	*map[string]*string{"CRC32": &answer.ChecksumCRC32, "CRC32C": &answer.ChecksumCRC32C, defaultAlgorithm: &answer.ChecksumCRC64NVME,
		"SHA1": &answer.ChecksumSHA1, "SHA256": &answer.ChecksumSHA256}[o.Checksum.Algorithm] = o.Checksum.Value
	return answer
}

// finish makes o the object and ends the upload, unless another request ended it while the parts were put together.
func (s *Service) finish(r *request, u upload, o object, allow func(object, bool) error) error {
	err := r.bucket.put(o, func(old object, exists bool) error {
		if _, err := r.upload(); err != nil {
			return err
		}
		return allow(old, exists)
	})
	if err != nil {
		r.bucket.dropBlobs(o.Blob)
		return err
	}
	r.bucket.mu.Lock()
	defer r.bucket.mu.Unlock()
	return r.bucket.dropUpload(u)
}

// chosen are the parts that the client lists, in its order.
func chosen(u upload, listed []types.CompletedPart) ([]part, error) {
	if len(listed) == 0 {
		return nil, errMalformedXML
	}
	var parts []part
	for i, c := range listed {
		number := int(aws.ToInt32(c.PartNumber))
		if i > 0 && number <= parts[i-1].Number {
			return nil, errPartOrder
		}
		p, ok := u.parts[number]
		if !ok || unquoted(aws.ToString(c.ETag)) != p.MD5 || !sameChecksum(c, u.Target.Checksum.Algorithm, p.Checksum) {
			return nil, errInvalidPart
		}
		parts = append(parts, p)
	}
	for _, p := range parts[:len(parts)-1] {
		if p.Size < minPart {
			return nil, errTooSmall
		}
	}
	return parts, nil
}

func sameChecksum(c types.CompletedPart, algorithm, value string) bool {
	given := map[string]*string{"CRC32": c.ChecksumCRC32, "CRC32C": c.ChecksumCRC32C, defaultAlgorithm: c.ChecksumCRC64NVME,
		"SHA1": c.ChecksumSHA1, "SHA256": c.ChecksumSHA256}[algorithm]
	return given == nil || *given == value
}

// assemble puts the parts together as a new blob and describes the object. Its ETag is the MD5 of the parts' MD5s, and their number.
func (s *Service) assemble(r *request, u upload, parts []part) (object, error) {
	o, ids := u.Target, md5.New()
	var readers []io.Reader
	for _, p := range parts {
		f, err := os.Open(r.bucket.blobPath(p.Blob))
		if err != nil {
			return object{}, err
		}
		defer f.Close()
		readers = append(readers, f)
		o.Parts = append(o.Parts, p.Size)
		id, err := hex.DecodeString(p.MD5)
		if err != nil {
			return object{}, err
		}
		ids.Write(id)
	}
	name, got, err := r.bucket.store(io.MultiReader(readers...), o.Checksum.Algorithm)
	if err != nil {
		return object{}, err
	}
	o.Blob, o.Size, o.Modified = name, got.size, s.opt.Now().UTC()
	o.ETag = hex.EncodeToString(ids.Sum(nil)) + "-" + strconv.Itoa(len(parts))
	if o.Checksum.Type == fullObject {
		o.Checksum = got.checksum
	} else if o.Checksum, err = compose(o.Checksum.Algorithm, parts); err != nil {
		return object{}, err
	}
	return o, checkWhole(r.Header, o)
}

// checkWhole takes what the client says of the whole object.
func checkWhole(h http.Header, o object) error {
	if want := h.Get(checksumHeader + o.Checksum.Algorithm); want != "" && want != o.Checksum.Value {
		return wire.NewFault(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", o.Checksum.Algorithm)
	}
	if want := h.Get("X-Amz-Mp-Object-Size"); want != "" && want != strconv.FormatInt(o.Size, 10) {
		return invalidRequest("The provided 'x-amz-mp-object-size' header does not match what was computed.")
	}
	return nil
}

type partsAnswer struct {
	XMLName              xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
	Bucket               string
	Key                  string
	UploadID             string `xml:"UploadId"`
	PartNumberMarker     int
	NextPartNumberMarker int
	MaxParts             int
	IsTruncated          bool
	StorageClass         string
	Owner                owner
	Part                 []partEntry
}

type partEntry struct {
	PartNumber   int
	LastModified string
	ETag         string
	Size         int64
}

func (s *Service) listParts(r *request) error {
	limit, err := r.limit("max-parts")
	if err != nil {
		return err
	}
	r.bucket.mu.RLock()
	defer r.bucket.mu.RUnlock()
	u, err := r.upload()
	if err != nil {
		return err
	}
	// A marker that is no number is none.
	marker, _ := strconv.Atoi(r.query.Get("part-number-marker"))
	answer := partsAnswer{Bucket: r.bucketName, Key: r.key, UploadID: u.ID, PartNumberMarker: marker, MaxParts: limit, StorageClass: "STANDARD", Owner: owner{s.opt.Account}}
	numbers := make([]int, 0, len(u.parts))
	for n := range u.parts {
		if n > marker {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	if answer.IsTruncated = len(numbers) > limit; answer.IsTruncated {
		numbers = numbers[:limit]
	}
	for _, n := range numbers {
		p := u.parts[n]
		answer.Part = append(answer.Part, partEntry{n, stamp(p.Modified), quoted(p.MD5), p.Size})
		answer.NextPartNumberMarker = n
	}
	writeXML(r.w, http.StatusOK, answer)
	return nil
}
