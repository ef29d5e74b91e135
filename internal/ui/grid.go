package ui

import (
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Column is one column of a grid.
type Column struct {
	Title string
	Least int  // width that it has at least, so that it does not jump as its cells change
	Rank  int  // where there is no room for all, columns are left out by rank, the highest first; never one of rank 0
	Spare bool // shown only where notes have room beside it
}

// Row is what a grid has in one line: a cell for each column, and a note behind them, or under them where there is no room.
type Row struct {
	Cells []string
	Note  string
	Warn  bool // the note is a warning
}

// StatusGrid lays out rows under a header for the status area. It gives the lines of each row, the header's first: a note that has no room behind the
// cells is the one line below them.
func (t *Terminal) StatusGrid(columns []Column, rows []Row) [][]string {
	width, _ := t.size()
	return layOut(columns, rows, grid{width: width, noteLines: 1, colored: t.colorErr})
}

// Grid gives the lines of an answer that has rows under a header. Where it goes to no terminal, they are as wide as they have to be.
func (t *Terminal) Grid(columns []Column, rows []Row) []string {
	width := 0
	if t.screen {
		width, _ = sizeOf(t.out)
	}
	return slices.Concat(layOut(columns, rows, grid{width: width, colored: t.colorOut})...)
}

// layOut fits rows into a width: columns of high ranks are left out, and the first is shortened in the middle.
func layOut(columns []Column, rows []Row, g grid) [][]string {
	widths := widthsOf(columns, rows)
	g.shown = shownOf(columns, widths, g.width)
	for _, c := range g.shown[1:] {
		g.room -= gap + widths[c]
	}
	if g.width > 0 {
		widths[0] = min(widths[0], max(g.width+g.room, shortest))
	}
	g.widths, g.room = widths, g.width+g.room-widths[0]-gap
	out := [][]string{{g.header(columns)}}
	for _, r := range rows {
		out = append(out, g.row(r))
	}
	return out
}

const (
	gap      = 2  // between columns
	shortest = 24 // to which the first column is shortened before others are left out
	noteRoom = 30 // that notes need to stand behind the cells
)

// grid is the layout that fits a terminal.
type grid struct {
	width     int // of the terminal, 0 for any
	noteLines int // for a note below its row, 0 for any number
	colored   bool
	shown     []int // columns
	widths    []int // of all columns
	room      int   // behind the cells
}

func widthsOf(columns []Column, rows []Row) []int {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = max(c.Least, ansi.StringWidth(c.Title))
		for _, r := range rows {
			widths[i] = max(widths[i], ansi.StringWidth(r.Cells[i]))
		}
	}
	return widths
}

// shownOf are the columns that fit into a width, with the first one shortened.
func shownOf(columns []Column, widths []int, width int) []int {
	var shown []int
	total := -gap
	for i, w := range widths {
		shown = append(shown, i)
		if i == 0 {
			w = min(w, shortest)
		}
		total += w + gap
	}
	for width > 0 {
		drop := slices.MaxFunc(shown, func(a, b int) int { return columns[a].Rank - columns[b].Rank })
		room := width
		if columns[drop].Spare {
			room -= gap + noteRoom
		}
		if columns[drop].Rank == 0 || total <= room {
			break
		}
		shown = slices.DeleteFunc(shown, func(i int) bool { return i == drop })
		total -= widths[drop] + gap
	}
	return shown
}

func (g grid) header(columns []Column) string {
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.Title
	}
	line := g.line(titles)
	if g.colored {
		line = lipgloss.NewStyle().Bold(true).Render(line)
	}
	return line
}

func (g grid) row(r Row) []string {
	line := g.line(r.Cells)
	if r.Note == "" {
		return []string{line}
	}
	note := strings.Join(strings.Fields(r.Note), " ")
	if g.width <= 0 || g.room >= noteRoom && ansi.StringWidth(note) <= g.room {
		pad := strings.Repeat(" ", max(g.cells()-ansi.StringWidth(line), 0)+gap)
		return []string{line + pad + g.note(r, note)}
	}
	lines := []string{line}
	for i, l := range strings.Split(ansi.Wrap(note, g.width-2, " "), "\n") {
		if g.noteLines > 0 && i == g.noteLines {
			last := strings.TrimPrefix(ansi.Strip(lines[i]), "  ") + "…"
			lines[i] = "  " + g.note(r, ansi.Truncate(last, g.width-2, "…"))
			break
		}
		lines = append(lines, "  "+g.note(r, l))
	}
	return lines
}

// cells is how wide the shown cells are together.
func (g grid) cells() int {
	n := -gap
	for _, i := range g.shown {
		n += g.widths[i] + gap
	}
	return n
}

func (g grid) note(r Row, text string) string { return paintIf(g.colored && r.Warn, yellow, text) }

// line writes the shown cells, each in the colour of the state that it names.
func (g grid) line(cells []string) string {
	var b strings.Builder
	for n, i := range g.shown {
		text := middle(cells[i], g.widths[i])
		pad := g.widths[i] - ansi.StringWidth(text) + gap
		if c, ok := colorOf(text); ok {
			text = paintIf(g.colored, c, text)
		}
		b.WriteString(text)
		if n < len(g.shown)-1 {
			b.WriteString(strings.Repeat(" ", pad))
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// middle shortens a text to a width in the middle, as names differ at their ends.
func middle(text string, width int) string {
	w := ansi.StringWidth(text)
	if w <= width {
		return text
	}
	left := ansi.Truncate(text, width/2, "")
	right := ansi.TruncateLeft(text, w-(width-ansi.StringWidth(left)-1), "")
	if ansi.StringWidth(left)+1+ansi.StringWidth(right) > width { // a wide character stands over the cut
		right = ansi.TruncateLeft(text, w-(width-ansi.StringWidth(left)-2), "")
	}
	return left + "…" + right
}
