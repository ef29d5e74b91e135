package edit

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// ErrShape says that the file is written in a way that cannot be edited safely: a person has to.
var ErrShape = errors.New("cannot be edited without changing more than that")

// Set adds key = "value" to a table, which is made where it is absent. The key must not be there yet.
func Set(text string, table []string, key, value string) (string, error) {
	return prove(text, addKey(text, table, key, strconv.Quote(value)), func(old map[string]any) error {
		at, err := tableAt(old, table)
		if err != nil {
			return err
		}
		if _, there := at[key]; there {
			return fmt.Errorf("%s is there already", key)
		}
		at[key] = value
		return nil
	})
}

// Append adds a string at the end of the list key of a table. A list that is absent is made where its table is there.
func Append(text string, table []string, key, value string) (string, error) {
	path := append(slices.Clone(table), key)
	edited := ""
	for _, e := range scan(text) {
		if e.key != nil && slices.Equal(e.path(), path) && text[e.valueStart] == '[' {
			edited = text[:e.valueStart] + appendTo(text[e.valueStart:e.valueEnd], value, newline(text)) + text[e.valueEnd:]
		}
	}
	if edited == "" {
		edited = addKey(text, table, key, "["+strconv.Quote(value)+"]")
	}
	return prove(text, edited, func(old map[string]any) error {
		at, err := tableAt(old, table)
		if err != nil {
			return err
		}
		list, ok := at[key].([]any)
		if at[key] != nil && !ok {
			return fmt.Errorf("%s is not a list", key)
		}
		at[key] = append(list, value)
		return nil
	})
}

// prove compares the edited text, parsed, with what the edit was to do to the old one.
func prove(text, edited string, change func(map[string]any) error) (string, error) {
	var want, got map[string]any
	if err := toml.Unmarshal([]byte(text), &want); err != nil {
		return "", err
	}
	if err := change(want); err != nil {
		return "", fmt.Errorf("%w: %w", ErrShape, err)
	}
	if err := toml.Unmarshal([]byte(edited), &got); err != nil {
		return "", fmt.Errorf("%w: %w", ErrShape, err)
	}
	if !reflect.DeepEqual(want, got) {
		return "", ErrShape
	}
	return edited, nil
}

func tableAt(root map[string]any, path []string) (map[string]any, error) {
	at := root
	for _, name := range path {
		next, ok := at[name].(map[string]any)
		if at[name] != nil && !ok {
			return nil, fmt.Errorf("%s is not a table", strings.Join(path, "."))
		}
		if next == nil {
			next = map[string]any{}
			at[name] = next
		}
		at = next
	}
	return at, nil
}

// addKey puts a key behind the last one of the table, in the dotted form if the table is written so; a table that is absent comes before the first
// of its own subtables, else at the end.
func addKey(text string, table []string, key, value string) string {
	eol := newline(text)
	behind, before := -1, -1
	var dotted []string
	for _, e := range scan(text) {
		switch {
		case slices.Equal(e.table, table):
			behind, dotted = e.end, nil
		case e.key != nil && len(e.table) < len(table) && within(e.path(), table):
			behind, dotted = e.end, slices.Clone(table[len(e.table):])
		case e.key == nil && before < 0 && within(e.table, table):
			before = aboveComments(text, e.start)
		}
	}
	line := quotePath(append(dotted, key)) + " = " + value + eol
	header := "[" + quotePath(table) + "]" + eol
	switch {
	case behind >= 0:
		return endLine(text[:behind], eol) + line + text[behind:]
	case before >= 0:
		return text[:before] + header + line + eol + text[before:]
	case strings.TrimSpace(text) == "":
		return header + line
	}
	return endLine(text, eol) + eol + header + line
}

// within says whether a path leads into the table.
func within(path, table []string) bool {
	return len(path) > len(table) && slices.Equal(path[:len(table)], table)
}

// aboveComments is the start of the comment lines that stand directly above a line.
func aboveComments(text string, start int) int {
	for start > 0 {
		above := lineStart(text, start-1)
		if !strings.HasPrefix(strings.TrimLeft(text[above:start], " \t"), "#") {
			break
		}
		start = above
	}
	return start
}

func endLine(text, eol string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + eol
}

func newline(text string) string {
	if end := strings.IndexByte(text, '\n'); end > 0 && text[end-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

func quotePath(path []string) string {
	quoted := make([]string, len(path))
	for i, name := range path {
		quoted[i] = quoteKey(name)
	}
	return strings.Join(quoted, ".")
}

func quoteKey(key string) string {
	if key != "" && bare(key) == len(key) {
		return key
	}
	return strconv.Quote(key)
}
