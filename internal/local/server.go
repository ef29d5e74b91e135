package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// JobRunner executes the jobs of the embedded Batch.
type JobRunner = batch.Runner

// Clock is the time that the server lives by.
type Clock = clock.Clock

// Options say what a server is. The zero value is a server of its own for a test: in memory, with fixed keys and no delays.
type Options struct {
	Dir       string // where state is kept; "" keeps it in memory only
	Addr      string // host:port for Listen; default a free port of 127.0.0.1
	Endpoint  string // URL by which clients and jobs reach the server; Listen fills it in
	Region    string // default us-east-1
	Account   string // 12 digits; default 000000000000
	AccessKey string // default test
	SecretKey string // default test
	Runner    JobRunner
	Clock     Clock // default the machine's

	Settle     time.Duration // how long compute environments and queues are CREATING, UPDATING, DELETING
	Step       time.Duration // how long a job is SUBMITTED, and STARTING before its container
	SubmitRate int           // SubmitJob calls a second before 429; 0: any number

	NoDefaultVPC   bool     // the account's default VPC was removed
	ForeignBuckets []string // names of buckets that other accounts own

	// Denied tells what the caller may not do: actions such as batch:SubmitJob on an ARN or "*". Nil denies nothing.
	Denied wire.Denied
	// Intercept is asked before each call. An error is the answer in the call's place; a *wire.Fault decides its status and code.
	Intercept func(service, operation string) error
}

// Server is the embedded AWS.
type Server struct {
	opt      Options
	keys     *keyring
	journal  journal
	batch    *batch.Service
	services map[string]service // by the name in a signature's scope
	scratch  string             // directory that Close removes
	lastCall atomic.Int64       // nanoseconds of the wall clock
	http     *http.Server
	stop     func() // ends the process that serves; nil where Serve does not
}

// service is one of AWS's.
type service interface {
	http.Handler
	// Operation names what a request asks for, and whether it changes anything.
	Operation(*http.Request) (name string, mutating bool)
}

// New makes a server with the state that Dir holds. It listens nowhere; Listen does.
func New(o Options) (*Server, error) {
	o.Region = cmp.Or(o.Region, "us-east-1")
	o.Account = cmp.Or(o.Account, "000000000000")
	o.AccessKey = cmp.Or(o.AccessKey, "test")
	o.SecretKey = cmp.Or(o.SecretKey, "test")
	o.Endpoint = cmp.Or(o.Endpoint, "http://127.0.0.1:4566")
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	if o.Runner == nil {
		o.Runner = noRunner{}
	}
	s := &Server{opt: o, keys: newKeyring(o)}
	s.lastCall.Store(time.Now().UnixNano())
	if err := s.addServices(); err != nil {
		return nil, fmt.Errorf("make the embedded AWS: %w", err)
	}
	return s, nil
}

// Listen makes a server and serves it on Addr until Close.
func Listen(o Options) (*Server, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", cmp.Or(o.Addr, "127.0.0.1:0"))
	if err != nil {
		return nil, fmt.Errorf("open the port of the embedded AWS: %w", err)
	}
	o.Endpoint = cmp.Or(o.Endpoint, "http://"+l.Addr().String())
	s, err := New(o)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s.serveOn(l)
	return s, nil
}

func (s *Server) serveOn(l net.Listener) {
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 30 * time.Second}
	go func() { _ = s.http.Serve(l) }() // ends with Close
}

// Close ends a server: requests under way are answered within 5 s or cut.
func (s *Server) Close() error {
	var err error
	if s.http != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err = s.http.Shutdown(ctx); err != nil {
			err = errors.Join(err, s.http.Close())
		}
	}
	if s.scratch != "" {
		err = errors.Join(err, os.RemoveAll(s.scratch))
	}
	return err
}

// Calls lists the requests that were answered, oldest first.
func (s *Server) Calls() []Call { return s.journal.list() }

// noRunner is what a server without a runner has: no container ever starts.
type noRunner struct{}

func (noRunner) Start(_ batch.Attempt, e batch.Events) func() {
	e.Done(batch.NotStarted("CannotStartContainerError: this server has no job runner"))
	return func() {}
}
