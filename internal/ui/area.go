package ui

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// area is the end of the story that is redrawn in place, as it stands on the screen. The cursor is at the beginning of the line under it, and is never
// hidden: however the program ends, the terminal is as it was.
type area struct {
	lines         []string // each cut to the width
	width, height int      // of the terminal when they were drawn
}

// SetStatus replaces the status area; it does nothing where stderr is no terminal.
func (t *Terminal) SetStatus(lines []string) {
	t.Redraw(func() []string { return lines })
}

// Redraw replaces the status area by what render gives, which may take locks of its own but must not write to the Terminal.
// Only lines that differ are written, in one go: nothing flickers.
func (t *Terminal) Redraw(render func() []string) {
	if !t.live {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	width, height := t.size()
	next := area{fit(render(), width, height), width, height}
	shrunk := width < t.status.width || height < t.status.height
	if !shrunk && slices.Equal(next.lines, t.status.lines) {
		return
	}
	var b strings.Builder
	if shrunk { // what was drawn is not where it was
		t.status.erase(&b, width, height)
		next.draw(&b)
	} else {
		next.over(&b, t.status)
	}
	t.status = next
	io.WriteString(t.err, b.String())
}

// Refresh redraws the status area every second, so that times go on and the size of the terminal is followed, until stop is called.
func (t *Terminal) Refresh(render func() []string) (stop func()) {
	if !t.live {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				t.Redraw(func() []string {
					select {
					case <-done: // stopped meanwhile: nothing stale is drawn
						return nil
					default:
						return render()
					}
				})
			}
		}
	}()
	return sync.OnceFunc(func() { close(done) })
}

// above writes text of whole lines, and the status area again under it.
func (t *Terminal) above(text string) {
	if !t.live {
		io.WriteString(t.err, text)
		return
	}
	var b strings.Builder
	width, height := t.size()
	t.status.erase(&b, width, height)
	b.WriteString(text)
	t.status = area{fit(t.status.lines, width, height), width, height}
	t.status.draw(&b)
	io.WriteString(t.err, b.String())
}

// fit cuts lines to the width of the terminal, and leaves out those that do not fit in: what wraps or scrolls away is out of the next erase's reach.
func fit(lines []string, width, height int) []string {
	if most := max(height-2, 1); len(lines) > most {
		lines = append(lines[:most:most], fmt.Sprintf("… and %d more", len(lines)-most))
	}
	cut := make([]string, len(lines))
	for i, l := range lines {
		cut[i] = ansi.Truncate(l, width, "…")
	}
	return cut
}

// draw writes the area from the cursor's line on.
func (a area) draw(b *strings.Builder) {
	for _, l := range a.lines {
		b.WriteString(l + "\n")
	}
}

// over writes the area over another one that is where it was drawn. The cursor's line is cleared: what was typed, a ^C for one, stands there.
func (a area) over(b *strings.Builder, old area) {
	up(b, len(old.lines))
	for i, l := range a.lines {
		if i >= len(old.lines) || l != old.lines[i] {
			b.WriteString("\x1b[2K" + l)
		}
		b.WriteString("\n")
	}
	left := max(len(old.lines)-len(a.lines), 0)
	b.WriteString(strings.Repeat("\x1b[2K\n", left) + "\x1b[2K")
	up(b, left)
}

// erase clears line by line: terminals with a history, tmux for one, keep a copy of what is cleared as a whole screen.
func (a area) erase(b *strings.Builder, width, height int) {
	if len(a.lines) == 0 {
		return
	}
	rows := 0
	for _, l := range a.lines { // terminals break lines anew when they become narrower
		rows += max(1, (ansi.StringWidth(l)+width-1)/width)
	}
	rows = min(rows, height-1) // the others have left the screen
	up(b, rows)
	b.WriteString(strings.Repeat("\x1b[2K\n", rows) + "\x1b[2K")
	up(b, rows)
}

func up(b *strings.Builder, rows int) {
	if rows > 0 {
		fmt.Fprintf(b, "\r\x1b[%dA", rows)
	}
}
