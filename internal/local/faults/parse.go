package faults

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/shlex"

	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// Parse reads a fault script. Errors name the line.
func Parse(r io.Reader) (*Script, error) {
	s := &Script{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		words, err := shlex.Split(lines.Text())
		if err == nil && len(words) > 0 {
			err = s.add(words[0], words[1:])
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	return s, lines.Err()
}

// add takes a line: what it is about, a name for most kinds, and words.
func (s *Script) add(kind string, words []string) error {
	switch kind {
	case "deny":
		s.denied = append(s.denied, words...)
		return patterns("ACTION…", words)
	case "foreign":
		s.Foreign = append(s.Foreign, words...)
		return patterns("BUCKET…", words)
	case "no-default-vpc":
		s.NoDefaultVPC = true
		return fields{}.read(words)
	case "lag":
		l := &s.Lag
		return fields{"roles": &l.Propagation, "deleting": &l.Deleting, "relation": &l.Relation, "list": &l.List,
			"lines": &l.Lines, "shuffle": &l.Shuffle}.read(words)
	}
	about := map[string]func(string, []string) error{"call": s.addCall, "rate": s.addRate, "quota": s.addQuota, "job": s.addJob, "stuck": s.addStuck}[kind]
	if about == nil {
		return fmt.Errorf("no fault %q", kind)
	}
	if err := patterns("a name first", words[:min(1, len(words))]); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	if err := about(words[0], words[1:]); err != nil {
		return fmt.Errorf("%s %s: %w", kind, words[0], err)
	}
	return nil
}

func (s *Script) addQuota(code string, words []string) error {
	var vcpus int
	if err := (fields{"vcpus": &vcpus}).read(words); err != nil {
		return err
	}
	if vcpus == 0 {
		return errors.New("want vcpus=N")
	}
	if s.Quotas == nil {
		s.Quotas = map[string]int{}
	}
	s.Quotas[code] = vcpus
	return nil
}

// patterns wants at least one.
func patterns(what string, words []string) error {
	if len(words) == 0 {
		return fmt.Errorf("want %s", what)
	}
	for _, p := range words {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("%q is no pattern", p)
		}
	}
	return nil
}

// fields are what words of the form KEY=VALUE are read into: *int for what is counted from 1, *int32 from 0, *time.Duration, *string, *[]string; *bool for
// a KEY alone.
type fields map[string]any

func (f fields) read(words []string) error {
	for _, word := range words {
		key, value, given := strings.Cut(word, "=")
		var err error
		switch into := f[key].(type) {
		case *int:
			if *into, err = strconv.Atoi(value); err == nil && *into < 1 {
				err = errors.New("want a number from 1")
			}
		case *int32:
			var n uint64
			n, err = strconv.ParseUint(value, 10, 31)
			*into = int32(n) //nolint:gosec // of 31 bits
		case *time.Duration:
			if *into, err = time.ParseDuration(value); err == nil && *into < 0 {
				err = errors.New("a time can't be negative")
			}
		case *string:
			*into = value
		case *[]string:
			*into = append(*into, value)
		case *bool:
			if *into = true; given {
				err = errors.New("takes no value")
			}
		default:
			err = errors.New("no such word here")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", word, err)
		}
	}
	return nil
}

func (s *Script) addCall(pattern string, words []string) error {
	c := &call{pattern: pattern, nth: 1, times: 1}
	var status int32
	var code, cut string
	message := "the fault script asks for it"
	err := fields{"nth": &c.nth, "times": &c.times, "status": &status, "code": &code, "message": &message, "cut": &cut, "hang": &c.Hang}.read(words)
	if err != nil {
		return err
	}
	if status >= 400 && status < 600 && code != "" {
		c.Fault = wire.NewFault(int(status), code, "%s", message)
	}
	c.CutBefore, c.CutAfter, c.CutDuring = cut == "before", cut == "after", cut == "during"
	given := 0
	for _, one := range []bool{c.Fault != nil, c.CutBefore || c.CutAfter || c.CutDuring, c.Hang > 0} {
		if one {
			given++
		}
	}
	if given != 1 {
		return errors.New("want one of status=4xx or 5xx with code=CODE, cut=before, cut=during, cut=after, hang=TIME")
	}
	s.calls = append(s.calls, c)
	return nil
}

func (s *Script) addRate(pattern string, words []string) error {
	perSecond, err := strconv.Atoi(strings.Join(words, " "))
	if err != nil || perSecond < 0 {
		return fmt.Errorf("%q: want a number of calls a second, or 0 for any number", words)
	}
	s.rates = append(s.rates, &rate{pattern: pattern, perSecond: float64(perSecond)})
	return nil
}

// ends are those of attempts that an exit code does not tell, by their word.
var ends = map[string]batch.Exit{
	"spot":    batch.HostLost("i-0123456789abcdef0"),
	"fargate": batch.Interrupted(),
	"oom":     batch.OutOfMemory(),
	"nopull":  batch.NotStarted("CannotPullContainerError: pull access denied"),
	"noimage": batch.NotStarted("CannotPullContainerError: manifest unknown: the image does not exist"),
	"nostart": batch.NotStarted("CannotStartContainerError: the container could not be started"),
}

func (s *Script) addJob(pattern string, words []string) error {
	j := scripted.Script{Match: pattern}
	code, end := int32(-1), ""
	err := fields{"attempt": &j.Attempt, "exit": &code, "end": &end, "after": &j.After, "sleep": &j.Duration, "line": &j.Lines}.read(words)
	if err != nil {
		return err
	}
	known := false
	switch {
	case code >= 0 && end == "":
		j.End, known = batch.Exited(code), true
	case code < 0:
		j.End, known = ends[end]
	}
	switch {
	case end != "" && !known:
		return fmt.Errorf("end=%s: want one of %q, or exit=N alone", end, slices.Sorted(maps.Keys(ends)))
	case j.After > 0 && !known:
		return errors.New("after=TIME needs exit=N or end=END")
	}
	s.Jobs = append(s.Jobs, j)
	return nil
}

func (s *Script) addStuck(pattern string, words []string) error {
	st := stuck{pattern: pattern}
	if err := (fields{"reason": &st.reason}).read(words); err != nil {
		return err
	}
	if st.reason == "" {
		return errors.New("want reason=TEXT")
	}
	s.stuck = append(s.stuck, st)
	return nil
}
