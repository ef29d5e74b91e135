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
	var kept []string
	inTrace := false
	for line := range strings.Lines(colour.ReplaceAllString(output, "")) {
		line = strings.TrimRight(line, " \t\r\n")
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "Traceback (most recent call last)"):
			inTrace = true
		case inTrace && (line == "" || strings.HasPrefix(line, " ")):
		case line == "" || strings.HasPrefix(line, "* ") || strings.HasPrefix(line, "  - "):
			inTrace = false
		default:
			inTrace = false
			kept = append(kept, line)
		}
	}
	return strings.Join(kept[max(0, len(kept)-maxMessage):], "\n")
}

// resolverMessage is uv's own account of what it could not resolve, build or fetch, from the log of a step: from its first mark to the end.
func resolverMessage(log string) string {
	var kept []string
	for line := range strings.Lines(colour.ReplaceAllString(log, "")) {
		line = strings.TrimRight(line, " \t\r\n")
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
