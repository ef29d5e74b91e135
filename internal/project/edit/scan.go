package edit

import (
	"strconv"
	"strings"
)

// entry is a header, or a key with its value, and where it stands in the text. Offsets are in bytes.
type entry struct {
	table      []string // of the header, or of the header above the key
	key        []string // with dots split; nil: this is a header
	start      int      // of its first line
	valueStart int
	valueEnd   int
	end        int // behind its last line, the line's end included
}

// path is the full name of the entry.
func (e entry) path() []string { return append(e.table[:len(e.table):len(e.table)], e.key...) }

// scanner walks over TOML that a parser has found valid, so it need not look out for errors.
type scanner struct {
	text string
	pos  int
}

// scan lists the headers and keys of a file. Those within arrays of tables are left out: nothing is ever added there.
func scan(text string) []entry {
	s := scanner{text: text}
	var entries []entry
	var table []string
	inArray := false
	for s.skipBlank(); s.pos < len(text); s.skipBlank() {
		e := entry{start: lineStart(text, s.pos)}
		if text[s.pos] == '[' {
			inArray = strings.HasPrefix(text[s.pos:], "[[")
			s.pos++
			if inArray {
				s.pos++
			}
			table = s.key()
			s.skipLine()
		} else {
			e.key = s.key()
			s.pos++ // the equals sign
			s.skipSpace()
			e.valueStart = s.pos
			s.skipValue()
			e.valueEnd = s.pos
			s.skipLine()
		}
		e.table, e.end = table, s.pos
		if !inArray {
			entries = append(entries, e)
		}
	}
	return entries
}

func lineStart(text string, pos int) int { return strings.LastIndexByte(text[:pos], '\n') + 1 }

func (s *scanner) at(prefix string) bool { return strings.HasPrefix(s.text[s.pos:], prefix) }

func (s *scanner) skipSpace() {
	for s.pos < len(s.text) && (s.text[s.pos] == ' ' || s.text[s.pos] == '\t') {
		s.pos++
	}
}

// skipBlank skips space, line ends and comments.
func (s *scanner) skipBlank() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		case '#':
			s.skipLine()
		default:
			return
		}
	}
}

// skipLine goes behind the end of the line.
func (s *scanner) skipLine() {
	if end := strings.IndexByte(s.text[s.pos:], '\n'); end >= 0 {
		s.pos += end + 1
		return
	}
	s.pos = len(s.text)
}

// key reads a key with dots and stops at the equals sign or bracket behind it.
func (s *scanner) key() []string {
	var parts []string
	for s.pos < len(s.text) {
		s.skipSpace()
		begin := s.pos
		if s.at(`"`) || s.at("'") {
			s.skipString()
			parts = append(parts, unquote(s.text[begin:s.pos]))
		} else {
			s.pos += bare(s.text[s.pos:])
			parts = append(parts, s.text[begin:s.pos])
		}
		s.skipSpace()
		if !s.at(".") {
			return parts
		}
		s.pos++
	}
	return parts
}

func bare(text string) int {
	end := strings.IndexFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
	if end < 0 {
		return len(text)
	}
	return end
}

func unquote(quoted string) string {
	if quoted[0] == '"' {
		if text, err := strconv.Unquote(quoted); err == nil {
			return text
		}
	}
	return strings.Trim(quoted, `"'`)
}

// skipValue goes behind a value.
func (s *scanner) skipValue() {
	switch {
	case s.pos >= len(s.text):
	case s.at(`"`), s.at("'"):
		s.skipString()
	case s.at("["), s.at("{"):
		s.skipBrackets()
	default:
		end := strings.IndexAny(s.text[s.pos:], ",]}#\r\n")
		if end < 0 {
			end = len(s.text) - s.pos
		}
		s.pos += len(strings.TrimRight(s.text[s.pos:s.pos+end], " \t"))
	}
}

// skipBrackets goes behind an array or inline table and all that is nested in it.
func (s *scanner) skipBrackets() {
	depth := 0
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; c {
		case '[', '{':
			depth++
			s.pos++
		case ']', '}':
			depth--
			s.pos++
			if depth == 0 {
				return
			}
		case '"', '\'':
			s.skipString()
		case '#':
			s.skipLine()
		default:
			s.pos++
		}
	}
}

// skipString goes behind a string of any of the four kinds.
func (s *scanner) skipString() {
	quote := s.text[s.pos : s.pos+1]
	if triple := strings.Repeat(quote, 3); s.at(triple) {
		s.pos += 3
		s.skipTo(triple, quote == `"`)
		for s.at(quote) { // up to two quotes may stand before the three that end it
			s.pos++
		}
		return
	}
	s.pos++
	s.skipTo(quote, quote == `"`)
}

func (s *scanner) skipTo(end string, escapes bool) {
	for s.pos < len(s.text) && !s.at(end) {
		if escapes && s.text[s.pos] == '\\' {
			s.pos++
		}
		s.pos++
	}
	s.pos = min(s.pos+len(end), len(s.text))
}
