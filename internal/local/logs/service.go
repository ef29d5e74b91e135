package logs

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// DefaultGroup is where jobs log whose definition names no group. Batch makes it by itself.
const DefaultGroup = "/aws/batch/job"

// invalid is the code of what is wrong with a request.
const invalid = "InvalidParameterException"

// Options say where a service stands.
type Options struct {
	Region, Account string
	Now             func() time.Time
	Dir             string // where groups and streams are kept; "" keeps them in memory only
	// Lag is how long after it was written a line can be read, and whether lines overtake each other within that time. Nil: at once, in order.
	Lag func() (delay time.Duration, shuffle bool)
}

// Service is CloudWatch Logs as an http.Handler, and the sink of jobs' lines.
type Service struct {
	Options
	wire.Targets

	mu     sync.Mutex
	groups map[string]*group
	latest int64 // time that was told last
}

// New makes the service, with the groups and streams that Dir holds.
func New(o Options) (*Service, error) {
	if o.Lag == nil {
		o.Lag = func() (time.Duration, bool) { return 0, false }
	}
	s := &Service{Options: o, Targets: wire.Targets{}, groups: map[string]*group{}}
	wire.Offer(s.Targets, &s.mu, s.createGroup)
	wire.Offer(s.Targets, &s.mu, s.describeGroups)
	wire.Offer(s.Targets, &s.mu, s.putRetention)
	wire.Offer(s.Targets, &s.mu, s.deleteGroup)
	wire.Offer(s.Targets, &s.mu, s.listTags)
	wire.Offer(s.Targets, &s.mu, s.tag)
	wire.Offer(s.Targets, &s.mu, s.untag)
	wire.Offer(s.Targets, &s.mu, s.describeStreams)
	wire.Offer(s.Targets, &s.mu, s.getEvents)
	wire.Offer(s.Targets, &s.mu, s.filterEvents)
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("load the logs' state: %w", err)
	}
	return s, nil
}

// now is the time in milliseconds, as are all times here. It never goes back: positions in a stream stay what they are when the clock is set.
func (s *Service) now() int64 {
	s.latest = max(s.latest, s.Now().UnixMilli())
	return s.latest
}

func (s *Service) arn(group string) string {
	return fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s", s.Region, s.Account, group)
}

// group finds a group by its name, or by its ARN with or without the asterisk at the end.
func (s *Service) group(name, identifier *string) (*group, error) {
	ref := cmp.Or(aws.ToString(name), aws.ToString(identifier))
	g := s.groups[strings.TrimSuffix(strings.TrimPrefix(ref, s.arn("")), ":*")]
	if g == nil {
		return nil, refuse("ResourceNotFoundException", "The specified log group does not exist.")
	}
	return g, nil
}

func refuse(code, format string, args ...any) error {
	return wire.NewFault(http.StatusBadRequest, code, format, args...)
}
