package run

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

const (
	// sharedGroup is where Batch's default, and moto whatever the job definition says, puts the output of jobs.
	sharedGroup = "/aws/batch/job"
	drainPolls  = 8           // looks for lines that the log driver sends after the job's end
	drainEvery  = time.Second // between two of them
)

// tail reads the last n lines of an attempt's output, and may wait for those that are still on their way. A stream that does not exist, in the run's own
// group or in the shared one, has none.
func (c Clients) tail(ctx context.Context, r Run, stream string, n int, wait bool) ([]string, error) {
	if stream == "" {
		return nil, nil
	}
	lines, err := c.drain(ctx, r.LogGroup, stream, n, wait)
	if notFound(err) && r.LogGroup != sharedGroup {
		lines, err = c.drain(ctx, sharedGroup, stream, n, wait)
	}
	if notFound(err) {
		return nil, nil
	}
	return lines, err
}

func notFound(err error) bool {
	_, ok := errors.AsType[*types.ResourceNotFoundException](err)
	return ok
}

// drain reads the end of a stream. The end is where the token that comes back is the one that was sent, twice in a row: an empty page is
// none, and the log driver may still be sending what a job wrote last.
func (c Clients) drain(ctx context.Context, group, stream string, n int, wait bool) ([]string, error) {
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: &group, LogStreamName: &stream, Limit: aws.Int32(int32(n)), StartFromHead: aws.Bool(false)}
	page, err := c.logEvents(ctx, in)
	if err != nil {
		return nil, err
	}
	lines, err := c.earlier(ctx, in, page, n)
	if err != nil {
		return nil, err
	}
	token, quiet := aws.ToString(page.NextForwardToken), 0
	for range drainPolls {
		in.NextToken = &token
		page, err := c.logEvents(ctx, in)
		if err != nil {
			return lines, err
		}
		lines = append(lines, text(page)...)
		lines = lines[max(0, len(lines)-n):]
		if next := aws.ToString(page.NextForwardToken); next != token {
			token, quiet = next, 0
			continue
		}
		if quiet++; quiet == 2 || !wait {
			break
		}
		if err := c.sleep(ctx, drainEvery); err != nil {
			return lines, err
		}
	}
	return lines, nil
}

// logEvents reads a page, with patience: 25 calls a second are for all users of an account.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
func (c Clients) logEvents(ctx context.Context, in *cloudwatchlogs.GetLogEventsInput) (page *cloudwatchlogs.GetLogEventsOutput, err error) {
	err = c.patiently(ctx, func() (err error) {
		page, err = c.Logs.GetLogEvents(ctx, in)
		return err
	})
	return page, err
}

// earlier goes back from the last page until there are n lines or the stream begins.
func (c Clients) earlier(ctx context.Context, in *cloudwatchlogs.GetLogEventsInput, page *cloudwatchlogs.GetLogEventsOutput, n int) ([]string, error) {
	lines, back := text(page), *in
	for token := aws.ToString(page.NextBackwardToken); len(lines) < n && token != ""; {
		back.NextToken = &token
		page, err := c.logEvents(ctx, &back)
		if err != nil {
			return nil, err
		}
		lines = slices.Concat(text(page), lines)
		next := aws.ToString(page.NextBackwardToken)
		if next == token {
			break
		}
		token = next
	}
	return lines[max(0, len(lines)-n):], nil
}

func text(page *cloudwatchlogs.GetLogEventsOutput) []string {
	var lines []string
	for _, e := range page.Events {
		lines = append(lines, strings.TrimRight(aws.ToString(e.Message), "\r\n"))
	}
	return lines
}
