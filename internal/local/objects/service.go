package objects

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// Options say whose buckets they are.
type Options struct {
	Dir     string // directory of the state
	Region  string
	Account string                   // 12 digits; the owner of objects
	Foreign func(bucket string) bool // whether another account owns a bucket: it can neither be made nor be used; nil: none
	Now     func() time.Time         // nil: time.Now
	Denied  wire.Denied              // what the caller may not do, by s3: actions
}

// Service is S3 of one account in one region.
type Service struct {
	opt   Options
	store *store
}

// New is the service with the buckets that its directory has.
func New(opt Options) (*Service, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	store, err := openStore(opt.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the buckets in %s: %w", opt.Dir, err)
	}
	return &Service{opt, store}, nil
}

// Operations lists the names of the API operations that are offered, sorted.
func (s *Service) Operations() []string {
	var names []string
	for _, o := range operations {
		names = append(names, o.name)
	}
	slices.Sort(names)
	return names
}

// Operation names the operation that r asks for, as the SDKs call it, and whether it changes anything.
func (s *Service) Operation(r *http.Request) (name string, mutating bool) {
	_, op, err := route(nil, r)
	if err != nil {
		return "", false
	}
	return op.name, r.Method != http.MethodGet && r.Method != http.MethodHead
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("x-amz-request-id", rand.Text())
	w.Header().Set("Date", s.opt.Now().UTC().Format(http.TimeFormat))
	answer, err := s.answer(w, r)
	if err != nil {
		// A client in the middle of its body reads no answer before it has sent it; one that asked first gets the answer instead.
		if r.Header.Get("Expect") == "" {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		WriteFault(w, r, err)
		return
	}
	switch {
	case answer != nil:
		writeXML(w, http.StatusOK, answer)
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	}
}

// answer does what r asks for, and gives the document that answers it, nil for none.
func (s *Service) answer(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	req, op, err := route(w, r)
	if err == nil {
		err = s.admit(req, op)
	}
	if err != nil {
		return nil, err
	}
	if err := s.expire(req.bucket); err != nil {
		return nil, err
	}
	outs, err := op.do(s, req)
	if err != nil || outs == nil {
		return nil, err
	}
	return wire.EncodeXML(op.root, outs...), nil
}

// request is one that was routed.
type request struct {
	*http.Request
	w      http.ResponseWriter
	query  url.Values
	bucket string
	key    string
}

// subject is the object that the request is about, or the bucket where there is no key.
func (r *request) subject() id {
	if r.key == "" {
		return bucketID(r.bucket)
	}
	return objectID(r.bucket, r.key)
}

// route splits the path of r into bucket and key, and finds the operation.
func route(w http.ResponseWriter, r *http.Request) (*request, operation, error) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	req := &request{Request: r, w: w, query: r.URL.Query(), bucket: bucket, key: key}
	selector := req.selector()
	op, ok := operations[selector]
	if !ok {
		return nil, operation{}, notImplemented("the embedded S3 does not offer %q", selector)
	}
	return req, op, req.unsupported()
}

// admit checks that there is the bucket, and that the caller may do the operation. An absent bucket is told of to anybody, as S3 does.
func (s *Service) admit(r *request, op operation) (err error) {
	var denied error
	for _, action := range op.actions(r) {
		if denied == nil {
			denied = s.allowed(r, action, r.subject())
		}
	}
	if r.bucket != "" && op.name != "CreateBucket" {
		err = s.find(r.bucket)
	}
	owner, version := r.Header.Get("X-Amz-Expected-Bucket-Owner"), r.query.Get("versionId")
	switch {
	case err != nil:
		return err
	case owner != "" && owner != s.opt.Account:
		return errAccessDenied
	case len(r.key) > 1024:
		return wire.NewFault(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	case version != "" && version != "null":
		return invalidArgument("Invalid version id specified")
	}
	return denied
}

// find refuses buckets that do not exist, or belong to others.
func (s *Service) find(bucket string) error {
	if s.opt.Foreign != nil && s.opt.Foreign(bucket) {
		return errAccessDenied
	}
	if _, ok := s.store.get(bucketID(bucket)); !ok {
		return errNoSuchBucket
	}
	return nil
}

// allowed checks an action on a bucket or object, with the values that a listing has for condition keys.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
func (s *Service) allowed(r *request, action string, on id) error {
	conditions := map[string]string{}
	for _, key := range []string{"prefix", "delimiter", "max-keys"} {
		if r.query.Has(key) {
			conditions["s3:"+key] = r.query.Get(key)
		}
	}
	return s.check(r, action, on, conditions)
}

func (s *Service) check(r *request, action string, on id, conditions map[string]string) error {
	resource := "*"
	if on.Key != "" {
		resource = "arn:aws:s3:::" + strings.TrimPrefix(on.Bucket+"/"+on.Key, "/")
	}
	return s.opt.Denied.Check(r.Context(), "AccessDenied", "s3:"+action, resource, conditions)
}

// open is an object and its content; the caller closes the file.
func (s *Service) open(r *request, o id) (record, *pieced, error) {
	found, f, err := s.store.open(o)
	if errors.Is(err, errNoSuchKey) {
		err = s.missing(r, o)
	}
	return found, f, err
}

// missing is the fault for an absent object: who may not list the bucket by its key is not told what is in it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html; that the key counts as s3:prefix: https://github.com/ceph/ceph/pull/68577
func (s *Service) missing(r *request, o id) error {
	if err := s.check(r, "ListBucket", bucketID(o.Bucket), map[string]string{"s3:prefix": o.Key}); err != nil {
		return err
	}
	return errNoSuchKey
}
