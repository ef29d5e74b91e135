package ui

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Tasks shows work that goes on side by side: a line of the status area for each task under way, a line of the story for each that ended.
// Without a terminal it tells when a task starts and ends, and how far it is every interval.
type Tasks struct {
	t     *Terminal
	now   func() time.Time
	every time.Duration // between lines of progress without a terminal
	mu    sync.Mutex
	open  []*Task
	stop  func() // ends the redrawing
}

// Tasks begins a group of tasks.
func (t *Terminal) Tasks() *Tasks {
	return &Tasks{t: t, now: time.Now, every: 10 * time.Second}
}

// Task is one piece of work with a name.
type Task struct {
	g       *Tasks
	name    string
	detail  string
	started time.Time
	told    time.Time
}

// Start adds a task under way.
func (g *Tasks) Start(name string) *Task {
	k := &Task{g: g, name: name, started: g.now(), told: g.now()}
	g.mu.Lock()
	g.open = append(g.open, k)
	if len(g.open) == 1 {
		g.stop = g.t.Refresh(g.lines)
	}
	g.mu.Unlock()
	g.t.Redraw(g.lines)
	return k
}

// Update says how far the task is.
func (k *Task) Update(format string, a ...any) {
	g, detail := k.g, fmt.Sprintf(format, a...)
	g.mu.Lock()
	k.detail = detail
	tell := !g.t.live && g.now().Sub(k.told) >= g.every
	if tell {
		k.told = g.now()
	}
	g.mu.Unlock()
	if tell {
		g.t.Line("%-10s %s", k.name, detail)
	}
	g.t.Redraw(g.lines)
}

// Done ends the task: done, with what came of it.
func (k *Task) Done(format string, a ...any) { k.end("done", fmt.Sprintf(format, a...)) }

// Unchanged ends the task: there was nothing to do, and why.
func (k *Task) Unchanged(format string, a ...any) { k.end("unchanged", fmt.Sprintf(format, a...)) }

// Skipped ends the task: it cannot be done here, and why.
func (k *Task) Skipped(format string, a ...any) { k.end("skipped", fmt.Sprintf(format, a...)) }

// Failed ends the task without a word about the error: the command ends with it.
func (k *Task) Failed() { k.end("failed", "") }

func (k *Task) end(state, detail string) {
	g := k.g
	if !g.drop(k) {
		return // ended before
	}
	word := fmt.Sprintf("%-9s", state)
	if c, ok := colorOf(state); ok {
		word = g.t.paint(c, word)
	}
	g.t.Redraw(g.lines)
	g.t.Line("%-10s %s %6s  %s", k.name, word, Seconds(g.now().Sub(k.started)), detail)
}

// drop takes a task off the open ones; the last one ends the redrawing.
func (g *Tasks) drop(k *Task) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.open, k)
	if i < 0 {
		return false
	}
	if g.open = slices.Delete(g.open, i, i+1); len(g.open) == 0 {
		g.stop()
	}
	return true
}

// lines are the status area: a line for each open task.
func (g *Tasks) lines() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	lines := make([]string, len(g.open))
	for i, k := range g.open {
		lines[i] = fmt.Sprintf("%-10s %s %6s  %s", k.name, g.t.paint(yellow, "...      "), Seconds(g.now().Sub(k.started)), k.detail)
	}
	return lines
}

// Seconds writes a duration as people read it: 0.3s, 42s, 3m12s.
func Seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}
