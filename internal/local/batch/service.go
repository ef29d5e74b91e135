package batch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// Options say where a service stands and what it works with.
type Options struct {
	Region, Account string
	Clock           clock.Clock
	Runner          Runner
	Roles           Roles         // nil: every role exists
	Logs            Logs          // nil: log lines are dropped
	Enter           Enter         // nil: jobs get nothing but what Batch itself gives
	Dir             string        // where state is kept; "" keeps it in memory only
	Settle          time.Duration // how long environments and queues are CREATING, UPDATING, DELETING
	Step            time.Duration // how long a job is SUBMITTED, and STARTING before its container is asked for
	SubmitRate      int           // SubmitJob calls in a second before the answer is 429; 0: any number
	Lags            func() Lags   // nil: none
	// Stuck keeps a job in RUNNABLE for as long as it gives a reason, such as CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY. Nil keeps none.
	Stuck   func(jobName string) (reason string)
	Without []Rule // rules that are switched off, by tests
}

// Lags are delays after which the service knows or forgets what has happened.
type Lags struct {
	Deleting    time.Duration // more time in DELETING
	Relation    time.Duration // since a queue was deleted or updated: its former environments still count as its own
	Propagation time.Duration // a role or instance profile younger than this does not work yet
	List        time.Duration // ListJobs tells what was so long ago
}

// Roles tells which IAM roles there are, and since when.
type Roles interface {
	RoleSince(arn string) (since time.Time, ok bool)
	InstanceProfileSince(arnOrName string) (since time.Time, ok bool)
	// ServiceLinkedRole is the ARN of Batch's own role, which is made where it is absent.
	ServiceLinkedRole() (string, error)
}

// Logs keeps what containers write.
type Logs interface {
	// Open makes the stream, and says why it can't: without its group there is none.
	Open(group, stream string) error
	Put(group, stream string, at time.Time, line string)
	// Count is how many lines of a stream were kept.
	Count(group, stream string) int
}

// Enter gives an attempt what its host gives: variables that lead to credentials of the role. leave takes them back. id is the job's, a hyphen and the
// attempt's number; after a restart the same id gets the same variables.
type Enter func(id, roleARN string) (env map[string]string, leave func())

// Service is AWS Batch as an http.Handler.
type Service struct {
	Options
	mux   *http.ServeMux
	names map[string]string // of operations, by the last step of their path

	mu     sync.Mutex
	envs   map[string]*types.ComputeEnvironmentDetail // by name
	queues map[string]*queue                          // by name
	defs   map[string][]*types.JobDefinition          // by name; revision n stands at n-1
	jobs   map[string]*job                            // by id
	order  []*job                                     // by age
	used   map[string]float64                         // vCPUs of jobs on an environment, by its name
	bucket bucket
	after  []func() // what update does once the lock is free: calls to the runner
	dirty  changes
}

// New makes the service, with the state that Dir holds.
func New(o Options) (*Service, error) {
	s := &Service{
		Options: o,
		envs:    map[string]*types.ComputeEnvironmentDetail{},
		queues:  map[string]*queue{},
		defs:    map[string][]*types.JobDefinition{},
		jobs:    map[string]*job{},
		used:    map[string]float64{},
		dirty:   changes{jobs: map[*job]bool{}},
	}
	s.routes()
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("load Batch's state: %w", err)
	}
	return s, nil
}

// ServeHTTP answers one request; who may ask was decided before.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mux.ServeHTTP(w, r)
}

func (s *Service) routes() {
	s.mux, s.names = http.NewServeMux(), map[string]string{}
	on := func(operation string, h http.Handler) {
		step := strings.ToLower(operation)
		s.names[step] = operation
		s.mux.Handle("POST /v1/"+step, h)
	}
	on("CreateComputeEnvironment", serve(s, s.createEnvironment))
	on("DescribeComputeEnvironments", serve(s, s.describeEnvironments))
	on("UpdateComputeEnvironment", serve(s, s.updateEnvironment))
	on("DeleteComputeEnvironment", serve(s, s.deleteEnvironment))
	on("CreateJobQueue", serve(s, s.createQueue))
	on("DescribeJobQueues", serve(s, s.describeQueues))
	on("UpdateJobQueue", serve(s, s.updateQueue))
	on("DeleteJobQueue", serve(s, s.deleteQueue))
	on("RegisterJobDefinition", atMost(maxDefinitionBytes, serve(s, s.registerDefinition)))
	on("DescribeJobDefinitions", serve(s, s.describeDefinitions))
	on("DeregisterJobDefinition", serve(s, s.deregisterDefinition))
	on("SubmitJob", atMost(maxSubmitBytes, serve(s, s.submitJob)))
	on("DescribeJobs", serve(s, s.describeJobs))
	on("ListJobs", serve(s, s.listJobs))
	on("CancelJob", serve(s, s.cancelJob))
	on("TerminateJob", serve(s, s.terminateJob))
	for _, name := range tagOperations {
		s.names["tags "+name] = name
	}
	s.mux.HandleFunc("/v1/tags/{arn...}", s.serveTags)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		wire.WriteJSONError(w, wire.NewFault(http.StatusNotFound, "UnknownOperationException", "the embedded Batch does not offer %s %s", r.Method, r.URL.Path))
	})
}

// serve makes a handler of an operation, which runs alone.
func serve[In, Out any](s *Service, operation func(*In) (*Out, error)) http.Handler {
	return wire.JSONFunc(func(_ context.Context, in *In) (out *Out, err error) {
		err = s.update(func() error {
			out, err = operation(in)
			return err
		})
		return out, err
	})
}

// atMost refuses bodies of more than limit bytes. B03 (limits).
func atMost(limit int, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
		if err == nil && len(body) > limit {
			err = refuse("the request is larger than %d KiB", limit/1024)
		}
		if err != nil {
			wire.WriteJSONError(w, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.ServeHTTP(w, r)
	})
}

// update changes the state, keeps it on disk, and then makes the calls that the change asks for.
func (s *Service) update(change func() error) error {
	err := s.locked(change)
	for calls := s.taken(); len(calls) > 0; calls = s.taken() {
		for _, call := range calls {
			call()
		}
	}
	return err
}

func (s *Service) locked(change func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := change()
	s.dispatch()
	if saved := s.save(); err == nil && saved != nil {
		return fmt.Errorf("keep Batch's state: %w", saved)
	}
	return err
}

func (s *Service) taken() []func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.after
	s.after = nil
	return calls
}

// later makes a change once d is over; at once, within the present change, where d is zero.
func (s *Service) later(d time.Duration, change func()) {
	if d <= 0 {
		change()
		return
	}
	s.Clock.AfterFunc(d, func() {
		// A change that fails to be kept is kept with the next one.
		_ = s.update(func() error { change(); return nil })
	})
}

func (s *Service) millis() *int64 {
	ms := s.Clock.Now().UnixMilli()
	return &ms
}

// refuse is Batch's answer to a request that can't be carried out.
func refuse(format string, args ...any) error {
	return wire.NewFault(http.StatusBadRequest, "ClientException", format, args...)
}

// Operations lists the operations that the service offers, in order.
func (s *Service) Operations() []string {
	return slices.Sorted(maps.Values(s.names))
}

// Operation names what a request asks for, and whether it changes anything.
func (s *Service) Operation(r *http.Request) (name string, mutating bool) {
	if strings.HasPrefix(r.URL.Path, "/v1/tags/") {
		name = tagOperations[r.Method]
		return name, r.Method != http.MethodGet
	}
	name = s.names[strings.TrimPrefix(r.URL.Path, "/v1/")]
	return name, !strings.HasPrefix(name, "Describe") && !strings.HasPrefix(name, "List")
}

// Unfinished counts the jobs that are neither SUCCEEDED nor FAILED.
func (s *Service) Unfinished() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, j := range s.order {
		if !j.finished() {
			n++
		}
	}
	return n
}
