package ui

import (
	"bytes"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/ui/uitest"
)

var gridColumns = []Column{{Title: "NAME"}, {Title: "STATE", Least: 9}, {Title: "SINCE", Rank: 2}, {Title: "SIZE", Rank: 1}, {Title: "ID", Rank: 3, Spare: true}}

var update = flag.Bool("update", false, "write the golden files")

func gridRows() []Row {
	return []Row{
		{Cells: []string{"data_processing", "RUNNING", "12:30:15", "4 GiB", "5d67ef6e-23f6-4288-82c4-d8520ddbaebc"}},
		{Cells: []string{"a_name_that_is_much_longer_than_others.v2", "FAILED", "12:30:15", "4 GiB", "-"}, Note: "Essential container in task exited, exit code 1"},
		{Cells: []string{"データ処理パイプラインの前処理と後処理", "RUNNABLE", "12:30:15", "16 GiB", "-"}, Note: "waiting"},
	}
}

func TestGridFitsItsWidth(t *testing.T) {
	for width := 20; width <= 200; width++ {
		grid := layOut(gridColumns, gridRows(), grid{width: width, noteLines: 1})
		for _, l := range slices.Concat(grid...) {
			if w := ansi.StringWidth(l); w > width && width >= shortest+gap+9 {
				t.Errorf("at %d columns a line has %d: %q", width, w, l)
			}
		}
	}
}

func TestGridInNarrowAndWideTerminals(t *testing.T) {
	var got strings.Builder
	for _, width := range []int{36, 60, 100, 160} {
		fmt.Fprintf(&got, "%d:\n%s\n", width, strings.Join(slices.Concat(layOut(gridColumns, gridRows(), grid{width: width, noteLines: 1})...), "\n"))
	}
	uitest.Golden(t, *update, "grid.golden", got.String())
}

func TestNotesAreWrappedInAnswers(t *testing.T) {
	rows := []Row{{Cells: []string{"a", "FAILED", "-", "-", "-"}, Note: strings.Repeat("many words ", 12)}}
	lines := layOut(gridColumns, rows, grid{width: 50})[1]
	if got := strings.Join(strings.Fields(strings.Join(lines[1:], " ")), " "); got != strings.TrimSpace(rows[0].Note) || len(lines) < 4 {
		t.Errorf("note %q in %d lines", got, len(lines))
	}
	lines = layOut(gridColumns, rows, grid{width: 50, noteLines: 1})[1]
	if len(lines) != 2 || !strings.HasSuffix(lines[1], "…") {
		t.Errorf("shortened to one line: %q", lines)
	}
}

func TestGridWithoutATerminalIsAsWideAsItHasToBe(t *testing.T) {
	tm := New(Options{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, Getenv: func(string) string { return "" }})
	want := "a_name_that_is_much_longer_than_others.v2  FAILED     12:30:15  4 GiB   -                                     Essential container in task exited, exit code 1"
	if diff := cmp.Diff(want, tm.Grid(gridColumns, gridRows())[2]); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestMiddle(t *testing.T) {
	for _, tt := range []struct {
		text  string
		width int
		want  string
	}{
		{"short", 5, "short"}, {"shorter", 5, "sh…er"}, {"abcdefgh", 6, "abc…gh"}, {"日本語日本語", 12, "日本語日本語"}, {"日本語日本語", 8, "日本…語"}, {"日本語日本語", 7, "日…本語"},
	} {
		got := middle(tt.text, tt.width)
		if ansi.StringWidth(got) > tt.width {
			t.Errorf("%q in %d columns is %q, which has %d", tt.text, tt.width, got, ansi.StringWidth(got))
		}
		if tt.text[0] < 0x80 && got != tt.want {
			t.Errorf("%q in %d columns is %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}
