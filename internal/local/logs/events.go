package logs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// Limits of a page of events (API: GetLogEvents, FilterLogEvents).
const (
	maxEvents    = 10_000
	maxBytes     = 1 << 20
	bytesPerLine = 26 // what AWS counts besides the text
)

// getEvents gives a page of a stream: the latest events, or from the start on with startFromHead. Its tokens say where the page ended; the end of a
// stream is told by a token that equals the one that was sent, and not by an empty page, such as the first one of a stream that lags.
func (s *Service) getEvents(in *cloudwatchlogs.GetLogEventsInput) (*cloudwatchlogs.GetLogEventsOutput, error) {
	g, err := s.group(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	st := g.streams[aws.ToString(in.LogStreamName)]
	if st == nil {
		return nil, refuse("ResourceNotFoundException", "The specified log stream does not exist.")
	}
	limit := cmp.Or(aws.ToInt32(in.Limit), maxEvents)
	if limit < 1 || limit > maxEvents {
		return nil, refuse(invalid, "limit must be from 1 to %d", maxEvents)
	}
	events := st.readable(s.now())
	forward, at, err := position(in, len(events))
	if err != nil {
		return nil, err
	}
	if delay, _ := s.Lag(); delay > 0 && in.NextToken == nil {
		limit = 0
	}
	inTime := between(in.StartTime, in.EndTime)
	from, to := span(events, at, forward, int(limit), inTime)
	out := &cloudwatchlogs.GetLogEventsOutput{
		Events:            []types.OutputLogEvent{},
		NextForwardToken:  aws.String(fmt.Sprintf("f/%d", to)),
		NextBackwardToken: aws.String(fmt.Sprintf("b/%d", from)),
	}
	for _, e := range events[from:to] {
		if inTime(e) {
			out.Events = append(out.Events, types.OutputLogEvent{Timestamp: &e.At, IngestionTime: &e.In, Message: &e.Text})
		}
	}
	return out, nil
}

// position tells where to read from and which way.
func position(in *cloudwatchlogs.GetLogEventsInput, events int) (forward bool, at int, err error) {
	if in.NextToken == nil {
		if aws.ToBool(in.StartFromHead) {
			return true, 0, nil
		}
		return false, events, nil
	}
	way, number, _ := strings.Cut(*in.NextToken, "/")
	at, err = strconv.Atoi(number)
	if err != nil || at < 0 || at > events || way != "f" && way != "b" {
		return false, 0, refuse(invalid, "The specified nextToken is invalid.")
	}
	return way == "f", at, nil
}

// span tells how far a page reaches from an index on: over limit events of the time that is asked for, one at least where one is wanted, and 1 MB.
func span(events []event, at int, forward bool, limit int, inTime func(event) bool) (from, to int) {
	from, to = at, at
	taken, size := 0, 0
	for {
		next := from - 1
		if forward {
			next = to
		}
		if next < 0 || next == len(events) {
			return from, to
		}
		if e := events[next]; inTime(e) {
			size += len(e.Text) + bytesPerLine
			if taken == limit || taken > 0 && size > maxBytes {
				return from, to
			}
			taken++
		}
		from, to = min(from, next), max(to, next+1)
	}
}

// between tells events from start on and before end, in milliseconds.
func between(start, end *int64) func(event) bool {
	return func(e event) bool {
		return (start == nil || e.At >= *start) && (end == nil || e.At < *end)
	}
}

// filterEvents gives events of several streams, in the order in which they can be read: what comes in later does not move the pages that follow.
// Patterns are words that an event must all have.
func (s *Service) filterEvents(in *cloudwatchlogs.FilterLogEventsInput) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	g, err := s.group(in.LogGroupName, in.LogGroupIdentifier)
	switch {
	case err != nil:
		return nil, err
	case in.LogStreamNames != nil && in.LogStreamNamePrefix != nil:
		return nil, refuse(invalid, "logStreamNames and logStreamNamePrefix can't be given together")
	case strings.ContainsAny(aws.ToString(in.FilterPattern), `{}[]?"%-`):
		return nil, refuse(invalid, "filterPattern: the embedded CloudWatch Logs knows plain words")
	}
	inTime, words := between(in.StartTime, in.EndTime), strings.Fields(aws.ToString(in.FilterPattern))
	found := []types.FilteredLogEvent{}
	for _, name := range slices.Sorted(maps.Keys(g.streams)) {
		if in.LogStreamNames != nil && !slices.Contains(in.LogStreamNames, name) || !strings.HasPrefix(name, aws.ToString(in.LogStreamNamePrefix)) {
			continue
		}
		for i, e := range g.streams[name].readable(s.now()) {
			misses := func(word string) bool { return !strings.Contains(e.Text, word) }
			if inTime(e) && !slices.ContainsFunc(words, misses) {
				found = append(found, types.FilteredLogEvent{EventId: aws.String(fmt.Sprintf("%s/%d", name, i)), LogStreamName: &name,
					Timestamp: &e.At, IngestionTime: &e.In, Message: &e.Text})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b types.FilteredLogEvent) int { return cmp.Compare(*a.IngestionTime, *b.IngestionTime) })
	found, next, err := wire.Page(found, in.NextToken, in.Limit, maxEvents, invalid)
	return &cloudwatchlogs.FilterLogEventsOutput{Events: found, NextToken: next}, err
}
