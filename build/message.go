package build

import (
	"regexp"
	"strings"
)

// maxMessage is the number of lines of a tool's output that an error carries.
const maxMessage = 12

var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// toolMessage is what a Python tool's output says of its failure: its last lines, without tracebacks (but with their last line) and without what it
// says of its progress.
func toolMessage(output string) string {
	kept := withoutTraces(output)
	return strings.Join(kept[max(0, len(kept)-maxMessage):], "\n")
}

// resolverMessage is uv's own account of what it could not resolve, build or fetch, from the log of a step: from its first mark on.
func resolverMessage(log string) string {
	var kept []string
	for _, line := range withoutTraces(log) {
		text := strings.TrimSpace(line)
		if kept == nil && !strings.HasPrefix(text, "×") && !strings.HasPrefix(text, "error:") {
			continue
		}
		if text = strings.TrimSpace(strings.TrimLeft(text, "×╰─▶├│ ")); text != "" {
			kept = append(kept, strings.TrimPrefix(text, "error: "))
		}
	}
	if kept == nil {
		return toolMessage(log)
	}
	return strings.Join(kept[:min(len(kept), maxMessage)], "\n")
}

// withoutTraces are the lines of an output without empty ones, the frames of tracebacks, and the progress of python -m build.
func withoutTraces(output string) []string {
	var kept []string
	trace := -1 // indentation of the traceback that we are in
	for line := range strings.Lines(colour.ReplaceAllString(output, "")) {
		line = strings.TrimRight(line, " \t\r\n")
		text := strings.TrimLeft(line, " ")
		indent := len(line) - len(text)
		switch {
		case strings.HasPrefix(text, "Traceback (most recent call last)"):
			trace = indent
		case text == "" || trace >= 0 && indent > trace:
		case strings.HasPrefix(line, "* ") || strings.HasPrefix(line, "  - ") || text == "[stderr]" || text == "[stdout]":
		default:
			trace = -1
			kept = append(kept, line)
		}
	}
	return kept
}
