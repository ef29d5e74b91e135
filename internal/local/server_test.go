package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdkbatch "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
	"github.com/kedroctl/kedroctl/internal/local/wire"
)

func newServer(t *testing.T, o local.Options) *local.Server {
	t.Helper()
	s, err := local.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func listen(t *testing.T, o local.Options) *local.Server {
	t.Helper()
	s, err := local.Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// over is a configuration that goes through the network.
func over(s *local.Server, change func(*local.Info)) aws.Config {
	i := s.Info()
	if change != nil {
		change(&i)
	}
	return configOf(i)
}

// configOf is for clients that ask once.
func configOf(i local.Info) aws.Config {
	return aws.Config{Region: i.Region, BaseEndpoint: &i.Endpoint, RetryMaxAttempts: 1, HTTPClient: plainBodies{&http.Client{}},
		Credentials: credentials.NewStaticCredentialsProvider(i.AccessKey, i.SecretKey, "")}
}

// plainBodies sends requests whose bodies can only be read. The SDK closes a body as soon as the answer begins; one that can write itself then ends in an
// error where net/http looks for its end, and the connection is cut under a long answer. Clients that retry do not notice; this one does not retry.
type plainBodies struct{ *http.Client }

func (c plainBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return c.Client.Do(r)
}

func TestEveryServiceAnswersOnOnePort(t *testing.T) {
	s := listen(t, local.Options{Account: "123456789012"})
	ctx := t.Context()
	for name, cfg := range map[string]aws.Config{"network": over(s, nil), "memory": s.Config()} {
		t.Run(name, func(t *testing.T) {
			who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			if err != nil || *who.Arn != "arn:aws:iam::123456789012:user/local" {
				t.Errorf("sts: %v, %v", who, err)
			}
			bucket := aws.String("b-" + name)
			objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
			if _, err := objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
				t.Errorf("s3: %v", err)
			}
			for _, key := range []string{"a b/ä+%=~*'().txt", "plain"} {
				if _, err := objects.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader("text of " + key)}); err != nil {
					t.Errorf("s3: put %q: %v", key, err)
				}
				got, err := objects.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: &key})
				if err != nil {
					t.Errorf("s3: get %q: %v", key, err)
					continue
				}
				if text, err := io.ReadAll(got.Body); err != nil || string(text) != "text of "+key {
					t.Errorf("s3: get %q: %q, %v", key, text, err)
				}
			}
			if _, err := iam.NewFromConfig(cfg).ListRoles(ctx, &iam.ListRolesInput{}); err != nil {
				t.Errorf("iam: %v", err)
			}
			if _, err := ec2.NewFromConfig(cfg).DescribeVpcs(ctx, &ec2.DescribeVpcsInput{}); err != nil {
				t.Errorf("ec2: %v", err)
			}
			if _, err := cloudwatchlogs.NewFromConfig(cfg).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{}); err != nil {
				t.Errorf("logs: %v", err)
			}
			if _, err := sdkbatch.NewFromConfig(cfg).DescribeJobQueues(ctx, &sdkbatch.DescribeJobQueuesInput{}); err != nil {
				t.Errorf("batch: %v", err)
			}
			arn := "arn:aws:batch:us-east-1:123456789012:job-queue/nobody"
			_, err = sdkbatch.NewFromConfig(cfg).ListTagsForResource(ctx, &sdkbatch.ListTagsForResourceInput{ResourceArn: &arn})
			wantCode(t, err, "ClientException") // and not a signature that does not match, as the ARN is escaped in the path
		})
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if err == nil && code == "" {
		return
	}
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func TestSignaturesAreChecked(t *testing.T) {
	s := listen(t, local.Options{})
	call := map[string]func(aws.Config) error{
		"batch": func(c aws.Config) error {
			_, err := sdkbatch.NewFromConfig(c).DescribeJobQueues(t.Context(), &sdkbatch.DescribeJobQueuesInput{})
			return err
		},
		"s3": func(c aws.Config) error {
			_, err := s3.NewFromConfig(c).ListBuckets(t.Context(), &s3.ListBucketsInput{})
			return err
		},
		"sts": func(c aws.Config) error {
			_, err := sts.NewFromConfig(c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			return err
		},
		"ec2": func(c aws.Config) error {
			_, err := ec2.NewFromConfig(c).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
			return err
		},
	}
	wrongSecret := func(i *local.Info) { i.SecretKey = "wrong" }
	wrongKey := func(i *local.Info) { i.AccessKey = "wrong" }
	wrongRegion := func(i *local.Info) { i.Region = "eu-west-1" }
	tests := []struct {
		service string
		change  func(*local.Info)
		code    string
	}{
		{"batch", wrongSecret, "InvalidSignatureException"},
		{"batch", wrongKey, "UnrecognizedClientException"},
		{"batch", wrongRegion, "InvalidSignatureException"},
		{"s3", wrongSecret, "SignatureDoesNotMatch"},
		{"s3", wrongKey, "InvalidAccessKeyId"},
		{"sts", wrongSecret, "SignatureDoesNotMatch"},
		{"sts", wrongKey, "InvalidClientTokenId"},
		{"ec2", wrongKey, "AuthFailure"},
	}
	for _, tt := range tests {
		wantCode(t, call[tt.service](over(s, tt.change)), tt.code)
	}
	calls := s.Calls()
	for i, tt := range tests {
		if c := calls[i]; c.Service != tt.service || c.Code != tt.code || c.Status < 400 || c.Principal != "" {
			t.Errorf("the journal has of a refused call: %+v", c)
		}
	}
}

func TestOldAndUnsignedRequestsAreRefused(t *testing.T) {
	s := listen(t, local.Options{})
	send := func(change func(*http.Request)) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Info().Endpoint+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	signedAt := func(at time.Time) func(*http.Request) {
		return func(r *http.Request) {
			const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
			r.Header.Set("X-Amz-Content-Sha256", empty)
			if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, r, empty, "s3", "us-east-1", at); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := send(signedAt(time.Now())); got != http.StatusOK {
		t.Errorf("signed now: %d", got)
	}
	if got := send(signedAt(time.Now().Add(-16 * time.Minute))); got != http.StatusForbidden {
		t.Errorf("signed 16 minutes ago: %d", got)
	}
	if got := send(func(*http.Request) {}); got != http.StatusForbidden {
		t.Errorf("unsigned: %d", got)
	}
	if got := send(func(r *http.Request) { r.URL.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0" }); got != http.StatusForbidden {
		t.Errorf("presigned: %d", got)
	}
}

func TestRequestsThatAreTooLargeAreToldSo(t *testing.T) {
	b := cloudwatchlogs.NewFromConfig(newServer(t, local.Options{}).Config(), func(o *cloudwatchlogs.Options) { o.RetryMaxAttempts = 1 })
	_, err := b.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String(strings.Repeat("x", 25<<20))})
	wantCode(t, err, "RequestEntityTooLarge")
}

func TestJournalTellsWhatWasAskedByWhomAndWhatBecameOfIt(t *testing.T) {
	var lines bytes.Buffer
	s := newServer(t, local.Options{Journal: &lines})
	ctx, cfg := t.Context(), s.Config()
	if _, err := cloudwatchlogs.NewFromConfig(cfg).CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/g")}); err != nil {
		t.Fatal(err)
	}
	_, err := cloudwatchlogs.NewFromConfig(cfg).CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/g")})
	wantCode(t, err, "ResourceAlreadyExistsException")
	if _, err := sdkbatch.NewFromConfig(cfg).DescribeJobQueues(ctx, &sdkbatch.DescribeJobQueuesInput{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s3.NewFromConfig(cfg).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("bucket")}); err != nil {
		t.Fatal(err)
	}
	_, err = s3.NewFromConfig(cfg).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("none")})
	wantCode(t, err, "NoSuchKey")
	_, err = iam.NewFromConfig(cfg).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("none")})
	wantCode(t, err, "NoSuchEntity")
	if resp, err := cfg.HTTPClient.(*http.Client).Get(s.Info().Endpoint + "/v2/"); err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the registry without a password: %v, %v", resp, err)
	}
	var got []local.Call
	for _, c := range s.Calls() {
		c.Time = time.Time{}
		got = append(got, c)
	}
	const who = "arn:aws:iam::000000000000:user/local"
	needs := func(pairs ...string) (all []wire.Permission) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, wire.Permission{Action: pairs[i], Resource: pairs[i+1]})
		}
		return all
	}
	group := needs("logs:CreateLogGroup", "arn:aws:logs:us-east-1:000000000000:log-group:/g:log-stream:")
	object := append(needs("s3:GetObject", "arn:aws:s3:::bucket/none"),
		wire.Permission{Action: "s3:ListBucket", Resource: "arn:aws:s3:::bucket", Conditions: map[string]string{"s3:prefix": "none"}})
	want := []local.Call{
		{Service: "logs", Operation: "CreateLogGroup", Resource: "/g", Status: 200, Mutating: true, Principal: who, Permissions: group},
		{Service: "logs", Operation: "CreateLogGroup", Resource: "/g", Status: 400, Code: "ResourceAlreadyExistsException", Mutating: true, Principal: who,
			Permissions: group},
		{Service: "batch", Operation: "DescribeJobQueues", Status: 200, Principal: who, Permissions: needs("batch:DescribeJobQueues", "*")},
		{Service: "s3", Operation: "CreateBucket", Resource: "arn:aws:s3:::bucket", Status: 200, Mutating: true, Principal: who,
			Permissions: needs("s3:CreateBucket", "arn:aws:s3:::bucket")},
		{Service: "s3", Operation: "GetObject", Resource: "arn:aws:s3:::bucket/none", Status: 404, Code: "NoSuchKey", Principal: who, Permissions: object},
		{Service: "iam", Operation: "GetRole", Resource: "arn:aws:iam::000000000000:role/none", Status: 404, Code: "NoSuchEntity", Principal: who,
			Permissions: needs("iam:GetRole", "arn:aws:iam::000000000000:role/none")},
		{Service: "ecr", Operation: "registry:GET", Status: 401, Code: "UNAUTHORIZED"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var written []local.Call
	for line := json.NewDecoder(&lines); line.More(); {
		var c local.Call
		if err := line.Decode(&c); err != nil {
			t.Fatal(err)
		}
		c.Time = time.Time{}
		written = append(written, c)
	}
	if diff := cmp.Diff(want, written); diff != "" {
		t.Errorf("as lines of JSON:\n%s", diff)
	}
}

// must makes a call that has to succeed.
func must[In, Out, Options any](t *testing.T, call func(context.Context, *In, ...func(*Options)) (*Out, error), in *In) *Out {
	t.Helper()
	out, err := call(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// makeStack makes what jobs need: the environment ce, the queue q and the definition d, whose role r may do as policy says. It returns once jobs can be
// submitted.
func makeStack(t *testing.T, cfg aws.Config, policy string) *sdkbatch.Client {
	t.Helper()
	roles, b := iam.NewFromConfig(cfg), sdkbatch.NewFromConfig(cfg)
	trust := aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	must(t, roles.CreateRole, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: trust})
	must(t, roles.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: aws.String("r"), PolicyName: aws.String("p"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[` + policy + `]}`)})
	must(t, roles.CreateInstanceProfile, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("p")})
	must(t, roles.AddRoleToInstanceProfile, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: aws.String("p"), RoleName: aws.String("r")})
	must(t, b.CreateComputeEnvironment, &sdkbatch.CreateComputeEnvironmentInput{
		ComputeEnvironmentName: aws.String("ce"), Type: types.CETypeManaged, ComputeResources: &types.ComputeResource{
			Type: types.CRTypeEc2, MaxvCpus: aws.Int32(4), Subnets: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"},
			InstanceTypes: []string{"optimal"}, InstanceRole: aws.String("p"),
		},
	})
	eventually(t, func() bool {
		out := must(t, b.DescribeComputeEnvironments, &sdkbatch.DescribeComputeEnvironmentsInput{})
		return out.ComputeEnvironments[0].Status == types.CEStatusValid
	})
	must(t, b.CreateJobQueue, &sdkbatch.CreateJobQueueInput{JobQueueName: aws.String("q"), Priority: aws.Int32(1),
		ComputeEnvironmentOrder: []types.ComputeEnvironmentOrder{{ComputeEnvironment: aws.String("ce"), Order: aws.Int32(1)}}})
	eventually(t, func() bool {
		out := must(t, b.DescribeJobQueues, &sdkbatch.DescribeJobQueuesInput{})
		return out.JobQueues[0].Status == types.JQStatusValid
	})
	must(t, b.RegisterJobDefinition, &sdkbatch.RegisterJobDefinitionInput{
		JobDefinitionName: aws.String("d"), Type: types.JobDefinitionTypeContainer, ContainerProperties: &types.ContainerProperties{
			Image: aws.String("image"), JobRoleArn: aws.String("arn:aws:iam::000000000000:role/r"), ResourceRequirements: []types.ResourceRequirement{
				{Type: types.ResourceTypeVcpu, Value: aws.String("1")}, {Type: types.ResourceTypeMemory, Value: aws.String("64")}}}})
	return b
}

// eventually waits for at most 30 s.
func eventually(t *testing.T, happened func() bool) {
	t.Helper()
	for range 3000 {
		if happened() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it has not happened within 30 s")
}

// submitOne makes what a job needs and submits one.
func submitOne(t *testing.T, s *local.Server) (*sdkbatch.Client, string) {
	t.Helper()
	b := makeStack(t, s.Config(), `{"Effect":"Allow","Action":["s3:PutObject","s3:GetObject"],"Resource":"arn:aws:s3:::own/*"}`)
	out := must(t, b.SubmitJob, &sdkbatch.SubmitJobInput{JobName: aws.String("job"), JobQueue: aws.String("q"), JobDefinition: aws.String("d")})
	return b, *out.JobId
}

func TestServerLivesInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, local.Options{Runner: scripted.New(clock.Real{}, scripted.Script{Duration: time.Hour})})
		b, id := submitOne(t, s)
		start := time.Now()
		for {
			out, err := b.DescribeJobs(t.Context(), &sdkbatch.DescribeJobsInput{Jobs: []string{id}})
			if err != nil {
				t.Fatal(err)
			}
			if out.Jobs[0].Status == types.JobStatusSucceeded {
				break
			}
			time.Sleep(time.Minute)
		}
		if d := time.Since(start); d < time.Hour || d > time.Hour+time.Minute {
			t.Errorf("an hour took %s", d)
		}
	})
}

func TestJobWorksWithItsOwnCredentials(t *testing.T) {
	c := clock.NewFake(time.Now())
	var who string
	var cfg aws.Config
	var put, get, other, missing, list error
	work := func(ctx context.Context, a batch.Attempt) (err error) {
		if cfg, err = jobConfig(a); err != nil {
			return err
		}
		store := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
		_, put = store.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("own"), Key: aws.String("made"), Body: strings.NewReader("x")})
		_, get = store.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("own"), Key: aws.String("made")})
		_, other = store.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("other"), Key: aws.String("made"), Body: strings.NewReader("x")})
		_, missing = store.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("own"), Key: aws.String("none")})
		_, list = store.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("own")})
		out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return err
		}
		who = *out.Arn
		return nil
	}
	s := listen(t, local.Options{Clock: c, Runner: scripted.Work(work), Faults: script(t, "job job line=hello")})
	for _, bucket := range []string{"own", "other"} {
		must(t, s3.NewFromConfig(s.Config()).CreateBucket, &s3.CreateBucketInput{Bucket: &bucket})
	}
	b, id := submitOne(t, s)
	c.Advance(time.Second)
	var out *sdkbatch.DescribeJobsOutput
	eventually(t, func() bool {
		out = must(t, b.DescribeJobs, &sdkbatch.DescribeJobsInput{Jobs: []string{id}})
		return out.Jobs[0].StoppedAt != nil
	})
	if out.Jobs[0].Status != types.JobStatusSucceeded {
		t.Fatalf("the job: %v", out)
	}
	if who != "arn:aws:sts::000000000000:assumed-role/r/"+id+"-1" {
		t.Errorf("the job is %q", who)
	}
	if put != nil || get != nil {
		t.Errorf("what the role allows: %v, %v", put, get)
	}
	wantCode(t, other, "AccessDenied")
	wantCode(t, missing, "Forbidden") // and not that the key is missing, to a job that may not list
	wantCode(t, list, "AccessDenied")
	_, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "InvalidClientTokenId") // once it has ended
	events := must(t, cloudwatchlogs.NewFromConfig(s.Config()).GetLogEvents, &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: aws.String("/aws/batch/job"), LogStreamName: out.Jobs[0].Container.LogStreamName})
	if len(events.Events) != 1 || *events.Events[0].Message != "hello" {
		t.Errorf("the job's log: %v", events)
	}
}

// jobConfig is what the SDK in a job's container finds.
func jobConfig(a batch.Attempt) (aws.Config, error) {
	answer, err := http.Get(a.Env["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
	if err != nil {
		return aws.Config{}, err
	}
	defer answer.Body.Close()
	var got struct{ AccessKeyId, SecretAccessKey, Token, Expiration string }
	return aws.Config{Region: a.Env["AWS_REGION"], BaseEndpoint: aws.String(a.Env["AWS_ENDPOINT_URL"]), Credentials: aws.CredentialsProviderFunc(
		func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: got.AccessKeyId, SecretAccessKey: got.SecretAccessKey, SessionToken: got.Token}, nil
		})}, json.NewDecoder(answer.Body).Decode(&got)
}
