package logs

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/kedroctl/kedroctl/internal/local/disk"
)

// Open makes a stream. Its group must exist, except the one that Batch makes by itself.
func (s *Service) Open(groupName, streamName string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if groupName == DefaultGroup && s.groups[groupName] == nil {
		s.groups[groupName] = s.newGroup(groupName, nil)
		if err := s.save(); err != nil {
			return err
		}
	}
	g, err := s.group(groupName)
	if err != nil {
		return err
	}
	if g.streams[streamName] == nil {
		g.streams[streamName] = &stream{Name: streamName, Created: s.millis()}
	}
	return nil
}

// Put adds a line to a stream; one whose stream is gone is dropped, as by AWS's log driver.
func (s *Service) Put(groupName, streamName string, at time.Time, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[groupName]
	if g == nil || g.streams[streamName] == nil || line == "" { // an event has at least one character
		return
	}
	e := event{At: at.UnixMilli(), In: s.millis(), Text: line}
	g.streams[streamName].add(e)
	if s.Dir != "" {
		// A line that can't be kept is still told by this process; the disk's trouble shows in the next change of state.
		_ = appendEvent(s.streamFile(g, streamName), e)
	}
}

// Count is how many events a stream has.
func (s *Service) Count(groupName, streamName string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[groupName]; g != nil && g.streams[streamName] != nil {
		return len(g.streams[streamName].events)
	}
	return 0
}

func (st *stream) add(e event) {
	st.events = append(st.events, e)
	st.bytes += int64(len(e.Text))
}

func (s *Service) describeStreams(in *cloudwatchlogs.DescribeLogStreamsInput) (*cloudwatchlogs.DescribeLogStreamsOutput, error) {
	g, err := s.group(cmp.Or(aws.ToString(in.LogGroupName), aws.ToString(in.LogGroupIdentifier)))
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == types.OrderByLastEventTime
	if byTime && in.LogStreamNamePrefix != nil {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	list := []types.LogStream{}
	for _, st := range g.streams {
		if strings.HasPrefix(st.Name, aws.ToString(in.LogStreamNamePrefix)) {
			list = append(list, s.describedStream(g, st))
		}
	}
	slices.SortFunc(list, func(a, b types.LogStream) int {
		if byTime {
			return cmp.Or(cmp.Compare(aws.ToInt64(a.LastEventTimestamp), aws.ToInt64(b.LastEventTimestamp)), cmp.Compare(*a.LogStreamName, *b.LogStreamName))
		}
		return cmp.Compare(*a.LogStreamName, *b.LogStreamName)
	})
	if aws.ToBool(in.Descending) {
		slices.Reverse(list)
	}
	list, next, err := page(list, in.NextToken, in.Limit)
	return &cloudwatchlogs.DescribeLogStreamsOutput{LogStreams: list, NextToken: next}, err
}

func (s *Service) describedStream(g *group, st *stream) types.LogStream {
	d := types.LogStream{
		LogStreamName: &st.Name,
		Arn:           aws.String(s.arn(g.Name) + ":log-stream:" + st.Name),
		CreationTime:  &st.Created,
		StoredBytes:   aws.Int64(0), // AWS reports no other number since 2019 (API: LogStream)
	}
	if n := len(st.events); n > 0 {
		d.FirstEventTimestamp = aws.Int64(st.events[0].At)
		d.LastEventTimestamp = aws.Int64(st.events[n-1].At)
		d.LastIngestionTime = aws.Int64(st.events[n-1].In)
	}
	return d
}

func (s *Service) groupDir(g *group) string {
	return filepath.Join(s.Dir, "logs", fileName(g.Name))
}

func (s *Service) streamFile(g *group, name string) string {
	return filepath.Join(s.groupDir(g), fileName(name)+".jsonl")
}

// fileName escapes a name so that it leads nowhere else: ".." is one that CloudWatch Logs takes.
func fileName(name string) string { return strings.ReplaceAll(url.PathEscape(name), ".", "%2E") }

func appendEvent(path string, e event) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(append(line, '\n'))
	return err
}

// load reads groups and their streams.
func (s *Service) load() error {
	if err := disk.ReadJSON(s.file(), &s.groups); err != nil {
		return err
	}
	for _, g := range s.groups {
		g.streams = map[string]*stream{}
		entries, err := os.ReadDir(s.groupDir(g))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, entry := range entries {
			name, err := url.PathUnescape(strings.TrimSuffix(entry.Name(), ".jsonl"))
			if err != nil {
				return fmt.Errorf("log stream %s: %w", entry.Name(), err)
			}
			if g.streams[name], err = readStream(s.streamFile(g, name), name); err != nil {
				return err
			}
		}
	}
	return nil
}

func readStream(path, name string) (*stream, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st := &stream{Name: name}
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil { // a last line without its end was cut short
			break
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		st.add(e)
	}
	if len(st.events) > 0 {
		st.Created = st.events[0].At
	}
	return st, nil
}
