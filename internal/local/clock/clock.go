package clock

import (
	"slices"
	"sync"
	"time"
)

// Clock tells the time and calls back.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f once d is over and gives the function that prevents it.
	AfterFunc(d time.Duration, f func()) (stop func())
}

// Real is the machine's clock; inside testing/synctest it is the bubble's.
type Real struct{}

// Now is the present time.
func (Real) Now() time.Time { return time.Now() }

// AfterFunc calls f in a goroutine of its own.
func (Real) AfterFunc(d time.Duration, f func()) func() {
	t := time.AfterFunc(d, f)
	return func() { t.Stop() }
}

// Fake stands still until Advance moves it.
type Fake struct {
	mu     sync.Mutex
	now    time.Time
	timers []*timer // by time, then by age
}

type timer struct {
	at time.Time
	f  func()
}

// NewFake is a clock that stands at now.
func NewFake(now time.Time) *Fake { return &Fake{now: now} }

// Now is where the clock stands.
func (c *Fake) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc waits for Advance, also for a duration of zero.
func (c *Fake) AfterFunc(d time.Duration, f func()) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{c.now.Add(d), f}
	i, _ := slices.BinarySearchFunc(c.timers, t, func(have, want *timer) int {
		if have.at.After(want.at) {
			return 1
		}
		return -1
	})
	c.timers = slices.Insert(c.timers, i, t)
	return func() { c.drop(t) }
}

func (c *Fake) drop(t *timer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timers = slices.DeleteFunc(c.timers, func(have *timer) bool { return have == t })
}

// Advance moves the clock by d and makes, in order of time and in this goroutine, the calls that fall due on the way, those that they ask for included.
func (c *Fake) Advance(d time.Duration) {
	end := c.Now().Add(d)
	for t := c.next(end); t != nil; t = c.next(end) {
		t.f()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = end
}

// next takes the first timer that is due by end and moves the clock to it.
func (c *Fake) next(end time.Time) *timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) == 0 || c.timers[0].at.After(end) {
		return nil
	}
	t := c.timers[0]
	c.timers = c.timers[1:]
	if t.at.After(c.now) {
		c.now = t.at
	}
	return t
}
