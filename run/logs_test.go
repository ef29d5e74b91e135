package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	local "github.com/kedroctl/kedroctl/internal/local/batch"
)

// heard is a LogReader that remembers.
type heard struct {
	lines   []string // "group/try/attempt message"
	notices []string
	onLines func()
}

func (h *heard) Lines(events []LogEvent) error {
	for _, e := range events {
		h.lines = append(h.lines, fmt.Sprintf("%s/%d/%d %s", e.Group, e.Try, e.Attempt, e.Message))
	}
	if h.onLines != nil {
		h.onLines()
	}
	return nil
}

func (h *heard) Notice(text string) { h.notices = append(h.notices, text) }

// says is a container that writes lines and succeeds.
func says(takes time.Duration, lines ...string) func(int) outcome {
	return func(int) outcome { return outcome{takes: takes, exit: local.Exited(0), lines: lines} }
}

func (w *world) logs(r Run, o LogOptions) (*heard, []Job) {
	w.Helper()
	h := &heard{}
	jobs, err := Logs(w.Context(), w.clients, r, o, h)
	w.must(err)
	return h, jobs
}

func TestLogsOfAllAttemptsInOrder(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = func(n int) outcome {
		o := outcome{takes: time.Minute, exit: local.Exited(0), lines: []string{fmt.Sprintf("attempt %d", n)}}
		if n == 1 {
			o.exit = local.HostLost("i-0123456789abcdef0")
		}
		return o
	}
	w.script["b"] = says(time.Minute, "one", "two")
	r, rep := w.start(input("a", "b <- a"))
	w.follow(r, rep)
	for name, tt := range map[string]struct {
		options LogOptions
		want    []string
	}{
		"all":                {LogOptions{}, []string{"a/1/1 attempt 1", "a/1/2 attempt 2", "b/1/1 one", "b/1/1 two"}},
		"one group":          {LogOptions{Groups: []string{"b"}}, []string{"b/1/1 one", "b/1/1 two"}},
		"a pattern":          {LogOptions{Groups: []string{"[ac]"}}, []string{"a/1/1 attempt 1", "a/1/2 attempt 2"}},
		"one attempt":        {LogOptions{Attempt: 2}, []string{"a/1/2 attempt 2"}},
		"the last of each":   {LogOptions{Tail: 1}, []string{"a/1/1 attempt 1", "a/1/2 attempt 2", "b/1/1 two"}},
		"since a time":       {LogOptions{Since: w.Now().Add(-70 * time.Second)}, []string{"b/1/1 one", "b/1/1 two"}},
		"followed when over": {LogOptions{Follow: true, Groups: []string{"b"}}, []string{"b/1/1 one", "b/1/1 two"}},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := w.logs(r, tt.options)
			if diff := cmp.Diff(tt.want, h.lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
	_, err := Logs(t.Context(), w.clients, r, LogOptions{Groups: []string{"c*"}}, &heard{})
	if err == nil || !strings.Contains(err.Error(), "no group c*") {
		t.Errorf("an unknown group: %v", err)
	}
}

// TestFollowLogsToTheLastLine has CloudWatch show lines seconds late, every second one sooner than the one before it, and the last ones after the end of
// the job.
func TestFollowLogsToTheLastLine(t *testing.T) {
	w := newWorld(t)
	w.output.Lag = func() (time.Duration, bool) { return 9 * time.Second, true }
	var lines, want []string
	for i := range 59 {
		lines = append(lines, fmt.Sprintf("line %02d", i))
		want = append(want, "a/1/1 "+lines[i])
	}
	w.script["a"] = func(int) outcome {
		return outcome{takes: time.Minute, exit: local.Exited(0), lines: lines, every: time.Second}
	}
	w.script["b"] = func(int) outcome {
		return outcome{takes: 30 * time.Second, exit: local.Exited(1), lines: []string{"oh", "no"}, every: 15 * time.Second}
	}
	r, _ := w.start(input("a", "b <- a"))
	h, jobs := w.logs(r, LogOptions{Follow: true})
	slices.Sort(h.lines)
	if diff := cmp.Diff(append(want, "b/1/1 no", "b/1/1 oh"), h.lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"a": Succeeded, "b": Failed}, states(jobs)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

// TestFollowLogsThroughThrottling: calls that the account has too many of are made again, and no line is told twice.
func TestFollowLogsThroughThrottling(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = says(time.Minute, "one", "two", "two")
	w.fault = func(operation string, n int) fault {
		if operation == "POST /" && n%3 != 0 {
			return throttle
		}
		return none
	}
	r, _ := w.start(input("a"))
	h, _ := w.logs(r, LogOptions{Follow: true})
	if diff := cmp.Diff([]string{"a/1/1 one", "a/1/1 two", "a/1/1 two"}, h.lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// TestFollowManyLogsWithFewCalls: one call serves a hundred attempts.
func TestFollowManyLogsWithFewCalls(t *testing.T) {
	w := newWorld(t)
	var groups []string
	for i := range 80 {
		groups = append(groups, fmt.Sprintf("g%d", i))
		w.script[groups[i]] = says(2*time.Minute, "hello")
	}
	r, _ := w.start(input(groups...))
	before := w.Now()
	h, _ := w.logs(r, LogOptions{Follow: true})
	if len(h.lines) != 80 {
		t.Errorf("%d lines", len(h.lines))
	}
	calls := w.count("POST /")
	if calls < 10 {
		t.Fatalf("%d calls of CloudWatch Logs", calls)
	}
	perSecond := float64(calls) / w.Now().Sub(before).Seconds()
	if perSecond > 1.5 {
		t.Errorf("%.1f calls of CloudWatch Logs a second", perSecond)
	}
}

func TestLogsThatAreNotThere(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = says(time.Hour)
	r, _ := w.start(input("a", "b <- a"))
	h, _ := w.logs(r, LogOptions{})
	if len(h.notices) != 2 || !strings.Contains(h.notices[1], "group b: not started yet") {
		t.Errorf("before the start: %q", h.notices)
	}
	w.clock.Advance(2 * time.Hour)
	h, _ = w.logs(r, LogOptions{Groups: []string{"a"}})
	if len(h.notices) != 1 || !strings.Contains(h.notices[0], "nothing in its log") {
		t.Errorf("of a job that wrote nothing: %q", h.notices)
	}
	w.clock.Advance(10 * 24 * time.Hour)
	h, _ = w.logs(r, LogOptions{Groups: []string{"a"}, Follow: true})
	if len(h.notices) != 1 || !strings.Contains(h.notices[0], "Batch has forgotten the job") {
		t.Errorf("of a forgotten job: %q", h.notices)
	}
}

func TestFollowingLogsCanBeLeft(t *testing.T) {
	w := newWorld(t)
	w.script["a"] = says(time.Hour, "one")
	r, _ := w.start(input("a"))
	ctx, leave := context.WithCancel(t.Context())
	h := &heard{onLines: leave}
	_, err := Logs(ctx, w.clients, r, LogOptions{Follow: true}, h)
	if !errors.Is(err, context.Canceled) || len(h.lines) != 1 || w.count("terminatejob") > 0 {
		t.Errorf("error %v, lines %q", err, h.lines)
	}
}
