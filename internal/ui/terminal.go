package ui

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"

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
	status area
	unsent error // why an event could not be written
}

// New gives a Terminal on the given writers.
func New(o Options) *Terminal {
	screen := isTerminal(o.Out)
	live := isTerminal(o.Err) && o.Getenv("TERM") != "dumb" && !(o.JSON && screen) // events between the lines of a status area would break both
	plain := o.Getenv("NO_COLOR") != ""
	return &Terminal{
		out: o.Out, err: o.Err, json: o.JSON, verbose: o.Verbose, live: live,
		screen: screen, colorOut: screen && !plain && !o.JSON && o.Getenv("TERM") != "dumb", colorErr: live && !plain,
		size: func() (int, int) { return sizeOf(o.Err) },
	}
}

// Live says whether a status area is shown.
func (t *Terminal) Live() bool { return t.live }

// Screen says whether answers go to a terminal.
func (t *Terminal) Screen() bool { return t.screen }

// JSON says whether answers are JSON.
func (t *Terminal) JSON() bool { return t.json }

// Size is the number of columns and lines that the status area has.
func (t *Terminal) Size() (width, height int) { return t.size() }

// Line adds a line to the story, above the status area.
func (t *Terminal) Line(format string, a ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.above(fmt.Sprintf(format, a...) + "\n")
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
		enc := json.NewEncoder(t.err)
		enc.SetEscapeHTML(false)
		enc.Encode(struct { // strings and an int always marshal, and there is nowhere left to say that stderr is closed
			Error string `json:"error"`
			Hint  string `json:"hint,omitempty"`
			Code  int    `json:"exit_code"`
		}{err.Error(), Hint(err), code})
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

// Event writes one line of JSON to stdout, where answers are JSON. The command goes on where nobody reads it any more: Unsent has the first error.
func (t *Terminal) Event(v any) {
	if !t.json {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	enc := json.NewEncoder(t.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil && t.unsent == nil {
		t.unsent = fmt.Errorf("write event: %w", err)
	}
}

// Unsent says why an event could not be written; nil where all were.
func (t *Terminal) Unsent() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.unsent
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
