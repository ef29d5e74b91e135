package edit

import (
	"strconv"
	"strings"
)

// array is what has to be known of an array's text to add an element in its own style.
type array struct {
	text      string
	lastStart int // of the last element; 0: the array is empty
	lastEnd   int
	comma     int // behind the comma that follows the last element; 0: none does
}

func parseArray(text string) array {
	s := scanner{text: text, pos: 1}
	a := array{text: text}
	for s.skipBlank(); s.pos < len(text) && !s.at("]"); s.skipBlank() {
		if s.at(",") {
			s.pos++
			a.comma = s.pos
			continue
		}
		a.lastStart, a.comma = s.pos, 0
		s.skipValue()
		a.lastEnd = s.pos
	}
	return a
}

// appendTo adds a string to the text of an array: on the same line where the last element shares its line with a bracket or other elements, else
// on a line of its own, indented like the last, with a comma behind it if the last had one.
func appendTo(text, value, eol string) string {
	a := parseArray(text)
	quoted := strconv.Quote(value)
	if a.lastStart > 0 && text[a.lastStart] == '\'' && !strings.Contains(value, "'") {
		quoted = "'" + value + "'"
	}
	if a.lastStart == 0 {
		if !strings.Contains(text, "\n") {
			return "[" + quoted + "]"
		}
		return "[" + eol + "    " + quoted + "," + text[1:]
	}
	indent := text[lineStart(text, a.lastStart):a.lastStart]
	after := max(a.lastEnd, a.comma)
	rest, _, more := strings.Cut(text[after:], "\n")
	if strings.TrimSpace(indent) != "" || !more || strings.HasPrefix(strings.TrimSpace(rest), "]") {
		return text[:a.lastEnd] + ", " + quoted + text[a.lastEnd:]
	}
	lineEnd := after + len(strings.TrimRight(rest, "\r"))
	if a.comma > 0 {
		return text[:lineEnd] + eol + indent + quoted + "," + text[lineEnd:]
	}
	return text[:a.lastEnd] + "," + text[a.lastEnd:lineEnd] + eol + indent + quoted + text[lineEnd:]
}
