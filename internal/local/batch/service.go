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
	"github.com/kedroctl/kedroctl/internal/local/disk"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// Options say where a service stands and what it works with.
type Options struct {
	Region, Account string
	Clock           clock.Clock
	Runner          Runner
	Roles           Roles         // nil: every role exists
	Templates       Templates     // nil: every launch template exists
	Logs            Logs          // nil: log lines are dropped
	Enter           Enter         // nil: jobs get nothing but what Batch itself gives
	Secret          Secret        // nil: there is no secret
	Dir             string        // where state is kept; "" keeps it in memory only
	Settle          time.Duration // how long environments and queues are CREATING, UPDATING, DELETING
	Step            time.Duration // how long a job is SUBMITTED, and STARTING before its container is asked for
	Lags            func() Lags   // nil: none
	// Throttled tells of calls that are too many, and counts them. Nil throttles none.
	Throttled func(operation string) bool
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

// Templates tells which launch templates there are.
type Templates interface {
	// LaunchTemplate says whether there is one with an id or a name, and such a version; "" is its default one.
	LaunchTemplate(id, name, version string) bool
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

// Secret gives the value that a job gets as a variable for what an ARN names; the error says why there is none.
type Secret func(variable, arn string) (string, error)

// Service is AWS Batch as an http.Handler.
type Service struct {
	Options
	operations map[string]http.Handler // by name
	names      map[string]string       // of operations, by their path
	off        map[Rule]bool

	mu  sync.Mutex
	log *disk.Log[*job]
	resources
	related  map[string]time.Time // until when an environment counts as a queue's though it is none's, by ARN
	jobs     map[string]*job      // by id
	order    []*job               // by age
	runnable map[string][]*job    // the jobs of a queue in RUNNABLE, oldest first, by its ARN
	vcpus    map[string]float64   // of jobs on an environment, by its name
	memory   int64                // MiB of all jobs on environments
	ready    bool                 // what an earlier process left has been taken up
	closed   bool                 // nothing is to happen any more
	after    []func()             // what update does once the lock is free: calls to the runner
	changed  bool                 // resources are not on disk yet
	unsaved  []*job
}

// New makes the service, with the state that Dir holds.
func New(o Options) (*Service, error) {
	s := &Service{
		Options:   o,
		names:     map[string]string{},
		off:       map[Rule]bool{},
		resources: resources{map[string]*types.ComputeEnvironmentDetail{}, map[string]*types.JobQueueDetail{}, map[string][]*types.JobDefinition{}},
		related:   map[string]time.Time{},
		runnable:  map[string][]*job{},
		jobs:      map[string]*job{},
		vcpus:     map[string]float64{},
	}
	if o.Lags == nil {
		s.Lags = func() Lags { return Lags{} }
	}
	for _, rule := range o.Without {
		s.off[rule] = true
	}
	s.operations = map[string]http.Handler{
		"CreateComputeEnvironment":    serve(s, s.createEnvironment),
		"DescribeComputeEnvironments": serve(s, s.describeEnvironments),
		"UpdateComputeEnvironment":    serve(s, s.updateEnvironment),
		"DeleteComputeEnvironment":    serve(s, s.deleteEnvironment),
		"CreateJobQueue":              serve(s, s.createQueue),
		"DescribeJobQueues":           serve(s, s.describeQueues),
		"UpdateJobQueue":              serve(s, s.updateQueue),
		"DeleteJobQueue":              serve(s, s.deleteQueue),
		"RegisterJobDefinition":       serve(s, s.registerDefinition),
		"DescribeJobDefinitions":      serve(s, s.describeDefinitions),
		"DeregisterJobDefinition":     serve(s, s.deregisterDefinition),
		"SubmitJob":                   serve(s, s.submitJob),
		"DescribeJobs":                serve(s, s.describeJobs),
		"ListJobs":                    serve(s, s.listJobs),
		"CancelJob":                   serve(s, s.cancelJob),
		"TerminateJob":                serve(s, s.terminateJob),
	}
	for name := range s.operations {
		s.names["/v1/"+strings.ToLower(name)] = name
	}
	for _, name := range tagOperations {
		s.operations[name] = http.HandlerFunc(s.tagging)
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("load Batch's state: %w", err)
	}
	return s, nil
}

// maxBytes are the sizes of requests. B03.
var maxBytes = map[string]int{"SubmitJob": 30 << 10, "RegisterJobDefinition": 24 << 10}

// ServeHTTP answers one request; who may ask was decided before.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, _ := s.Operation(r)
	operation, offered := s.operations[name]
	body, err := io.ReadAll(r.Body)
	limit, limited := maxBytes[name]
	switch {
	case err != nil:
	case !offered:
		err = wire.NewFault(http.StatusNotFound, "UnknownOperationException", "the embedded Batch does not offer %s %s", r.Method, r.URL.Path)
	case s.Throttled != nil && !s.off["B04"] && s.Throttled(name):
		err = wire.NewFault(http.StatusTooManyRequests, "TooManyRequestsException", "Too Many Requests")
	default:
		err = s.judge(when("B03", limited && len(body) > limit, "the request is larger than %d KiB", limit>>10))
	}
	if err != nil {
		wire.WriteJSONError(w, err)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	operation.ServeHTTP(w, r)
}

// Operations lists the operations that the service offers, in order.
func (s *Service) Operations() []string { return slices.Sorted(maps.Keys(s.operations)) }

// Operation names what a request asks for, and whether it changes anything; "" is none that is offered.
func (s *Service) Operation(r *http.Request) (name string, mutating bool) {
	if strings.HasPrefix(r.URL.Path, TagsPath) {
		return tagOperation(r)
	}
	if r.Method == http.MethodPost {
		name = s.names[r.URL.Path]
	}
	return name, wire.Mutating(name)
}

// JobTags are those of the job with an id, none where it is not known.
func (s *Service) JobTags(id string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.jobs[id]; j != nil {
		return maps.Clone(j.Tags)
	}
	return nil
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

// update changes the state, keeps it on disk, and then makes the calls that the change asks for.
func (s *Service) update(change func() error) error {
	s.mu.Lock()
	err := change()
	s.dispatch()
	if saved := s.save(); err == nil && saved != nil {
		err = fmt.Errorf("keep Batch's state: %w", saved)
	}
	calls := s.after
	s.after = nil
	s.mu.Unlock()
	for _, call := range calls {
		call()
	}
	return err
}

// note makes a change for which no caller waits; one that fails to be kept is kept with the next.
func (s *Service) note(change func()) {
	_ = s.update(func() error {
		if !s.closed {
			change()
		}
		return nil
	})
}

// Close lets no job start any more, and what the clock and the runner still tell change nothing.
func (s *Service) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.ready = true, false
}

// later makes a change once d is over; at once, within the present change, where d is zero.
func (s *Service) later(d time.Duration, change func()) {
	if d <= 0 {
		change()
		return
	}
	s.Clock.AfterFunc(d, func() { s.note(change) })
}

func (s *Service) millis() *int64 {
	ms := s.Clock.Now().UnixMilli()
	return &ms
}
