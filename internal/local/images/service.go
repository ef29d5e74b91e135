package images

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/kedroctl/kedroctl/internal/local/disk"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// tokenLife is ECR's: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
const tokenLife = 12 * time.Hour

// Options say whose registry it is and where clients reach it.
type Options struct {
	Dir     string // directory of the state
	Region  string
	Account string           // 12 digits
	Host    string           // host:port of the registry, the first part of image references
	Now     func() time.Time // nil: time.Now
	Denied  wire.Denied      // what the caller may not do, by ecr: actions
}

// Service is ECR and the registry of one account and region.
type Service struct {
	opt     Options
	file    string
	targets wire.Targets
	blobs   blobs
	content http.Handler // serves blobs
	mu      sync.Mutex
	state   state
}

type state struct {
	Repositories map[string]repository
	Tokens       []token
}

// token is a password for the registry.
type token struct {
	Password string
	Expires  time.Time
}

// New is the registry as its directory has it.
func New(opt Options) (*Service, error) {
	if opt.Dir == "" {
		return nil, errors.New("open the registry: no directory is given")
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s := &Service{opt: opt, file: filepath.Join(opt.Dir, "images.json"), blobs: blobs{filepath.Join(opt.Dir, "blobs")},
		state: state{Repositories: map[string]repository{}}}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open the registry in %s: %w", opt.Dir, err)
	}
	s.content = newContent(s.blobs)
	s.targets = s.operations()
	return s, nil
}

// open reads the state; what a killed process was receiving is of no use.
func (s *Service) open() error {
	partial, err := filepath.Glob(filepath.Join(s.blobs.dir, ".tmp-*"))
	if err != nil {
		return err
	}
	for _, path := range append(partial, s.uploadPath("")) {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	for _, dir := range []string{s.uploadPath(""), s.blobs.dir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return disk.ReadJSON(s.file, &s.state)
}

func (s *Service) operations() wire.Targets {
	return wire.Targets{
		"GetAuthorizationToken":         serve(s, "GetAuthorizationToken", s.getToken),
		"CreateRepository":              serve(s, "CreateRepository", s.createRepository),
		"DescribeRepositories":          serve(s, "DescribeRepositories", s.describeRepositories),
		"DeleteRepository":              serve(s, "DeleteRepository", s.deleteRepository),
		"PutImageScanningConfiguration": serve(s, "PutImageScanningConfiguration", s.putScanning),
		"PutImageTagMutability":         serve(s, "PutImageTagMutability", s.putMutability),
		"PutLifecyclePolicy":            serve(s, "PutLifecyclePolicy", s.putLifecycle),
		"GetLifecyclePolicy":            serve(s, "GetLifecyclePolicy", s.getLifecycle),
		"DeleteLifecyclePolicy":         serve(s, "DeleteLifecyclePolicy", s.deleteLifecycle),
		"TagResource":                   serve(s, "TagResource", s.tagResource),
		"UntagResource":                 serve(s, "UntagResource", s.untagResource),
		"ListTagsForResource":           serve(s, "ListTagsForResource", s.listTags),
		"DescribeImages":                serve(s, "DescribeImages", s.describeImages),
		"ListImages":                    serve(s, "ListImages", s.listImages),
		"BatchGetImage":                 serve(s, "BatchGetImage", s.batchGetImage),
		"BatchDeleteImage":              serve(s, "BatchDeleteImage", s.batchDeleteImage),
	}
}

// serve makes a handler that checks the caller's permission, and keeps the state where the operation may have changed it.
func serve[In, Out any](s *Service, name string, do func(*In) (*Out, error)) http.Handler {
	return wire.JSONFunc(func(ctx context.Context, in *In) (*Out, error) {
		if err := s.opt.Denied.Check(ctx, "AccessDeniedException", "ecr:"+name, s.resource(in), nil); err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		out, err := do(in)
		if err == nil && (mutating(name) || name == "GetAuthorizationToken") {
			err = s.save()
		}
		return out, err
	})
}

func (s *Service) save() error { return disk.WriteJSON(s.file, s.state) }

// resource is the ARN of the repository that an input names, "*" where it names none.
func (s *Service) resource(in any) string {
	v := reflect.ValueOf(in).Elem().FieldByName("RepositoryName")
	if !v.IsValid() || v.IsNil() {
		return "*"
	}
	return s.arn(v.Elem().String())
}

func (s *Service) arn(repository string) string {
	return "arn:aws:ecr:" + s.opt.Region + ":" + s.opt.Account + ":repository/" + repository
}

func mutating(name string) bool {
	for _, prefix := range []string{"Get", "Describe", "List", "BatchGet"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return true
}

// Operation names the operation that r asks for, and whether it changes anything. Those of the registry are called "registry:<method>".
func (s *Service) Operation(r *http.Request) (name string, changes bool) {
	if isRegistry(r) {
		return "registry:" + r.Method, r.Method != http.MethodGet && r.Method != http.MethodHead
	}
	name = wire.TargetOperation(r)
	return name, s.targets[name] != nil && mutating(name)
}

// Operations are the names of the API's operations that the service offers, sorted. Those of the registry are not among them.
func (s *Service) Operations() []string { return slices.Sorted(maps.Keys(s.targets)) }

// isRegistry tells the registry's requests: they are not signed, and the only ones with a path.
func isRegistry(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/v2/") || r.URL.Path == "/v2"
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isRegistry(r) {
		s.serveRegistry(w, r)
		return
	}
	s.targets.ServeHTTP(w, r)
}

// Token is a password of the user AWS for the registry, and when it ends.
func (s *Service) Token() (password string, expires time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.newToken()
	return t.Password, t.Expires, s.save()
}

// newToken forgets tokens that have ended.
func (s *Service) newToken() token {
	now := s.opt.Now()
	var valid []token
	for _, t := range s.state.Tokens {
		if t.Expires.After(now) {
			valid = append(valid, t)
		}
	}
	t := token{rand.Text(), now.Add(tokenLife)}
	s.state.Tokens = append(valid, t)
	return t
}

func (s *Service) getToken(*ecr.GetAuthorizationTokenInput) (*ecr.GetAuthorizationTokenOutput, error) {
	t := s.newToken()
	return &ecr.GetAuthorizationTokenOutput{AuthorizationData: []types.AuthorizationData{{
		AuthorizationToken: aws.String(base64.StdEncoding.EncodeToString([]byte("AWS:" + t.Password))),
		ExpiresAt:          &t.Expires, ProxyEndpoint: aws.String("http://" + s.opt.Host)}}}, nil
}
