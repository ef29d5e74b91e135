package provision

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// picture is all configuration of a stack as AWS tells it, read call by call and without the code under test, as JSON.
func picture(t *testing.T, a *testAWS, s Spec) string {
	t.Helper()
	all := map[string]any{
		"bucket": a.bucketPicture(t, s), "repository": a.repositoryPicture(t, s), "log group": a.logPicture(t, s),
		"job role": a.rolePicture(t, s.JobRole),
	}
	if s.onFargate() {
		all["execution role"] = a.rolePicture(t, s.ExecutionRole)
	} else {
		all["instance role"], all["instance profile"] = a.rolePicture(t, s.InstanceRole), a.profilePicture(t, s.InstanceProfile)
	}
	maps.Copy(all, a.batchPicture(t, s))
	return asJSON(t, all)
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	var text bytes.Buffer
	if err := json.Indent(&text, compact(v), "", "  "); err != nil {
		t.Fatal(err)
	}
	return text.String() + "\n"
}

// must makes a call and gives its answer.
func must[In, Out, Opt any](t *testing.T, call func(context.Context, *In, ...func(*Opt)) (*Out, error), in *In) *Out {
	t.Helper()
	out, err := call(t.Context(), in)
	if err != nil {
		t.Fatalf("%T: %v", in, err)
	}
	return out
}

// document is a policy as a value.
func document(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}

func (a *testAWS) bucketPicture(t *testing.T, s Spec) map[string]any {
	t.Helper()
	access := must(t, a.s3.GetPublicAccessBlock, &s3.GetPublicAccessBlockInput{Bucket: &s.Bucket})
	encryption := must(t, a.s3.GetBucketEncryption, &s3.GetBucketEncryptionInput{Bucket: &s.Bucket})
	ownership := must(t, a.s3.GetBucketOwnershipControls, &s3.GetBucketOwnershipControlsInput{Bucket: &s.Bucket})
	policy := must(t, a.s3.GetBucketPolicy, &s3.GetBucketPolicyInput{Bucket: &s.Bucket})
	lifecycle := must(t, a.s3.GetBucketLifecycleConfiguration, &s3.GetBucketLifecycleConfigurationInput{Bucket: &s.Bucket})
	tagging := must(t, a.s3.GetBucketTagging, &s3.GetBucketTaggingInput{Bucket: &s.Bucket})
	tags := map[string]string{}
	for _, tag := range tagging.TagSet {
		tags[*tag.Key] = *tag.Value
	}
	return map[string]any{
		"access": access.PublicAccessBlockConfiguration, "ownership": ownership.OwnershipControls.Rules[0].ObjectOwnership, "tags": tags,
		"encryption": encryption.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm,
		"policy":     document(t, *policy.Policy), "lifecycle": lifecycle.Rules,
	}
}

func (a *testAWS) repositoryPicture(t *testing.T, s Spec) map[string]any {
	t.Helper()
	repo := must(t, a.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{s.Repository}}).Repositories[0]
	lifecycle := must(t, a.ecr.GetLifecyclePolicy, &ecr.GetLifecyclePolicyInput{RepositoryName: &s.Repository})
	tags := map[string]string{}
	for _, tag := range must(t, a.ecr.ListTagsForResource, &ecr.ListTagsForResourceInput{ResourceArn: repo.RepositoryArn}).Tags {
		tags[*tag.Key] = *tag.Value
	}
	return map[string]any{"scan on push": repo.ImageScanningConfiguration.ScanOnPush, "lifecycle": document(t, *lifecycle.LifecyclePolicyText), "tags": tags}
}

func (a *testAWS) logPicture(t *testing.T, s Spec) map[string]any {
	t.Helper()
	group := must(t, a.logs.DescribeLogGroups, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &s.LogGroup}).LogGroups[0]
	arn := groupARN(group)
	tags := must(t, a.logs.ListTagsForResource, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &arn}).Tags
	return map[string]any{"name": *group.LogGroupName, "days": *group.RetentionInDays, "tags": tags}
}

func (a *testAWS) rolePicture(t *testing.T, name string) map[string]any {
	t.Helper()
	role := must(t, a.iam.GetRole, &iam.GetRoleInput{RoleName: &name}).Role
	allowed := must(t, a.iam.GetRolePolicy, &iam.GetRolePolicyInput{RoleName: &name, PolicyName: aws.String(policyName)})
	return map[string]any{
		"arn": *role.Arn, "description": *role.Description, "tags": iamTags(role.Tags),
		"trust": document(t, unescape(role.AssumeRolePolicyDocument)), "policy": document(t, unescape(allowed.PolicyDocument)),
		"inline policies": must(t, a.iam.ListRolePolicies, &iam.ListRolePoliciesInput{RoleName: &name}).PolicyNames,
	}
}

func (a *testAWS) profilePicture(t *testing.T, name string) map[string]any {
	t.Helper()
	profile := must(t, a.iam.GetInstanceProfile, &iam.GetInstanceProfileInput{InstanceProfileName: &name}).InstanceProfile
	var roles []string
	for _, r := range profile.Roles {
		roles = append(roles, *r.RoleName)
	}
	return map[string]any{"arn": *profile.Arn, "roles": roles, "tags": iamTags(profile.Tags)}
}

// batchPicture has all queues and environments with the stack's tags, by name.
func (a *testAWS) batchPicture(t *testing.T, s Spec) map[string]any {
	t.Helper()
	return a.batchOf(t, s.owns)
}

// batchOf has the queues and environments with tags that are wanted.
func (a *testAWS) batchOf(t *testing.T, wanted func(tags map[string]string) bool) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, q := range must(t, a.batch.DescribeJobQueues, &batch.DescribeJobQueuesInput{}).JobQueues {
		if wanted(q.Tags) {
			all["job queue "+*q.JobQueueName] = map[string]any{"state": q.State, "status": q.Status, "priority": q.Priority,
				"order": q.ComputeEnvironmentOrder, "tags": q.Tags}
		}
	}
	for _, e := range must(t, a.batch.DescribeComputeEnvironments, &batch.DescribeComputeEnvironmentsInput{}).ComputeEnvironments {
		if wanted(e.Tags) {
			all["compute environment "+*e.ComputeEnvironmentName] = environmentPicture(e)
		}
	}
	return all
}

func environmentPicture(env batchtypes.ComputeEnvironmentDetail) map[string]any {
	r := env.ComputeResources
	slices.Sort(r.Subnets)
	return map[string]any{
		"type": env.Type, "state": env.State, "status": env.Status, "service role": env.ServiceRole, "tags": env.Tags,
		"resources": map[string]any{"type": r.Type, "strategy": r.AllocationStrategy, "min": r.MinvCpus, "max": r.MaxvCpus,
			"template": r.LaunchTemplate, "instance types": r.InstanceTypes, "instance role": r.InstanceRole, "subnets": r.Subnets, "groups": r.SecurityGroupIds, "tags": r.Tags},
	}
}
