package ui

import (
	"fmt"
	"io"
	"strings"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
)

// color is one of the terminal's own palette, so that it suits its theme.
type color string

const (
	red    color = "1"
	green  color = "2"
	yellow color = "3"
	cyan   color = "6"
	dim    color = "8"
)

// paint colours text of the story.
func (t *Terminal) paint(c color, s string) string { return paintIf(t.colorErr, c, s) }

func paintIf(on bool, c color, s string) string {
	if !on {
		return s
	}
	return lipgloss.NewStyle().Foreground(lipgloss.Color(string(c))).Render(s)
}

// colorOf gives the words for states that tables and steps use their colour.
func colorOf(state string) (color, bool) {
	switch strings.ToUpper(state) {
	case "SUCCEEDED", "DONE", "CREATED", "OK", "VALID":
		return green, true
	case "FAILED", "ERROR", "MISSING", "CHANGED":
		return red, true
	case "RUNNING", "STARTING", "UPDATED", "WARNING", "DELETED":
		return yellow, true
	case "UNCHANGED", "PENDING", "SUBMITTED", "RUNNABLE", "SKIPPED", "NOTE":
		return dim, true
	}
	return "", false
}

// Table writes rows under a header to w, in aligned columns without borders.
func (t *Terminal) Table(w io.Writer, header []string, rows [][]string) {
	for _, l := range lines(header, rows, t.colorOut && w == t.out) {
		fmt.Fprintln(w, l)
	}
}

func lines(header []string, rows [][]string, colored bool) []string {
	tb := table.New().Border(lipgloss.HiddenBorder()).
		BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).BorderHeader(false).BorderColumn(false).
		Headers(header...).Rows(rows...).Wrap(false).
		StyleFunc(func(row, col int) lipgloss.Style {
			s := lipgloss.NewStyle().PaddingRight(2)
			if !colored {
				return s
			}
			if row == table.HeaderRow {
				return s.Bold(true)
			}
			if c, ok := colorOf(rows[row][col]); ok {
				return s.Foreground(lipgloss.Color(string(c)))
			}
			return s
		})
	var out []string
	for l := range strings.SplitSeq(tb.String(), "\n") {
		out = append(out, strings.TrimRight(l, " "))
	}
	return out
}
