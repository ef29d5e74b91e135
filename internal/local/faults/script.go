package faults

import (
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// Script says what goes wrong. It counts the calls that it is asked about, so each server needs its own. The zero value lets nothing go wrong.
type Script struct {
	Lag          Lag
	NoDefaultVPC bool
	Foreign      []string       // names of buckets that other accounts own
	Quotas       map[string]int // vCPUs, by the code of the quota

	Jobs scripted.Scripts

	denied []string // patterns of actions
	stuck  []stuck

	mu    sync.Mutex
	calls []*call
	rates []*rate
}

// Lag is how late what happened is seen.
type Lag struct {
	batch.Lags
	Lines   time.Duration // until log lines are seen
	Shuffle bool          // within Lines they come out of order
}

// Call is what becomes of a call: one member is set.
type Call struct {
	Fault     *wire.Fault   // the answer in its place
	CutBefore bool          // the connection is cut, without effect
	CutAfter  bool          // the call takes effect, and the connection is cut instead of the answer
	CutDuring bool          // the connection is cut at a random byte of the call's body
	Hang      time.Duration // nothing for that long, then the connection is cut, without effect
}

// call is a line about calls, and how many of them there were.
type call struct {
	Call
	pattern    string
	nth, times int
	seen       int
}

type stuck struct{ pattern, reason string }

// rate is a token bucket: it holds up to perSecond tokens, and gets as many each second.
type rate struct {
	pattern   string
	perSecond float64
	tokens    float64
	at        time.Time // when tokens was counted
}

// WithDocumentedRates adds those that AWS documents for an account in a region, on the limits pages of Batch and of CloudWatch Logs. They count where s has
// none for a call. The rate of Batch's other calls is not published, and not higher.
func (s *Script) WithDocumentedRates() *Script {
	s.rates = append(s.rates,
		&rate{pattern: "batch.SubmitJob", perSecond: 50}, &rate{pattern: "batch.*", perSecond: 50},
		&rate{pattern: "logs.GetLogEvents", perSecond: 25}, &rate{pattern: "logs.DescribeLogStreams", perSecond: 25},
		&rate{pattern: "logs.FilterLogEvents", perSecond: 5})
	return s
}

// Denies reports whether nobody may do an action, such as iam:CreateRole.
func (s *Script) Denies(action string) bool {
	return slices.ContainsFunc(s.denied, func(p string) bool { return matches(p, action) })
}

// Call counts a call of an operation, such as batch.SubmitJob, and says what becomes of it; nil: nothing special.
func (s *Script) Call(operation string) *Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found *Call
	for _, c := range s.calls {
		if !covers(c.pattern, operation) {
			continue
		}
		c.seen++
		if found == nil && c.seen >= c.nth && c.seen < c.nth+c.times {
			found = &c.Call
		}
	}
	return found
}

// Throttles takes a token for a call of an operation and reports whether there was none.
func (s *Script) Throttles(operation string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rates {
		if covers(r.pattern, operation) {
			return !r.take(now)
		}
	}
	return false
}

// Strays are the names and patterns of calls that are for none of these operations, such as batch.SubmitJob: nothing ever comes of them.
func (s *Script) Strays(operations []string) []string {
	var patterns []string
	for _, c := range s.calls {
		patterns = append(patterns, c.pattern)
	}
	for _, r := range s.rates {
		patterns = append(patterns, r.pattern)
	}
	return slices.DeleteFunc(patterns, func(p string) bool {
		return slices.ContainsFunc(operations, func(operation string) bool { return covers(p, operation) })
	})
}

func (r *rate) take(now time.Time) bool {
	if r.perSecond == 0 {
		return true
	}
	r.tokens = min(r.perSecond, r.tokens+now.Sub(r.at).Seconds()*r.perSecond) // the first time, at is long ago
	r.at = now
	if r.tokens < 1 {
		return false
	}
	r.tokens--
	return true
}

// Stuck is why a job stays RUNNABLE, "" where it does not.
func (s *Script) Stuck(name string) string {
	for _, st := range s.stuck {
		if matches(st.pattern, name) {
			return st.reason
		}
	}
	return ""
}

// covers tells whether a pattern is for an operation, or names its service.
func covers(pattern, operation string) bool {
	service, _, _ := strings.Cut(operation, ".")
	return pattern == service || matches(pattern, operation)
}

// matches compares with a pattern that Parse has accepted.
func matches(pattern, name string) bool {
	ok, _ := path.Match(pattern, name)
	return ok
}
