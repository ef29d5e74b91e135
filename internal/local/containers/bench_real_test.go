//go:build real

package containers_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdkbatch "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/engine"
	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/containers"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

var base = realtest.Base()

// serveDir names the state directory in the environment of a process that is to be a server.
const serveDir = "KEDROCTL_TEST_SERVE_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(serveDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM) // which local.Stop sends
	defer stop()
	at, err := engine.Find()
	if err == nil {
		err = local.Serve(ctx, local.ServeOptions{Dir: dir, Runner: containers.Maker(at, dir)})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// bench is an AWS of a process of its own, whose jobs are containers.
type bench struct {
	t      *testing.T
	docker *client.Client
	server *exec.Cmd
	cfg    aws.Config
	info   local.Info
	dir    string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	at, err := engine.Find()
	if err != nil {
		t.Fatal(err)
	}
	docker, err := at.Dial(t.Context())
	if err != nil {
		realtest.Missing(t, err.Error())
	}
	t.Cleanup(func() { docker.Close() })
	if _, err := docker.ImageInspect(t.Context(), base); err != nil {
		realtest.Missing(t, "a Docker Engine that has "+base+": "+err.Error())
	}
	b := &bench{t: t, docker: docker, dir: t.TempDir()}
	t.Cleanup(func() {
		b.stop()
		if left := b.containers(); left != nil {
			t.Errorf("containers left: %v", left)
		}
	})
	b.start()
	b.cfg = aws.Config{Region: b.info.Region, BaseEndpoint: &b.info.Endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(b.info.AccessKey, b.info.SecretKey, "")}
	b.stack()
	return b
}

// start runs the server until stop or kill.
func (b *bench) start() {
	b.t.Helper()
	b.server = exec.Command(os.Args[0])
	b.server.Env = append(os.Environ(), serveDir+"="+b.dir)
	b.server.Stdout, b.server.Stderr = b.t.Output(), b.t.Output()
	b.must(nil, b.server.Start())
	b.eventually(func() (running bool) {
		b.info, running = local.Running(b.t.Context(), b.dir)
		return running
	})
}

func (b *bench) stop() {
	if err := local.Stop(context.Background(), b.dir); err != nil {
		b.t.Error(err)
	}
	if err := b.server.Wait(); err != nil {
		b.t.Error(err)
	}
}

func (b *bench) kill() {
	b.must(nil, b.server.Process.Kill())
	_ = b.server.Wait() // it says that it was killed
}

// containers are those of the state directory.
func (b *bench) containers() (ids []string) {
	b.t.Helper()
	out, err := b.docker.ContainerList(context.Background(), client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", "kedroctl:local="+b.dir)})
	b.must(out, err)
	for _, c := range out.Items {
		ids = append(ids, c.ID)
	}
	return ids
}

func (b *bench) nothingLeft() bool { return len(b.containers()) == 0 }

func (b *bench) must(_ any, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// stack makes what jobs need.
func (b *bench) stack() {
	b.t.Helper()
	ctx, roles, api := b.t.Context(), iam.NewFromConfig(b.cfg), sdkbatch.NewFromConfig(b.cfg)
	trust := aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	b.must(roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: trust}))
	b.must(roles.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("p")}))
	b.must(roles.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: aws.String("p"), RoleName: aws.String("r")}))
	b.must(api.CreateComputeEnvironment(ctx, &sdkbatch.CreateComputeEnvironmentInput{
		ComputeEnvironmentName: aws.String("ce"), Type: types.CETypeManaged, ComputeResources: &types.ComputeResource{
			Type: types.CRTypeEc2, MaxvCpus: aws.Int32(64), Subnets: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"},
			InstanceTypes: []string{"optimal"}, InstanceRole: aws.String("p"),
		},
	}))
	b.eventually(func() bool {
		out, err := api.DescribeComputeEnvironments(ctx, &sdkbatch.DescribeComputeEnvironmentsInput{})
		b.must(out, err)
		return out.ComputeEnvironments[0].Status == types.CEStatusValid
	})
	b.must(api.CreateJobQueue(ctx, &sdkbatch.CreateJobQueueInput{JobQueueName: aws.String("q"), Priority: aws.Int32(1),
		ComputeEnvironmentOrder: []types.ComputeEnvironmentOrder{{ComputeEnvironment: aws.String("ce"), Order: aws.Int32(1)}}}))
	b.eventually(func() bool {
		out, err := api.DescribeJobQueues(ctx, &sdkbatch.DescribeJobQueuesInput{})
		b.must(out, err)
		return out.JobQueues[0].Status == types.JQStatusValid
	})
}

func (b *bench) eventually(done func() bool) {
	b.t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatal("it did not come within a minute")
		}
	}
}

// work is a job: a Python program in an image.
type work struct {
	name, program string
	image         string // default the base image
	mib           int64  // default 64
	attempts      int32  // for jobs that lose their host; default 1
}

func (b *bench) submit(w work) (id string) {
	b.t.Helper()
	api := sdkbatch.NewFromConfig(b.cfg)
	b.must(api.RegisterJobDefinition(b.t.Context(), &sdkbatch.RegisterJobDefinitionInput{JobDefinitionName: &w.name, Type: types.JobDefinitionTypeContainer,
		RetryStrategy: &types.RetryStrategy{Attempts: aws.Int32(max(w.attempts, 1)), EvaluateOnExit: []types.EvaluateOnExit{
			{OnStatusReason: aws.String("Host EC2*"), Action: types.RetryActionRetry}, {OnReason: aws.String("*"), Action: types.RetryActionExit}}},
		ContainerProperties: &types.ContainerProperties{
			Image: aws.String(cmp.Or(w.image, base)), JobRoleArn: aws.String("arn:aws:iam::000000000000:role/r"), Command: []string{"python", "-u", "-c", w.program},
			ResourceRequirements: []types.ResourceRequirement{{Type: types.ResourceTypeVcpu, Value: aws.String("4")},
				{Type: types.ResourceTypeMemory, Value: aws.String(fmt.Sprint(cmp.Or(w.mib, 64)))}}}}))
	out, err := api.SubmitJob(b.t.Context(), &sdkbatch.SubmitJobInput{JobName: &w.name, JobQueue: aws.String("q"), JobDefinition: &w.name})
	b.must(out, err)
	return *out.JobId
}

func (b *bench) job(id string) types.JobDetail {
	b.t.Helper()
	out, err := sdkbatch.NewFromConfig(b.cfg).DescribeJobs(b.t.Context(), &sdkbatch.DescribeJobsInput{Jobs: []string{id}})
	b.must(out, err)
	return out.Jobs[0]
}

func (b *bench) ended(id string) types.JobDetail {
	b.t.Helper()
	b.eventually(func() bool { s := b.job(id).Status; return s == types.JobStatusSucceeded || s == types.JobStatusFailed })
	return b.job(id)
}

// log is what a stream holds.
func (b *bench) log(stream *string) string {
	b.t.Helper()
	out, err := cloudwatchlogs.NewFromConfig(b.cfg).GetLogEvents(b.t.Context(), &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: aws.String("/aws/batch/job"), LogStreamName: stream, StartFromHead: aws.Bool(true)})
	b.must(out, err)
	var lines []string
	for _, e := range out.Events {
		lines = append(lines, *e.Message)
	}
	return strings.Join(lines, "\n")
}
