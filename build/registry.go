package build

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// certsDir is where Docker keeps the certificates that it trusts for single registries.
const certsDir = "/etc/docker/certs.d"

// ECR is what of Amazon ECR this package calls.
type ECR interface {
	GetAuthorizationToken(context.Context, *ecr.GetAuthorizationTokenInput, ...func(*ecr.Options)) (*ecr.GetAuthorizationTokenOutput, error)
}

// Registry is a registry with the right to read and write it, for twelve hours.
type Registry struct {
	ecr            ECR
	user, password string
	host           string // the account's own registry; "" where ECR does not say
}

// Login asks Amazon ECR for an authorization token. Neither Docker's configuration nor a credential program is used.
func Login(ctx context.Context, client ECR) (*Registry, error) {
	r := &Registry{ecr: client}
	if err := r.renew(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// renew asks for another token.
func (r *Registry) renew(ctx context.Context) error {
	out, err := r.ecr.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return fmt.Errorf("get ECR authorization: %w", err)
	}
	if len(out.AuthorizationData) == 0 || out.AuthorizationData[0].AuthorizationToken == nil {
		return errors.New("get ECR authorization: the answer holds no token")
	}
	user, password, err := decodeToken(*out.AuthorizationData[0].AuthorizationToken)
	if err != nil {
		return fmt.Errorf("get ECR authorization: %w", err)
	}
	endpoint := aws.ToString(out.AuthorizationData[0].ProxyEndpoint)
	if u, err := url.Parse(endpoint); err == nil {
		endpoint = u.Host
	}
	r.user, r.password, r.host = user, password, endpoint
	return nil
}

// expired is what ECR calls a token whose twelve hours are over.
var expired = regexp.MustCompile(`(?i)authorization token has expired|security token .* expired`)

// withToken sends an image, and once more with a new token where the one at hand has ended meanwhile: what has arrived is not sent again.
func (r *Registry) withToken(ctx context.Context, send func() (Pushed, error)) (Pushed, error) {
	pushed, err := send()
	if err == nil || !tokenEnded(err) {
		return pushed, err
	}
	if err := r.renew(ctx); err != nil {
		return pushed, err
	}
	return send()
}

// tokenEnded says whether a call failed, or may have, since the token's time is over: a refused HEAD has no text that would tell.
func tokenEnded(err error) bool {
	failure, ok := errors.AsType[*transport.Error](err)
	silent := ok && failure.StatusCode == http.StatusForbidden && failure.Request != nil && failure.Request.Method == http.MethodHead
	return silent || expired.MatchString(err.Error())
}

// decodeToken takes apart a token, base64 of user:password.
func decodeToken(token string) (user, password string, err error) {
	text, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return "", "", fmt.Errorf("decode the token: %w", err)
	}
	user, password, ok := strings.Cut(string(text), ":")
	if !ok {
		return "", "", errors.New("decode the token: it has no user name")
	}
	return user, password, nil
}

// Find asks the registry for a tag of a repository (its URI, as ECR names it) and gives repository@sha256:…; false where it has none.
func (r *Registry) Find(ctx context.Context, repository, tag string) (string, bool, error) {
	digest, err := r.head(ctx, repository+":"+tag)
	var failure *transport.Error
	if errors.As(err, &failure) && failure.StatusCode == http.StatusNotFound {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("look for %s:%s: %w", repository, tag, err)
	}
	return repository + "@" + digest.String(), true, nil
}

// head asks for the digest of a manifest.
func (r *Registry) head(ctx context.Context, image string) (v1.Hash, error) {
	ref, options, err := r.access(ctx, image)
	if err != nil {
		return v1.Hash{}, err
	}
	manifest, err := remote.Head(ref, options...)
	if err != nil {
		return v1.Hash{}, registryError(ref, err)
	}
	return manifest.Digest, nil
}

// access is how an image is reached: over plain http on the loopback, else by TLS with the certificates that Docker would trust.
func (r *Registry) access(ctx context.Context, image string) (name.Reference, []remote.Option, error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return nil, nil, err
	}
	t, err := registryTransport(ref)
	if err != nil {
		return nil, nil, err
	}
	basic := &authn.Basic{Username: r.user, Password: r.password}
	return ref, []remote.Option{remote.WithContext(ctx), remote.WithAuth(basic), remote.WithTransport(t)}, nil
}

// registryTransport trusts what Docker would.
func registryTransport(ref name.Reference) (http.RoundTripper, error) {
	pool, err := certificates(certsDir, ref.Context().RegistryStr())
	if err != nil {
		return nil, err
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return t, nil
}

// certificates are the system's and those that Docker has for a host.
func certificates(dir, host string) (*x509.CertPool, error) {
	files, err := filepath.Glob(filepath.Join(dir, host, "*.crt"))
	if err != nil || len(files) == 0 {
		return nil, err // nil is the system's pool
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read certificates of %s: %w", host, err)
		}
		pool.AppendCertsFromPEM(pem)
	}
	return pool, nil
}

// registryError says what a registry's bare status means.
func registryError(ref name.Reference, err error) error {
	var failure *transport.Error
	if !errors.As(err, &failure) {
		return err
	}
	switch failure.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return ui.WithHint(fmt.Errorf("registry %s refuses: %w", ref.Context().RegistryStr(), err),
			"the credentials need ecr:BatchGetImage, ecr:GetDownloadUrlForLayer and the rights to push for this repository")
	}
	return err
}
