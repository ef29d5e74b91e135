package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

const testRegion = "eu-west-1"

// testAWS is an AWS with a journal of the calls that were made to it.
type testAWS struct {
	Clients
	s3    *s3.Client
	ecr   *ecr.Client
	iam   *iam.Client
	ec2   *ec2.Client
	batch *batch.Client
	logs  *cloudwatchlogs.Client

	server *local.Server // nil: not the embedded AWS

	mu            sync.Mutex
	seen          []string                // "Batch.CreateJobQueue"
	before, after func(call string) error // what to answer instead of calling, and after the call was made
}

// newTestAWS has clients that do not repeat calls unless the configuration says so, and waits that take no time.
func newTestAWS(cfg aws.Config) *testAWS {
	t := &testAWS{}
	cfg.RetryMaxAttempts = cmp.Or(cfg.RetryMaxAttempts, 1)
	cfg.APIOptions = append(cfg.APIOptions, t.record)
	t.s3 = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle, o.DisableLogOutputChecksumValidationSkipped = true, true })
	t.ecr, t.iam, t.ec2, t.batch, t.logs = ecr.NewFromConfig(cfg), iam.NewFromConfig(cfg), ec2.NewFromConfig(cfg), batch.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg)
	t.Clients = Clients{S3: t.s3, ECR: t.ecr, IAM: t.iam, EC2: t.ec2, Batch: t.batch, Logs: t.logs, STS: sts.NewFromConfig(cfg),
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	return t
}

// embedded is the AWS of --local, in this process and with a clock that waits move.
func embedded(t *testing.T, change ...func(*local.Options)) *testAWS {
	t.Helper()
	now := clock.NewFake(time.Date(2026, 11, 23, 9, 55, 0, 0, time.UTC))
	o := local.Options{Region: testRegion, Clock: now, Settle: 5 * time.Second}
	for _, c := range change {
		c(&o)
	}
	server, err := local.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	cfg := server.Config()
	cfg.BaseEndpoint = aws.String("https://127.0.0.1") // as AWS; the transport opens no connection
	a := newTestAWS(cfg)
	a.server = server
	a.Sleep = func(ctx context.Context, d time.Duration) error {
		now.Advance(d)
		return ctx.Err()
	}
	return a
}

// kill makes every call fail once the nth call that changes something was reached: before it is made, or after. It gives how many were reached by then.
func (t *testAWS) kill(n int, made bool) (reached func() int) {
	var count atomic.Int64
	dead := func(call string) error {
		if count.Load() >= int64(n) {
			return errKilled
		}
		return nil
	}
	last := func(call string) error {
		if mutates(call) && count.Add(1) >= int64(n) {
			return errKilled
		}
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if made {
		t.before, t.after = dead, last
	} else {
		t.before, t.after = func(call string) error { return cmp.Or(dead(call), last(call)) }, nil
	}
	return func() int { return int(count.Load()) }
}

func (t *testAWS) revive() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.before, t.after = nil, nil
}

var errKilled = errors.New("killed")

func (t *testAWS) record(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("journal", t.call), middleware.After)
}

func (t *testAWS) call(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	call := middleware.GetServiceID(ctx) + "." + middleware.GetOperationName(ctx)
	t.mu.Lock()
	t.seen = append(t.seen, call)
	before, after := t.before, t.after
	t.mu.Unlock()
	if before != nil {
		if err := before(call); err != nil {
			return middleware.InitializeOutput{}, middleware.Metadata{}, err
		}
	}
	out, meta, err := next.HandleInitialize(ctx, in)
	if err == nil && after != nil {
		err = after(call)
	}
	return out, meta, err
}

// mutations are the calls since the last look that change something.
func (t *testAWS) mutations() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := slices.DeleteFunc(t.seen, func(call string) bool { return !mutates(call) })
	t.seen = nil
	return seen
}

func mutates(call string) bool {
	_, op, _ := strings.Cut(call, ".")
	for _, reads := range []string{"Get", "List", "Describe", "Head", "Simulate"} {
		if strings.HasPrefix(op, reads) {
			return false
		}
	}
	return true
}

// steps is a Reporter that keeps what it hears.
type steps struct {
	mu  sync.Mutex
	all []Resource
}

func (s *steps) Step(r Resource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, r)
}

func testProject(t *testing.T) project.Project {
	t.Helper()
	return project.Project{
		Dir: t.TempDir(), Package: "spaceflights", Name: "Spaceflights", Env: "aws_batch",
		Settings: project.Settings{
			Region: testRegion, Bucket: "kedro-spaceflights-3f9c02ab", KeepDays: 30,
			Image:   project.ImageSettings{Repository: "spaceflights-batch"},
			Compute: project.ComputeSettings{Type: "EC2", MaxVCPUs: 16},
			Job: project.JobSettings{
				Resources: project.Resources{VCPUs: 2, Memory: 4096, Timeout: 86400, Attempts: 2},
				Container: project.Container{Environment: map[string]string{"LOG_LEVEL": "info"}},
			},
		},
	}
}

func testSpec(t *testing.T, change ...func(*project.Project)) Spec {
	t.Helper()
	p := testProject(t)
	for _, c := range change {
		c(&p)
	}
	s, err := New(p, plan.Grants{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustApply(t *testing.T, a *testAWS, s Spec) Resources {
	t.Helper()
	res, err := Apply(t.Context(), a.Clients, s, &steps{})
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	return res
}

// states are the resources by kind and name, with their state.
func states(all []Resource) []string {
	var list []string
	for _, r := range all {
		list = append(list, fmt.Sprintf("%s %s: %s", r.Kind, r.Name, r.State))
	}
	slices.Sort(list)
	return list
}
