package build

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// fragile is a registry on the loopback in which one thing goes wrong, and the ECR that gives its tokens: each asks for a new password.
type fragile struct {
	host    string
	tokens  atomic.Int64 // that were given
	uploads atomic.Int64 // of blobs, that began
	wrong   func(w http.ResponseWriter, r *http.Request) bool
}

func serveFragile(t *testing.T) *fragile {
	t.Helper()
	f := &fragile{}
	good := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, ok := r.BasicAuth()
		if !ok || user != "AWS" {
			w.Header().Set("WWW-Authenticate", `Basic realm="ecr"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodPost {
			f.uploads.Add(1)
		}
		if f.wrong == nil || !f.wrong(w, r) {
			good.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	f.host = strings.TrimPrefix(server.URL, "http://")
	return f
}

func (f *fragile) GetAuthorizationToken(context.Context, *ecr.GetAuthorizationTokenInput, ...func(*ecr.Options)) (*ecr.GetAuthorizationTokenOutput, error) {
	token := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "AWS:word-%d", f.tokens.Add(1)))
	return &ecr.GetAuthorizationTokenOutput{AuthorizationData: []types.AuthorizationData{{AuthorizationToken: aws.String(token)}}}, nil
}

// refuse answers as registries do.
func refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) bool {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors": [{"code": %q, "message": %q}]}`, code, message)
	return true
}

// cut ends the connection at a random byte of the body.
func cut(r *http.Request) bool {
	_, _ = io.CopyN(io.Discard, r.Body, rand.Int64N(max(1, min(r.ContentLength, 1<<20))))
	panic(http.ErrAbortHandler)
}

// expiring refuses the first token from the second upload on.
func (f *fragile) expiring(w http.ResponseWriter, r *http.Request) bool {
	_, password, _ := r.BasicAuth()
	return password == "word-1" && f.uploads.Load() > 1 && refuse(w, r, http.StatusForbidden, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")
}

// pushFault is what may happen in a push: what goes wrong, and what the error then says, of this program and of an engine ("": nothing, as the push itself
// goes on).
type pushFault struct {
	wrong        func(w http.ResponseWriter, r *http.Request) bool
	want, engine string
}

func (f *fragile) pushFaults() map[string]pushFault {
	isManifest := func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/")
	}
	var once atomic.Bool
	return map[string]pushFault{
		"the token expires": {f.expiring, "", ""},
		"an error of the registry": {func(w http.ResponseWriter, r *http.Request) bool {
			return isManifest(r) && refuse(w, r, http.StatusInternalServerError, "UNKNOWN", "we are sorry")
		}, "we are sorry", "500 Internal Server Error"},
		"a line that is cut once": {func(_ http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPatch && !once.Swap(true) && cut(r)
		}, "", ""},
		"a disk that is full": {func(w http.ResponseWriter, r *http.Request) bool {
			return isManifest(r) && refuse(w, r, http.StatusInsufficientStorage, "UNKNOWN", "no space left on device")
		}, "no space left on device", "507 Insufficient Storage"},
	}
}

// TestSendGoesOn: what fails in a push is told, and the next push ends it; what has arrived is not sent again.
func TestSendGoesOn(t *testing.T) {
	for name := range serveFragile(t).pushFaults() {
		t.Run(name, func(t *testing.T) {
			f := serveFragile(t)
			r, err := Login(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			image, err := random.Image(200_000, 3)
			if err != nil {
				t.Fatal(err)
			}
			send := func() (Pushed, error) {
				return r.withToken(t.Context(), func() (Pushed, error) {
					return r.send(t.Context(), image, Target{Repository: f.host + "/demo", Tag: "key"}, nil)
				})
			}
			fault := f.pushFaults()[name]
			f.wrong = fault.wrong
			pushed, err := send()
			switch {
			case fault.want == "" && err != nil:
				t.Fatal(err)
			case fault.want != "" && (err == nil || !strings.Contains(err.Error(), fault.want)):
				t.Fatalf("error %v, hint %q", err, ui.Hint(err))
			}
			f.wrong = nil
			began := f.uploads.Load()
			pushed, err = send()
			if err != nil || pushed.Ref != f.host+"/demo@"+digestOf(t, image) {
				t.Errorf("next push: %+v, %v", pushed, err)
			}
			if sent := f.uploads.Load() - began; sent > 0 {
				t.Errorf("%d layers were sent again", sent)
			}
		})
	}
}

func digestOf(t *testing.T, image v1.Image) string {
	t.Helper()
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}
