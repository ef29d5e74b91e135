package clock

import (
	"cmp"
	"container/heap"
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
	count  int
	timers timers
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
	c.count++
	t := &timer{c.now.Add(d), c.count, f}
	heap.Push(&c.timers, t)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		t.f = func() {}
	}
}

// Advance moves the clock by d and makes, in order of time and in this goroutine, the calls that fall due on the way, those that they ask for included.
func (c *Fake) Advance(d time.Duration) {
	end := c.Now().Add(d)
	for f := c.next(end); f != nil; f = c.next(end) {
		f()
	}
}

// next moves the clock to the first timer that is due by end and gives its call; without one it moves the clock to end.
func (c *Fake) next(end time.Time) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) == 0 || c.timers[0].at.After(end) {
		if end.After(c.now) { // else another call has moved it on meanwhile
			c.now = end
		}
		return nil
	}
	t := heap.Pop(&c.timers).(*timer)
	if t.at.After(c.now) {
		c.now = t.at
	}
	return t.f
}

type timer struct {
	at  time.Time
	age int
	f   func()
}

// timers is a heap by time, then by age.
type timers []*timer

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return cmp.Or(t[i].at.Compare(t[j].at), t[i].age-t[j].age) < 0 }
func (t timers) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)        { *t = append(*t, x.(*timer)) }
func (t *timers) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	*t = (*t)[:last]
	return x
}
