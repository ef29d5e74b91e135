package objects

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// kept are the headers of PUT that come back with GET, besides x-amz-meta-*.
var kept = []string{"Content-Type", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires"}

const (
	metaPrefix = "X-Amz-Meta-"
	maxMeta    = 2048 // bytes of names and values: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
)

// newObject is an object without content, as the headers of r describe it.
func newObject(r *request) (record, error) {
	if acl := r.Header.Get("X-Amz-Acl"); acl != "" && acl != "private" && acl != "bucket-owner-full-control" {
		return record{}, wire.NewFault(http.StatusBadRequest, "AccessControlListNotSupported", "The bucket does not allow ACLs")
	}
	o := record{ID: r.subject(), Headers: map[string]string{"Content-Type": "binary/octet-stream"}}
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
		return record{}, wire.NewFault(http.StatusBadRequest, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	var err error
	o.Config, err = headerTags(r.Header.Get("X-Amz-Tagging"))
	return o, err
}

// headerTags is the document of tags that a header gives as a query.
func headerTags(query string) (map[string]string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, invalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	var set []types.Tag
	for key, v := range values {
		set = append(set, types.Tag{Key: &key, Value: &v[0]})
	}
	return tagsConfig(set, objects)
}

// rule has an objection to a write, or none.
type rule func(old record, exists bool) error

// condition is that of a conditional write. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func condition(h http.Header) (rule, error) {
	match, noneMatch := h.Get("If-Match"), h.Get("If-None-Match")
	if noneMatch != "" && noneMatch != "*" {
		return nil, notImplemented("If-None-Match of a write takes * only")
	}
	return func(old record, exists bool) error {
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

func etagIn(list, etag string) bool {
	for e := range strings.SplitSeq(list, ",") {
		if e = strings.TrimSpace(e); e == "*" || strings.Trim(e, `"`) == etag {
			return true
		}
	}
	return false
}

func (r record) quotedETag() *string { return aws.String(strconv.Quote(r.ETag)) }

// write makes an object as the headers of r describe it, if their conditions hold. content may change it before it gives what becomes its content.
func (s *Service) write(r *request, content func(o *record) (record, error)) (record, error) {
	o, err := newObject(r)
	if err != nil {
		return record{}, err
	}
	allow, err := condition(r.Header)
	if err != nil {
		return record{}, err
	}
	got, err := content(&o)
	if err != nil {
		return record{}, err
	}
	o = s.object(o, got)
	return o, s.store.replace(o.ID, func(old record, exists bool) (record, error) { return o, allow(old, exists) })
}

// object is o with the content that was got.
func (s *Service) object(o, got record) record {
	o.Blob, o.Pieces, o.Size, o.ETag, o.Checksum, o.Modified = got.Blob, got.Pieces, got.Size, got.ETag, got.Checksum, s.opt.Now().UTC()
	return o
}

func (s *Service) putObject(r *request) ([]any, error) {
	o, err := s.write(r, func(*record) (record, error) {
		return s.store.content(func(w io.Writer) (record, error) { return receive(r.Request, w, defaultAlgorithm) })
	})
	if err == nil {
		r.showWritten(o)
	}
	return nil, err
}

// showWritten tells in headers what was written.
func (r *request) showWritten(o record) {
	r.w.Header().Set("ETag", *o.quotedETag())
	r.w.Header().Set("x-amz-server-side-encryption", "AES256")
	o.Checksum.show(r.w.Header())
}

// getObject serves GET and HEAD, whole or a part.
func (s *Service) getObject(r *request) ([]any, error) {
	o, f, err := s.open(r, r.subject())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := checkRange(r.Header, o.Size); err != nil {
		return nil, err
	}
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if etag := r.Header.Get(name); etag == o.ETag { // S3 takes it without quotes too
			r.Header.Set(name, strconv.Quote(etag))
		}
	}
	c := &content{w: r.w, header: http.Header{}, object: o, checked: strings.EqualFold(r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED")}
	http.ServeContent(c, r.Request, "", o.Modified, f)
	return nil, c.fault
}

var singleRange = regexp.MustCompile(`^bytes=(\d+-\d*|-\d+)$`)

// checkRange takes away what is no single range of bytes, which S3 ignores, and refuses a range of nothing.
func checkRange(h http.Header, size int64) error {
	var first, last int64
	switch n, _ := fmt.Sscanf(h.Get("Range"), "bytes=%d-%d", &first, &last); {
	case !singleRange.MatchString(h.Get("Range")), n == 2 && last < first:
		h.Del("Range")
	case size == 0, h.Get("Range") == "bytes=-0":
		return errInvalidRange
	}
	return nil
}

// content is the answer to GET and HEAD: http.ServeContent knows conditions and ranges, this the headers of objects, and S3's own refusals, which
// must not have those headers.
type content struct {
	w       http.ResponseWriter
	header  http.Header
	object  record
	checked bool // the client wants the checksum
	fault   error
}

func (c *content) Header() http.Header {
	for name, value := range c.object.Headers {
		if strings.HasPrefix(name, metaPrefix) { // clients take the names of metadata as they come, and S3 has small letters
			name = strings.ToLower(name)
		}
		c.header[name] = []string{value}
	}
	c.header.Set("ETag", *c.object.quotedETag())
	return c.header
}

func (c *content) WriteHeader(status int) {
	switch status {
	case http.StatusPreconditionFailed:
		c.fault = errPrecondition
		return
	case http.StatusRequestedRangeNotSatisfiable:
		c.fault = errInvalidRange
		return
	case http.StatusOK:
		c.header.Set("Content-Length", strconv.FormatInt(c.object.Size, 10))
		if c.checked {
			c.object.Checksum.show(c.header)
		}
	}
	c.header.Set("x-amz-server-side-encryption", "AES256")
	if n := len(tagSet(c.object)); n > 0 {
		c.header.Set("x-amz-tagging-count", strconv.Itoa(n))
	}
	maps.Copy(c.w.Header(), c.header)
	c.w.WriteHeader(status)
}

func (c *content) Write(b []byte) (int, error) {
	if c.fault != nil { // the text of a refusal
		return len(b), nil
	}
	return c.w.Write(b)
}

// copySource is the object that x-amz-copy-source names, with its content; the caller closes the file.
func (s *Service) copySource(r *request) (record, *pieced, error) {
	path, version, ofVersion := strings.Cut(r.Header.Get("X-Amz-Copy-Source"), "?versionId=")
	path, err := url.PathUnescape(strings.TrimPrefix(path, "/"))
	bucket, key, ok := strings.Cut(path, "/")
	if err != nil || !ok || key == "" || ofVersion && version != "null" {
		return record{}, nil, invalidArgument("Invalid copy source object key")
	}
	if err := s.find(bucket); err != nil {
		return record{}, nil, err
	}
	source := objectID(bucket, key)
	if err := s.allowed(r, versioned("GetObject", ofVersion), source); err != nil {
		return record{}, nil, err
	}
	o, f, err := s.open(r, source)
	if err != nil {
		return record{}, nil, err
	}
	match, noneMatch := r.Header.Get("X-Amz-Copy-Source-If-Match"), r.Header.Get("X-Amz-Copy-Source-If-None-Match")
	if match != "" && !etagIn(match, o.ETag) || noneMatch != "" && etagIn(noneMatch, o.ETag) {
		_ = f.Close() // opened for reading: nothing can be lost
		return record{}, nil, errPrecondition
	}
	return o, f, nil
}

func (s *Service) copyObject(r *request) ([]any, error) {
	o, err := s.write(r, func(o *record) (record, error) { return s.copyTo(o, r) })
	if err != nil {
		return nil, err
	}
	out := types.CopyObjectResult{ETag: o.quotedETag(), LastModified: &o.Modified, ChecksumType: types.ChecksumType(o.Checksum.Type)}
	o.Checksum.field(&out).Set(reflect.ValueOf(&o.Checksum.Value))
	return []any{out}, nil
}

// copyTo gives o the content of the source, and what else of it the client does not replace. A copy is of one piece, whatever its source was.
func (s *Service) copyTo(o *record, r *request) (record, error) {
	source, f, err := s.copySource(r)
	if err != nil {
		return record{}, err
	}
	defer f.Close()
	if source.Size > maxPut {
		return record{}, invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxPut))
	}
	if !strings.EqualFold(r.Header.Get("X-Amz-Metadata-Directive"), "REPLACE") {
		if source.ID == o.ID {
			return record{}, invalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
		}
		o.Headers = source.Headers
	}
	if !strings.EqualFold(r.Header.Get("X-Amz-Tagging-Directive"), "REPLACE") {
		o.Config = source.Config
		if err := s.mayCopyTags(r, source, *o); err != nil {
			return record{}, err
		}
	}
	algorithm := strings.ToUpper(r.Header.Get("X-Amz-Checksum-Algorithm"))
	if !known(algorithm) {
		algorithm = source.Checksum.Algorithm
	}
	return s.store.content(func(w io.Writer) (record, error) { return digested(w, f, algorithm) })
}

// mayCopyTags checks the actions that a copy of tags takes. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
func (s *Service) mayCopyTags(r *request, source, target record) error {
	if len(tagSet(source)) == 0 {
		return nil
	}
	if err := s.allowed(r, "GetObjectTagging", source.ID); err != nil {
		return err
	}
	return s.allowed(r, "PutObjectTagging", target.ID)
}

func (s *Service) deleteObject(r *request) ([]any, error) {
	allow, err := condition(r.Header)
	if err != nil {
		return nil, err
	}
	return nil, s.store.replace(r.subject(), func(old record, exists bool) (record, error) { return r.subject().gone(), allow(old, exists) })
}

// deleteObjects removes up to 1,000 keys, each for itself.
func (s *Service) deleteObjects(r *request) ([]any, error) {
	if algorithm, _, err := declared(r.Header); err != nil || algorithm == "" && r.Header.Get("Content-Md5") == "" {
		return nil, invalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	in, err := readXML[types.Delete](r.Request, "Delete")
	if err != nil {
		return nil, err
	}
	if len(in.Objects) == 0 || len(in.Objects) > 1000 {
		return nil, errMalformedXML
	}
	var out s3.DeleteObjectsOutput
	for _, o := range in.Objects {
		if err := s.deleteOne(r, o); err != nil {
			f := wire.AsFault(err)
			out.Errors = append(out.Errors, types.Error{Key: o.Key, Code: &f.Code, Message: &f.Message})
		} else if !aws.ToBool(in.Quiet) {
			out.Deleted = append(out.Deleted, types.DeletedObject{Key: o.Key})
		}
	}
	return []any{out}, nil
}

func (s *Service) deleteOne(r *request, o types.ObjectIdentifier) error {
	version, n := aws.ToString(o.VersionId), objectID(r.bucket, aws.ToString(o.Key))
	if err := s.allowed(r, versioned("DeleteObject", version != ""), n); err != nil {
		return err
	}
	if version != "" && version != "null" {
		return wire.NewFault(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.")
	}
	return s.store.replace(n, func(old record, exists bool) (record, error) {
		if o.ETag != nil && exists && !etagIn(*o.ETag, old.ETag) {
			return n.gone(), errPrecondition
		}
		return n.gone(), nil
	})
}
