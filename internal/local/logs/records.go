package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// record is a line of a group's file: a change of the group. The first of a stream makes it, the others are lines of the stream.
type record struct {
	About  *about `json:",omitempty"`
	Stream string `json:"s,omitempty"`
	event
}

func (g *group) apply(r record) {
	switch st := g.streams[r.Stream]; {
	case r.About != nil:
		g.about = *r.About
	case st == nil:
		g.streams[r.Stream] = &stream{name: r.Stream, created: r.At}
	default:
		st.add(r.event)
	}
}

// change changes a group, and keeps that it did.
func (s *Service) change(groupName string, r record) error {
	s.groups[groupName].apply(r)
	if s.Dir == "" {
		return nil
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(s.file(groupName), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

func (s *Service) dir() string { return filepath.Join(s.Dir, "log-groups") }

// file escapes the name of a group so that it leads nowhere else: ".." is one that CloudWatch Logs takes.
func (s *Service) file(groupName string) string {
	return filepath.Join(s.dir(), strings.ReplaceAll(url.PathEscape(groupName), ".", "%2E")+".jsonl")
}

func (s *Service) load() error {
	if s.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(s.dir(), 0o755); err != nil {
		return err
	}
	files, err := os.ReadDir(s.dir())
	if err != nil {
		return err
	}
	for _, f := range files {
		g, err := s.readGroup(filepath.Join(s.dir(), f.Name()))
		if err != nil {
			return fmt.Errorf("read %s: %w", f.Name(), err)
		}
		if name := g.about.Shown.LogGroupName; name != nil { // else it was not made to its end
			s.groups[*name] = g
		}
	}
	return nil
}

// readGroup reads a group's file, and cuts off what a killed process did not write to its end: the next record begins there.
func (s *Service) readGroup(path string) (*group, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	whole := bytes.LastIndexByte(content, '\n') + 1
	if err := os.Truncate(path, int64(whole)); err != nil {
		return nil, err
	}
	g := &group{streams: map[string]*stream{}}
	for line := range bytes.Lines(content[:whole]) {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, err
		}
		g.apply(r)
		s.latest = max(s.latest, r.At)
	}
	return g, nil
}
