package logs_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/logs"
)

// world is a service and a client of it, and the time that it takes for now.
type world struct {
	*cloudwatchlogs.Client
	t       *testing.T
	service *logs.Service
	now     time.Time
	delay   time.Duration // of lines, which overtake each other
}

func newWorld(t *testing.T, dir string) *world {
	t.Helper()
	return worldAt(t, dir, time.UnixMilli(1_000_000))
}

func worldAt(t *testing.T, dir string, now time.Time) *world {
	t.Helper()
	w := &world{t: t, now: now}
	var err error
	w.service, err = logs.New(logs.Options{Region: "us-east-1", Account: "123456789012", Dir: dir, Now: func() time.Time { return w.now },
		Lag: func() (time.Duration, bool) { return w.delay, true }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.service)
	t.Cleanup(server.Close)
	w.Client = cloudwatchlogs.New(cloudwatchlogs.Options{Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		})})
	return w
}

func (w *world) group(name string) {
	w.t.Helper()
	if _, err := w.CreateLogGroup(w.t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &name, Tags: map[string]string{"a": "1"}}); err != nil {
		w.t.Fatal(err)
	}
}

// write puts n lines "<stream> <i>", a second apart.
func (w *world) write(group, stream string, n int) {
	w.t.Helper()
	if err := w.service.Open(group, stream); err != nil {
		w.t.Fatal(err)
	}
	for i := range n {
		w.service.Put(group, stream, w.now, fmt.Sprint(stream, " ", i))
		w.now = w.now.Add(time.Second)
	}
}

func (w *world) wantCode(err error, code string) {
	w.t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		w.t.Errorf("got %v, want %s", err, code)
	}
}

func TestGroups(t *testing.T) {
	w := newWorld(t, "")
	ctx := t.Context()
	w.group("/kedroctl/a")
	w.group("/other")
	_, err := w.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/other")})
	w.wantCode(err, "ResourceAlreadyExistsException")
	_, err = w.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("a b")})
	w.wantCode(err, "InvalidParameterException")
	_, err = w.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("/other"), RetentionInDays: aws.Int32(31)})
	w.wantCode(err, "InvalidParameterException")
	if _, err := w.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("/kedroctl/a"), RetentionInDays: aws.Int32(30)}); err != nil {
		t.Fatal(err)
	}
	out, err := w.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/kedroctl")})
	if err != nil || len(out.LogGroups) != 1 {
		t.Fatalf("described: %v, %v", out, err)
	}
	got := out.LogGroups[0]
	if *got.RetentionInDays != 30 || *got.Arn != "arn:aws:logs:us-east-1:123456789012:log-group:/kedroctl/a:*" {
		t.Errorf("retention %d, ARN %s", *got.RetentionInDays, *got.Arn)
	}
	if _, err := w.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("/other")}); err != nil {
		t.Fatal(err)
	}
	_, err = w.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("/other")})
	w.wantCode(err, "ResourceNotFoundException")
	out, err = w.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil || len(out.LogGroups) != 1 {
		t.Errorf("afterwards: %v, %v", out.LogGroups, err)
	}
}

func TestTags(t *testing.T) {
	w := newWorld(t, "")
	w.group("/g")
	for _, arn := range []string{"arn:aws:logs:us-east-1:123456789012:log-group:/g", "arn:aws:logs:us-east-1:123456789012:log-group:/g:*"} {
		out, err := w.ListTagsForResource(t.Context(), &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &arn})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"a": "1"}, out.Tags); diff != "" {
			t.Error(diff)
		}
	}
	arn := aws.String("arn:aws:logs:us-east-1:123456789012:log-group:/g")
	if _, err := w.TagResource(t.Context(), &cloudwatchlogs.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"b": "2", "c": "3"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.UntagResource(t.Context(), &cloudwatchlogs.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a", "c"}}); err != nil {
		t.Fatal(err)
	}
	out, err := w.ListTagsForResource(t.Context(), &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: arn})
	if err != nil || !maps.Equal(out.Tags, map[string]string{"b": "2"}) {
		t.Errorf("tags after a change: %v, %v", out, err)
	}
	for _, in := range []cloudwatchlogs.TagResourceInput{
		{ResourceArn: aws.String(*arn + ":*"), Tags: map[string]string{"d": "4"}}, {ResourceArn: arn, Tags: map[string]string{"a,b": "1"}},
	} {
		_, err := w.TagResource(t.Context(), &in)
		w.wantCode(err, "InvalidParameterException")
	}
	_, err = w.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/h"), Tags: map[string]string{"aws:a": "1"}})
	w.wantCode(err, "InvalidParameterException")
}

// read follows a stream from its start as a client does: until a token comes back.
func (w *world) read(group, stream string, limit int32) (texts []string, pages int) {
	w.t.Helper()
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: &group, LogStreamName: &stream, StartFromHead: aws.Bool(true), Limit: &limit}
	for {
		out, err := w.GetLogEvents(w.t.Context(), in)
		if err != nil {
			w.t.Fatal(err)
		}
		pages++
		for _, e := range out.Events {
			texts = append(texts, *e.Message)
		}
		if aws.ToString(out.NextForwardToken) == aws.ToString(in.NextToken) {
			return texts, pages
		}
		in.NextToken = out.NextForwardToken
	}
}

func TestEventsComeInPages(t *testing.T) {
	w := newWorld(t, "")
	w.group("/g")
	w.write("/g", "s", 5)
	texts, pages := w.read("/g", "s", 2)
	if diff := cmp.Diff([]string{"s 0", "s 1", "s 2", "s 3", "s 4"}, texts); diff != "" {
		t.Error(diff)
	}
	if pages != 4 { // 2, 2, 1, and the one whose token comes back
		t.Errorf("%d pages", pages)
	}
	last, err := w.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("/g"), LogStreamName: aws.String("s"), Limit: aws.Int32(2)})
	if err != nil || len(last.Events) != 2 || *last.Events[1].Message != "s 4" {
		t.Fatalf("the latest: %v, %v", last, err)
	}
	before, err := w.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: aws.String("/g"), LogStreamName: aws.String("s"), Limit: aws.Int32(2), NextToken: last.NextBackwardToken})
	if err != nil || len(before.Events) != 2 || *before.Events[0].Message != "s 1" {
		t.Errorf("those before: %v, %v", before, err)
	}
	w.write("/g", "s", 1)
	after, err := w.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: aws.String("/g"), LogStreamName: aws.String("s"), NextToken: last.NextForwardToken})
	if err != nil || len(after.Events) != 1 {
		t.Errorf("what came since: %v, %v", after, err)
	}
}

// TestLinesComeLateAndOvertakeEachOther follows a stream whose lines can be read within four seconds after they were written.
func TestLinesComeLateAndOvertakeEachOther(t *testing.T) {
	w := newWorld(t, "")
	w.group("/g")
	w.delay = 4 * time.Second
	w.write("/g", "s", 4) // can be read from second 4, 3, 6, 5 on; it is second 4
	first, err := w.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("/g"), LogStreamName: aws.String("s"), StartFromHead: aws.Bool(true)})
	if err != nil || len(first.Events) != 0 {
		t.Errorf("a first page that is not the end has %d events, %v", len(first.Events), err)
	}
	if texts, _ := w.read("/g", "s", 10); !slices.Equal(texts, []string{"s 1", "s 0"}) {
		t.Errorf("after 4 s: %q", texts)
	}
	streams, err := w.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("/g")})
	if err != nil || *streams.LogStreams[0].LastEventTimestamp != 1_000_000 {
		t.Errorf("described: %v, %v", streams.LogStreams[0].LastEventTimestamp, err)
	}
	if got := w.service.Count("/g", "s"); got != 4 {
		t.Errorf("%d lines were put", got)
	}
	w.now = w.now.Add(2 * time.Second)
	if texts, _ := w.read("/g", "s", 10); !slices.Equal(texts, []string{"s 1", "s 0", "s 3", "s 2"}) {
		t.Errorf("after 6 s: %q", texts)
	}
	w.now = w.now.Add(-time.Hour) // the machine's clock is set
	if texts, _ := w.read("/g", "s", 10); len(texts) != 4 {
		t.Errorf("with the clock set back: %q", texts)
	}
}

func TestPageIsLimitedToOneMegabyte(t *testing.T) {
	w := newWorld(t, "")
	w.group("/g")
	if err := w.service.Open("/g", "s"); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		w.service.Put("/g", "s", w.now, strings.Repeat("x", 256<<10))
	}
	out, err := w.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("/g"), LogStreamName: aws.String("s"), StartFromHead: aws.Bool(true)})
	if err != nil || len(out.Events) != 3 {
		t.Errorf("%d events, %v", len(out.Events), err)
	}
}

func TestEventsAreRefusedOrSelected(t *testing.T) {
	w := newWorld(t, "")
	w.group("/g")
	w.write("/g", "s", 4)
	get := func(change func(*cloudwatchlogs.GetLogEventsInput)) (int, error) {
		in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("/g"), LogStreamName: aws.String("s"), StartFromHead: aws.Bool(true)}
		change(in)
		out, err := w.GetLogEvents(t.Context(), in)
		if err != nil {
			return 0, err
		}
		return len(out.Events), nil
	}
	_, err := get(func(in *cloudwatchlogs.GetLogEventsInput) { in.LogStreamName = aws.String("nobody") })
	w.wantCode(err, "ResourceNotFoundException")
	_, err = get(func(in *cloudwatchlogs.GetLogEventsInput) { in.LogGroupName = aws.String("/nobody") })
	w.wantCode(err, "ResourceNotFoundException")
	_, err = get(func(in *cloudwatchlogs.GetLogEventsInput) { in.NextToken = aws.String("f/5") })
	w.wantCode(err, "InvalidParameterException")
	_, err = get(func(in *cloudwatchlogs.GetLogEventsInput) { in.NextToken = aws.String("x") })
	w.wantCode(err, "InvalidParameterException")
	_, err = get(func(in *cloudwatchlogs.GetLogEventsInput) { in.Limit = aws.Int32(10_001) })
	w.wantCode(err, "InvalidParameterException")
	n, err := get(func(in *cloudwatchlogs.GetLogEventsInput) {
		in.StartTime, in.EndTime = aws.Int64(1_001_000), aws.Int64(1_003_000) // the end is not included
	})
	if err != nil || n != 2 {
		t.Errorf("between two times: %d, %v", n, err)
	}
}

func TestFilterSearchesStreams(t *testing.T) {
	w := newWorld(t, "")
	w.group("/g")
	w.write("/g", "a", 2)
	w.write("/g", "b", 2)
	texts := func(in *cloudwatchlogs.FilterLogEventsInput) (texts []string) {
		t.Helper()
		in.LogGroupName = aws.String("/g")
		for p := cloudwatchlogs.NewFilterLogEventsPaginator(w, in); p.HasMorePages(); {
			out, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range out.Events {
				texts = append(texts, *e.Message)
			}
		}
		return texts
	}
	if diff := cmp.Diff([]string{"a 0", "a 1", "b 0", "b 1"}, texts(&cloudwatchlogs.FilterLogEventsInput{Limit: aws.Int32(1)})); diff != "" {
		t.Error(diff)
	}
	w.write("/g", "0", 1)
	page, err := w.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/g"), Limit: aws.Int32(4)})
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Second)
	w.service.Put("/g", "0", w.now.Add(-time.Hour), "an old line that comes in between two pages")
	page, err = w.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/g"), NextToken: page.NextToken})
	if err != nil || len(page.Events) != 2 || *page.Events[0].Message != "0 0" {
		t.Errorf("the second page: %v, %v", page, err)
	}
	if diff := cmp.Diff([]string{"b 1"}, texts(&cloudwatchlogs.FilterLogEventsInput{LogStreamNames: []string{"b"}, FilterPattern: aws.String("1 b")})); diff != "" {
		t.Error(diff)
	}
	_, err = w.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/g"), FilterPattern: aws.String("{ $.x }")})
	w.wantCode(err, "InvalidParameterException")
}

func TestStreams(t *testing.T) {
	w := newWorld(t, "")
	w.group("/g")
	w.write("/g", "old/1", 1)
	w.write("/g", "new/1", 1)
	names := func(in *cloudwatchlogs.DescribeLogStreamsInput) (names []string) {
		t.Helper()
		in.LogGroupName = aws.String("/g")
		out, err := w.DescribeLogStreams(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range out.LogStreams {
			names = append(names, *s.LogStreamName)
		}
		return names
	}
	if diff := cmp.Diff([]string{"new/1", "old/1"}, names(&cloudwatchlogs.DescribeLogStreamsInput{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"old/1", "new/1"}, names(&cloudwatchlogs.DescribeLogStreamsInput{OrderBy: types.OrderByLastEventTime})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"old/1"}, names(&cloudwatchlogs.DescribeLogStreamsInput{LogStreamNamePrefix: aws.String("old")})); diff != "" {
		t.Error(diff)
	}
}

func TestJobsNeedTheirGroup(t *testing.T) {
	w := newWorld(t, "")
	if err := w.service.Open("/nobody", "s"); err == nil {
		t.Error("a stream was opened without its group")
	}
	if err := w.service.Open(logs.DefaultGroup, "s"); err != nil {
		t.Errorf("the group that Batch makes itself: %v", err)
	}
	w.service.Put("/nobody", "s", w.now, "is dropped")
	if _, err := w.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String(logs.DefaultGroup), LogStreamName: aws.String("s")}); err != nil {
		t.Errorf("the stream of a job that has written nothing: %v", err)
	}
}

func TestStateSurvivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	w.group("/g")
	w.group("/gone")
	w.write("/g", "d/default/1", 3)
	w.write("/gone", "s", 1)
	w.write("/g", "silent", 0)
	w.service.Put("/g", "d/default/1", w.now, "") // no event, but a line
	if _, err := w.DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("/gone")}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("/g"), RetentionInDays: aws.Int32(30)}); err != nil {
		t.Fatal(err)
	}
	// A process that is killed may leave a piece of a line, and of a group.
	files, err := filepath.Glob(filepath.Join(dir, "log-groups", "*.jsonl"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files of groups: %v, %v", files, err)
	}
	for name, piece := range map[string]string{files[0]: "\n" + `{"s":"d/def`, filepath.Join(dir, "log-groups", "half.jsonl"): `{"About":`} {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(piece); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	again := newWorld(t, dir)
	again.service.Put("/g", "d/default/1", again.now, "after the restart")
	again = newWorld(t, dir)
	if texts, _ := again.read("/g", "d/default/1", 10); len(texts) != 4 || texts[3] != "after the restart" {
		t.Errorf("read back %q", texts)
	}
	if got := again.service.Count("/g", "d/default/1"); got != 5 {
		t.Errorf("%d lines were put", got)
	}
	streams, err := again.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("/g"), LogStreamNamePrefix: aws.String("silent")})
	if err != nil || len(streams.LogStreams) != 1 || *streams.LogStreams[0].CreationTime != 1_004_000 {
		t.Errorf("a stream without lines: %v, %v", streams, err)
	}
	groups, err := again.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil || len(groups.LogGroups) != 1 || *groups.LogGroups[0].RetentionInDays != 30 {
		t.Errorf("groups: %v, %v", groups, err)
	}
	again.group("/gone")
	out, err := again.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("/gone")})
	if err != nil || len(out.LogStreams) != 0 {
		t.Errorf("streams of a deleted group: %v, %v", out.LogStreams, err)
	}
}

// TestLinesExpire starts a service again when the retention of a group is over for one of its streams.
func TestLinesExpire(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	w.group("/g")
	w.write("/g", "old", 2)
	w.service.Put("/g", "old", w.now, "")
	if _, err := w.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("/g"), RetentionInDays: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(25 * time.Hour)
	w.write("/g", "new", 1)
	later := w.now
	for range 2 { // the second time from what the first has written
		w = worldAt(t, dir, later)
		old, _ := w.read("/g", "old", 10)
		young, _ := w.read("/g", "new", 10)
		if len(old) != 0 || len(young) != 1 {
			t.Errorf("old lines %q, new lines %q", old, young)
		}
		if got := w.service.Count("/g", "old"); got != 3 {
			t.Errorf("%d lines were put to the old stream", got)
		}
	}
}
