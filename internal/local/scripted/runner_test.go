package scripted_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
)

// witness notes events with their times.
type witness struct {
	clock *clock.Fake
	start time.Time
	saw   []string
}

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
		"lines are spread over the duration": {[]scripted.Script{{Match: "jo?", Startup: time.Second, Duration: 3 * time.Second, Lines: []string{"a", "b"}, Exit: 2}}, 1,
			[]string{"1s running", "2s a", "3s b", "4s 2"}},
		"of another job":     {[]scripted.Script{{Match: "other", Exit: 1}}, 1, []string{"0s running", "0s 0"}},
		"of another attempt": {[]scripted.Script{{Attempt: 1, Exit: 1}, {Exit: 2}}, 2, []string{"0s running", "0s 2"}},
		"a lost host":        {[]scripted.Script{{Duration: time.Second, End: &lost}}, 1, []string{"0s running", "1s no codeHost EC2 (instance i-1) terminated."}},
		"no image":           {[]scripted.Script{{Startup: time.Second, End: &pull}}, 1, []string{"1s no codeCannotPullContainerError: noTask failed to start"}},
		"work that fails": {[]scripted.Script{{Do: func(context.Context, batch.Attempt) error { return errors.New("oh") }}}, 1,
			[]string{"0s running", "0s oh", "0s 1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := clock.NewFake(time.Unix(0, 0))
			w := &witness{clock: c, start: c.Now()}
			scripted.New(c, tt.scripts...).Start(batch.Attempt{JobName: "job", Number: tt.attempt}, w)
			c.Advance(time.Minute)
			if diff := cmp.Diff(tt.want, w.saw); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStopEndsAnAttemptOnce(t *testing.T) {
	c := clock.NewFake(time.Unix(0, 0))
	w := &witness{clock: c, start: c.Now()}
	stop := scripted.New(c, scripted.Script{Duration: time.Hour, Lines: []string{"never"}}).Start(batch.Attempt{JobName: "job", Number: 1}, w)
	c.Advance(time.Minute)
	stop()
	stop()
	c.Advance(24 * time.Hour)
	if diff := cmp.Diff([]string{"0s running", "1m0s 143"}, w.saw); diff != "" {
		t.Error(diff)
	}
}

func TestLaterScriptsGoFirst(t *testing.T) {
	c := clock.NewFake(time.Unix(0, 0))
	w := &witness{clock: c, start: c.Now()}
	r := scripted.New(c, scripted.Script{Exit: 1})
	r.Add(scripted.Script{Match: "job", Exit: 2})
	r.Start(batch.Attempt{JobName: "job", Number: 1}, w)
	c.Advance(0)
	if diff := cmp.Diff([]string{"0s running", "0s 2"}, w.saw); diff != "" {
		t.Error(diff)
	}
	if n := len(r.Started()); n != 1 {
		t.Errorf("%d attempts", n)
	}
}
