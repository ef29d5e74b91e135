package build

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// tokenECR answers with one token.
type tokenECR string

func (t tokenECR) GetAuthorizationToken(context.Context, *ecr.GetAuthorizationTokenInput, ...func(*ecr.Options)) (*ecr.GetAuthorizationTokenOutput, error) {
	token := base64.StdEncoding.EncodeToString([]byte(t))
	return &ecr.GetAuthorizationTokenOutput{AuthorizationData: []types.AuthorizationData{{AuthorizationToken: aws.String(token)}}}, nil
}

// serveRegistry starts a registry on the loopback that wants ECR's user and a password, and gives its host.
func serveRegistry(t *testing.T, password string) string {
	t.Helper()
	return serveRegistryAt(t, "127.0.0.1", password)
}

// serveRegistryAt starts one on an address of this machine.
func serveRegistryAt(t *testing.T, address, password string) string {
	t.Helper()
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, given, _ := r.BasicAuth(); user != "AWS" || given != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="ecr"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// serveOpenRegistry starts a registry on the loopback that wants no password, and gives its host.
func serveOpenRegistry(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func login(t *testing.T, token string) *Registry {
	t.Helper()
	r, err := Login(t.Context(), tokenECR(token))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFind(t *testing.T) {
	repository := serveRegistry(t, "word") + "/demo"
	r := login(t, "AWS:word")
	if ref, ok, err := r.Find(t.Context(), repository, "key"); ok || err != nil {
		t.Fatalf("empty registry: %s, %v, %v", ref, ok, err)
	}
	image, err := random.Image(100, 3)
	if err != nil {
		t.Fatal(err)
	}
	target, options, err := r.access(t.Context(), repository+":key")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(target, image, options...); err != nil {
		t.Fatal(err)
	}
	digest, _ := image.Digest()
	ref, ok, err := r.Find(t.Context(), repository, "key")
	if want := repository + "@" + digest.String(); !ok || err != nil || ref != want {
		t.Errorf("got %s, %v, %v, want %s", ref, ok, err, want)
	}
}

func TestSentCountsLayersThatTravelled(t *testing.T) {
	repository := serveRegistry(t, "word") + "/demo"
	r := login(t, "AWS:word")
	image, err := random.Image(1000, 3)
	if err != nil {
		t.Fatal(err)
	}
	target, options, _ := r.access(t.Context(), repository+":key")
	if err := remote.Write(target, image, options...); err != nil {
		t.Fatal(err)
	}
	size, _ := image.Size()
	manifest, _ := image.Manifest()
	config, _ := image.ConfigFile()
	small, large := manifest.Config.Size+size, manifest.Config.Size+size+manifest.Layers[1].Size
	tests := []struct {
		name   string
		layers map[string]bool
		want   int64
	}{
		{"nothing but the manifest", nil, size},
		{"unknown layer", map[string]bool{"ffffffffffff": true}, small},
		{"by packed content", map[string]bool{short(manifest.Layers[1].Digest): true}, large},
		{"by unpacked content", map[string]bool{short(config.RootFS.DiffIDs[1]): true}, large},
	}
	for _, tt := range tests {
		if got, err := r.sent(t.Context(), repository+":key", tt.layers); err != nil || got != tt.want {
			t.Errorf("%s: %d, %v, want %d", tt.name, got, err, tt.want)
		}
	}
}

func TestFindErrors(t *testing.T) {
	repository := serveRegistry(t, "word") + "/demo"
	_, _, err := login(t, "AWS:wrong").Find(t.Context(), repository, "key")
	if err == nil || !strings.Contains(err.Error(), "refuses") || !strings.Contains(ui.Hint(err), "ecr:BatchGetImage") {
		t.Errorf("wrong password: %v, hint %q", err, ui.Hint(err))
	}
	if _, err := Login(t.Context(), tokenECR("no colon")); err == nil || !strings.Contains(err.Error(), "no user name") {
		t.Errorf("token without a user: %v", err)
	}
}

func TestCertificatesOfDocker(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	dir := t.TempDir()
	pem := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	write(t, dir, map[string]string{"registry.example:5000/ca.crt": string(pem)})
	pool, err := certificates(dir, "registry.example:5000")
	if err != nil || pool == nil {
		t.Fatalf("%v, %v", pool, err)
	}
	if pool, err := certificates(dir, "other.example"); pool != nil || err != nil {
		t.Errorf("other host: %v, %v, want the system's pool", pool, err)
	}
	if err := os.Mkdir(filepath.Join(dir, "registry.example:5000", "b.crt"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := certificates(dir, "registry.example:5000"); err == nil {
		t.Error("a certificate that cannot be read is no error")
	}
}
