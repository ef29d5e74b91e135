package images

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/kedroctl/kedroctl/internal/local/disk"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

const (
	// tokenLife is ECR's: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
	tokenLife = 12 * time.Hour
	// pushTime is how long a part is kept that no image has: its manifest may still come, also after a restart.
	pushTime = time.Hour
	// invalid is the code of what is wrong with a request.
	invalid = "InvalidParameterException"
)

// Options say whose registry it is and where clients reach it.
type Options struct {
	Dir     string // directory of the state
	Region  string
	Account string // 12 digits
	Host    string // host:port of the registry, the first part of image references
	Now     func() time.Time
}

// Service is ECR and the registry of one account and region.
type Service struct {
	wire.Targets
	opt   Options
	mu    sync.Mutex
	state state
}

type state struct {
	Key          string // of the registry's passwords
	Repositories map[string]*repository
}

// New is the registry as its directory has it.
func New(opt Options) (*Service, error) {
	s := &Service{Targets: wire.Targets{}, opt: opt, state: state{Key: rand.Text(), Repositories: map[string]*repository{}}}
	wire.Offer(s.Targets, &s.mu, s.getToken)
	wire.Offer(s.Targets, &s.mu, s.createRepository)
	wire.Offer(s.Targets, &s.mu, s.describeRepositories)
	wire.Offer(s.Targets, &s.mu, s.listTags)
	wire.Offer(s.Targets, &s.mu, s.tag)
	wire.Offer(s.Targets, &s.mu, s.untag)
	wire.Offer(s.Targets, &s.mu, in(s, s.deleteRepository))
	wire.Offer(s.Targets, &s.mu, in(s, s.putScanning))
	wire.Offer(s.Targets, &s.mu, in(s, s.putLifecycle))
	wire.Offer(s.Targets, &s.mu, in(s, s.getLifecycle))
	wire.Offer(s.Targets, &s.mu, in(s, s.deleteLifecycle))
	wire.Offer(s.Targets, &s.mu, in(s, s.describeImages))
	wire.Offer(s.Targets, &s.mu, in(s, s.listImages))
	wire.Offer(s.Targets, &s.mu, in(s, s.batchDeleteImage))
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open the registry in %s: %w", opt.Dir, err)
	}
	return s, nil
}

// in is an operation in the repository that its input names.
func in[In, Out any](s *Service, do func(*repository, *In) (*Out, error)) func(*In) (*Out, error) {
	return func(input *In) (*Out, error) {
		name, _ := reflect.ValueOf(input).Elem().FieldByName("RepositoryName").Interface().(*string)
		r, err := s.find(name)
		if err != nil {
			return nil, err
		}
		return do(r, input)
	}
}

func (s *Service) arn(repository string) string {
	return "arn:aws:ecr:" + s.opt.Region + ":" + s.opt.Account + ":repository/" + repository
}

func (s *Service) open() error {
	if err := disk.ReadJSON(s.file(), &s.state); err != nil {
		return err
	}
	if err := os.MkdirAll(s.path(""), 0o755); err != nil {
		return err
	}
	return s.sweep()
}

func (s *Service) save() error { return disk.WriteJSON(s.file(), s.state) }

// sweep keeps the state, and removes what no image has any more, and what was pushed of images that never came.
func (s *Service) sweep() error {
	if err := s.save(); err != nil {
		return err
	}
	files, err := os.ReadDir(s.path(""))
	if err != nil {
		return err
	}
	keep := map[string]bool{}
	for _, r := range s.state.Repositories {
		for digest, i := range r.Images {
			for _, part := range append(i.Parts, digest) {
				keep[s.path(part)] = true
			}
		}
	}
	for _, f := range files {
		path := s.path(f.Name())
		if info, err := f.Info(); err != nil || keep[path] || time.Since(info.ModTime()) < pushTime {
			continue
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) file() string { return filepath.Join(s.opt.Dir, "registry.json") }

// path is the file of a part by its digest, or of an upload by its id.
func (s *Service) path(name string) string {
	return filepath.Join(s.opt.Dir, "blobs", strings.TrimPrefix(name, "sha256:"))
}

// Operation names the operation that r asks for, and whether it changes anything. Those of the registry are called "registry:<method>".
func (s *Service) Operation(r *http.Request) (name string, changes bool) {
	if isRegistry(r) {
		return "registry:" + r.Method, r.Method != http.MethodGet && r.Method != http.MethodHead
	}
	return s.Targets.Operation(r)
}

// isRegistry tells the registry's requests: they are not signed, and the only ones with a path.
func isRegistry(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/v2/") || r.URL.Path == "/v2"
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isRegistry(r) {
		s.serveRegistry(w, r)
		return
	}
	s.Targets.ServeHTTP(w, r)
}

// password is good for the registry until a time, which it tells.
func (s *Service) password(until int64) string {
	mac := hmac.New(sha256.New, []byte(s.state.Key))
	fmt.Fprint(mac, until)
	return fmt.Sprintf("%d.%x", until, mac.Sum(nil))
}

func (s *Service) isPassword(password string) bool {
	var until int64
	_, err := fmt.Sscanf(password, "%d.", &until)
	return err == nil && hmac.Equal([]byte(password), []byte(s.password(until))) && s.opt.Now().Unix() < until
}

func (s *Service) getToken(*ecr.GetAuthorizationTokenInput) (*ecr.GetAuthorizationTokenOutput, error) {
	until := s.opt.Now().Add(tokenLife)
	return &ecr.GetAuthorizationTokenOutput{AuthorizationData: []types.AuthorizationData{{
		AuthorizationToken: aws.String(base64.StdEncoding.EncodeToString([]byte("AWS:" + s.password(until.Unix())))),
		ExpiresAt:          &until,
		ProxyEndpoint:      aws.String("http://" + s.opt.Host),
	}}}, nil
}

func refuse(code, text string, args ...any) error {
	return wire.NewFault(http.StatusBadRequest, code, text, args...)
}
