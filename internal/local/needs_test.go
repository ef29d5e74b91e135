package local_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkbatch "github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local"
)

// TestWhatCallsNeed compares what the journal says that policies have to allow; whether a call succeeds does not matter for it.
func TestWhatCallsNeed(t *testing.T) {
	s := newServer(t, local.Options{})
	ctx, cfg := t.Context(), s.Config()
	batch, roles, repositories, logs := sdkbatch.NewFromConfig(cfg), iam.NewFromConfig(cfg), ecr.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg)
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	owner := map[string]string{"owner": "me"}
	for _, call := range []struct {
		call func() (any, error)
		want []string
	}{
		{func() (any, error) {
			return roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), Path: aws.String("/p/"), AssumeRolePolicyDocument: aws.String(trust),
				PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/AdministratorAccess"), Tags: []iamtypes.Tag{{Key: aws.String("owner"), Value: aws.String("me")}}})
		}, []string{"iam:CreateRole iam::0:role/p/r iam:permissionsboundary=arn:aws:iam::aws:policy/AdministratorAccess", "iam:TagRole iam::0:role/p/r"}},
		{func() (any, error) { return roles.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("r")}) }, []string{"iam:GetRole iam::0:role/p/r"}},
		{func() (any, error) {
			return roles.SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{PolicySourceArn: aws.String("arn:aws:iam::000000000000:role/p/r"), ActionNames: []string{"s3:GetObject"}})
		}, []string{"iam:SimulatePrincipalPolicy iam::0:role/p/r"}},
		{func() (any, error) { return roles.ListRoles(ctx, &iam.ListRolesInput{}) }, []string{"iam:ListRoles *"}},
		{func() (any, error) {
			return roles.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("i")})
		}, []string{"iam:CreateInstanceProfile iam::0:instance-profile/i"}},
		{func() (any, error) {
			return roles.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: aws.String("i"), RoleName: aws.String("r")})
		}, []string{"iam:AddRoleToInstanceProfile iam::0:instance-profile/i", "iam:PassRole iam::0:role/p/r iam:passedtoservice=ec2.amazonaws.com"}},
		{func() (any, error) {
			return roles.CreateServiceLinkedRole(ctx, &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("batch.amazonaws.com")})
		}, []string{"iam:CreateServiceLinkedRole iam::0:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch iam:awsservicename=batch.amazonaws.com"}},

		{func() (any, error) {
			return batch.CreateComputeEnvironment(ctx, &sdkbatch.CreateComputeEnvironmentInput{ComputeEnvironmentName: aws.String("e"), Type: types.CETypeManaged,
				ServiceRole: aws.String("arn:aws:iam::000000000000:role/b"), Tags: owner,
				ComputeResources: &types.ComputeResource{Type: types.CRTypeEc2, MaxvCpus: aws.Int32(1), Subnets: []string{"s"}, InstanceRole: aws.String("i")}})
		}, []string{
			"batch:CreateComputeEnvironment batch:us-east-1:0:compute-environment/e", "batch:TagResource batch:us-east-1:0:compute-environment/e aws:requesttag/owner=me",
			"iam:PassRole iam::0:role/b iam:passedtoservice=batch.amazonaws.com", "iam:PassRole iam::0:role/p/r iam:passedtoservice=ec2.amazonaws.com",
		}},
		{func() (any, error) {
			return batch.UpdateJobQueue(ctx, &sdkbatch.UpdateJobQueueInput{JobQueue: aws.String("q"), ComputeEnvironmentOrder: []types.ComputeEnvironmentOrder{
				{Order: aws.Int32(1), ComputeEnvironment: aws.String("e")}, {Order: aws.Int32(2), ComputeEnvironment: aws.String("arn:aws:batch:us-east-1:000000000000:compute-environment/f")}}})
		}, []string{"batch:UpdateJobQueue batch:us-east-1:0:job-queue/q", "batch:UpdateJobQueue batch:us-east-1:0:compute-environment/e",
			"batch:UpdateJobQueue batch:us-east-1:0:compute-environment/f"}},
		{func() (any, error) {
			return batch.RegisterJobDefinition(ctx, &sdkbatch.RegisterJobDefinitionInput{JobDefinitionName: aws.String("d"), Type: types.JobDefinitionTypeContainer,
				ContainerProperties: &types.ContainerProperties{JobRoleArn: aws.String("arn:aws:iam::000000000000:role/j"), ExecutionRoleArn: aws.String("arn:aws:iam::000000000000:role/x")}})
		}, []string{"batch:RegisterJobDefinition batch:us-east-1:0:job-definition/d", "iam:PassRole iam::0:role/j iam:passedtoservice=ecs-tasks.amazonaws.com",
			"iam:PassRole iam::0:role/x iam:passedtoservice=ecs-tasks.amazonaws.com"}},
		{func() (any, error) {
			return batch.SubmitJob(ctx, &sdkbatch.SubmitJobInput{JobName: aws.String("j"), JobQueue: aws.String("q"), JobDefinition: aws.String("d:3"), Tags: owner})
		}, []string{"batch:SubmitJob batch:us-east-1:0:job-definition/d:3", "batch:SubmitJob batch:us-east-1:0:job-queue/q",
			"batch:TagResource batch:us-east-1:0:job/new aws:requesttag/owner=me"}},
		{func() (any, error) { return batch.DescribeJobQueues(ctx, &sdkbatch.DescribeJobQueuesInput{}) }, []string{"batch:DescribeJobQueues *"}},
		{func() (any, error) {
			return batch.TerminateJob(ctx, &sdkbatch.TerminateJobInput{JobId: aws.String("id"), Reason: aws.String("x")})
		}, []string{"batch:TerminateJob batch:us-east-1:0:job/id"}},

		{func() (any, error) {
			return repositories.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("images"), Tags: []ecrtypes.Tag{{Key: aws.String("owner"), Value: aws.String("me")}}})
		}, []string{"ecr:CreateRepository ecr:us-east-1:0:repository/images", "ecr:TagResource ecr:us-east-1:0:repository/images aws:requesttag/owner=me"}},
		{func() (any, error) {
			return repositories.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
		}, []string{"ecr:GetAuthorizationToken *"}},
		{func() (any, error) {
			return logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/g"), Tags: owner})
		}, []string{"logs:CreateLogGroup logs:us-east-1:0:log-group:/g:log-stream:", "logs:TagResource logs:us-east-1:0:log-group:/g:log-stream: aws:requesttag/owner=me"}},
		{func() (any, error) { return logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{}) },
			[]string{"logs:DescribeLogGroups logs:us-east-1:0:log-group::log-stream:"}},
	} {
		before := len(s.Calls())
		_, err := call.call()
		var got []string
		for _, c := range s.Calls()[before:] {
			for _, p := range c.Permissions {
				line := p.Action + " " + strings.ReplaceAll(strings.TrimPrefix(p.Resource, "arn:aws:"), "000000000000", "0")
				for _, key := range slices.Sorted(maps.Keys(p.Conditions)) {
					line += fmt.Sprintf(" %s=%s", key, p.Conditions[key])
				}
				got = append(got, line)
			}
		}
		if diff := cmp.Diff(call.want, got); diff != "" {
			t.Errorf("(error %v) what it needs (-want +got):\n%s", err, diff)
		}
	}
}

func TestRestrictedToAPolicy(t *testing.T) {
	s := newServer(t, local.Options{})
	ctx, buckets, groups := t.Context(), s3.NewFromConfig(s.Config()), cloudwatchlogs.NewFromConfig(s.Config())
	if err := s.Restrict([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:CreateBucket","Resource":"arn:aws:s3:::mine"},
		{"Effect":"Allow","Action":"logs:*","Resource":"arn:aws:logs:*:*:log-group:/mine:*"}]}`)); err != nil {
		t.Fatal(err)
	}
	for bucket, code := range map[string]string{"mine": "", "yours": "AccessDenied"} {
		_, err := buckets.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket})
		wantCode(t, err, code)
	}
	for group, code := range map[string]string{"/mine": "", "/yours": "AccessDeniedException"} {
		_, err := groups.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group})
		wantCode(t, err, code)
	}
	if err := s.Restrict([]byte("{")); err == nil {
		t.Error("what is no policy was taken")
	}
	if err := s.Restrict(nil); err != nil {
		t.Fatal(err)
	}
	_, err := buckets.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("yours")})
	wantCode(t, err, "")
}
