package run

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// raised is one exception of a chain, as Python's traceback module or rich prints it.
type raised struct {
	joint  string // how it came of the one before, in Python's words; "" for the first
	frames []frame
	text   []string // type and message
}

// frame is one call of a traceback.
type frame struct {
	file, line, in string
	code           []string // what stands below it, without indentation
}

// traceback cuts out of the last lines of an attempt's output the exception that ended its program, in the form of Python's own tracebacks. Frames of
// the Python library, Kedro and other distributions are folded, unless there are no others; package is the project's. It is nil where there is none.
func traceback(lines []string, pkg string, e *ProgramError) []string {
	for _, chain := range slices.Backward(chains(lines)) {
		if ended(chain, e) {
			return render(chain, pkg)
		}
	}
	return nil
}

// ended says whether a chain is about the error that the job recorded. A program that exits by itself has often logged why.
func ended(chain []raised, e *ProgramError) bool {
	if e == nil || e.Type == "SystemExit" {
		return true
	}
	name, _, _ := strings.Cut(chain[len(chain)-1].text[0], ":")
	return name[strings.LastIndex(name, ".")+1:] == e.Type
}

const tracebackTitle = "Traceback (most recent call last)"

var (
	plainTitle = regexp.MustCompile(`^\s*(\+ Exception Group )?` + regexp.QuoteMeta(tracebackTitle) + `:$`)
	richTitle  = regexp.MustCompile(`^\s*╭─+ ` + regexp.QuoteMeta(tracebackTitle) + ` ─+╮`)
	plainFrame = regexp.MustCompile(`^\s+File "([^"]+)", line (\d+)(?:, in (.+))?$`)
	richFrame  = regexp.MustCompile(`^((?:/|<|\.|[A-Za-z]:)\S*?):(\d+)(?: in (.+))?$`)
	richCode   = regexp.MustCompile(`^❱\s*\d+ [│ ]*(.*)$`)
	logLine    = regexp.MustCompile(`^(\d{4}-\d\d-\d\d[ T]\d\d:\d\d|\[\d\d/\d\d/\d\d |(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b|kedroctl: )`)
	joints     = []string{
		"The above exception was the direct cause of the following exception:",
		"During handling of the above exception, another exception occurred:",
	}
)

// messageMost is how many lines of an exception's message are taken: where it ends the output does not say.
const messageMost = 15

// chains are all exceptions that are printed in full, each with those that it came of. Those of finalizers, which end no program, are left out.
func chains(lines []string) [][]raised {
	var all [][]raised
	for i := 0; i < len(lines); {
		e, next := parseRaised(lines, i)
		if e == nil {
			i++
			continue
		}
		ignored := i > 0 && strings.HasPrefix(lines[i-1], "Exception ignored in")
		chain := []raised{*e}
		for {
			joint, at := nextJoint(lines, next)
			e, after := parseRaised(lines, at)
			if joint == "" || e == nil {
				break
			}
			e.joint, next = joint, after
			chain = append(chain, *e)
		}
		if !ignored {
			all = append(all, chain)
		}
		i = next
	}
	return all
}

// nextJoint reads the words between two exceptions of a chain, and gives the line where the second begins.
func nextJoint(lines []string, at int) (joint string, next int) {
	at = skipBlank(lines, at)
	if at == len(lines) || !slices.Contains(joints, strings.TrimSpace(lines[at])) {
		return "", at
	}
	return strings.TrimSpace(lines[at]), skipBlank(lines, at+1)
}

// skipBlank passes by empty lines and the quotation marks around what another process raised.
func skipBlank(lines []string, at int) int {
	for at < len(lines) && strings.Trim(lines[at], ` "`) == "" {
		at++
	}
	return at
}

func parseRaised(lines []string, at int) (e *raised, next int) {
	switch {
	case at >= len(lines):
		return nil, at
	case richTitle.MatchString(lines[at]):
		e, next = parseRich(lines, at)
	case plainTitle.MatchString(lines[at]):
		e, next = parsePlain(lines, at)
	}
	if e == nil || len(e.text) == 0 || e.text[0] == "" {
		return nil, at
	}
	return e, next
}

func parsePlain(lines []string, at int) (*raised, int) {
	if strings.Contains(lines[at], "+ Exception Group") {
		return parseGroup(lines, at)
	}
	e := &raised{}
	at++
	for ; at < len(lines) && strings.HasPrefix(lines[at], "  "); at++ {
		e.addPlain(lines[at])
	}
	e.text, at = message(lines, at, "")
	return e, at
}

func (e *raised) addPlain(line string) {
	if m := plainFrame.FindStringSubmatch(line); m != nil {
		e.frames = append(e.frames, frame{file: m[1], line: m[2], in: m[3]})
	} else if n := len(e.frames); n > 0 {
		e.frames[n-1].code = append(e.frames[n-1].code, strings.TrimPrefix(strings.TrimPrefix(line, "  "), "  "))
	}
}

// parseGroup reads an exception group; what its members say is part of its text.
func parseGroup(lines []string, at int) (*raised, int) {
	e := &raised{}
	for at++; at < len(lines); at++ {
		line, inside := strings.CutPrefix(lines[at], "  | ")
		if !inside || !strings.HasPrefix(line, "  ") {
			break
		}
		e.addPlain(line)
	}
	for ; at < len(lines) && strings.HasPrefix(lines[at], "  "); at++ {
		e.text = append(e.text, strings.TrimPrefix(strings.TrimPrefix(lines[at], "  "), "| "))
	}
	return e, at
}

// parseRich reads a traceback in a box. Of the code around each call the called line alone is kept.
func parseRich(lines []string, at int) (*raised, int) {
	e := &raised{}
	indent := lines[at][:strings.Index(lines[at], "╭")]
	for at++; at < len(lines); at++ {
		line := strings.TrimSpace(lines[at])
		if !strings.HasPrefix(line, "│") {
			break
		}
		line = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(line, "│"), "│"))
		if m := richFrame.FindStringSubmatch(line); m != nil {
			e.frames = append(e.frames, frame{file: m[1], line: m[2], in: m[3]})
		} else if m := richCode.FindStringSubmatch(line); m != nil && len(e.frames) > 0 {
			e.frames[len(e.frames)-1].code = []string{m[1]}
		}
	}
	if at < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[at]), "╰") {
		at++
	}
	e.text, at = message(lines, at, indent)
	return e, at
}

// message reads type and message of an exception, to where something else begins.
func message(lines []string, at int, indent string) (text []string, next int) {
	for ; at < len(lines) && len(text) < messageMost; at++ {
		line := strings.TrimRight(strings.TrimPrefix(lines[at], indent), " \r")
		joint, _ := nextJoint(lines, at)
		other := joint != "" || line == `"""` || logLine.MatchString(line) || plainTitle.MatchString(line) || richTitle.MatchString(line)
		if len(text) > 0 && other || indent != "" && !strings.HasPrefix(lines[at], indent) {
			break
		}
		text = append(text, line)
	}
	for len(text) > 0 && text[len(text)-1] == "" {
		text = text[:len(text)-1]
	}
	return text, at
}

// render writes a chain as Python does. An exception that another process raised is printed twice: once is enough.
func render(chain []raised, pkg string) []string {
	own := func(f frame) bool { return f.owner(pkg) == "" }
	has := func(e raised) bool { return slices.ContainsFunc(e.frames, own) }
	all := !slices.ContainsFunc(chain, has)
	var out []string
	for i, e := range chain {
		if i > 0 && !has(e) && slices.Equal(e.text, chain[i-1].text) {
			continue
		}
		if e.joint != "" {
			out = append(out, "", e.joint, "")
		}
		out = append(out, tracebackTitle+":")
		out = append(out, fold(e.frames, pkg, all && i == len(chain)-1)...)
		out = append(out, e.text...)
	}
	return out
}

// fold counts runs of frames that are not the project's own. The last frame may be kept all the same.
func fold(frames []frame, pkg string, keepLast bool) []string {
	var out, owners []string
	folded := 0
	flush := func() {
		if folded > 0 {
			slices.Sort(owners)
			noun := "frames"
			if folded == 1 {
				noun = "frame"
			}
			out = append(out, fmt.Sprintf("  … %d %s of %s", folded, noun, strings.Join(slices.Compact(owners), ", ")))
		}
		folded, owners = 0, nil
	}
	for i, f := range frames {
		owner := f.owner(pkg)
		if owner != "" && !(keepLast && i == len(frames)-1) {
			folded++
			owners = append(owners, owner)
			continue
		}
		flush()
		out = append(out, f.lines()...)
	}
	flush()
	return out
}

func (f frame) lines() []string {
	first := fmt.Sprintf("  File %q, line %s", f.file, f.line)
	if f.in != "" {
		first += ", in " + f.in
	}
	out := []string{first}
	for _, c := range f.code {
		out = append(out, "    "+c)
	}
	return out
}

// distributions are the directories in which distributions are installed; the image has its own (build/dockerfile.go), one of them for the project.
var (
	distributions = regexp.MustCompile(`^.*/(?:site-packages|dist-packages|srv/kedro/dependencies)/([^/]+)`)
	library       = regexp.MustCompile(`/lib/(?:pypy|python)3[.\d]*/`)
)

// owner is whose code a frame is: "" is the project's.
func (f frame) owner(pkg string) string {
	top, _, _ := strings.Cut(pkg, ".")
	if strings.Contains(f.file, "/kedroctl_boot/") {
		return "kedroctl"
	}
	if m := distributions.FindStringSubmatch(f.file); m != nil {
		if name := strings.TrimSuffix(m[1], ".py"); name != top {
			return name
		}
		return ""
	}
	switch {
	case library.MatchString(f.file) || strings.HasPrefix(f.file, "<"):
		return "Python"
	case !path.IsAbs(f.file): // compiled code names its sources so
		first, _, _ := strings.Cut(f.file, "/")
		return first
	}
	return ""
}
