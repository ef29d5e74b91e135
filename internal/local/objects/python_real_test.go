//go:build real

package objects_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkbatch "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/objects"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

// judge runs a script of testdata, which ends with an error where something does not come back as it was written.
func judge(ctx context.Context, python string, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, python, args...)
	cmd.Env = append(os.Environ(), append(env, "DO_NOT_TRACK=1", "AWS_EC2_METADATA_DISABLED=true")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", args[0], err, out)
	}
	return nil
}

func TestPythonReadsAndWrites(t *testing.T) {
	python := realtest.Python(t)
	c, server := serve(t, objects.Options{})
	create(t, c, "data")
	env := []string{"AWS_ENDPOINT_URL=" + server.URL, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_DEFAULT_REGION=" + region}
	if err := judge(t.Context(), python, env, "testdata/judge.py", "data"); err != nil {
		t.Error(err)
	}
}

// onlyGet lets a role get objects of a bucket that it may not list, which no policy of provision does.
const onlyGet = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::not-listed/*"}]}`

// TestPythonWithinThePolicyOfJobs is a job of the embedded Batch, whose role has the policy of provision's golden file, and onlyGet.
func TestPythonWithinThePolicyOfJobs(t *testing.T) {
	python := realtest.Python(t)
	const own = "kedro-spaceflights-3f9c02ab" // whom the policy is for
	failed := make(chan error, 1)
	work := func(ctx context.Context, a batch.Attempt) error {
		env := []string{"AWS_ACCESS_KEY_ID=", "AWS_CONFIG_FILE=none", "AWS_SHARED_CREDENTIALS_FILE=none"}
		for name, value := range a.Env {
			env = append(env, name+"="+value)
		}
		failed <- judge(ctx, python, env, "testdata/job.py", own)
		return nil
	}
	s, err := local.Listen(local.Options{Runner: scripted.Work(work)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	store := s3.NewFromConfig(s.Config(), func(o *s3.Options) { o.UsePathStyle = true })
	for _, bucket := range []string{own, "company-lake", "results", "of-somebody-else", "not-listed"} {
		if _, err := store.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
	}
	csv := "a,b\n"
	for i := range 1000 {
		csv += fmt.Sprintf("%d,x\n", i)
	}
	for _, key := range []string{"raw/plain.csv", "raw/versioned.csv/2026-11-23T09.55.12.345Z/versioned.csv", "raw/parts/a.csv", "raw/parts/b.csv", "other.csv"} {
		if _, err := store.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("company-lake"), Key: &key, Body: strings.NewReader(csv)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("not-listed"), Key: aws.String("there"), Body: strings.NewReader(csv)}); err != nil {
		t.Fatal(err)
	}
	policy, err := os.ReadFile("../../../provision/testdata/job.json")
	if err != nil {
		t.Fatal(err)
	}
	runAs(t, s.Config(), string(policy), onlyGet)
	select {
	case err = <-failed:
	case <-t.Context().Done():
		err = t.Context().Err()
	}
	if err != nil {
		t.Error(err)
	}
}

// runAs submits a job whose role has two policies.
func runAs(t *testing.T, cfg aws.Config, policy, more string) {
	t.Helper()
	roles, b, name := iam.NewFromConfig(cfg), sdkbatch.NewFromConfig(cfg), aws.String("jobs")
	steps := []func(context.Context) (any, error){
		func(ctx context.Context) (any, error) {
			return roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(
				`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
		},
		func(ctx context.Context) (any, error) {
			return roles.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: name, PolicyDocument: &policy})
		},
		func(ctx context.Context) (any, error) {
			return roles.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("more"), PolicyDocument: &more})
		},
		func(ctx context.Context) (any, error) {
			return roles.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: name})
		},
		func(ctx context.Context) (any, error) {
			return roles.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: name, RoleName: name})
		},
		func(ctx context.Context) (any, error) {
			return b.CreateComputeEnvironment(ctx, &sdkbatch.CreateComputeEnvironmentInput{ComputeEnvironmentName: name, Type: types.CETypeManaged,
				ComputeResources: &types.ComputeResource{Type: types.CRTypeEc2, MaxvCpus: aws.Int32(1), Subnets: []string{"subnet-1"},
					SecurityGroupIds: []string{"sg-1"}, InstanceTypes: []string{"optimal"}, InstanceRole: name}})
		},
		func(ctx context.Context) (any, error) {
			return b.CreateJobQueue(ctx, &sdkbatch.CreateJobQueueInput{JobQueueName: name, Priority: aws.Int32(1),
				ComputeEnvironmentOrder: []types.ComputeEnvironmentOrder{{ComputeEnvironment: name, Order: aws.Int32(1)}}})
		},
		func(ctx context.Context) (any, error) {
			return b.RegisterJobDefinition(ctx, &sdkbatch.RegisterJobDefinitionInput{JobDefinitionName: name, Type: types.JobDefinitionTypeContainer,
				ContainerProperties: &types.ContainerProperties{Image: name, JobRoleArn: aws.String("arn:aws:iam::000000000000:role/jobs"),
					ResourceRequirements: []types.ResourceRequirement{{Type: types.ResourceTypeVcpu, Value: aws.String("1")}, {Type: types.ResourceTypeMemory, Value: aws.String("64")}}}})
		},
		func(ctx context.Context) (any, error) {
			return b.SubmitJob(ctx, &sdkbatch.SubmitJobInput{JobName: name, JobQueue: name, JobDefinition: name})
		},
	}
	for i, step := range steps {
		_, err := step(t.Context())
		for range 100 { // environments and queues become valid by and by
			if err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
			_, err = step(t.Context())
		}
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
}
