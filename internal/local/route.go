package local

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/objects"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// maxBody is the largest request, in bytes, that a service other than S3 takes.
const maxBody = 24 << 20

// ServeHTTP answers one request of any client.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.lastCall.Store(time.Now().UnixNano())
	switch auth := r.Header.Get("Authorization"); {
	case strings.HasPrefix(auth, algorithm+" "):
		s.serveSigned(w, r, scopeOf(auth))
	case r.URL.Path == "/v2" || strings.HasPrefix(r.URL.Path, "/v2/"):
		s.answer(w, r, &Call{Service: "ecr"}, wire.Caller{}, nil) // the registry knows its callers by a password, not by a signature
	case strings.HasPrefix(r.URL.Path, credentialsPath):
		s.serveCredentials(w, r)
	case r.URL.Path == pingPath:
		fmt.Fprint(w, s.Info().who())
	default:
		s.refuseUnsigned(w, r)
	}
}

// serveSigned checks the signature and asks the service that it names.
func (s *Server) serveSigned(w http.ResponseWriter, r *http.Request, sc scope) {
	call := &Call{Service: sc.service}
	var body []byte
	var err error
	if sc.service != "s3" { // whose bodies are large, and whose signatures name the hash in a header
		if body, err = readBody(r); err != nil {
			s.answer(w, r, call, wire.Caller{}, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if m := subjects.FindSubmatch(body); m != nil {
		call.Resource = string(m[1])
	}
	caller, err := s.verify(r, sc, body)
	s.answer(w, r, call, caller, err)
}

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, wire.NewFault(http.StatusBadRequest, "RequestTimeout", "read the request: %v", err)
	case len(body) > maxBody:
		return nil, wire.NewFault(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "the request is larger than %d MiB", maxBody>>20)
	}
	return body, nil
}

// refuseUnsigned answers requests without a signature, and those that have it in the URL, in the words of the service that they seem to be for.
func (s *Server) refuseUnsigned(w http.ResponseWriter, r *http.Request) {
	service, code := "s3", "AccessDenied"
	if strings.HasPrefix(r.URL.Path, "/v1/") || r.Header.Get("X-Amz-Target") != "" {
		service, code = "batch", "MissingAuthenticationTokenException"
	}
	s.answer(w, r, &Call{Service: service}, wire.Caller{},
		wire.NewFault(http.StatusForbidden, code, "requests have to be signed in their Authorization header; presigned URLs are not served"))
}

// answer lets a service answer a call, unless it is to be refused or the fault script has other plans, and notes what became of it.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, c *Call, caller wire.Caller, refusal error) {
	c.Time, c.Principal = s.opt.Clock.Now(), caller.ARN
	r = r.WithContext(withCall(wire.WithCaller(r.Context(), caller), c))
	rec := &recorder{ResponseWriter: w, status: http.StatusOK}
	svc, ok := s.services[c.Service]
	if ok {
		c.Operation, c.Mutating = svc.Operation(r)
	} else {
		refusal = wire.NewFault(http.StatusNotImplemented, "NotImplemented", "the embedded AWS does not offer the service %q", c.Service)
	}
	if refusal == nil {
		s.serveCall(rec, r, c, svc)
	} else {
		refuse(rec, r, c.Service, refusal)
	}
	c.Status, c.Code = rec.status, rec.code()
	s.journal.add(*c)
	rec.end() // the journal knows of a call before its client does
}

func (s *Server) serveCall(w *recorder, r *http.Request, c *Call, svc http.Handler) {
	script, operation := s.faults.Load(), c.Service+"."+c.Operation
	fault := script.Call(operation)
	switch {
	case fault == nil:
		if err := s.admit(r, c); err != nil {
			refuse(w, r, c.Service, err)
			return
		}
		svc.ServeHTTP(w, r)
	case fault.Fault != nil:
		_, _ = io.Copy(io.Discard, r.Body) // a client in the middle of its body reads no answer
		refuse(w, r, c.Service, fault.Fault)
	case fault.CutAfter:
		w.cut = true
		svc.ServeHTTP(w, r)
	case fault.CutDuring:
		w.cut = true
		most := int64(64 << 10) // of a body that does not tell its size
		if r.ContentLength > 0 {
			most = r.ContentLength
		}
		r.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.Body, rand.Int64N(most)), lost{}))
		svc.ServeHTTP(w, r)
	default:
		if fault.Hang > 0 {
			s.wait(r.Context(), fault.Hang)
		}
		w.cut, w.status = true, 0
	}
}

// admit refuses calls above their rate, and those to services that leave it to the server to deny them.
func (s *Server) admit(r *http.Request, c *Call) error {
	if c.Service != "batch" && s.faults.Load().Throttles(c.Service+"."+c.Operation, s.opt.Clock.Now()) {
		return words[c.Service].throttled
	}
	if c.Service == "batch" || c.Service == "ecr" || c.Service == "logs" {
		return wire.Denied(s.denied).CheckAll(r.Context(), "AccessDeniedException", s.needs(r, c))
	}
	return nil
}

// wait returns after d, or when the client has gone.
func (s *Server) wait(ctx context.Context, d time.Duration) {
	over := make(chan struct{})
	defer s.opt.Clock.AfterFunc(d, func() { close(over) })()
	select {
	case <-over:
	case <-ctx.Done():
	}
}

// refuse states an error in the protocol of a service.
func refuse(w http.ResponseWriter, r *http.Request, service string, err error) {
	switch service {
	case "s3":
		objects.WriteFault(w, r, err)
	case "iam":
		wire.IAM.WriteFault(w, err)
	case "sts":
		wire.STS.WriteFault(w, err)
	case "ec2":
		wire.EC2.WriteFault(w, err)
	default:
		wire.WriteJSONError(w, err)
	}
}

// lost is what is left of a body whose client has gone.
type lost struct{}

func (lost) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
