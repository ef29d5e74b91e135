package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/account"
	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/local/faults"
	"github.com/kedroctl/kedroctl/internal/local/network"
	"github.com/kedroctl/kedroctl/internal/local/policy"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// registryCalls are those that package images names by the method.
var registryCalls = []string{"ecr.registry:GET", "ecr.registry:HEAD", "ecr.registry:POST", "ecr.registry:PATCH", "ecr.registry:PUT", "ecr.registry:DELETE"}

// JobRunner executes the jobs of the embedded Batch.
type JobRunner = batch.Runner

// Clock is the time that the server lives by.
type Clock = clock.Clock

// Options say what a server is. The zero value is a server of its own for a test: in memory, with fixed keys, no delays and no throttling.
type Options struct {
	Dir       string // where state is kept; "" keeps it in memory only
	Endpoint  string // URL by which clients and jobs reach the server; Listen fills it in
	Region    string // default us-east-1
	Account   string // 12 digits; default 000000000000
	AccessKey string // default test
	SecretKey string // default test
	Runner    JobRunner
	Clock     Clock // default the machine's

	Settle time.Duration // how long compute environments and queues are CREATING, UPDATING, DELETING
	Step   time.Duration // how long a job is SUBMITTED, and STARTING before its container

	Network *network.Private // a VPC without public addresses, besides the default one; nil: none

	Faults  *faults.Script // what goes wrong; nil: nothing
	Journal io.Writer      // gets each call as a line of JSON; may be nil
}

// Server is the embedded AWS.
type Server struct {
	opt         Options
	faults      atomic.Pointer[faults.Script]
	keys        sync.Map // of key, by its id
	journal     journal
	restriction atomic.Pointer[[]policy.Statement] // of the own user; nil: none
	account     *account.Service
	batch       *batch.Service
	services    map[string]service // by the name in a signature's scope
	scratch     string             // directory that Close removes
	lastCall    atomic.Int64       // nanoseconds of the wall clock
	http        *http.Server
}

// service is one of AWS's.
type service interface {
	http.Handler
	// Operation names what a request asks for, and whether it changes anything.
	Operation(*http.Request) (name string, mutating bool)
	// Operations lists the names of the API reference that the service offers.
	Operations() []string
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
	s := &Server{opt: o, journal: journal{out: o.Journal}}
	s.keys.Store(o.AccessKey, ownKey(o))
	s.SetFaults(cmp.Or(o.Faults, &faults.Script{}))
	s.lastCall.Store(time.Now().UnixNano())
	if err := s.addServices(); err != nil {
		return nil, fmt.Errorf("make the embedded AWS: %w", err)
	}
	if strays := s.faults.Load().Strays(append(s.Operations(), registryCalls...)); len(strays) > 0 {
		return nil, ui.WithHint(errors.Join(fmt.Errorf("the fault script is about calls that the embedded AWS does not offer: %s", strings.Join(strays, ", ")), s.Close()),
			"docs/local.md lists those that it offers")
	}
	return s, nil
}

// Listen makes a server and serves it on a free port of 127.0.0.1 until Close.
func Listen(o Options) (*Server, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
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

// Close ends a server: requests under way are answered within 5 s or cut, and what its jobs still tell changes nothing.
func (s *Server) Close() error {
	err := s.stopListening()
	s.batch.Close()
	if s.scratch != "" {
		err = errors.Join(err, os.RemoveAll(s.scratch))
	}
	return err
}

func (s *Server) stopListening() error {
	if s.http == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

// SetFaults lets a script decide from now on what goes wrong, in place of the one before.
func (s *Server) SetFaults(script *faults.Script) { s.faults.Store(script) }

// Calls lists the requests that were answered, oldest first.
func (s *Server) Calls() []Call { return s.journal.list() }

// Operations lists all that the server offers, in the form batch.SubmitJob, sorted.
func (s *Server) Operations() []string {
	var all []string
	for name, svc := range s.services {
		for _, operation := range svc.Operations() {
			all = append(all, name+"."+operation)
		}
	}
	slices.Sort(all)
	return all
}
