package logs

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

type stream struct {
	name    string
	created int64
	lines   int     // that were put
	events  []event // in the order in which they can be read
}

type event struct {
	At   int64  `json:"t"`
	In   int64  `json:"i"` // from when on it can be read
	Text string `json:"m"`
}

// Open makes a stream. Its group must exist, except the one that Batch makes by itself.
func (s *Service) Open(groupName, streamName string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if groupName == DefaultGroup && s.groups[groupName] == nil {
		if err := s.addGroup(groupName, wire.Tags{}); err != nil {
			return err
		}
	}
	g, err := s.group(&groupName, nil)
	if err != nil || g.streams[streamName] != nil {
		return err
	}
	return g.change(record{Stream: streamName, event: event{At: s.now()}})
}

// Put adds a line to a stream; one whose stream is gone is dropped, as by AWS's log driver. When it returns, the line is on disk.
func (s *Service) Put(groupName, streamName string, at time.Time, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g, st := s.stream(groupName, streamName); st != nil {
		e := event{At: at.UnixMilli(), In: s.arrival(st.lines), Text: line}
		// A line that can't be kept is still told by this process; the disk's trouble shows in the next change of state.
		_ = g.log.Append(record{Stream: streamName, event: e})
		st.add(e)
	}
}

// Count is the number of lines that were put to a stream so far, with empty ones and those that can't be read yet.
func (s *Service) Count(groupName, streamName string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, st := s.stream(groupName, streamName); st != nil {
		return st.lines
	}
	return 0
}

// stream finds a stream and its group; nil where there is none.
func (s *Service) stream(groupName, streamName string) (*group, *stream) {
	g := s.groups[groupName]
	if g == nil {
		return nil, nil
	}
	return g, g.streams[streamName]
}

// arrival is when a line that is put now can be read. Where lines overtake each other, every second one is there in half the time.
func (s *Service) arrival(line int) int64 {
	delay, shuffle := s.Lag()
	if shuffle && line%2 == 1 {
		delay /= 2
	}
	return s.now() + delay.Milliseconds()
}

func (st *stream) add(e event) {
	st.lines++
	if e.Text != "" { // an event has at least one character
		st.events = slices.Insert(st.events, len(st.readable(e.In)), e)
	}
}

// readable are the events that can be read at a time.
func (st *stream) readable(at int64) []event {
	n, _ := slices.BinarySearchFunc(st.events, at+1, func(e event, t int64) int { return cmp.Compare(e.In, t) })
	return st.events[:n]
}

func (s *Service) describeStreams(in *cloudwatchlogs.DescribeLogStreamsInput) (*cloudwatchlogs.DescribeLogStreamsOutput, error) {
	g, err := s.group(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == types.OrderByLastEventTime
	if byTime && in.LogStreamNamePrefix != nil {
		return nil, refuse(invalid, "Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	list := []types.LogStream{}
	for _, st := range g.streams {
		if strings.HasPrefix(st.name, aws.ToString(in.LogStreamNamePrefix)) {
			list = append(list, s.describedStream(g, st))
		}
	}
	slices.SortFunc(list, func(a, b types.LogStream) int {
		byName := cmp.Compare(*a.LogStreamName, *b.LogStreamName)
		if byTime {
			return cmp.Or(cmp.Compare(aws.ToInt64(a.LastEventTimestamp), aws.ToInt64(b.LastEventTimestamp)), byName)
		}
		return byName
	})
	if aws.ToBool(in.Descending) {
		slices.Reverse(list)
	}
	list, next, err := wire.Page(list, in.NextToken, in.Limit, pageSize, invalid)
	return &cloudwatchlogs.DescribeLogStreamsOutput{LogStreams: list, NextToken: next}, err
}

func (s *Service) describedStream(g *group, st *stream) types.LogStream {
	d := types.LogStream{
		LogStreamName: &st.name,
		Arn:           aws.String(*g.about.Shown.LogGroupArn + ":log-stream:" + st.name),
		CreationTime:  &st.created,
		StoredBytes:   aws.Int64(0), // AWS reports no other number since 2019 (API: LogStream)
	}
	if events := st.readable(s.now()); len(events) > 0 {
		first, last := events[0], events[len(events)-1]
		d.FirstEventTimestamp, d.LastEventTimestamp, d.LastIngestionTime = &first.At, &last.At, &last.In
	}
	return d
}
