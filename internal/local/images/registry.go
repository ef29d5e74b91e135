package images

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// registryPath splits what follows /v2/ into repository, kind and reference.
var registryPath = regexp.MustCompile(`^/v2/(.+)/(blobs/uploads|blobs|manifests|tags)/([^/]*)$`)

// serveRegistry answers the registry's protocol. Its errors have a form of their own.
func (s *Service) serveRegistry(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	if err := s.routeRegistry(w, r); err != nil {
		type entry struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		}
		f := wire.AsFault(err)
		writeJSON(w, f.Status, map[string][]entry{"errors": {{f.Code, f.Message}}})
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

func (s *Service) routeRegistry(w http.ResponseWriter, r *http.Request) error {
	if err := s.authenticate(w, r); err != nil {
		return err
	}
	if r.URL.Path == "/v2" || r.URL.Path == "/v2/" {
		return nil
	}
	match := registryPath.FindStringSubmatch(r.URL.Path)
	if match == nil {
		return wire.NewFault(http.StatusNotFound, "UNSUPPORTED", "Invalid path: %s", r.URL.Path)
	}
	name, kind, reference := match[1], match[2], match[3]
	if err := s.exists(name); err != nil {
		return wire.NewFault(http.StatusNotFound, "NAME_UNKNOWN", "%s", wire.AsFault(err).Message)
	}
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case kind == "blobs/uploads":
		return s.upload(w, r, name, reference)
	case kind == "blobs" && reading:
		return s.serveFile(w, r, reference, "application/octet-stream")
	case kind == "manifests" && reading:
		return s.getManifest(w, r, name, reference)
	case kind == "manifests" && r.Method == http.MethodPut:
		return s.putManifest(w, r, name, reference)
	case kind == "tags" && reading:
		return s.listOfTags(w, name)
	}
	return unsupported(r) // images are deleted through ECR's API
}

func unsupported(r *http.Request) error {
	return wire.NewFault(http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation %s is unsupported", r.Method)
}

func (s *Service) exists(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.find(&name)
	return err
}

// authenticate takes the user AWS with a password that has not ended.
func (s *Service) authenticate(w http.ResponseWriter, r *http.Request) error {
	user, password, ok := r.BasicAuth()
	if !ok {
		w.Header().Set("Www-Authenticate", `Basic realm="http://`+s.opt.Host+`/",service="ecr.amazonaws.com"`)
		return wire.NewFault(http.StatusUnauthorized, "UNAUTHORIZED", "Not Authorized")
	}
	if user != "AWS" || !s.isPassword(password) {
		return wire.NewFault(http.StatusForbidden, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")
	}
	return nil
}

func (s *Service) getManifest(w http.ResponseWriter, r *http.Request, name, reference string) error {
	i, err := s.pushed(name, reference)
	if err != nil {
		return err
	}
	return s.serveFile(w, r, *i.ImageDigest, *i.ImageManifestMediaType)
}

func (s *Service) pushed(name, reference string) (types.ImageDetail, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.state.Repositories[name]; r != nil {
		if i := r.image(identifier(reference)); i != nil {
			return i.Shown, nil
		}
	}
	return types.ImageDetail{}, wire.NewFault(http.StatusNotFound, "MANIFEST_UNKNOWN", "Requested image not found")
}

// identifier of what stands after the repository in the registry's paths.
func identifier(reference string) types.ImageIdentifier {
	if strings.Contains(reference, ":") {
		return types.ImageIdentifier{ImageDigest: &reference}
	}
	return types.ImageIdentifier{ImageTag: &reference}
}

func (s *Service) serveFile(w http.ResponseWriter, r *http.Request, digest, mediaType string) error {
	if _, err := v1.NewHash(digest); err != nil {
		return refuse("DIGEST_INVALID", "%v", err)
	}
	f, err := os.Open(s.path(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return wire.NewFault(http.StatusNotFound, "BLOB_UNKNOWN", "The layer %s does not exist", digest)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Docker-Content-Digest", digest)
	http.ServeContent(w, r, "", time.Time{}, f)
	return nil
}

func (s *Service) listOfTags(w http.ResponseWriter, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.find(&name)
	if err != nil {
		return err
	}
	tags := []string{}
	for _, i := range r.Images {
		tags = append(tags, i.Shown.ImageTags...)
	}
	slices.Sort(tags)
	writeJSON(w, http.StatusOK, map[string]any{"name": name, "tags": tags})
	return nil
}
