package objects

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// Options say whose buckets they are.
type Options struct {
	Dir     string // directory of the state; a directory per bucket is made in it
	Region  string
	Account string                   // 12 digits; the owner of objects
	Foreign func(bucket string) bool // whether another account owns a bucket: it can neither be made nor be used; nil: none
	Now     func() time.Time         // nil: time.Now
	Denied  wire.Denied              // what the caller may not do, by s3: actions
}

// Service is S3 of one account in one region.
type Service struct {
	opt     Options
	mu      sync.RWMutex
	buckets map[string]*bucket
}

// New is the service with the buckets that its directory has.
func New(opt Options) (*Service, error) {
	if opt.Dir == "" {
		return nil, errors.New("open the buckets: no directory is given")
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s := &Service{opt: opt, buckets: map[string]*bucket{}}
	if err := os.MkdirAll(opt.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("open the buckets: %w", err)
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("open the buckets in %s: %w", opt.Dir, err)
	}
	return s, nil
}

// load opens all buckets. Directories without bucket.json are what is left of an unfinished creation or deletion.
func (s *Service) load() error {
	entries, err := os.ReadDir(s.opt.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		dir := filepath.Join(s.opt.Dir, e.Name())
		if _, err := os.Stat(filepath.Join(dir, "bucket.json")); err != nil {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			continue
		}
		if s.buckets[e.Name()], err = openBucket(dir); err != nil {
			return err
		}
	}
	return nil
}

// request is one that was routed.
type request struct {
	*http.Request
	w          http.ResponseWriter
	query      url.Values
	bucketName string
	bucket     *bucket // nil where the request names none, or makes it
	key        string
}

// Operation names the operation that r asks for, as the SDKs call it, and whether it changes anything.
func (s *Service) Operation(r *http.Request) (name string, mutating bool) {
	_, op, err := s.route(nil, r)
	if err != nil {
		return "", false
	}
	return op.name, op.mutating()
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req, op, err := s.route(w, r)
	if err == nil {
		err = s.admit(req, op)
	}
	if err == nil {
		w.Header().Set("x-amz-request-id", rand.Text())
		err = op.do(s, req)
	}
	if err != nil {
		// A client in the middle of its body reads no answer before it has sent it; one that asked first gets the answer instead.
		if r.Header.Get("Expect") == "" {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		WriteFault(w, r, err)
	}
}

// route splits the path of r into bucket and key, and finds the operation.
func (s *Service) route(w http.ResponseWriter, r *http.Request) (*request, operation, error) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	escapedBucket, escapedKey, _ := strings.Cut(path, "/")
	name, err := url.PathUnescape(escapedBucket)
	key, err2 := url.PathUnescape(escapedKey)
	if errors.Join(err, err2) != nil {
		return nil, operation{}, wire.NewFault(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
	}
	req := &request{Request: r, w: w, query: r.URL.Query(), bucketName: name, key: key}
	op, ok := operations[req.selector()]
	if !ok {
		return nil, operation{}, notImplemented("the embedded S3 does not offer %q", req.selector())
	}
	return req, op, nil
}

// admit checks that the caller may do the operation, and finds the bucket.
func (s *Service) admit(req *request, op operation) error {
	if err := s.allowed(req, op.action, req.bucketName, req.key); err != nil {
		return err
	}
	if len(req.key) > 1024 {
		return wire.NewFault(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	}
	if req.bucketName == "" || op.name == "CreateBucket" {
		return nil
	}
	if owner := req.Header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != s.opt.Account {
		return errAccessDenied
	}
	var err error
	req.bucket, err = s.find(req.bucketName)
	return err
}

// allowed checks an action on a bucket, or on an object where there is a key.
func (s *Service) allowed(req *request, action, bucket, key string) error {
	resource := "*"
	if bucket != "" {
		resource = "arn:aws:s3:::" + strings.TrimSuffix(bucket+"/"+key, "/")
	}
	return s.opt.Denied.Check(req.Context(), "AccessDenied", "s3:"+action, resource, nil)
}

func (s *Service) find(name string) (*bucket, error) {
	if s.opt.Foreign != nil && s.opt.Foreign(name) {
		return nil, errAccessDenied
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, ok := s.buckets[name]
	if !ok {
		return nil, errNoSuchBucket
	}
	return b, nil
}

// missing is the fault for an absent object: who may not list the bucket is not told what is in it.
func (s *Service) missing(req *request) error {
	if err := s.allowed(req, "ListBucket", req.bucketName, ""); err != nil {
		return err
	}
	return errNoSuchKey
}
