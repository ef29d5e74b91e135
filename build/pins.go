package build

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// pin is one entry of a requirements file that names one version of each distribution. A name may have several, for different machines.
type pin struct {
	name string   // normalised; "" where only a path is given
	line string   // with hashes, on one line, without comments
	via  []string // what wants it, as uv and pip-compile note it: a normalised name, or a file of requirements
}

// readPins takes a requirements file apart. Options of its own are no pins.
func readPins(text string) []pin {
	var pins []pin
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\\\n", " ")
	for line := range strings.Lines(text) {
		line, comment, _ := strings.Cut(" "+strings.TrimRight(line, "\n"), " #")
		line = strings.Join(strings.Fields(line), " ")
		switch _, editable := option(line, "-e", "--editable"); {
		case line == "" && len(pins) > 0:
			last := &pins[len(pins)-1]
			last.via = append(last.via, wanters(comment)...)
		case line == "" || strings.HasPrefix(line, "-") && !editable || isProject(line):
		default:
			name := ""
			if !editable && !isPath(line) {
				name = project.DistributionName(line)
			}
			pins = append(pins, pin{name: name, line: line, via: wanters(comment)})
		}
	}
	return pins
}

// wanters are the names in a comment such as "via kedro, s3fs", or in a line of one that goes over several.
func wanters(comment string) []string {
	comment = strings.TrimSpace(comment)
	if strings.HasPrefix(comment, "via") {
		comment = strings.TrimSpace(comment[len("via"):])
	}
	var names []string
	for name := range strings.SplitSeq(comment, ",") {
		if name = strings.TrimSpace(name); strings.HasPrefix(name, "-") || strings.Contains(name, "(") {
			names = append(names, name)
		} else if name != "" && !strings.Contains(name, " ") {
			names = append(names, project.DistributionName(name))
		}
	}
	return names
}

// isPath says whether a requirement is a file or directory of this machine, by PEP 508 or as pip takes them.
func isPath(line string) bool {
	target, _, _ := strings.Cut(line, " ")
	return strings.HasPrefix(target, ".") || strings.HasPrefix(target, "/") || strings.HasPrefix(target, "file:") || filepath.IsAbs(target) ||
		strings.HasSuffix(target, ".whl") && !strings.Contains(target, "://")
}

// exact is a specifier of one version.
var exact = regexp.MustCompile(`===?\s*[^\s*,;]+$`)

// fixed says whether a line allows one version alone: by ==, by the address of a file or repository, or by a path.
func fixed(line string) bool {
	if strings.HasPrefix(line, "-e") || isPath(line) || strings.Contains(line, "@ ") || strings.Contains(line, "://") {
		return true
	}
	line, _, _ = strings.Cut(line, ";")
	line, _, _ = strings.Cut(line, "--hash")
	return exact.MatchString(strings.TrimSpace(line))
}

// leaveOut takes the tools, those that are to be excluded in any case, and what nothing else wants out of the pins. What is to be kept stays, and so
// does a tool that something which stays wants, other than Kedro. Without notes of what wants what, only the named ones go.
func leaveOut(pins []pin, exclude []string, keep func(name string) bool) (kept []pin, left []string) {
	known := map[string]bool{}
	for _, p := range pins {
		known[p.name] = true
	}
	wants := map[string][]string{} // by what wants them
	var open []string
	for _, p := range pins {
		declared := len(p.via) == 0
		for _, by := range p.via {
			if by == "kedro" && project.IsTool(p.name) {
				continue // by Kedro's extra jupyter, which is for people too
			}
			wants[by] = append(wants[by], p.name)
			declared = declared || !known[by] && !strings.HasPrefix(by, "-c")
		}
		if keep(p.name) || declared && !project.IsTool(p.name) {
			open = append(open, p.name)
		}
	}
	stays := map[string]bool{}
	for len(open) > 0 {
		name := open[0]
		open = open[1:]
		if !stays[name] && !slices.Contains(exclude, name) {
			stays[name] = true
			open = append(open, wants[name]...)
		}
	}
	for _, p := range pins {
		if p.name == "" || stays[p.name] {
			kept = append(kept, p)
		} else if !slices.Contains(left, p.name) {
			left = append(left, p.name)
		}
	}
	return kept, left
}
