package images

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
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
	// pushLife is how old a part can be that no image has: an interrupted push goes on sooner, or begins again.
	pushLife = 24 * time.Hour
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
	offer(s, s.getToken)
	offer(s, s.createRepository)
	offer(s, s.describeRepositories)
	offer(s, s.listTags)
	offer(s, in(s, s.deleteRepository))
	offer(s, in(s, s.putScanning))
	offer(s, in(s, s.putLifecycle))
	offer(s, in(s, s.getLifecycle))
	offer(s, in(s, s.describeImages))
	offer(s, in(s, s.listImages))
	offer(s, in(s, s.batchGetImage))
	offer(s, in(s, s.batchDeleteImage))
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open the registry in %s: %w", opt.Dir, err)
	}
	return s, nil
}

// offer adds an operation, which runs alone.
func offer[In, Out any](s *Service, do func(*In) (*Out, error)) {
	s.Targets[wire.OperationOf[In]()] = wire.JSONFunc(func(_ context.Context, input *In) (*Out, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return do(input)
	})
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

// open reads the state, and removes what was pushed of images that never came.
func (s *Service) open() error {
	if err := disk.ReadJSON(s.file(), &s.state); err != nil {
		return err
	}
	if err := os.MkdirAll(s.path(""), 0o755); err != nil {
		return err
	}
	files, err := os.ReadDir(s.path(""))
	if err != nil {
		return err
	}
	keep := s.parts()
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			return err
		}
		if keep["sha256:"+f.Name()] || time.Since(info.ModTime()) < pushLife {
			continue
		}
		if err := os.Remove(s.path(f.Name())); err != nil {
			return err
		}
	}
	return s.save()
}

// saveWithout keeps the state after images are gone, and then removes those of their parts that no other image has.
func (s *Service) saveWithout(gone ...*image) error {
	if err := s.save(); err != nil {
		return err
	}
	keep := s.parts()
	for _, i := range gone {
		for _, part := range append(i.Parts, *i.Shown.ImageDigest) {
			if keep[part] {
				continue
			}
			if err := os.Remove(s.path(part)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// parts are the digests of all that images consist of.
func (s *Service) parts() map[string]bool {
	all := map[string]bool{}
	for _, r := range s.state.Repositories {
		for digest, i := range r.Images {
			all[digest] = true
			for _, part := range i.Parts {
				all[part] = true
			}
		}
	}
	return all
}

func (s *Service) save() error { return disk.WriteJSON(s.file(), s.state) }

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
