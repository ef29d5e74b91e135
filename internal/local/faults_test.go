package local_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkbatch "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/local/faults"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
)

func script(t *testing.T, lines ...string) *faults.Script {
	t.Helper()
	s, err := faults.Parse(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// calls are one of each service, none of them repeated by the SDK.
func calls(c aws.Config) map[string]func(context.Context) error {
	c.RetryMaxAttempts = 1
	return map[string]func(context.Context) error{
		"batch": func(ctx context.Context) error {
			_, err := sdkbatch.NewFromConfig(c).DescribeJobs(ctx, &sdkbatch.DescribeJobsInput{Jobs: []string{"a"}})
			return err
		},
		"logs": func(ctx context.Context) error {
			_, err := cloudwatchlogs.NewFromConfig(c).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
			return err
		},
		"ecr": func(ctx context.Context) error {
			_, err := ecr.NewFromConfig(c).DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{})
			return err
		},
		"s3": func(ctx context.Context) error {
			_, err := s3.NewFromConfig(c).ListBuckets(ctx, &s3.ListBucketsInput{})
			return err
		},
		"iam": func(ctx context.Context) error {
			_, err := iam.NewFromConfig(c).ListRoles(ctx, &iam.ListRolesInput{})
			return err
		},
		"sts": func(ctx context.Context) error {
			_, err := sts.NewFromConfig(c).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			return err
		},
		"ec2": func(ctx context.Context) error {
			_, err := ec2.NewFromConfig(c).DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
			return err
		},
	}
}

func TestCallsFailAndAreThrottledInEachServicesWords(t *testing.T) {
	throttled := map[string]string{"batch": "TooManyRequestsException", "logs": "ThrottlingException", "ecr": "ThrottlingException", "s3": "SlowDown",
		"iam": "Throttling", "sts": "Throttling", "ec2": "RequestLimitExceeded"}
	s := newServer(t, local.Options{Clock: clock.NewFake(time.Now())})
	for service, call := range calls(s.Config()) {
		s.SetFaults(script(t, "rate "+service+" 1", "call "+service+".* nth=2 status=500 code=OutOfOrder"))
		if err := call(t.Context()); err != nil {
			t.Errorf("%s: the first call: %v", service, err)
		}
		wantCode(t, call(t.Context()), "OutOfOrder")
		wantCode(t, call(t.Context()), throttled[service])
	}
}

func TestFaultsOfNoCallAreRefused(t *testing.T) {
	if s, err := local.New(local.Options{Faults: script(t, "call ecr.registry:* cut=before", "rate ecr 3")}); err != nil {
		t.Error(err)
	} else if err := s.Close(); err != nil {
		t.Error(err)
	}
	_, err := local.New(local.Options{Faults: script(t, "call batch.SubmitJobs cut=before")})
	if err == nil || !strings.Contains(err.Error(), "does not offer: batch.SubmitJobs") {
		t.Errorf("got %v", err)
	}
}

func TestDeniedCallsSayWhoAndWhat(t *testing.T) {
	s := newServer(t, local.Options{Faults: script(t, "deny batch:Describe* iam:ListRoles")})
	all := calls(s.Config())
	err := all["batch"](t.Context())
	wantCode(t, err, "AccessDeniedException")
	if !strings.Contains(err.Error(), "user/local is not authorized to perform: batch:DescribeJobs") {
		t.Errorf("the refusal does not say who and what: %v", err)
	}
	wantCode(t, all["iam"](t.Context()), "AccessDenied")
	s.SetFaults(script(t))
	if err := all["batch"](t.Context()); err != nil {
		t.Errorf("no longer denied: %v", err)
	}
}

// What is cut in the middle of its body has no effect, wherever that is.
func TestConnectionsAreCutDuringTheBody(t *testing.T) {
	s := listen(t, local.Options{Clock: clock.NewFake(time.Now())})
	cfg := over(s, nil)
	store := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	bucket, key := aws.String("data"), aws.String("a")
	if _, err := store.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	put := func() error {
		_, err := store.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader(strings.Repeat("x", 300_000))})
		return err
	}
	s.SetFaults(script(t, "call s3.PutObject cut=during"))
	if err := put(); err == nil {
		t.Error("no error")
	}
	if _, err := store.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: key}); err == nil {
		t.Error("the object is there")
	}
	if err := put(); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

// A cut connection leaves the client in doubt: what it asked for has been done or not.
func TestConnectionsAreCutBeforeAndAfterTheEffect(t *testing.T) {
	s := listen(t, local.Options{Clock: clock.NewFake(time.Now())})
	memory := s.Config()
	memory.RetryMaxAttempts = 1
	for name, cfg := range map[string]aws.Config{"network": over(s, nil), "memory": memory} {
		store := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
		for _, when := range []string{"before", "after"} {
			s.SetFaults(script(t, "call s3.CreateBucket cut="+when))
			bucket := aws.String(name + "-" + when)
			if _, err := store.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err == nil || !strings.Contains(err.Error(), "EOF") {
				t.Errorf("%s, cut %s: %v", name, when, err)
			}
			_, err := store.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: bucket})
			if made := err == nil; made != (when == "after") {
				t.Errorf("%s, cut %s: the bucket exists: %v", name, when, made)
			}
		}
	}
	var status []int
	for _, c := range s.Calls() {
		if c.Operation == "CreateBucket" {
			status = append(status, c.Status)
		}
	}
	if len(status) != 4 || status[0] != 0 || status[1] != 200 {
		t.Errorf("the journal has the statuses %v", status)
	}
}

func TestCallsHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, local.Options{Faults: script(t, "call s3.ListBuckets times=2 hang=1h")})
		call, start := calls(s.Config())["s3"], time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := call(ctx); err == nil || time.Since(start) != time.Minute {
			t.Errorf("a client that waits a minute: %v after %s", err, time.Since(start))
		}
		start = time.Now()
		if err := call(t.Context()); err == nil || time.Since(start) != time.Hour {
			t.Errorf("a client that waits: %v after %s", err, time.Since(start))
		}
		if err := call(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAccountsAndBucketsOfTheScript(t *testing.T) {
	s := newServer(t, local.Options{Faults: script(t, "no-default-vpc", "foreign theirs")})
	vpcs := func() int {
		out, err := ec2.NewFromConfig(s.Config()).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Vpcs)
	}
	if n := vpcs(); n != 0 {
		t.Errorf("%d VPCs", n)
	}
	create := func() error {
		_, err := s3.NewFromConfig(s.Config()).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("theirs")})
		return err
	}
	wantCode(t, create(), "BucketAlreadyExists")
	s.SetFaults(script(t))
	if n := vpcs(); n != 1 {
		t.Errorf("%d VPCs", n)
	}
	if err := create(); err != nil {
		t.Error(err)
	}
}

// TestJobsOfTheScript has a runner that lets each job work for an hour, and lines of a script that decide otherwise.
func TestJobsOfTheScript(t *testing.T) {
	exited := "Essential container in task exited"
	for line, want := range map[string]struct {
		took   time.Duration
		status string
		code   int32 // -1: none
		reason string
	}{
		"":                           {time.Hour, exited, 0, ""},
		"job other exit=1":           {time.Hour, exited, 0, ""},
		"job j* sleep=30m":           {90 * time.Minute, exited, 0, ""},
		"job job exit=3 line=x":      {0, exited, 3, ""},
		"job job exit=3 sleep=2m":    {2 * time.Minute, exited, 3, ""},
		"job job exit=4 after=5m":    {5 * time.Minute, exited, 4, ""},
		"job job exit=4 after=2h":    {time.Hour, exited, 0, ""},
		"job job end=oom sleep=1m":   {time.Minute, exited, 137, "OutOfMemoryError: Container killed due to memory usage"},
		"job job end=spot after=5m":  {5 * time.Minute, "Host EC2 (instance i-0123456789abcdef0) terminated.", -1, ""},
		"job job end=spot attempt=2": {time.Hour, exited, 0, ""},
		"job job end=nopull":         {0, "Task failed to start", -1, "CannotPullContainerError: pull access denied"},
	} {
		t.Run(line, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, local.Options{Runner: scripted.New(clock.Real{}, scripted.Script{Duration: time.Hour}), Faults: script(t, line)})
				b, id := submitOne(t, s)
				start := time.Now()
				var job types.JobDetail
				for job.StoppedAt == nil {
					time.Sleep(15 * time.Second)
					out, err := b.DescribeJobs(t.Context(), &sdkbatch.DescribeJobsInput{Jobs: []string{id}})
					if err != nil {
						t.Fatal(err)
					}
					job = out.Jobs[0]
				}
				code := int32(-1)
				if job.Container.ExitCode != nil {
					code = *job.Container.ExitCode
				}
				if took := time.Since(start); took < want.took || took > want.took+15*time.Second {
					t.Errorf("took %s, want %s", took, want.took)
				}
				if reason := aws.ToString(job.Container.Reason); *job.StatusReason != want.status || code != want.code || reason != want.reason {
					t.Errorf("status reason %q, exit code %d, reason %q", *job.StatusReason, code, reason)
				}
			})
		})
	}
}

func TestJobOfTheScriptCanBeTerminated(t *testing.T) {
	for _, line := range []string{"job job sleep=1h", "job job exit=1 after=1h"} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, local.Options{Runner: scripted.New(clock.Real{}, scripted.Script{Duration: 2 * time.Hour}), Faults: script(t, line)})
			b, id := submitOne(t, s)
			time.Sleep(time.Minute)
			if _, err := b.TerminateJob(t.Context(), &sdkbatch.TerminateJobInput{JobId: &id, Reason: aws.String("enough")}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			out, err := b.DescribeJobs(t.Context(), &sdkbatch.DescribeJobsInput{Jobs: []string{id}})
			if err != nil || out.Jobs[0].Status != types.JobStatusFailed || *out.Jobs[0].StatusReason != "enough" {
				t.Errorf("%s: %+v, %v", line, out.Jobs[0], err)
			}
			time.Sleep(2 * time.Hour) // nothing of the job is left that would tell another end
		})
	}
}

func TestStuckJobSaysWhy(t *testing.T) {
	s := newServer(t, local.Options{Runner: scripted.New(clock.Real{}), Faults: script(t, "stuck job reason=CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")})
	b, id := submitOne(t, s)
	out, err := b.DescribeJobs(t.Context(), &sdkbatch.DescribeJobsInput{Jobs: []string{id}})
	if err != nil || out.Jobs[0].Status != types.JobStatusRunnable || aws.ToString(out.Jobs[0].StatusReason) != "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY" {
		t.Errorf("%+v, %v", out.Jobs[0], err)
	}
}
