//go:build real

package containers_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdkbatch "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/containers"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

var base = realtest.Base()

// bench is a served AWS whose jobs are containers.
type bench struct {
	t      *testing.T
	docker *client.Client
	cfg    aws.Config
	info   local.Info
	dir    string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	host := os.Getenv(client.EnvOverrideHost)
	if host == "" {
		host = client.DefaultDockerHost
	}
	docker, err := client.New(client.FromEnv, client.WithHost(host))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { docker.Close() })
	if _, err := docker.ImageInspect(t.Context(), base); err != nil {
		realtest.Missing(t, "a Docker Engine that has "+base+": "+err.Error())
	}
	b := &bench{t: t, docker: docker, dir: t.TempDir()}
	b.serve(host)
	b.stack()
	return b
}

func (b *bench) serve(host string) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan local.Info, 1), make(chan error, 1)
	go func() {
		ended <- local.Serve(ctx, local.ServeOptions{Dir: b.dir, Runner: containers.Maker(host, b.dir), Ready: func(i local.Info) { ready <- i }})
	}()
	b.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.t.Error(err)
		}
		b.wantNoContainers()
	})
	select {
	case b.info = <-ready:
	case err := <-ended:
		b.t.Fatal(err)
	}
	b.cfg = aws.Config{Region: b.info.Region, BaseEndpoint: &b.info.Endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(b.info.AccessKey, b.info.SecretKey, "")}
}

func (b *bench) wantNoContainers() {
	b.t.Helper()
	left, err := b.docker.ContainerList(context.Background(), client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", "kedroctl:local="+b.dir)})
	if err != nil || len(left.Items) != 0 {
		b.t.Errorf("containers left: %v, %v", left.Items, err)
	}
}

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

// submit runs a Python program in a job of 64 MiB.
func (b *bench) submit(name, image, program string) string {
	b.t.Helper()
	api := sdkbatch.NewFromConfig(b.cfg)
	b.must(api.RegisterJobDefinition(b.t.Context(), &sdkbatch.RegisterJobDefinitionInput{JobDefinitionName: &name, Type: types.JobDefinitionTypeContainer,
		ContainerProperties: &types.ContainerProperties{
			Image: &image, JobRoleArn: aws.String("arn:aws:iam::000000000000:role/r"), Command: []string{"python", "-u", "-c", program},
			ResourceRequirements: []types.ResourceRequirement{{Type: types.ResourceTypeVcpu, Value: aws.String("16")}, {Type: types.ResourceTypeMemory, Value: aws.String("64")}}}}))
	out, err := api.SubmitJob(b.t.Context(), &sdkbatch.SubmitJobInput{JobName: &name, JobQueue: aws.String("q"), JobDefinition: &name})
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

func (b *bench) log(j types.JobDetail) string {
	b.t.Helper()
	out, err := cloudwatchlogs.NewFromConfig(b.cfg).GetLogEvents(b.t.Context(), &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: aws.String("/aws/batch/job"), LogStreamName: j.Container.LogStreamName, StartFromHead: aws.Bool(true)})
	b.must(out, err)
	var lines []string
	for _, e := range out.Events {
		lines = append(lines, *e.Message)
	}
	return strings.Join(lines, "\n")
}

func TestJobsAreContainers(t *testing.T) {
	b := newBench(t)
	const world = `
import json, os, sys, urllib.request
c = json.load(urllib.request.urlopen(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]))
print(os.environ["AWS_BATCH_JOB_ID"], os.environ["AWS_BATCH_JOB_ATTEMPT"], os.environ["AWS_BATCH_JQ_NAME"], os.environ["AWS_BATCH_CE_NAME"])
print(os.environ["AWS_ENDPOINT_URL"], sorted(c), file=sys.stderr)`
	works := b.submit("works", base, world)
	fails := b.submit("fails", base, "import sys; sys.exit(3)")
	eats := b.submit("eats", base, "x = bytearray(200 << 20)")
	absent := b.submit("absent", b.info.Endpoint[len("http://"):]+"/nobody@sha256:"+strings.Repeat("0", 64), "pass")
	waits := b.submit("waits", base, "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(4)); print('waiting'); time.sleep(600)")

	j := b.ended(works)
	if j.Status != types.JobStatusSucceeded {
		t.Errorf("works: %s %s", j.Status, aws.ToString(j.StatusReason))
	}
	log := b.log(j)
	for _, want := range []string{works + " 1 q ce", b.info.Endpoint + " ['AccessKeyId', 'Expiration', 'RoleArn', 'SecretAccessKey', 'Token']"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q:\n%s", want, log)
		}
	}
	if j := b.ended(fails); aws.ToInt32(j.Container.ExitCode) != 3 || aws.ToString(j.StatusReason) != "Essential container in task exited" {
		t.Errorf("fails: exit %d, %s", aws.ToInt32(j.Container.ExitCode), aws.ToString(j.StatusReason))
	}
	if j := b.ended(eats); aws.ToInt32(j.Container.ExitCode) != 137 || aws.ToString(j.Container.Reason) != "OutOfMemoryError: Container killed due to memory usage" {
		t.Errorf("eats: exit %d, %s", aws.ToInt32(j.Container.ExitCode), aws.ToString(j.Container.Reason))
	}
	if j := b.ended(absent); j.Container.ExitCode != nil || !strings.HasPrefix(aws.ToString(j.Container.Reason), "CannotPullContainerError: ") || aws.ToString(j.StatusReason) != "Task failed to start" {
		t.Errorf("absent: %v, %s, %s", j.Container.ExitCode, aws.ToString(j.Container.Reason), aws.ToString(j.StatusReason))
	} else {
		t.Log(aws.ToString(j.Container.Reason))
	}
	b.eventually(func() bool { j := b.job(waits); return j.Status == types.JobStatusRunning && b.log(j) == "waiting" })
	b.must(sdkbatch.NewFromConfig(b.cfg).TerminateJob(t.Context(), &sdkbatch.TerminateJobInput{JobId: &waits, Reason: aws.String("enough")}))
	if j := b.ended(waits); aws.ToString(j.StatusReason) != "enough" || aws.ToInt32(j.Container.ExitCode) != 4 {
		t.Errorf("waits: %s", aws.ToString(j.StatusReason))
	}
	b.wantNoContainers()
}

func TestImageComesFromTheOwnRegistry(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	repo, err := ecr.NewFromConfig(b.cfg).CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("own")})
	b.must(repo, err)
	ref := *repo.Repository.RepositoryUri + ":one"
	b.must(b.docker.ImageTag(ctx, client.ImageTagOptions{Source: base, Target: ref}))
	token, err := ecr.NewFromConfig(b.cfg).GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	b.must(token, err)
	plain, err := base64.StdEncoding.DecodeString(*token.AuthorizationData[0].AuthorizationToken)
	b.must(plain, err)
	auth, err := authconfig.Encode(registry.AuthConfig{Username: "AWS", Password: strings.TrimPrefix(string(plain), "AWS:")})
	b.must(auth, err)
	push, err := b.docker.ImagePush(ctx, ref, client.ImagePushOptions{RegistryAuth: auth})
	b.must(push, err)
	var digest string
	for m, err := range push.JSONMessages(ctx) {
		b.must(m, err)
		if m.Error != nil {
			t.Fatal(m.Error)
		}
		if m.Aux != nil {
			var aux struct{ Digest string }
			b.must(nil, json.Unmarshal(*m.Aux, &aux))
			digest = aux.Digest
		}
	}
	b.must(b.docker.ImageRemove(ctx, ref, client.ImageRemoveOptions{}))
	j := b.ended(b.submit("own", *repo.Repository.RepositoryUri+"@"+digest, "print('from the registry')"))
	if j.Status != types.JobStatusSucceeded || b.log(j) != "from the registry" {
		t.Errorf("%s %s %s", j.Status, aws.ToString(j.StatusReason), aws.ToString(j.Container.Reason))
	}
	_, _ = b.docker.ImageRemove(ctx, *repo.Repository.RepositoryUri+"@"+digest, client.ImageRemoveOptions{}) // tidy up
}

func TestContainersOfAKilledServerAreRemoved(t *testing.T) {
	b := newBench(t)
	id := b.submit("waits", base, "import time; time.sleep(600)")
	b.eventually(func() bool { return b.job(id).Status == types.JobStatusRunning })
	r, err := containers.New(t.Context(), client.DefaultDockerHost, b.dir, b.info)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b.wantNoContainers()
	b.ended(id)
}
