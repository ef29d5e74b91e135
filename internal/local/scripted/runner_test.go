package scripted_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
)

// witness notes events with their times.
type witness struct {
	clock clock.Clock
	start time.Time
	saw   []string
}

func newWitness(c clock.Clock) *witness { return &witness{clock: c, start: c.Now()} }

func (w *witness) note(what string) {
	w.saw = append(w.saw, w.clock.Now().Sub(w.start).String()+" "+what)
}
func (w *witness) Running()         { w.note("running") }
func (w *witness) Line(text string) { w.note(text) }
func (w *witness) Done(e batch.Exit) {
	code := "no code"
	if e.Code != nil {
		code = fmt.Sprint(*e.Code)
	}
	w.note(code + e.Reason + e.StatusReason)
}

func TestScripts(t *testing.T) {
	lost, pull := batch.HostLost("i-1"), batch.NotStarted("CannotPullContainerError: no")
	tests := map[string]struct {
		scripts []scripted.Script
		attempt int
		want    []string
	}{
		"without any it succeeds": {nil, 1, []string{"0s running", "0s 0"}},
		"lines are spread over the duration": {[]scripted.Script{{Match: "jo?", Startup: time.Second, Duration: 3 * time.Second, Lines: []string{"a", "b"}, End: batch.Exited(2)}}, 1,
			[]string{"1s running", "2s a", "3s b", "4s 2"}},
		"of another job":     {[]scripted.Script{{Match: "other", End: batch.Exited(1)}}, 1, []string{"0s running", "0s 0"}},
		"of another attempt": {[]scripted.Script{{Attempt: 1, End: batch.Exited(1)}, {End: batch.Exited(2)}}, 2, []string{"0s running", "0s 2"}},
		"a lost host":        {[]scripted.Script{{Duration: time.Second, End: lost}}, 1, []string{"0s running", "1s no codeHost EC2 (instance i-1) terminated."}},
		"no image": {[]scripted.Script{{Startup: time.Second, Duration: time.Second, Lines: []string{"never"}, End: pull}}, 1,
			[]string{"2s no codeCannotPullContainerError: noTask failed to start"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := clock.NewFake(time.Unix(0, 0))
			w := newWitness(c)
			scripted.New(c, tt.scripts...).Start(batch.Attempt{JobName: "job", Number: tt.attempt}, w)
			c.Advance(time.Minute)
			if diff := cmp.Diff(tt.want, w.saw); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWork has a job that works for a minute, unless it is stopped.
func TestWork(t *testing.T) {
	for name, tt := range map[string]struct {
		script scripted.Script
		fails  error
		stop   time.Duration
		want   []string
	}{
		"of no script":             {scripted.Script{Match: "other"}, nil, time.Hour, []string{"0s running", "1m0s 0"}},
		"that fails":               {scripted.Script{Match: "other"}, errors.New("oh"), time.Hour, []string{"0s running", "1m0s oh", "1m0s 1"}},
		"after a while":            {scripted.Script{Duration: 2 * time.Second, Lines: []string{"a"}}, nil, time.Hour, []string{"0s running", "1s a", "1m2s 0"}},
		"cut short":                {scripted.Script{End: batch.Exited(7), After: 5 * time.Second}, nil, time.Hour, []string{"0s running", "5s 7"}},
		"that is over before":      {scripted.Script{End: batch.Exited(7), After: time.Hour}, nil, 2 * time.Hour, []string{"0s running", "1m0s 0"}},
		"stopped":                  {scripted.Script{}, nil, 3 * time.Second, []string{"0s running", "3s 143"}},
		"stopped before it began":  {scripted.Script{Duration: time.Hour}, nil, 3 * time.Second, []string{"0s running", "3s 143"}},
		"that would never be done": {scripted.Script{End: batch.Exited(7)}, nil, time.Hour, []string{"0s running", "0s 7"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				work := func(ctx context.Context, _ batch.Attempt) error {
					select {
					case <-ctx.Done():
						return nil
					case <-time.After(time.Minute):
						return tt.fails
					}
				}
				r := scripted.Runner{Clock: clock.Real{}, Find: scripted.Scripts{tt.script}.For, Work: scripted.Work(work)}
				w := newWitness(r.Clock)
				stop := r.Start(batch.Attempt{JobName: "job", Number: 1}, w)
				time.Sleep(tt.stop)
				stop()
				time.Sleep(24 * time.Hour) // nothing is left that would tell another end
				synctest.Wait()
				if diff := cmp.Diff(tt.want, w.saw); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestStopEndsAnAttemptOnce(t *testing.T) {
	c := clock.NewFake(time.Unix(0, 0))
	w := newWitness(c)
	stop := scripted.New(c, scripted.Script{Duration: time.Hour, Lines: []string{"never"}}).Start(batch.Attempt{JobName: "job", Number: 1}, w)
	c.Advance(time.Minute)
	stop()
	stop()
	c.Advance(24 * time.Hour)
	if diff := cmp.Diff([]string{"0s running", "1m0s 143"}, w.saw); diff != "" {
		t.Error(diff)
	}
}
