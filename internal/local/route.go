package local

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/objects"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// maxBody is the most that a service other than S3 reads of a request.
const maxBody = 24 << 20

// ServeHTTP answers one request of any client.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.lastCall.Store(time.Now().UnixNano())
	switch auth := r.Header.Get("Authorization"); {
	case strings.HasPrefix(auth, algorithm+" "):
		s.serveSigned(w, r, auth)
	case r.URL.Path == "/v2" || strings.HasPrefix(r.URL.Path, "/v2/"):
		s.serveCall(w, r, "ecr", s.services["ecr"]) // the registry knows its callers by a password, not by a signature
	case strings.HasPrefix(r.URL.Path, credentialsPath):
		s.keys.serve(w, r)
	case strings.HasPrefix(r.URL.Path, controlPath):
		s.serveControl(w, r)
	default:
		refuseUnsigned(w, r)
	}
}

// serveSigned checks the signature and asks the service that it names.
func (s *Server) serveSigned(w http.ResponseWriter, r *http.Request, auth string) {
	name := scopeOf(auth).service
	svc, ok := s.services[name]
	if !ok {
		refuse(w, r, name, wire.NewFault(http.StatusNotImplemented, "NotImplemented", "the embedded AWS does not offer the service %q", name))
		return
	}
	var body []byte
	if name != "s3" { // whose bodies are large, and whose signatures name the hash in a header
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxBody)); err != nil {
			refuse(w, r, name, wire.NewFault(http.StatusBadRequest, "RequestTimeout", "read the request: %v", err))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	caller, err := s.verify(r, auth, body)
	if err != nil {
		refuse(w, r, name, err)
		return
	}
	r = r.WithContext(wire.WithCaller(r.Context(), caller))
	s.serveCall(w, r.WithContext(wire.WithCaller(r.Context(), caller)), name, svc)
}

// serveCall lets a service answer, and notes that it did.
func (s *Server) serveCall(w http.ResponseWriter, r *http.Request, name string, svc service) {
	c := Call{Time: s.opt.Clock.Now(), Service: name, Principal: wire.CallerOf(r.Context()).ARN}
	c.Operation, c.Mutating = svc.Operation(r)
	answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	if err := s.allows(r, c); err != nil {
		refuse(answer, r, name, err)
	} else {
		svc.ServeHTTP(answer, r)
	}
	c.Status = answer.status
	s.journal.add(c)
}

// allows asks those who may stand in a call's way. Denials of the other services are by resource, and so their own business.
func (s *Server) allows(r *http.Request, c Call) error {
	if s.opt.Intercept != nil {
		if err := s.opt.Intercept(c.Service, c.Operation); err != nil {
			return err
		}
	}
	if c.Service == "batch" || c.Service == "logs" {
		return s.opt.Denied.Check(r.Context(), "AccessDeniedException", c.Service+":"+c.Operation, "*", nil)
	}
	return nil
}

// refuseUnsigned answers requests without a signature, and those that have it in the URL, in the words of the service that they seem to be for.
func refuseUnsigned(w http.ResponseWriter, r *http.Request) {
	service, code := "s3", "AccessDenied"
	if strings.HasPrefix(r.URL.Path, "/v1/") || r.Header.Get("X-Amz-Target") != "" {
		service, code = "batch", "MissingAuthenticationTokenException"
	}
	refuse(w, r, service, wire.NewFault(http.StatusForbidden, code, "requests without a signature in the Authorization header are not served"))
}

// refuse states an error in the protocol of a service.
func refuse(w http.ResponseWriter, r *http.Request, service string, err error) {
	switch service {
	case "s3":
		objects.WriteFault(w, r, err)
	case "iam":
		wire.WriteQueryFault(w, "https://iam.amazonaws.com/doc/2010-05-08/", err)
	case "sts":
		wire.WriteQueryFault(w, "https://sts.amazonaws.com/doc/2011-06-15/", err)
	case "ec2":
		wire.WriteEC2Fault(w, err)
	default:
		wire.WriteJSONError(w, err)
	}
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
