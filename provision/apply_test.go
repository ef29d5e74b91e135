package provision

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/faults"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

func TestStackIsMadeOnce(t *testing.T) {
	a, s := embedded(t), testSpec(t)
	first := mustApply(t, a, s)
	golden(t, "stack.json", picture(t, a, s))
	golden(t, "resources.json", asJSON(t, first))
	a.mutations()
	second := mustApply(t, a, s)
	if calls := a.mutations(); len(calls) > 0 {
		t.Errorf("second apply made %v", calls)
	}
	for _, r := range second.All {
		if r.State != Unchanged && r.State != Existing {
			t.Errorf("%s is %s", r, r.State)
		}
	}
}

func TestPartsAreReadyBeforeTheWhole(t *testing.T) {
	a, s := embedded(t), testSpec(t)
	applying := Start(t.Context(), a.Clients, s, &steps{})
	repo, err := applying.Repository()
	if err != nil || !strings.HasSuffix(repo.URI, "/"+s.Repository) {
		t.Errorf("repository %+v, %v", repo, err)
	}
	if name, err := applying.Bucket(); name != s.Bucket || err != nil {
		t.Errorf("bucket %q, %v", name, err)
	}
	if got, err := applying.Definition(); err != nil || !strings.HasSuffix(got.JobRole, s.JobRole) {
		t.Errorf("job role %q, %v", got.JobRole, err)
	}
	if got, err := applying.Wait(); err != nil || got.Queue == "" {
		t.Errorf("queue %q, %v", got.Queue, err)
	}
}

func TestDriftIsRepaired(t *testing.T) {
	tests := map[string]struct {
		tamper  func(*testing.T, *testAWS, Spec)
		updated string
	}{
		"bucket policy": {func(t *testing.T, a *testAWS, s Spec) {
			must(t, a.s3.PutBucketPolicy, &s3.PutBucketPolicyInput{Bucket: &s.Bucket, Policy: aws.String(s.jobPolicyForAll())})
		}, KindBucket},
		"public access": {func(t *testing.T, a *testAWS, s Spec) {
			must(t, a.s3.PutPublicAccessBlock, &s3.PutPublicAccessBlockInput{Bucket: &s.Bucket,
				PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true), IgnorePublicAcls: aws.Bool(true),
					BlockPublicPolicy: aws.Bool(false), RestrictPublicBuckets: aws.Bool(false)}})
		}, KindBucket},
		"object ownership": {func(t *testing.T, a *testAWS, s Spec) {
			must(t, a.s3.PutBucketOwnershipControls, &s3.PutBucketOwnershipControlsInput{Bucket: &s.Bucket, OwnershipControls: &s3types.OwnershipControls{
				Rules: []s3types.OwnershipControlsRule{{ObjectOwnership: s3types.ObjectOwnershipObjectWriter}}}})
		}, KindBucket},
		"lifecycle rules": {func(t *testing.T, a *testAWS, s Spec) {
			must(t, a.s3.PutBucketLifecycleConfiguration, &s3.PutBucketLifecycleConfigurationInput{Bucket: &s.Bucket,
				LifecycleConfiguration: &s3types.BucketLifecycleConfiguration{Rules: []s3types.LifecycleRule{{ID: aws.String("all"), Status: s3types.ExpirationStatusEnabled,
					Filter: &s3types.LifecycleRuleFilter{Prefix: aws.String("")}, Expiration: &s3types.LifecycleExpiration{Days: aws.Int32(1)}}}}})
		}, KindBucket},
		"image scanning": {func(t *testing.T, a *testAWS, s Spec) {
			must(t, a.ecr.PutImageScanningConfiguration, &ecr.PutImageScanningConfigurationInput{RepositoryName: &s.Repository,
				ImageScanningConfiguration: &ecrtypes.ImageScanningConfiguration{}})
		}, KindRepository},
		"log retention": {func(t *testing.T, a *testAWS, s Spec) {
			must(t, a.logs.PutRetentionPolicy, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &s.LogGroup, RetentionInDays: aws.Int32(3653)})
		}, KindLogGroup},
		"job role's policy": {func(t *testing.T, a *testAWS, s Spec) {
			must(t, a.iam.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: &s.JobRole, PolicyName: aws.String(policyName),
				PolicyDocument: aws.String(newPolicy(statement{Effect: "Allow", Action: []string{"s3:*"}, Resource: []string{"*"}}).String())})
		}, KindRole},
		"job role's trust": {func(t *testing.T, a *testAWS, s Spec) {
			must(t, a.iam.UpdateAssumeRolePolicy, &iam.UpdateAssumeRolePolicyInput{RoleName: &s.JobRole, PolicyDocument: aws.String(trustInstances().String())})
		}, KindRole},
		"profile without role": {func(t *testing.T, a *testAWS, s Spec) {
			must(t, a.iam.RemoveRoleFromInstanceProfile, &iam.RemoveRoleFromInstanceProfileInput{RoleName: &s.InstanceRole, InstanceProfileName: &s.InstanceProfile})
		}, KindInstanceProfile},
		"environment disabled": {func(t *testing.T, a *testAWS, s Spec) {
			must(t, a.batch.UpdateComputeEnvironment, &batch.UpdateComputeEnvironmentInput{ComputeEnvironment: aws.String(s.environmentName(s.capacities()[0])), State: batchtypes.CEStateDisabled})
		}, KindEnvironment},
		"queue disabled": {func(t *testing.T, a *testAWS, s Spec) {
			must(t, a.batch.UpdateJobQueue, &batch.UpdateJobQueueInput{JobQueue: aws.String(s.queueName()), State: batchtypes.JQStateDisabled})
		}, KindQueue},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, s := embedded(t), testSpec(t)
			mustApply(t, a, s)
			want := picture(t, a, s)
			test.tamper(t, a, s)
			a.mutations()
			changes, err := Diff(t.Context(), a.Clients, s, &steps{})
			if err != nil || len(changes) != 1 || changes[0].Kind != test.updated || changes[0].Action != ActionUpdate || len(changes[0].Attributes) == 0 {
				t.Errorf("difference %+v, %v", changes, err)
			}
			if calls := a.mutations(); len(calls) > 0 {
				t.Errorf("to compare it made %v", calls)
			}
			res := mustApply(t, a, s)
			if changes, err := Diff(t.Context(), a.Clients, s, &steps{}); err != nil || len(changes) > 0 {
				t.Errorf("difference after repair %+v, %v", changes, err)
			}
			if diff := cmp.Diff(want, picture(t, a, s)); diff != "" {
				t.Errorf("stack after repair (-want +got):\n%s", diff)
			}
			for _, r := range res.All {
				if r.State == Updated && r.Kind != test.updated {
					t.Errorf("%s is %s too", r, r.State)
				}
			}
		})
	}
}

// jobPolicyForAll is a bucket policy that nobody should have.
func (s Spec) jobPolicyForAll() string {
	return newPolicy(statement{Effect: "Allow", Principal: map[string]string{"AWS": "123456789012"}, Action: []string{"s3:GetObject"},
		Resource: []string{"arn:aws:s3:::" + s.Bucket + "/*"}}).String()
}

func TestSettingsChangeTheStack(t *testing.T) {
	a := embedded(t)
	mustApply(t, a, testSpec(t))
	res := mustApply(t, a, testSpec(t, func(p *project.Project) {
		p.Settings.KeepDays = 90
		p.Settings.Compute.MaxVCPUs = 64
		p.Settings.Access.Read = []string{"company-lake/raw/"}
		p.Settings.Job.Secrets = map[string]string{"TOKEN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:token-AbCdEf"}
	}))
	want := []string{
		"bucket kedro-spaceflights-3f9c02ab: updated",
		"compute environment kedro-spaceflights-aws-batch-2a60e727: updated",
		"instance profile kedro-spaceflights-aws-batch-eu-west-1-instance-d0fe1247: unchanged",
		"job queue kedro-spaceflights-aws-batch-2a60e727: unchanged",
		"log group /kedroctl/spaceflights/aws-batch: updated",
		"repository spaceflights-batch: updated",
		"role kedro-spaceflights-aws-batch-eu-west-1-exec-d0fe1247: created",
		"role kedro-spaceflights-aws-batch-eu-west-1-instance-d0fe1247: unchanged",
		"role kedro-spaceflights-aws-batch-eu-west-1-job-d0fe1247: updated",
		"service role batch.amazonaws.com: unchanged",
	}
	got := slices.DeleteFunc(states(res.All), func(s string) bool { return strings.HasPrefix(s, KindNetwork) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestInterruptedApplyGoesOn(t *testing.T) {
	for _, kind := range []string{project.EC2, project.Spot, project.Fargate} {
		t.Run(kind, func(t *testing.T) { testInterruptedApply(t, ofKind(t, kind)) })
	}
}

func testInterruptedApply(t *testing.T, s Spec) {
	whole := embedded(t)
	mustApply(t, whole, s)
	want := picture(t, whole, s)
	eachInterruption(t, len(whole.mutations()), func(t *testing.T, n int, made bool) {
		a := embedded(t)
		a.kill(n, made)
		if _, err := Apply(t.Context(), a.Clients, s, &steps{}); !errors.Is(err, errKilled) {
			t.Fatalf("interrupted apply: %v", err)
		}
		a.revive()
		mustApply(t, a, s)
		if diff := cmp.Diff(want, picture(t, a, s)); diff != "" {
			t.Errorf("stack (-want +got):\n%s", diff)
		}
		a.mutations()
		mustApply(t, a, s)
		if calls := a.mutations(); len(calls) > 0 {
			t.Errorf("third apply made %v", calls)
		}
	})
}

// eachInterruption tests an end at each of the calls that change something, before it is made and after.
func eachInterruption(t *testing.T, calls int, test func(t *testing.T, n int, made bool)) {
	t.Helper()
	for n := 1; n <= calls; n++ {
		for _, made := range []bool{false, true} {
			t.Run(fmt.Sprintf("at call %d, made %v", n, made), func(t *testing.T) {
				t.Parallel()
				test(t, n, made)
			})
		}
	}
}

func TestWhatSettingsNameIsUsedAsItIs(t *testing.T) {
	a := embedded(t)
	their, s := borrowed(t, a)
	res := mustApply(t, a, s)
	if diff := cmp.Diff([]string{"CloudWatch Logs.CreateLogGroup", "CloudWatch Logs.PutRetentionPolicy"}, a.mutations()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if res.ExecutionRole != their.JobRole || res.JobRole != their.JobRole || res.Queue != their.Queue || res.Repository.URI != their.Repository.URI {
		t.Errorf("resources %+v, want those of %+v", res, their)
	}
	gone, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"CloudWatch Logs.DeleteLogGroup"}, a.mutations()); diff != "" {
		t.Errorf("calls of destroy (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"bucket theirs-bucket: kept", "repository theirs: kept"}, states(gone.Kept)); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

// borrowed makes the stack of another project, and gives the spec of one that uses its bucket, repository, job role and queue.
func borrowed(t *testing.T, a *testAWS) (Resources, Spec) {
	t.Helper()
	theirs := testSpec(t, func(p *project.Project) {
		p.Name, p.Settings.Bucket, p.Settings.Image.Repository = "Theirs", "theirs-bucket", "theirs"
	})
	their := mustApply(t, a, theirs)
	must(t, a.s3.DeleteBucketTagging, &s3.DeleteBucketTaggingInput{Bucket: &theirs.Bucket})
	ours := testSpec(t, func(p *project.Project) {
		p.Settings.Bucket, p.Settings.Image.Repository = theirs.Bucket, theirs.Repository
		p.Settings.AWS = project.AWSSettings{JobRole: lastPart(their.JobRole), ExecutionRole: their.JobRole}
		p.Settings.Compute.Queue = lastPart(their.Queue)
	})
	allow(t, a, theirs.JobRole, "start", ours.executionPolicy(account{their.Account, "aws"}))
	a.mutations()
	return their, ours
}

func TestExistingProfileSubnetsAndServiceRole(t *testing.T) {
	a := embedded(t)
	their := mustApply(t, a, testSpec(t, func(p *project.Project) { p.Name = "Theirs"; p.Settings.Bucket = "theirs-bucket" }))
	role := batchRole(t, a)
	must(t, a.iam.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: aws.String(lastPart(their.InstanceProfile)), PolicyArn: aws.String(hostsTasks)})
	env := must(t, a.batch.DescribeComputeEnvironments, &batch.DescribeComputeEnvironmentsInput{}).ComputeEnvironments[0]
	s := testSpec(t, func(p *project.Project) {
		p.Settings.Image.Repository = "ours"
		p.Settings.AWS = project.AWSSettings{InstanceProfile: lastPart(their.InstanceProfile), ServiceRole: role,
			Subnets: env.ComputeResources.Subnets[:1], SecurityGroups: env.ComputeResources.SecurityGroupIds}
	})
	res := mustApply(t, a, s)
	ours := must(t, a.batch.DescribeComputeEnvironments, &batch.DescribeComputeEnvironmentsInput{ComputeEnvironments: res.Environments}).ComputeEnvironments[0]
	r := ours.ComputeResources
	got := []string{res.InstanceProfile, *ours.ServiceRole, strings.Join(r.Subnets, " "), strings.Join(r.SecurityGroupIds, " ")}
	want := []string{their.InstanceProfile, role, env.ComputeResources.Subnets[0], strings.Join(env.ComputeResources.SecurityGroupIds, " ")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("profile, service role, subnets, groups (-want +got):\n%s", diff)
	}
}

func TestApplyRefuses(t *testing.T) {
	tests := map[string]struct {
		faults     string // a line of a fault script
		settings   func(*project.Project)
		want, hint string
	}{
		"no default VPC":        {faults: "no-default-vpc", want: "no default VPC", hint: "subnets and security_groups"},
		"roles are forbidden":   {faults: "deny iam:CreateRole", want: "iam:CreateRole is not allowed", hint: "job_role, instance_profile"},
		"bucket is forbidden":   {faults: "deny s3:CreateBucket", want: "bucket kedro-spaceflights-3f9c02ab: create: s3:CreateBucket is not allowed", hint: "ask for s3:CreateBucket"},
		"bucket of others":      {faults: "foreign kedro-spaceflights-3f9c02ab", want: "bucket kedro-spaceflights-3f9c02ab: it is owned by another account", hint: "set another bucket"},
		"subnets do not exist":  {settings: func(p *project.Project) { p.Settings.AWS.Subnets = []string{"subnet-0123456789abcdef0"} }, want: "subnet-0123456789abcdef0", hint: "correct subnets"},
		"job role is not there": {settings: func(p *project.Project) { p.Settings.AWS.JobRole = "nobody" }, want: "role nobody: there is no such resource", hint: "aws.job_role"},
		"profile is not there":  {settings: func(p *project.Project) { p.Settings.AWS.InstanceProfile = "none" }, want: "instance profile none: there is no such resource", hint: "aws.instance_profile"},
		"queue is not there":    {settings: func(p *project.Project) { p.Settings.Compute.Queue = "nowhere" }, want: "job queue nowhere: there is no such resource", hint: "compute.queue"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			script, err := faults.Parse(strings.NewReader(test.faults))
			if err != nil {
				t.Fatal(err)
			}
			var settings []func(*project.Project)
			if test.settings != nil {
				settings = append(settings, test.settings)
			}
			a := embedded(t, func(o *local.Options) { o.Faults = script })
			_, err = Apply(t.Context(), a.Clients, testSpec(t, settings...), &steps{})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(ui.Hint(err), test.hint) {
				t.Errorf("error %v\nhint %q\nwant %q, %q", err, ui.Hint(err), test.want, test.hint)
			}
		})
	}
}
