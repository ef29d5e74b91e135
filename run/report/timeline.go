package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/kedroctl/kedroctl/run"
)

// Sizes in the timeline, in pixels.
const (
	labelWidth = 235.0
	barWidth   = 980.0
	lineHeight = 22.0
	axisHeight = 24.0
	leastBar   = 2.0
	mostTicks  = 8
)

// timeline shows when each attempt waited and ran.
type timeline struct {
	Lines         []line
	Ticks         []tick
	Width, Height float64
	Foot          float64 // where the ticks end
}

type line struct {
	Group, Label string
	Y            float64
	Bars         []bar
}

type bar struct {
	X, W  float64
	Class string // waiting, or a state
	Title string
}

type tick struct {
	X    float64
	Text string
}

// steps are those that an axis may have.
var steps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour,
}

// newTimeline has a line for each group that had its turn, the first one first.
func newTimeline(a run.Account) timeline {
	begin, end := a.Run.Created, a.Run.Created.Add(time.Second)
	for _, s := range a.Spans {
		if s.Ready.Before(begin) {
			begin = s.Ready
		}
		for _, at := range []time.Time{s.Ready, s.Started, s.Stopped, ending(s, a.At)} {
			if at.After(end) {
				end = at
			}
		}
	}
	scale := barWidth / end.Sub(begin).Seconds()
	x := func(at time.Time) float64 { return labelWidth + at.Sub(begin).Seconds()*scale }
	t := timeline{Width: labelWidth + barWidth + padding}
	lines, first := make(map[string]*line), make(map[string]time.Time)
	for _, s := range a.Spans {
		if lines[s.Group] == nil {
			lines[s.Group], first[s.Group] = &line{Group: s.Group, Label: shorten(s.Group)}, s.Ready
		}
		lines[s.Group].Bars = append(lines[s.Group].Bars, bars(s, a.At, x)...)
	}
	for _, g := range a.Run.Plan.Groups {
		if lines[g.Name] != nil {
			t.Lines = append(t.Lines, *lines[g.Name])
		}
	}
	slices.SortStableFunc(t.Lines, func(p, q line) int { return first[p.Group].Compare(first[q.Group]) })
	for i := range t.Lines {
		t.Lines[i].Y = axisHeight + float64(i)*lineHeight
	}
	t.Foot = axisHeight + float64(len(t.Lines))*lineHeight
	t.Height = t.Foot + 4
	for _, at := range ticks(end.Sub(begin)) {
		t.Ticks = append(t.Ticks, tick{x(begin.Add(at)), span(at)})
	}
	return t
}

// ending is when a span ends, so far.
func ending(s run.Span, now time.Time) time.Time {
	return cmp.Or(s.Stopped, now)
}

// bars are the wait and the work of an attempt.
func bars(s run.Span, now time.Time, x func(time.Time) float64) []bar {
	var all []bar
	add := func(from, to time.Time, class, what string) {
		if d := to.Sub(from); d > 0 {
			all = append(all, bar{x(from), max(x(to)-x(from), leastBar), class, s.Group + ", " + attempt(s) + ": " + what + " " + span(d)})
		}
	}
	if s.Started.IsZero() {
		add(s.Ready, ending(s, now), "waiting", "waiting for an instance for")
		return all
	}
	add(s.Ready, s.Started, "waiting", "waited")
	what := "ran"
	if s.Stopped.IsZero() {
		what = "has been running for"
	}
	add(s.Started, ending(s, now), class(s.State), what)
	return all
}

// ticks are the places of an axis, from its beginning on.
func ticks(whole time.Duration) []time.Duration {
	step := steps[len(steps)-1]
	for _, s := range steps {
		if whole/s < mostTicks {
			step = s
			break
		}
	}
	for whole/step > 2*mostTicks {
		step *= 2
	}
	var all []time.Duration
	for at := time.Duration(0); at <= whole; at += step {
		all = append(all, at)
	}
	return all
}
