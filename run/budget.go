package run

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"golang.org/x/time/rate"
)

// Batch takes 50 calls a second of an account in a region, and says 429 to those beyond. The bucket and a second of its pace stay within that.
// https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
const (
	callsMax      = 45 // a second, of one process
	callsAtOnce   = 5
	callsMin      = 1
	throttleTries = 10 // calls for one that is throttled, with pauses from throttleFirst to throttlePause
	throttleFirst = time.Second
	throttlePause = 30 * time.Second
	brokenTries   = 3 // calls for one that has no clear answer and may be repeated
	brokenPause   = 500 * time.Millisecond
)

// Budget is a Batch client that keeps all calls of a process below what Batch takes: at most 45 in a second and fewer while Batch says that they are too
// many. Such a call is repeated, and one without a clear answer too, unless it is SubmitJob, which a repetition would do twice. The SDK repeats nothing.
type Budget struct {
	api   batchAPI
	clock Clients // its clock alone
	pace  *rate.Limiter

	mu      sync.Mutex
	slowed  time.Time
	quicker time.Time
}

// NewBudget puts a budget before a client. A nil clock is the machine's.
func NewBudget(api batchAPI, clock Clock) *Budget {
	return &Budget{api: api, clock: Clients{Clock: clock}, pace: rate.NewLimiter(callsMax, callsAtOnce)}
}

// SubmitJob is Batch's.
func (b *Budget) SubmitJob(ctx context.Context, in *batch.SubmitJobInput, o ...func(*batch.Options)) (*batch.SubmitJobOutput, error) {
	return spend(ctx, b, 1, in, b.api.SubmitJob, o)
}

// DescribeJobs is Batch's.
func (b *Budget) DescribeJobs(ctx context.Context, in *batch.DescribeJobsInput, o ...func(*batch.Options)) (*batch.DescribeJobsOutput, error) {
	return spend(ctx, b, brokenTries, in, b.api.DescribeJobs, o)
}

// ListJobs is Batch's.
func (b *Budget) ListJobs(ctx context.Context, in *batch.ListJobsInput, o ...func(*batch.Options)) (*batch.ListJobsOutput, error) {
	return spend(ctx, b, brokenTries, in, b.api.ListJobs, o)
}

// DescribeJobQueues is Batch's.
func (b *Budget) DescribeJobQueues(ctx context.Context, in *batch.DescribeJobQueuesInput, o ...func(*batch.Options)) (*batch.DescribeJobQueuesOutput, error) {
	return spend(ctx, b, brokenTries, in, b.api.DescribeJobQueues, o)
}

// CancelJob is Batch's.
func (b *Budget) CancelJob(ctx context.Context, in *batch.CancelJobInput, o ...func(*batch.Options)) (*batch.CancelJobOutput, error) {
	return spend(ctx, b, brokenTries, in, b.api.CancelJob, o)
}

// TerminateJob is Batch's.
func (b *Budget) TerminateJob(ctx context.Context, in *batch.TerminateJobInput, o ...func(*batch.Options)) (*batch.TerminateJobOutput, error) {
	return spend(ctx, b, brokenTries, in, b.api.TerminateJob, o)
}

// spend makes a call when its turn comes, and again where that may help: after 429, and up to tries times without a clear answer.
func spend[In, Out any](ctx context.Context, b *Budget, tries int, in In, call func(context.Context, In, ...func(*batch.Options)) (Out, error), o []func(*batch.Options)) (Out, error) {
	o = append(o, func(o *batch.Options) { o.Retryer = aws.NopRetryer{} })
	throttled, broken := 0, 0
	for {
		if err := b.wait(ctx); err != nil {
			var none Out
			return none, err
		}
		out, err := call(ctx, in, o...)
		var pause time.Duration
		switch {
		case err == nil:
			b.faster()
			return out, nil
		case status(err) == http.StatusTooManyRequests:
			b.slower()
			if throttled++; throttled == throttleTries {
				return out, err
			}
			pause = min(throttleFirst<<(throttled-1), throttlePause)
		case unclear(err) && ctx.Err() == nil:
			if broken++; broken >= tries {
				return out, err
			}
			pause = brokenPause << (broken - 1)
		default:
			return out, err
		}
		if err := b.clock.sleep(ctx, jitter(pause)); err != nil {
			return out, err
		}
	}
}

// jitter keeps drivers that were throttled together from coming back together: half to one and a half times d.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }

// wait returns when the next call may be made.
func (b *Budget) wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := b.clock.now()
	turn := b.pace.ReserveN(now, 1)
	d := turn.DelayFrom(now)
	if d == 0 {
		return nil
	}
	if err := b.clock.sleep(ctx, d); err != nil {
		turn.CancelAt(b.clock.now())
		return err
	}
	return nil
}

// slower takes a quarter off the pace, at most once a second: calls on the way are refused together.
func (b *Budget) slower() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.now()
	if now.Sub(b.slowed) < time.Second {
		return
	}
	b.slowed = now
	b.pace.SetLimitAt(now, max(b.pace.Limit()*3/4, callsMin))
}

// faster adds a tenth of the full pace each second in which nothing was refused.
func (b *Budget) faster() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.now()
	if b.pace.Limit() == callsMax || now.Sub(b.slowed) < time.Second || now.Sub(b.quicker) < time.Second {
		return
	}
	b.quicker = now
	b.pace.SetLimitAt(now, min(b.pace.Limit()+callsMax/10.0, callsMax))
}

var _ batchAPI = (*Budget)(nil)
