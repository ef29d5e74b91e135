package logs

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/disk"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// DefaultGroup is where jobs log whose definition names no group. Batch makes it by itself.
const DefaultGroup = "/aws/batch/job"

// Options say where a service stands.
type Options struct {
	Region, Account string
	Now             func() time.Time
	Dir             string // where groups and streams are kept; "" keeps them in memory only
}

// Service is CloudWatch Logs as an http.Handler, and the sink of jobs' lines.
type Service struct {
	Options
	targets wire.Targets

	mu     sync.Mutex
	groups map[string]*group
}

// group is a log group. What is exported is kept in the service's document; streams have files of their own.
type group struct {
	Name      string
	Created   int64 // milliseconds, as all times here
	Retention *int32
	Tags      map[string]string
	streams   map[string]*stream
}

type stream struct {
	Name    string
	Created int64
	events  []event // in the order in which they came
	bytes   int64
}

type event struct {
	At   int64  `json:"t"`
	In   int64  `json:"i"` // when it came in
	Text string `json:"m"`
}

// New makes the service, with the groups and streams that Dir holds.
func New(o Options) (*Service, error) {
	s := &Service{Options: o, groups: map[string]*group{}}
	s.targets = wire.Targets{
		"CreateLogGroup":        serve(s, s.createGroup),
		"DescribeLogGroups":     serve(s, s.describeGroups),
		"PutRetentionPolicy":    serve(s, s.putRetention),
		"DeleteRetentionPolicy": serve(s, s.deleteRetention),
		"DeleteLogGroup":        serve(s, s.deleteGroup),
		"TagResource":           serve(s, s.tagResource),
		"UntagResource":         serve(s, s.untagResource),
		"ListTagsForResource":   serve(s, s.listTags),
		"TagLogGroup":           serve(s, s.tagGroup),
		"UntagLogGroup":         serve(s, s.untagGroup),
		"ListTagsLogGroup":      serve(s, s.listGroupTags),
		"DescribeLogStreams":    serve(s, s.describeStreams),
		"GetLogEvents":          serve(s, s.getEvents),
		"FilterLogEvents":       serve(s, s.filterEvents),
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("load the logs' state: %w", err)
	}
	return s, nil
}

// Operation names what a request asks for, and whether it changes anything.
func (s *Service) Operation(r *http.Request) (name string, mutating bool) {
	name = wire.TargetOperation(r)
	for _, reading := range []string{"Describe", "Get", "List", "Filter"} {
		if strings.HasPrefix(name, reading) {
			return name, false
		}
	}
	return name, true
}

// Operations are the names of the API's operations that the service offers, sorted.
func (s *Service) Operations() []string { return slices.Sorted(maps.Keys(s.targets)) }

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.targets.ServeHTTP(w, r) }

// serve makes a handler of an operation, which runs alone.
func serve[In, Out any](s *Service, operation func(*In) (*Out, error)) http.Handler {
	return wire.JSONFunc(func(_ context.Context, in *In) (*Out, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return operation(in)
	})
}

func (s *Service) millis() int64 { return s.Now().UnixMilli() }

func (s *Service) arn(group string) string {
	return fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s", s.Region, s.Account, group)
}

// group finds a group by its name, or by its ARN with or without the asterisk at the end.
func (s *Service) group(ref string) (*group, error) {
	name := strings.TrimSuffix(strings.TrimPrefix(ref, s.arn("")), ":*")
	g := s.groups[name]
	if g == nil {
		return nil, refuse("ResourceNotFoundException", "The specified log group does not exist.")
	}
	return g, nil
}

func (s *Service) file() string {
	if s.Dir == "" {
		return ""
	}
	return filepath.Join(s.Dir, "logs.json")
}

func (s *Service) save() error { return disk.WriteJSON(s.file(), s.groups) }

func refuse(code, format string, args ...any) error {
	return wire.NewFault(http.StatusBadRequest, code, format, args...)
}

func invalid(format string, args ...any) error {
	return refuse("InvalidParameterException", format, args...)
}
