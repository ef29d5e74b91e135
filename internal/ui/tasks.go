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
	g.mu.Lock()
	defer g.mu.Unlock()
	k := &Task{g: g, name: name, started: g.now(), told: g.now()}
	g.open = append(g.open, k)
	g.draw()
	return k
}

// Update says how far the task is.
func (k *Task) Update(format string, a ...any) {
	g := k.g
	g.mu.Lock()
	defer g.mu.Unlock()
	k.detail = fmt.Sprintf(format, a...)
	if g.t.live {
		g.draw()
	} else if now := g.now(); now.Sub(k.told) >= g.every {
		k.told = now
		g.t.Line("%-10s %s", k.name, k.detail)
	}
}

// Done ends the task: done, with what came of it.
func (k *Task) Done(format string, a ...any) { k.end("done", fmt.Sprintf(format, a...)) }

// Unchanged ends the task: there was nothing to do, and why.
func (k *Task) Unchanged(format string, a ...any) { k.end("unchanged", fmt.Sprintf(format, a...)) }

// Failed ends the task without a word about the error: the command ends with it.
func (k *Task) Failed() { k.end("failed", "") }

func (k *Task) end(state, detail string) {
	g := k.g
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.open, k)
	if i < 0 {
		return // ended before
	}
	g.open = slices.Delete(g.open, i, i+1)
	word := fmt.Sprintf("%-9s", state)
	if c, ok := colorOf(state); ok {
		word = g.t.paint(c, word)
	}
	g.t.Line("%-10s %s %6s  %s", k.name, word, Seconds(g.now().Sub(k.started)), detail)
	g.draw()
}

func (g *Tasks) draw() {
	lines := make([]string, len(g.open))
	for i, k := range g.open {
		lines[i] = fmt.Sprintf("%-10s %s %6s  %s", k.name, g.t.paint(yellow, "...      "), Seconds(g.now().Sub(k.started)), k.detail)
	}
	g.t.SetStatus(lines)
}

// Seconds writes a duration as people read it: 0.3s, 42s, 3m12s.
func Seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}
