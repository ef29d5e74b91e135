package images

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// registryPath splits what follows /v2/ into repository, kind and reference.
var registryPath = regexp.MustCompile(`^/v2/(.+)/(blobs/uploads|blobs|manifests|tags)/([^/]*)$`)

// serveRegistry answers the registry's protocol. Its errors have a form of their own.
func (s *Service) serveRegistry(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	if err := s.routeRegistry(w, r); err != nil {
		writeRegistryFault(w, r, err)
	}
}

func (s *Service) routeRegistry(w http.ResponseWriter, r *http.Request) error {
	if err := s.authenticate(w, r); err != nil {
		return err
	}
	if r.URL.Path == "/v2" || r.URL.Path == "/v2/" {
		s.content.ServeHTTP(w, r)
		return nil
	}
	match := registryPath.FindStringSubmatch(r.URL.Path)
	if match == nil {
		return wire.NewFault(http.StatusNotFound, "UNSUPPORTED", "Invalid path: %s", r.URL.Path)
	}
	name, kind, reference := match[1], match[2], match[3]
	if !s.exists(name) {
		return wire.NewFault(http.StatusNotFound, "NAME_UNKNOWN",
			"The repository with name '%s' does not exist in the registry with id '%s'", name, s.opt.Account)
	}
	switch kind {
	case "blobs/uploads":
		return s.upload(w, r, name, reference)
	case "manifests":
		return s.manifest(w, r, name, reference)
	case "tags":
		return s.tagList(w, name)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return unsupported(r)
	}
	s.content.ServeHTTP(w, r)
	return nil
}

func unsupported(r *http.Request) error {
	return wire.NewFault(http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation %s is unsupported", r.Method)
}

func (s *Service) exists(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.state.Repositories[name]
	return ok
}

// authenticate takes the user AWS with a token that has not ended.
func (s *Service) authenticate(w http.ResponseWriter, r *http.Request) error {
	user, password, ok := r.BasicAuth()
	if !ok {
		w.Header().Set("Www-Authenticate", `Basic realm="http://`+s.opt.Host+`/",service="ecr.amazonaws.com"`)
		return wire.NewFault(http.StatusUnauthorized, "UNAUTHORIZED", "Not Authorized")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.state.Tokens {
		if user == "AWS" && password == t.Password && t.Expires.After(s.opt.Now()) {
			return nil
		}
	}
	return wire.NewFault(http.StatusForbidden, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")
}

func writeRegistryFault(w http.ResponseWriter, r *http.Request, err error) {
	f, ok := errors.AsType[*wire.Fault](err)
	if !ok {
		f = wire.NewFault(http.StatusInternalServerError, "UNKNOWN", "%v", err)
	}
	type entry struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	writeJSON(w, f.Status, map[string][]entry{"errors": {{f.Code, f.Message}}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client is gone if this fails; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(v)
}
