package run

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

const (
	streamsMax = 100              // log streams that one FilterLogEvents takes. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
	overlap    = 30 * time.Second // that each look goes back behind the newest line: CloudWatch shows lines late
)

// logStream is the log of one attempt.
type logStream struct {
	Submission
	attempt int
	name    string
	begun   bool      // its first look is over
	newest  time.Time // of its lines so far
	lines   int
	ended   time.Time // when the attempt was seen to have ended
}

// logWindow reads several log streams over and over, and gives each line once.
type logWindow struct {
	clients Clients
	group   string // of logs
	since   time.Time
	tail    int
	streams []*logStream
	seen    map[string]time.Time // identities of lines that the next look may meet again
}

func newLogWindow(c Clients, r Run, o LogOptions) *logWindow {
	return &logWindow{clients: c, group: r.LogGroup, since: o.Since, tail: o.Tail, seen: make(map[string]time.Time)}
}

// add takes the attempts of a job that are not known yet; only one of them, where a number is given.
func (w *logWindow) add(s Submission, d types.JobDetail, only int) {
	names := streams(d)
	for i, name := range names {
		at := slices.IndexFunc(w.streams, func(l *logStream) bool { return l.name == name })
		if name == "" || only > 0 && only != i+1 {
			continue
		}
		if at < 0 {
			at = len(w.streams)
			w.streams = append(w.streams, &logStream{Submission: s, attempt: i + 1, name: name})
		}
		last := i == len(names)-1 && d.Status != types.JobStatusSucceeded && d.Status != types.JobStatusFailed
		if l := w.streams[at]; !last && l.ended.IsZero() {
			l.ended = w.clients.now()
		}
	}
}

// open are the streams in which lines may still come.
func (w *logWindow) open() []*logStream {
	now := w.clients.now()
	return slices.DeleteFunc(slices.Clone(w.streams), func(s *logStream) bool {
		return s.begun && !s.ended.IsZero() && now.Sub(s.ended) > 2*logsLimit
	})
}

// has says whether there is a stream of a group.
func (w *logWindow) has(group string) bool {
	return slices.ContainsFunc(w.streams, func(s *logStream) bool { return s.Group == group })
}

// silent are the streams that have given nothing.
func (w *logWindow) silent() []*logStream {
	return slices.DeleteFunc(slices.Clone(w.streams), func(s *logStream) bool { return s.lines > 0 })
}

// read gives what is new in all streams, by time. Those that are new are read from their beginning, the others from a while before their newest line.
func (w *logWindow) read(ctx context.Context) ([]LogEvent, error) {
	var fresh, known []*logStream
	for _, s := range w.open() {
		if s.begun {
			known = append(known, s)
		} else {
			fresh = append(fresh, s)
		}
	}
	var events []LogEvent
	start := w.start()
	read := func(some []*logStream, start time.Time) error {
		for some := range slices.Chunk(some, streamsMax) {
			found, err := w.readSome(ctx, some, start)
			if err != nil {
				return err
			}
			events = append(events, found...)
		}
		return nil
	}
	if err := cmp.Or(read(known, start), read(fresh, w.since)); err != nil {
		return nil, err
	}
	w.forget()
	byTime(events)
	if len(known) == 0 && w.tail > 0 {
		events = lastOfEach(events, w.tail)
	}
	return events, nil
}

func byTime(events []LogEvent) {
	slices.SortStableFunc(events, func(a, b LogEvent) int { return a.Time.Compare(b.Time) })
}

// lastOfEach keeps the last n lines of each attempt.
func lastOfEach(events []LogEvent, n int) []LogEvent {
	type attempt struct {
		group    string
		try, num int
	}
	left := make(map[attempt]int)
	var kept []LogEvent
	for _, e := range slices.Backward(events) {
		if a := (attempt{e.Group, e.Try, e.Attempt}); left[a] < n {
			left[a]++
			kept = append(kept, e)
		}
	}
	slices.Reverse(kept)
	return kept
}

// start is from when on streams are read that were read before.
func (w *logWindow) start() time.Time {
	var newest time.Time
	for _, s := range w.streams {
		if s.newest.After(newest) {
			newest = s.newest
		}
	}
	if back := newest.Add(-overlap); back.After(w.since) {
		return back
	}
	return w.since
}

// readSome reads up to a hundred streams with one series of calls. Where one of them does not exist, which fails the whole call, the others are read by
// themselves: a stream begins some time after its job.
func (w *logWindow) readSome(ctx context.Context, some []*logStream, start time.Time) ([]LogEvent, error) {
	events, err := w.filter(ctx, w.group, some, start)
	if notFound(err) && len(some) == 1 && w.group != sharedGroup {
		events, err = w.filter(ctx, sharedGroup, some, start)
	}
	if !notFound(err) {
		for _, s := range some {
			s.begun = s.begun || err == nil
		}
		return events, err
	}
	if len(some) == 1 {
		return nil, nil
	}
	var all []LogEvent
	for half := range slices.Chunk(some, (len(some)+1)/2) {
		events, err := w.readSome(ctx, half, start)
		if err != nil {
			return nil, err
		}
		all = append(all, events...)
	}
	return all, nil
}

func (w *logWindow) filter(ctx context.Context, group string, some []*logStream, start time.Time) ([]LogEvent, error) {
	by := make(map[string]*logStream, len(some))
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group}
	for _, s := range some {
		by[s.name] = s
		in.LogStreamNames = append(in.LogStreamNames, s.name)
	}
	if !start.IsZero() {
		in.StartTime = aws.Int64(start.UnixMilli())
	}
	var events []LogEvent
	for {
		var page *cloudwatchlogs.FilterLogEventsOutput
		err := w.clients.patiently(ctx, func() (err error) {
			page, err = w.clients.Logs.FilterLogEvents(ctx, in)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			if s := by[aws.ToString(e.LogStreamName)]; s != nil && w.isNew(s, e) {
				events = append(events, s.event(e))
			}
		}
		if in.NextToken = page.NextToken; aws.ToString(in.NextToken) == "" {
			return events, nil
		}
	}
}

// isNew says whether a line has not been given yet.
func (w *logWindow) isNew(s *logStream, e logtypes.FilteredLogEvent) bool {
	id := s.name + "\x00" + aws.ToString(e.EventId)
	if _, known := w.seen[id]; known {
		return false
	}
	w.seen[id] = millis(e.Timestamp)
	return true
}

func (s *logStream) event(e logtypes.FilteredLogEvent) LogEvent {
	at := millis(e.Timestamp)
	s.lines++
	if at.After(s.newest) {
		s.newest = at
	}
	return LogEvent{Time: at, Group: s.Group, Try: s.Try, Attempt: s.attempt, Message: strings.TrimRight(aws.ToString(e.Message), "\r\n")}
}

// forget drops the identities that no look will meet again.
func (w *logWindow) forget() {
	start := w.start()
	for id, at := range w.seen {
		if at.Before(start) {
			delete(w.seen, id)
		}
	}
}
