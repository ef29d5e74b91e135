package objects

import (
	"bytes"
	"encoding/hex"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// kept are the headers of PUT that come back with GET, besides x-amz-meta-*.
var kept = []string{"Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires", "X-Amz-Website-Redirect-Location"}

const (
	metaPrefix = "X-Amz-Meta-"
	maxMeta    = 2048 // bytes of names and values: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
	maxTags    = 10   // of an object
)

// newObject is an object without content, as the headers of r describe it.
func (s *Service) newObject(r *request) (object, error) {
	if acl := r.Header.Get("X-Amz-Acl"); acl != "" && acl != "private" && acl != "bucket-owner-full-control" {
		return object{}, wire.NewFault(http.StatusBadRequest, "AccessControlListNotSupported", "The bucket does not allow ACLs")
	}
	o := object{Key: r.key, Headers: map[string]string{}}
	for _, name := range kept {
		v := r.Header.Get(name)
		if name == "Content-Encoding" { // aws-chunked is of the transfer, not of the object
			v = strings.Trim(strings.TrimSpace(strings.Replace(v, "aws-chunked", "", 1)), ", ")
		}
		if v != "" {
			o.Headers[name] = v
		}
	}
	size := 0
	for name, values := range r.Header {
		if strings.HasPrefix(name, metaPrefix) {
			o.Headers[name] = strings.Join(values, ",")
			size += len(name) - len(metaPrefix) + len(o.Headers[name])
		}
	}
	if size > maxMeta {
		return object{}, wire.NewFault(http.StatusBadRequest, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	tags, err := headerTags(r.Header.Get("X-Amz-Tagging"))
	o.Tags = tags
	return o, err
}

func headerTags(query string) (map[string]string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, invalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	tags := map[string]string{}
	for k, v := range values {
		tags[k] = v[0]
	}
	return tags, checkTags(tags, maxTags)
}

// condition is that of a conditional write. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func condition(h http.Header) (func(old object, exists bool) error, error) {
	match, noneMatch := h.Get("If-Match"), h.Get("If-None-Match")
	if noneMatch != "" && noneMatch != "*" {
		return nil, notImplemented("If-None-Match of a write takes * only")
	}
	return func(old object, exists bool) error {
		switch {
		case noneMatch != "" && exists:
			return errPrecondition
		case match != "" && !exists:
			return errNoSuchKey
		case match != "" && !etagIn(match, old.ETag):
			return errPrecondition
		}
		return nil
	}, nil
}

func (s *Service) putObject(r *request) error {
	o, err := s.newObject(r)
	if err != nil {
		return err
	}
	allow, err := condition(r.Header)
	if err != nil {
		return err
	}
	name, got, err := r.bucket.receive(r.Request, defaultAlgorithm)
	if err != nil {
		return err
	}
	if o, err = s.commit(r.bucket, o, name, got, allow); err != nil {
		return err
	}
	h := r.w.Header()
	h.Set("ETag", quoted(o.ETag))
	h.Set("x-amz-server-side-encryption", "AES256")
	o.Checksum.setHeaders(h)
	return nil
}

// commit makes a blob the content of o, and o the object of its key.
func (s *Service) commit(b *bucket, o object, blob string, got received, allow func(object, bool) error) (object, error) {
	o.Blob, o.Size, o.ETag, o.Checksum, o.Modified = blob, got.size, hex.EncodeToString(got.md5), got.checksum, s.opt.Now().UTC()
	err := b.put(o, allow)
	if err != nil {
		b.dropBlobs(blob)
	}
	return o, err
}

// copySource is the object that x-amz-copy-source names, with its content; the caller closes the file.
func (s *Service) copySource(r *request) (object, *os.File, error) {
	path, version, _ := strings.Cut(r.Header.Get("X-Amz-Copy-Source"), "?versionId=")
	path, err := url.PathUnescape(strings.TrimPrefix(path, "/"))
	bucketName, key, ok := strings.Cut(path, "/")
	if err != nil || !ok || key == "" || version != "" && version != "null" {
		return object{}, nil, invalidArgument("Invalid copy source object key")
	}
	if err := s.allowed(r, "GetObject", bucketName, key); err != nil {
		return object{}, nil, err
	}
	b, err := s.find(bucketName)
	if err != nil {
		return object{}, nil, err
	}
	o, f, err := b.open(key)
	if err != nil {
		return object{}, nil, err
	}
	if !copyAllowed(r.Header, o) {
		return object{}, nil, closing(f, errPrecondition)
	}
	return o, f, nil
}

func closing(f *os.File, err error) error {
	_ = f.Close() // opened for reading: nothing can be lost
	return err
}

func copyAllowed(h http.Header, o object) bool {
	match, noneMatch := h.Get("X-Amz-Copy-Source-If-Match"), h.Get("X-Amz-Copy-Source-If-None-Match")
	modified := h.Get("X-Amz-Copy-Source-If-Modified-Since")
	switch {
	case match != "" && !etagIn(match, o.ETag), match == "" && o.newerThan(h.Get("X-Amz-Copy-Source-If-Unmodified-Since")):
		return false
	case noneMatch != "" && etagIn(noneMatch, o.ETag), noneMatch == "" && modified != "" && !o.newerThan(modified):
		return false
	}
	return true
}

func (s *Service) copyObject(r *request) error {
	o, err := s.newObject(r)
	if err != nil {
		return err
	}
	allow, err := condition(r.Header)
	if err != nil {
		return err
	}
	source, f, err := s.copySource(r)
	if err != nil {
		return err
	}
	defer f.Close()
	if source.Size > maxPut {
		return invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxPut))
	}
	replaces := strings.EqualFold(r.Header.Get("X-Amz-Metadata-Directive"), "REPLACE")
	if isItself, _ := url.PathUnescape(strings.TrimPrefix(r.Header.Get("X-Amz-Copy-Source"), "/")); isItself == r.bucketName+"/"+r.key && !replaces {
		return invalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if !replaces {
		o.Headers = source.Headers
	}
	if !strings.EqualFold(r.Header.Get("X-Amz-Tagging-Directive"), "REPLACE") {
		o.Tags = source.Tags
	}
	// A copy is of one piece, whatever its source was.
	algorithm := strings.ToUpper(r.Header.Get("X-Amz-Checksum-Algorithm"))
	if algorithms[algorithm] == nil {
		algorithm = defaultAlgorithm
	}
	name, got, err := r.bucket.store(f, algorithm)
	if err != nil {
		return err
	}
	if o, err = s.commit(r.bucket, o, name, got, allow); err != nil {
		return err
	}
	writeXML(r.w, http.StatusOK, copyAnswer{XMLName: xml.Name{Local: "CopyObjectResult"}, ETag: quoted(o.ETag), LastModified: stamp(o.Modified)})
	return nil
}

type copyAnswer struct {
	XMLName      xml.Name
	ETag         string
	LastModified string
}

func (s *Service) deleteObject(r *request) error {
	if err := onlyCurrent(r); err != nil {
		return err
	}
	allow, err := condition(r.Header)
	if err != nil {
		return err
	}
	if err := r.bucket.remove(r.key, allow); err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}

type deleteAnswer struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deletedKey
	Error   []deleteError
}

type deletedKey struct {
	Key string
}

type deleteError struct {
	Key     string
	Code    string
	Message string
}

// deleteObjects removes up to 1,000 keys, each for itself.
func (s *Service) deleteObjects(r *request) error {
	if algorithm, _, err := declared(r.Header); err != nil || algorithm == "" && r.Header.Get("Content-Md5") == "" {
		return invalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	document, err := readDocument(r.Request)
	if err != nil {
		return err
	}
	var in types.Delete
	if err := wire.DecodeXML(bytes.NewReader(document), "Delete", &in); err != nil {
		return err
	}
	if len(in.Objects) == 0 || len(in.Objects) > 1000 {
		return errMalformedXML
	}
	var answer deleteAnswer
	for _, id := range in.Objects {
		key := aws.ToString(id.Key)
		if err := s.deleteOne(r, id); err != nil {
			f := wire.AsFault(err)
			answer.Error = append(answer.Error, deleteError{key, f.Code, f.Message})
		} else if !aws.ToBool(in.Quiet) {
			answer.Deleted = append(answer.Deleted, deletedKey{key})
		}
	}
	writeXML(r.w, http.StatusOK, answer)
	return nil
}

func (s *Service) deleteOne(r *request, id types.ObjectIdentifier) error {
	key, version := aws.ToString(id.Key), aws.ToString(id.VersionId)
	if err := s.allowed(r, "DeleteObject", r.bucketName, key); err != nil {
		return err
	}
	if version != "" && version != "null" {
		return wire.NewFault(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.")
	}
	return r.bucket.remove(key, func(old object, exists bool) error {
		if id.ETag != nil && exists && !etagIn(*id.ETag, old.ETag) {
			return errPrecondition
		}
		return nil
	})
}

type tagsAnswer struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ Tagging"`
	Tags    []tag    `xml:"TagSet>Tag"`
}

type tag struct {
	Key   string
	Value string
}

func (s *Service) getObjectTags(r *request) error {
	o, ok := r.bucket.object(r.key)
	if !ok {
		return s.missing(r)
	}
	var answer tagsAnswer
	for _, k := range slices.Sorted(maps.Keys(o.Tags)) {
		answer.Tags = append(answer.Tags, tag{k, o.Tags[k]})
	}
	writeXML(r.w, http.StatusOK, answer)
	return nil
}

func (s *Service) putObjectTags(r *request) error {
	document, err := readDocument(r.Request)
	if err != nil {
		return err
	}
	tags, err := decodeTags(document, maxTags)
	if err != nil {
		return err
	}
	return s.setTags(r, tags)
}

func (s *Service) deleteObjectTags(r *request) error {
	if err := s.setTags(r, nil); err != nil {
		return err
	}
	r.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) setTags(r *request, tags map[string]string) error {
	o, ok := r.bucket.object(r.key)
	if !ok {
		return s.missing(r)
	}
	o.Tags = tags
	return r.bucket.put(o, func(old object, exists bool) error {
		if !exists || old.Blob != o.Blob { // replaced since it was read
			return wire.NewFault(http.StatusConflict, "OperationAborted", "A conflicting conditional operation is currently in progress against this resource. Please try again.")
		}
		return nil
	})
}
