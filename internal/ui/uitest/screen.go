package uitest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/containerd/console"
)

// T is the test that a Screen belongs to.
type T interface {
	Helper()
	Cleanup(func())
	Fatal(...any)
}

// Screen is a terminal: what is written to File appears on it. It knows the control sequences that the status area may use, and fails the test at any other.
type Screen struct {
	File *os.File // the program's side

	t   T
	pty console.Console

	mu       sync.Mutex
	lines    []string // all that was written, the oldest first, each as long as the terminal is wide or shorter
	row, col int      // of the cursor; the row counts from the first of lines
	width    int
	height   int
	hidden   bool // the cursor
	pending  []byte
	state    byte
	marks    int // sequences of Text that have arrived
	unknown  []string
	hungUp   chan struct{} // closed when nothing more will come
}

// New opens a terminal that is closed when the test ends.
func New(t T, width, height int) *Screen {
	t.Helper()
	pty, name, err := console.NewPty()
	if err != nil {
		t.Fatal("no pseudo-terminal:", err)
	}
	file, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	// Ctrl-C would drop what has been written and not yet been read, also half of a sequence.
	stty := exec.Command("stty", "noflsh")
	stty.Stdin = file
	if out, err := stty.CombinedOutput(); err != nil {
		t.Fatal("stty:", err, string(out))
	}
	s := &Screen{File: file, t: t, pty: pty, width: width, height: height, lines: []string{""}, hungUp: make(chan struct{})}
	s.Resize(width, height)
	t.Cleanup(func() {
		file.Close()
		<-s.hungUp
		pty.Close()
	})
	go func() {
		defer close(s.hungUp)
		buffer := make([]byte, 4096)
		for {
			n, err := pty.Read(buffer)
			s.take(buffer[:n])
			if err != nil {
				return // EIO when the program that has the terminal as its own has ended, or none has it open any more
			}
		}
	}()
	return s
}

// Type presses keys; "\x03" is Ctrl-C.
func (s *Screen) Type(keys string) {
	if _, err := s.pty.Write([]byte(keys)); err != nil {
		s.t.Fatal(err)
	}
}

// Resize gives the terminal another size. Lines that are longer than it is wide then are broken anew, as most terminals do.
func (s *Screen) Resize(width, height int) {
	s.t.Helper()
	if err := s.pty.Resize(console.WinSize{Width: uint16(width), Height: uint16(height)}); err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	row := 0
	for i, l := range s.lines {
		if i == s.row {
			row = len(lines)
		}
		lines = append(lines, strings.Split(ansi.Hardwrap(l, width, true), "\n")...)
	}
	s.lines, s.row, s.width, s.height = lines, row, width, height
}

// mark is a sequence that no program writes: when it has arrived, all before it has.
const mark = "\x1b]7777;\a"

// Text is what the terminal shows, without the spaces at the ends of lines and the empty lines at the end. All that was written to File before is on it.
func (s *Screen) Text() string {
	s.t.Helper()
	s.mu.Lock()
	want := s.marks + 1
	s.mu.Unlock()
	if _, err := s.File.WriteString(mark); err != nil && !errors.Is(err, syscall.EIO) {
		s.t.Fatal(err)
	}
	for range 1000 {
		hungUp := false
		select {
		case <-s.hungUp:
			hungUp = true
		default:
		}
		s.mu.Lock()
		text, arrived, unknown := s.text(), s.marks >= want, s.unknown
		s.mu.Unlock()
		if len(unknown) > 0 {
			s.t.Fatal(fmt.Sprintf("the terminal does not know %q", unknown))
		}
		if arrived || hungUp {
			return text
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatal("what was written has not arrived at the terminal within 10 s")
	return ""
}

func (s *Screen) text() string {
	var seen []string
	for _, l := range s.lines[s.top():] {
		seen = append(seen, strings.TrimRight(l, " "))
	}
	return strings.TrimRight(strings.Join(seen, "\n"), "\n")
}

// Cursor is the cursor's column, and whether it is hidden.
func (s *Screen) Cursor() (column int, hidden bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.col, s.hidden
}

// top is the first line that is seen: the others have scrolled away.
func (s *Screen) top() int { return max(len(s.lines)-s.height, 0) }

func (s *Screen) take(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, b...)
	parser := ansi.NewParser()
	for len(s.pending) > 0 {
		if !utf8.FullRune(s.pending) { // the rest is still to come
			return
		}
		seq, width, n, state := ansi.DecodeSequence(s.pending, s.state, parser)
		if state != ansi.NormalState || width == 0 && n == len(s.pending) && seq[0] >= 0x80 { // here too
			return
		}
		s.obey(string(seq), width, parser)
		s.pending, s.state = s.pending[n:], state
	}
}

func (s *Screen) obey(seq string, width int, p *ansi.Parser) {
	param := func() int { n, _ := p.Param(0, 1); return max(n, 1) }
	switch {
	case width > 0:
		s.write(seq, width)
	case seq == mark:
		s.marks++
	case seq == "\r":
		s.col = 0
	case seq == "\n":
		s.down()
	case seq == "\x1b[2K":
		s.lines[s.row] = ""
	case seq == "\x1b[?25l":
		s.hidden = true
	case seq == "\x1b[?25h":
		s.hidden = false
	case strings.HasPrefix(seq, "\x1b[") && strings.HasSuffix(seq, "A"):
		s.row = max(s.row-param(), s.top())
	case strings.HasPrefix(seq, "\x1b[") && strings.HasSuffix(seq, "m"):
	default:
		s.unknown = append(s.unknown, seq)
	}
}

func (s *Screen) write(text string, width int) {
	if s.col+width > s.width {
		s.col = 0
		s.down()
	}
	line := s.lines[s.row]
	if gap := s.col - ansi.StringWidth(line); gap > 0 {
		line += strings.Repeat(" ", gap)
	}
	s.lines[s.row] = ansi.Cut(line, 0, s.col) + text + ansi.TruncateLeft(line, s.col+width, "")
	s.col += width
}

func (s *Screen) down() {
	if s.row++; s.row == len(s.lines) {
		s.lines = append(s.lines, "")
	}
}
