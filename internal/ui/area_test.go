package ui

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/ui/uitest"
)

// onScreen is a Terminal whose story goes to a terminal.
func onScreen(t *testing.T, width, height int) (*Terminal, *uitest.Screen) {
	s := uitest.New(t, width, height)
	return New(Options{Out: s.File, Err: s.File, Getenv: func(string) string { return "" }}), s
}

func wantScreen(t *testing.T, s *uitest.Screen, want ...string) {
	t.Helper()
	if diff := cmp.Diff(strings.Join(want, "\n"), s.Text()); diff != "" {
		t.Errorf("screen (-want +got):\n%s", diff)
	}
	if column, hidden := s.Cursor(); column != 0 || hidden {
		t.Errorf("cursor in column %d, hidden %t", column, hidden)
	}
}

func TestStatusAreaIsUnderTheStory(t *testing.T) {
	tm, s := onScreen(t, 20, 10)
	tm.SetStatus([]string{"one", "two", "three"})
	tm.Line("a story that is longer than the terminal is wide")
	wantScreen(t, s, "a story that is long", "er than the terminal", " is wide", "one", "two", "three")
	tm.SetStatus([]string{"one", "2"})
	wantScreen(t, s, "a story that is long", "er than the terminal", " is wide", "one", "2")
	tm.SetStatus([]string{"one", "2", "iii", "iv"})
	wantScreen(t, s, "a story that is long", "er than the terminal", " is wide", "one", "2", "iii", "iv")
	tm.SetStatus(nil)
	wantScreen(t, s, "a story that is long", "er than the terminal", " is wide")
}

func TestStatusAreaFitsTheTerminal(t *testing.T) {
	tm, s := onScreen(t, 10, 5)
	tm.Line("story")
	tm.SetStatus([]string{"exactly 10", "more than 10", "日本語日本語日本語", "4", "5", "6"})
	wantScreen(t, s, "exactly 10", "more than…", "日本語日…", "… and 3 m…")
	tm.SetStatus([]string{"1"})
	wantScreen(t, s, "1")
}

func TestStatusAreaFollowsTheSizeOfTheTerminal(t *testing.T) {
	tm, s := onScreen(t, 40, 12)
	tm.Line("story")
	draw := func() { tm.SetStatus([]string{strings.Repeat("a", 38), strings.Repeat("b", 25), "c"}) }
	draw()
	s.Resize(20, 12)
	draw()
	wantScreen(t, s, "story", strings.Repeat("a", 19)+"…", strings.Repeat("b", 19)+"…", "c")
	s.Resize(40, 12)
	draw()
	wantScreen(t, s, "story", strings.Repeat("a", 38), strings.Repeat("b", 25), "c")
	s.Resize(40, 4)
	draw()
	tm.SetStatus(nil)
	wantScreen(t, s, "") // the story has scrolled away
}

func TestWhatIsTypedDoesNotStay(t *testing.T) {
	tm, s := onScreen(t, 40, 12)
	tm.SetStatus([]string{"one"})
	fmt.Fprint(s.File, "^C")
	tm.SetStatus(nil)
	tm.Line("cancelling")
	wantScreen(t, s, "cancelling")
}

// frames counts what is written at a time.
type frames []string

func (f *frames) Write(b []byte) (int, error) {
	*f = append(*f, string(b))
	return len(b), nil
}

func TestFrameIsOneWriteOfWhatDiffers(t *testing.T) {
	var f frames
	tm := New(Options{Out: &f, Err: &f, Getenv: func(string) string { return "" }})
	tm.live, tm.size = true, func() (int, int) { return 80, 24 }
	tm.SetStatus([]string{"one", "two"})
	tm.SetStatus([]string{"one", "two"})
	tm.SetStatus([]string{"one", "three"})
	tm.Line("story")
	if len(f) != 3 {
		t.Errorf("%d writes, want one for each of three changes: %q", len(f), f)
	}
	if strings.Contains(f[1], "one") {
		t.Errorf("what had not changed was written again: %q", f[1])
	}
}

func TestNothingMovesOnDumbTerminals(t *testing.T) {
	for name, o := range map[string]Options{
		"dumb": {Getenv: func(k string) string { return map[string]string{"TERM": "dumb"}[k] }},
		"json": {JSON: true, Getenv: func(string) string { return "" }}, // events on the same terminal
	} {
		t.Run(name, func(t *testing.T) {
			s := uitest.New(t, 40, 10)
			o.Out, o.Err = s.File, s.File
			tm := New(o)
			tm.SetStatus([]string{"status"})
			tm.Warn("story")
			wantScreen(t, s, "kedroctl: warning: story")
		})
	}
}

func TestColour(t *testing.T) {
	for name, want := range map[string]bool{"": true, "NO_COLOR": false} {
		s := uitest.New(t, 40, 10)
		tm := New(Options{Out: s.File, Err: s.File, Getenv: func(k string) string {
			if k == name {
				return "1"
			}
			return ""
		}})
		got := strings.Contains(tm.StatusGrid([]Column{{Title: "STATE"}}, []Row{{Cells: []string{"FAILED"}}})[1][0], "\x1b[")
		if got != want {
			t.Errorf("with %q set, colour is %t", name, got)
		}
	}
}
