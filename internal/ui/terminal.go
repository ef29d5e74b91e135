package ui

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"
)

// Options say where a Terminal writes and how.
type Options struct {
	Out, Err io.Writer
	JSON     bool                // answers and the fatal error as JSON
	Verbose  bool                // write details as well
	Getenv   func(string) string // NO_COLOR, TERM
}

// Terminal writes answers to stdout and the story to stderr. It is safe for concurrent use.
type Terminal struct {
	out, err io.Writer
	json     bool
	verbose  bool
	live     bool // stderr is a terminal: a status area can be redrawn
	screen   bool // stdout is a terminal
	colorOut bool
	colorErr bool
	size     func() (width, height int)

	mu     sync.Mutex
	status []string // lines of the status area on the screen
}

// New gives a Terminal on the given writers.
func New(o Options) *Terminal {
	live := isTerminal(o.Err) && o.Getenv("TERM") != "dumb"
	plain := o.Getenv("NO_COLOR") != ""
	return &Terminal{
		out: o.Out, err: o.Err, json: o.JSON, verbose: o.Verbose, live: live,
		screen: isTerminal(o.Out), colorOut: isTerminal(o.Out) && !plain && !o.JSON, colorErr: live && !plain,
		size: func() (int, int) { return sizeOf(o.Err) },
	}
}

// Live says whether a status area is shown.
func (t *Terminal) Live() bool { return t.live }

// Screen says whether answers go to a terminal.
func (t *Terminal) Screen() bool { return t.screen }

// Line adds a line to the story, above the status area.
func (t *Terminal) Line(format string, a ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.above(fmt.Sprintf(format, a...))
}

// Detail is Line with --verbose and silent otherwise.
func (t *Terminal) Detail(format string, a ...any) {
	if t.verbose {
		t.Line(format, a...)
	}
}

// Warn adds a warning to the story.
func (t *Terminal) Warn(format string, a ...any) {
	t.Line("%s %s", t.paint(yellow, "kedroctl: warning:"), fmt.Sprintf(format, a...))
}

// Hint adds a next step to the story.
func (t *Terminal) Hint(format string, a ...any) {
	t.Line("%s %s", t.paint(cyan, "kedroctl: hint:"), fmt.Sprintf(format, a...))
}

// Fatal writes the error that ends the command, with its hint; as one JSON line where answers are JSON.
func (t *Terminal) Fatal(err error, code int) {
	t.SetStatus(nil)
	if t.json {
		line, _ := json.Marshal(struct {
			Error string `json:"error"`
			Hint  string `json:"hint,omitempty"`
			Code  int    `json:"exit_code"`
		}{err.Error(), Hint(err), code}) // strings and an int always marshal
		fmt.Fprintf(t.err, "%s\n", line)
		return
	}
	t.Line("%s %v", t.paint(red, "kedroctl: error:"), err)
	if h := Hint(err); h != "" {
		t.Hint("%s", h)
	}
}

// Answer writes the command's answer to stdout: v as JSON, or what text writes.
func (t *Terminal) Answer(v any, text func(io.Writer)) error {
	t.SetStatus(nil)
	if !t.json {
		text(t.out)
		return nil
	}
	enc := json.NewEncoder(t.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// SetStatus replaces the status area; it does nothing where stderr is no terminal.
func (t *Terminal) SetStatus(lines []string) {
	t.Redraw(func() []string { return lines })
}

// Redraw replaces the status area by what render gives, which may take locks of its own but must not write to the Terminal.
func (t *Terminal) Redraw(render func() []string) {
	if !t.live {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.erase()
	t.status = render()
	t.draw()
}

// Refresh redraws the status area every second, so that times go on, until stop is called.
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

// above writes a whole line and draws the status area again under it.
func (t *Terminal) above(line string) {
	t.erase()
	fmt.Fprintln(t.err, line)
	t.draw()
}

// erase clears line by line: terminals with a history, tmux for one, keep a copy of what is cleared as a whole screen.
func (t *Terminal) erase() {
	if n := len(t.status); n > 0 {
		fmt.Fprintf(t.err, "\x1b[%dA%s\x1b[%dA", n, strings.Repeat("\x1b[2K\x1b[1B", n), n)
	}
}

// draw writes each status line cut to the width of the terminal, and no more lines than fit: what wraps or scrolls away is out of the next erase's reach.
func (t *Terminal) draw() {
	if len(t.status) == 0 {
		return
	}
	width, height := t.size()
	if fit := max(height-2, 1); len(t.status) > fit {
		more := fmt.Sprintf("… and %d more", len(t.status)-fit)
		t.status = append(t.status[:fit:fit], more)
	}
	cut := lipgloss.NewStyle().MaxWidth(width).Inline(true)
	var b strings.Builder
	for _, l := range t.status {
		b.WriteString(cut.Render(l) + "\n")
	}
	io.WriteString(t.err, b.String())
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// sizeOf is the number of columns and lines, 100 and 24 where they cannot be known.
func sizeOf(w io.Writer) (width, height int) {
	if f, ok := w.(*os.File); ok {
		if width, height, err := term.GetSize(int(f.Fd())); err == nil && width > 0 && height > 0 {
			return width, height
		}
	}
	return 100, 24
}
