package cmd

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/run"
)

// tally counts jobs by what people make of their states.
type tally struct{ done, running, failed, stopped, waiting, unknown int }

func tallyOf(jobs []run.Job) (t tally) {
	for _, j := range jobs {
		switch {
		case j.State == run.Succeeded:
			t.done++
		case j.FailedItself():
			t.failed++
		case j.State == run.Failed:
			t.stopped++
		case j.State == run.Running, j.State == run.Starting:
			t.running++
		case j.State == run.Unknown:
			t.unknown++
		default:
			t.waiting++
		}
	}
	return t
}

// String lists what is not 0: "120 succeeded, 60 waiting".
func (t tally) String() string {
	return counts{{t.running, "running"}, {t.failed, "failed"}, {t.stopped, "stopped"}, {t.unknown, "unknown"}, {t.done, "succeeded"}, {t.waiting, "waiting"}}.String()
}

type counts []struct {
	n    int
	word string
}

func (c counts) String() string {
	var parts []string
	for _, k := range c {
		if k.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", k.n, k.word))
		}
	}
	return strings.Join(parts, ", ")
}

// progress is a run in one line: "3 of 10 groups done, 2 running, 1 failed, 12m5s", and how long it will still take, if it goes as an earlier run went.
func (b *board) progress(now time.Time) string {
	jobs := b.all()
	t := tallyOf(jobs)
	parts := []string{fmt.Sprintf("%d of %s done", t.done, count(len(jobs), "group"))}
	if more := (counts{{t.running, "running"}, {t.failed, "failed"}, {t.stopped, "stopped"}, {t.unknown, "unknown"}}).String(); more != "" {
		parts = append(parts, more)
	}
	if !b.run.Created.IsZero() {
		parts = append(parts, ui.Seconds(max(b.end(jobs, now).Sub(b.run.Created), 0)))
	}
	return strings.Join(parts, ", ") + b.estimate(t, now)
}

// beat is what breaks the silence: how far the run is, and which groups run.
func (b *board) beat(now time.Time) string {
	var running []string
	for _, j := range b.all() {
		if j.State == run.Running {
			running = append(running, j.Group)
		}
	}
	if len(running) == 0 {
		return b.progress(now)
	}
	return b.progress(now) + "; running: " + some(running, 3)
}

// end is when the last job ended, now where one has not.
func (b *board) end(jobs []run.Job, now time.Time) time.Time {
	if slices.ContainsFunc(jobs, func(j run.Job) bool { return !j.Ended() }) {
		return now
	}
	end := b.run.Created
	for _, j := range jobs {
		if j.Stopped.After(end) {
			end = j.Stopped
		}
	}
	return end
}

func (b *board) estimate(t tally, now time.Time) string {
	if t.running+t.waiting == 0 || t.failed+t.stopped+t.unknown > 0 {
		return ""
	}
	left, known := b.history.Left(b.run, b.jobs, now)
	switch {
	case !known:
		return ""
	case left == 0:
		return "; run " + b.history.Run + " took less"
	}
	return fmt.Sprintf("; about %s left, by run %s", rough(left), b.history.Run)
}

// rough writes a duration as one says it: 40 s, 3 min, 2.5 h.
func rough(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%d s", max(10, int(d.Round(10*time.Second).Seconds())))
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}
