package faults

import (
	"bufio"
	"cmp"
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

func (s *Script) add(kind string, words []string) error {
	switch kind {
	case "deny":
		s.denied = append(s.denied, words...)
		return wanted("ACTION…", words)
	case "foreign":
		s.Foreign = append(s.Foreign, words...)
		return wanted("BUCKET…", words)
	case "no-default-vpc":
		s.NoDefaultVPC = true
		return onlyKnown(words, nil)
	case "lag":
		return s.addLag(words)
	}
	about := map[string]func(string, []string) error{"call": s.addCall, "rate": s.addRate, "job": s.addJob, "stuck": s.addStuck}[kind]
	if about == nil {
		return fmt.Errorf("no fault %q", kind)
	}
	if err := wanted("a name first", words[:min(1, len(words))]); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	if err := about(words[0], words[1:]); err != nil {
		return fmt.Errorf("%s %s: %w", kind, words[0], err)
	}
	return nil
}

// wanted wants at least one word, all of them patterns.
func wanted(what string, patterns []string) error {
	if len(patterns) == 0 {
		return fmt.Errorf("want %s", what)
	}
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("%q is no pattern", p)
		}
	}
	return nil
}

// fields reads words of the form key=value into what the keys stand for: *int, *time.Duration, *string, *[]string; *bool for a key without value.
type fields map[string]any

func (f fields) read(words []string) error {
	if err := onlyKnown(words, f); err != nil {
		return err
	}
	for _, word := range words {
		key, value, given := strings.Cut(word, "=")
		var err error
		switch into := f[key].(type) {
		case *int:
			*into, err = strconv.Atoi(value)
			if err == nil && *into < 0 {
				err = errors.New("want a number that is not negative")
			}
		case *time.Duration:
			*into, err = time.ParseDuration(value)
		case *string:
			*into = value
		case *[]string:
			*into = append(*into, value)
		case *bool:
			*into = true
		}
		if _, alone := f[key].(*bool); alone && given {
			err = errors.New("takes no value")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", word, err)
		}
	}
	return nil
}

func onlyKnown(words []string, known fields) error {
	for _, word := range words {
		key, _, _ := strings.Cut(word, "=")
		if _, ok := known[key]; !ok {
			return fmt.Errorf("no word %q here", word)
		}
	}
	return nil
}

func (s *Script) addLag(words []string) error {
	l := &s.Lag
	return fields{"roles": &l.Roles, "deleting": &l.Deleting, "relation": &l.Relation, "list": &l.List, "lines": &l.Lines, "shuffle": &l.Shuffle}.read(words)
}

func (s *Script) addCall(pattern string, words []string) error {
	c := &call{pattern: pattern, nth: 1, times: 1}
	var status int
	var code, message, cut string
	err := fields{"nth": &c.nth, "times": &c.times, "status": &status, "code": &code, "message": &message, "cut": &cut, "hang": &c.Hang}.read(words)
	if err != nil {
		return err
	}
	c.CutBefore, c.CutAfter = cut == "before", cut == "after"
	if status != 0 {
		c.Fault = wire.NewFault(status, code, "%s", cmp.Or(message, "the fault script asks for it"))
	}
	given := 0
	for _, one := range []bool{status >= 400 && status < 600 && code != "", c.CutBefore || c.CutAfter, c.Hang > 0} {
		if one {
			given++
		}
	}
	if given != 1 {
		return errors.New("want one of status=4xx or 5xx with code=CODE, cut=before, cut=after, hang=TIME")
	}
	s.calls = append(s.calls, c)
	return nil
}

func (s *Script) addRate(pattern string, words []string) error {
	r := &rate{pattern: pattern}
	if len(words) != 1 {
		return errors.New("want one number")
	}
	var err error
	if r.perSecond, err = strconv.ParseFloat(words[0], 64); err != nil || r.perSecond != 0 && r.perSecond < 1 {
		return fmt.Errorf("%s: want a number of calls a second, at least 1, or 0 for any number", words[0])
	}
	s.rates = append(s.rates, r)
	return nil
}

// ends are those of attempts that an exit code does not tell, by their word.
var ends = map[string]batch.Exit{
	"spot":    batch.HostLost("i-0123456789abcdef0"),
	"oom":     batch.OutOfMemory(),
	"nopull":  batch.NotStarted("CannotPullContainerError: pull access denied"),
	"noimage": batch.NotStarted("CannotPullContainerError: manifest unknown: the image does not exist"),
	"nostart": batch.NotStarted("CannotStartContainerError: the container could not be started"),
}

func (s *Script) addJob(pattern string, words []string) error {
	j := &Job{pattern: pattern}
	code, end := -1, ""
	err := fields{"attempt": &j.attempt, "exit": &code, "end": &end, "after": &j.After, "sleep": &j.Sleep, "line": &j.Lines}.read(words)
	if err != nil {
		return err
	}
	if code >= 0 {
		exit := batch.Exited(int32(code)) //nolint:gosec // exit codes are small
		j.End = &exit
	}
	if end != "" {
		exit, ok := ends[end]
		if !ok || code >= 0 {
			return fmt.Errorf("end=%s: want one of %q, or exit=N alone", end, slices.Sorted(maps.Keys(ends)))
		}
		j.End = &exit
	}
	if j.After > 0 && j.End == nil {
		return errors.New("after=TIME needs exit=N or end=END")
	}
	s.jobs = append(s.jobs, j)
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
