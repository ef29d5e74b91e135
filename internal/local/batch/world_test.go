package batch_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/smithy-go"

	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
)

var startTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world is a service with a clock and a runner of its own, seen through the SDK's client.
type world struct {
	*sdk.Client
	t       *testing.T
	clock   *clock.Fake
	service *batch.Service
	server  *httptest.Server

	mu      sync.Mutex
	started []batch.Attempt // in order
}

func newWorld(t *testing.T, change func(*batch.Options), scripts ...scripted.Script) *world {
	t.Helper()
	c := clock.NewFake(startTime)
	w := &world{t: t, clock: c}
	o := batch.Options{Region: "us-east-1", Account: "123456789012", Clock: c, Runner: noting{scripted.New(c, scripts...), w}}
	if change != nil {
		change(&o)
	}
	var err error
	if w.service, err = batch.New(o); err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewServer(w.service)
	t.Cleanup(w.server.Close)
	w.Client = sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &w.server.URL, RetryMaxAttempts: 1, HTTPClient: plainBodies{w.server.Client()},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		}),
	})
	return w
}

// noting is a runner that tells a world what it starts.
type noting struct {
	batch.Runner
	w *world
}

func (n noting) Start(a batch.Attempt, e batch.Events) func() {
	n.w.mu.Lock()
	n.w.started = append(n.w.started, a)
	n.w.mu.Unlock()
	return n.Runner.Start(a, e)
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

// newQueue is a world with an environment "ce", a queue "q" and a job definition "d".
func newQueue(t *testing.T, change func(*batch.Options), scripts ...scripted.Script) *world {
	t.Helper()
	w := newWorld(t, change, scripts...)
	w.environment("ce", nil)
	w.queue("q", "ce")
	w.define("d", nil)
	return w
}

func (w *world) environment(name string, change func(*sdk.CreateComputeEnvironmentInput)) {
	w.t.Helper()
	in := environmentInput(name)
	if change != nil {
		change(in)
	}
	if _, err := w.CreateComputeEnvironment(w.t.Context(), in); err != nil {
		w.t.Fatal(err)
	}
}

func environmentInput(name string) *sdk.CreateComputeEnvironmentInput {
	return &sdk.CreateComputeEnvironmentInput{
		ComputeEnvironmentName: &name, Type: types.CETypeManaged,
		ServiceRole: aws.String("arn:aws:iam::123456789012:role/service"),
		ComputeResources: &types.ComputeResource{
			Type: types.CRTypeEc2, MaxvCpus: aws.Int32(16), Subnets: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"},
			InstanceTypes: []string{"optimal"}, InstanceRole: aws.String("arn:aws:iam::123456789012:instance-profile/profile"),
		},
	}
}

func fargateInput(name string) *sdk.CreateComputeEnvironmentInput {
	return &sdk.CreateComputeEnvironmentInput{
		ComputeEnvironmentName: &name, Type: types.CETypeManaged,
		ComputeResources: &types.ComputeResource{
			Type: types.CRTypeFargate, MaxvCpus: aws.Int32(16), Subnets: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"},
		},
	}
}

func (w *world) queue(name string, environments ...string) {
	w.t.Helper()
	if _, err := w.CreateJobQueue(w.t.Context(), queueInput(name, environments...)); err != nil {
		w.t.Fatal(err)
	}
}

func queueInput(name string, environments ...string) *sdk.CreateJobQueueInput {
	in := &sdk.CreateJobQueueInput{JobQueueName: &name, Priority: aws.Int32(1)}
	for i, e := range environments {
		in.ComputeEnvironmentOrder = append(in.ComputeEnvironmentOrder, types.ComputeEnvironmentOrder{ComputeEnvironment: aws.String(e), Order: aws.Int32(int32(i))})
	}
	return in
}

func (w *world) define(name string, change func(*sdk.RegisterJobDefinitionInput)) {
	w.t.Helper()
	if _, err := w.RegisterJobDefinition(w.t.Context(), definitionInput(name, change)); err != nil {
		w.t.Fatal(err)
	}
}

func definitionInput(name string, change func(*sdk.RegisterJobDefinitionInput)) *sdk.RegisterJobDefinitionInput {
	in := &sdk.RegisterJobDefinitionInput{
		JobDefinitionName: &name, Type: types.JobDefinitionTypeContainer,
		ContainerProperties: &types.ContainerProperties{Image: aws.String("example.com/repo@sha256:0123"), ResourceRequirements: requirements("1", "512")},
	}
	if change != nil {
		change(in)
	}
	return in
}

func requirements(vcpus, memory string) []types.ResourceRequirement {
	return []types.ResourceRequirement{{Type: types.ResourceTypeVcpu, Value: &vcpus}, {Type: types.ResourceTypeMemory, Value: &memory}}
}

func submission(name string, change func(*sdk.SubmitJobInput)) *sdk.SubmitJobInput {
	in := &sdk.SubmitJobInput{JobName: &name, JobQueue: aws.String("q"), JobDefinition: aws.String("d")}
	if change != nil {
		change(in)
	}
	return in
}

// submit gives the id of a job after the jobs of these ids.
func (w *world) submit(name string, after ...string) string {
	w.t.Helper()
	return w.submitWith(name, func(in *sdk.SubmitJobInput) {
		for _, id := range after {
			in.DependsOn = append(in.DependsOn, types.JobDependency{JobId: &id})
		}
	})
}

func (w *world) submitWith(name string, change func(*sdk.SubmitJobInput)) string {
	w.t.Helper()
	out, err := w.SubmitJob(w.t.Context(), submission(name, change))
	if err != nil {
		w.t.Fatal(err)
	}
	return *out.JobId
}

func (w *world) job(id string) types.JobDetail {
	w.t.Helper()
	out, err := w.DescribeJobs(w.t.Context(), &sdk.DescribeJobsInput{Jobs: []string{id}})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(out.Jobs) != 1 {
		w.t.Fatalf("%d jobs with id %s", len(out.Jobs), id)
	}
	return out.Jobs[0]
}

func (w *world) wantStatus(id string, status types.JobStatus, reason string) types.JobDetail {
	w.t.Helper()
	j := w.job(id)
	if j.Status != status || !strings.HasPrefix(aws.ToString(j.StatusReason), reason) {
		w.t.Errorf("job %s is %s (%s), want %s (%s)", *j.JobName, j.Status, aws.ToString(j.StatusReason), status, reason)
	}
	return j
}

// wantRefusal asserts a ClientException whose message has a text; "" asserts that there is none.
func wantRefusal(t *testing.T, err error, text string) {
	t.Helper()
	if text == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "ClientException" || !strings.Contains(api.ErrorMessage(), text) {
		t.Errorf("got %v, want a ClientException with %q", err, text)
	}
}

// post sends a body as it is.
func (w *world) post(operation, body string) (status int) {
	w.t.Helper()
	r, err := http.Post(w.server.URL+"/v1/"+operation, "application/json", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Body.Close()
	return r.StatusCode
}
