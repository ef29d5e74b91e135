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
)

// Limits of a page of events (API: GetLogEvents, FilterLogEvents).
const (
	maxEvents    = 10_000
	maxBytes     = 1 << 20
	bytesPerLine = 26 // what AWS counts besides the text
)

// getEvents gives a page of a stream: the latest events, or from the start on with startFromHead. Its tokens say where the page ended; the end of a
// stream is told by a forward token that equals the one that was sent.
func (s *Service) getEvents(in *cloudwatchlogs.GetLogEventsInput) (*cloudwatchlogs.GetLogEventsOutput, error) {
	g, err := s.group(cmp.Or(aws.ToString(in.LogGroupName), aws.ToString(in.LogGroupIdentifier)))
	if err != nil {
		return nil, err
	}
	st := g.streams[aws.ToString(in.LogStreamName)]
	if st == nil {
		return nil, refuse("ResourceNotFoundException", "The specified log stream does not exist.")
	}
	limit, err := eventLimit(in.Limit)
	if err != nil {
		return nil, err
	}
	forward, at, err := position(in, len(st.events))
	if err != nil {
		return nil, err
	}
	w := window{inTime: between(in.StartTime, in.EndTime), events: limit, bytes: maxBytes}
	from, to := w.before(st.events, at)
	if forward {
		from, to = w.after(st.events, at)
	}
	out := &cloudwatchlogs.GetLogEventsOutput{
		Events:            []types.OutputLogEvent{},
		NextForwardToken:  aws.String(fmt.Sprintf("f/%d", to)),
		NextBackwardToken: aws.String(fmt.Sprintf("b/%d", from)),
	}
	for _, e := range st.events[from:to] {
		if w.inTime(e) {
			out.Events = append(out.Events, types.OutputLogEvent{Timestamp: &e.At, IngestionTime: &e.In, Message: &e.Text})
		}
	}
	return out, nil
}

func eventLimit(limit *int32) (int, error) {
	if limit == nil {
		return maxEvents, nil
	}
	if *limit < 1 || *limit > maxEvents {
		return 0, invalid("limit must be from 1 to %d", maxEvents)
	}
	return int(*limit), nil
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
		return false, 0, invalid("The specified nextToken is invalid.")
	}
	return way == "f", at, nil
}

// window is how much of a stream makes a page.
type window struct {
	inTime func(event) bool
	events int
	bytes  int
}

// fits takes one event more into account.
func (w *window) fits(e event) bool {
	if !w.inTime(e) {
		return true
	}
	size := len(e.Text) + bytesPerLine
	if w.events == 0 || w.bytes < size {
		return false
	}
	w.events--
	w.bytes -= size
	return true
}

func (w window) after(events []event, at int) (from, to int) {
	to = at
	for to < len(events) && w.fits(events[to]) {
		to++
	}
	return at, to
}

func (w window) before(events []event, at int) (from, to int) {
	from = at
	for from > 0 && w.fits(events[from-1]) {
		from--
	}
	return from, at
}

// between tells events from start on and before end, in milliseconds.
func between(start, end *int64) func(event) bool {
	return func(e event) bool {
		return (start == nil || e.At >= *start) && (end == nil || e.At < *end)
	}
}

// filterEvents gives events of several streams by time. Patterns are words that an event must all have.
func (s *Service) filterEvents(in *cloudwatchlogs.FilterLogEventsInput) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	g, err := s.group(cmp.Or(aws.ToString(in.LogGroupName), aws.ToString(in.LogGroupIdentifier)))
	if err != nil {
		return nil, err
	}
	if in.LogStreamNames != nil && in.LogStreamNamePrefix != nil {
		return nil, invalid("logStreamNames and logStreamNamePrefix can't be given together")
	}
	limit, err := eventLimit(in.Limit)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(aws.ToString(in.FilterPattern))
	if strings.ContainsAny(aws.ToString(in.FilterPattern), `{}[]?"%-`) {
		return nil, invalid("filterPattern: the embedded CloudWatch Logs knows plain words")
	}
	found := g.find(in, func(e event) bool {
		return between(in.StartTime, in.EndTime)(e) && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(e.Text, w) })
	})
	from, err := strconv.Atoi(aws.ToString(in.NextToken))
	if in.NextToken != nil && (err != nil || from < 0 || from > len(found)) {
		return nil, invalid("The specified nextToken is invalid.")
	}
	to := min(len(found), from+limit)
	out := &cloudwatchlogs.FilterLogEventsOutput{Events: found[from:to], SearchedLogStreams: []types.SearchedLogStream{}}
	if to < len(found) {
		out.NextToken = aws.String(strconv.Itoa(to))
	}
	return out, nil
}

func (g *group) find(in *cloudwatchlogs.FilterLogEventsInput, matches func(event) bool) []types.FilteredLogEvent {
	found := []types.FilteredLogEvent{}
	for _, name := range slices.Sorted(maps.Keys(g.streams)) {
		if in.LogStreamNames != nil && !slices.Contains(in.LogStreamNames, name) || !strings.HasPrefix(name, aws.ToString(in.LogStreamNamePrefix)) {
			continue
		}
		for i, e := range g.streams[name].events {
			if matches(e) {
				found = append(found, types.FilteredLogEvent{
					EventId: aws.String(fmt.Sprintf("%s/%d", name, i)), LogStreamName: &g.streams[name].Name,
					Timestamp: &e.At, IngestionTime: &e.In, Message: &e.Text,
				})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b types.FilteredLogEvent) int { return cmp.Compare(*a.Timestamp, *b.Timestamp) })
	return found
}
