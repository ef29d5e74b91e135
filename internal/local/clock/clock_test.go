package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/clock"
)

func TestFakeCallsInOrderOfTime(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := clock.NewFake(start)
	var got []string
	note := func(what string) func() {
		return func() { got = append(got, what+" "+c.Now().Sub(start).String()) }
	}
	c.AfterFunc(2*time.Second, note("late"))
	c.AfterFunc(time.Second, func() {
		note("first")()
		c.AfterFunc(500*time.Millisecond, note("asked for on the way"))
	})
	c.AfterFunc(time.Second, note("second of the same time"))
	c.AfterFunc(time.Hour, note("not yet due"))
	stop := c.AfterFunc(time.Second, note("stopped"))
	stop()
	if c.Advance(0); len(got) != 0 {
		t.Errorf("called before time: %v", got)
	}
	c.Advance(10 * time.Second)
	want := []string{"first 1s", "second of the same time 1s", "asked for on the way 1.5s", "late 2s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := c.Now().Sub(start); got != 10*time.Second {
		t.Errorf("the clock stands at %s", got)
	}
}

func TestRealCallsUnlessStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock.Real
		start, called := c.Now(), make(chan time.Duration, 1)
		c.AfterFunc(time.Minute, func() { called <- c.Now().Sub(start) })
		c.AfterFunc(time.Minute, func() { t.Error("a stopped call was made") })()
		time.Sleep(time.Hour)
		if after := <-called; after != time.Minute {
			t.Errorf("called after %s", after)
		}
	})
}
