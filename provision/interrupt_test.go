package provision

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

// everything is what an account has, whoever made it, with all that a stack could change of it.
func everything(t *testing.T, a *testAWS) map[string]any {
	t.Helper()
	all := a.batchOf(t, func(map[string]string) bool { return true })
	for _, r := range must(t, a.iam.ListRoles, &iam.ListRolesInput{}).Roles {
		if *r.RoleName == "AWSServiceRoleForBatch" { // which is the account's
			continue
		}
		role := map[string]any{"trust": document(t, unescape(r.AssumeRolePolicyDocument))}
		role["tags"] = iamTags(must(t, a.iam.GetRole, &iam.GetRoleInput{RoleName: r.RoleName}).Role.Tags)
		for _, name := range must(t, a.iam.ListRolePolicies, &iam.ListRolePoliciesInput{RoleName: r.RoleName}).PolicyNames {
			policy := must(t, a.iam.GetRolePolicy, &iam.GetRolePolicyInput{RoleName: r.RoleName, PolicyName: &name})
			role["policy "+name] = document(t, unescape(policy.PolicyDocument))
		}
		all["role "+*r.RoleName] = role
	}
	for _, p := range must(t, a.iam.ListInstanceProfiles, &iam.ListInstanceProfilesInput{}).InstanceProfiles {
		all["instance profile "+*p.InstanceProfileName] = a.profilePicture(t, *p.InstanceProfileName)
	}
	for _, l := range must(t, a.ec2.DescribeLaunchTemplates, &ec2.DescribeLaunchTemplatesInput{}).LaunchTemplates {
		versions := must(t, a.ec2.DescribeLaunchTemplateVersions, &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: l.LaunchTemplateId}).LaunchTemplateVersions
		all["launch template "+*l.LaunchTemplateName] = []any{ec2Tags(l.Tags), len(versions), versions[0].LaunchTemplateData}
	}
	for _, b := range must(t, a.s3.ListBuckets, &s3.ListBucketsInput{}).Buckets {
		is := bucket{Clients: a.Clients, spec: Spec{Bucket: *b.Name}}
		tags, err := is.tags(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rules := map[string]any{"tags": tags}
		for _, r := range is.rules() {
			if rules[r.what], err = r.is(t.Context()); err != nil && !unset(err) {
				t.Fatal(err)
			}
		}
		all["bucket "+*b.Name] = rules
	}
	for _, r := range must(t, a.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{}).Repositories {
		is := repository{Clients: a.Clients, spec: Spec{Repository: *r.RepositoryName}}
		changes, err := is.drift(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		all["repository "+*r.RepositoryName] = []any{r.ImageScanningConfiguration, len(changes),
			must(t, a.ecr.ListTagsForResource, &ecr.ListTagsForResourceInput{ResourceArn: r.RepositoryArn}).Tags}
	}
	for _, g := range must(t, a.logs.DescribeLogGroups, &cloudwatchlogs.DescribeLogGroupsInput{}).LogGroups {
		arn := groupARN(g)
		all["log group "+*g.LogGroupName] = []any{g.RetentionInDays, must(t, a.logs.ListTagsForResource, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &arn}).Tags}
	}
	return all
}

// rest applies a spec until another time changes nothing and finds no difference: within so many times.
func rest(t *testing.T, a *testAWS, s Spec, times int) error {
	t.Helper()
	a.mutations()
	for range times {
		if _, err := Apply(t.Context(), a.Clients, s, &steps{}); err != nil {
			return err
		}
		if len(a.mutations()) == 0 {
			changes, err := Diff(t.Context(), a.Clients, s, &steps{})
			if len(changes) > 0 {
				t.Errorf("difference at rest: %+v", changes)
			}
			return err
		}
	}
	return fmt.Errorf("applied %d times it still changes something", times)
}

// theirHash ends the names of the roles of theirStack.
const theirHash = "8f5fcda4"

// scenario is a stack as a team may want it, and as it wants it later.
type scenario struct {
	name            string
	prepare         func(*testing.T, *testAWS) // what others have made; nil: nothing
	settings, later func(*project.Project)
}

func ofType(kind string) func(*project.Project) {
	return func(p *project.Project) { p.Settings.Compute.Type = kind }
}

// scenarios are every kind of compute, and every resource that settings can name.
func scenarios(subnets, groups []string) []scenario {
	return []scenario{
		{name: "EC2", settings: ofType(project.EC2), later: func(p *project.Project) {
			p.Settings.Compute.MaxVCPUs, p.Settings.Compute.InstanceTypes, p.Settings.KeepDays = 64, []string{"m7i"}, 90
			p.Settings.Job.Secrets = map[string]string{"TOKEN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:token-AbCdEf"}
		}},
		{name: "SPOT", settings: ofType(project.Spot), later: ofType(project.EC2)},
		{name: "FARGATE", settings: ofType(project.Fargate), later: ofType(project.FargateSpot)},
		{name: "FARGATE_SPOT", settings: ofType(project.FargateSpot), later: ofType(project.Spot)},
		{name: "GPU", settings: func(p *project.Project) { p.Settings.Compute.InstanceTypes = []string{"g5.xlarge"} },
			later: func(p *project.Project) { p.Settings.Compute.InstanceTypes = []string{"g6.xlarge", "g6.12xlarge"} }},
		{name: "GPU to FARGATE", settings: func(p *project.Project) { p.Settings.Compute.InstanceTypes = []string{"g5.xlarge"} },
			later: func(p *project.Project) {
				p.Settings.Compute = project.ComputeSettings{Type: project.Fargate, MaxVCPUs: 16}
			}},
		{name: "EC2 with a disk", settings: func(p *project.Project) { p.Settings.Compute.DiskSize = 100 },
			later: func(p *project.Project) { p.Settings.Compute.Type, p.Settings.Compute.DiskSize = project.Spot, 200 }},
		{name: "SPOT with a disk to FARGATE", settings: func(p *project.Project) { p.Settings.Compute.Type, p.Settings.Compute.DiskSize = project.Spot, 100 },
			later: func(p *project.Project) {
				p.Settings.Compute = project.ComputeSettings{Type: project.Fargate, MaxVCPUs: 16}
			}},
		{name: "disk, and service role of others", prepare: theirStack, settings: func(p *project.Project) {
			p.Settings.AWS.ServiceRole, p.Settings.Compute.DiskSize = "their-batch", 100
		}, later: func(p *project.Project) { p.Settings.Compute.DiskSize = 0 }},
		{name: "arm64", settings: func(p *project.Project) { p.Settings.Image.Platform = project.ARM64 },
			later: func(p *project.Project) { p.Settings.Image.Platform = project.AMD64 }},
		{name: "tags", settings: tagged(map[string]string{"team": "data", "cost-center": "4711", "Owner": "a"}),
			later: tagged(map[string]string{"team": "ml", "owner": "a", "Cost Center": "4711"})},
		{name: "bucket, repository, roles, log group and queue of others", prepare: theirStack, settings: func(p *project.Project) {
			p.Settings.Bucket, p.Settings.Image.Repository = "theirs-bucket", "theirs"
			p.Settings.AWS.JobRole = "kedro-theirs-aws-batch-eu-west-1-job-" + theirHash
			p.Settings.AWS.ExecutionRole = p.Settings.AWS.JobRole
			p.Settings.Compute.Queue, p.Settings.AWS.LogGroup = "kedro-theirs-aws-batch-2a60e727", "/company/jobs"
		}, later: func(p *project.Project) { p.Settings.Compute.Queue = "" }},
		{name: "bucket of others with a key", prepare: theirStack, settings: func(p *project.Project) { p.Settings.Bucket = "theirs-bucket" },
			later: func(p *project.Project) { p.Settings.KeepDays = 90 }},
		{name: "environment of others, and a prefix", prepare: theirStack, settings: func(p *project.Project) {
			p.Settings.Compute.Environment, p.Settings.AWS.Prefix = "kedro-theirs-aws-batch-2a60e727", "acme-"
		}, later: func(p *project.Project) { p.Settings.Compute.Environment = "" }},
		{name: "execution role of others on FARGATE", prepare: theirStack, settings: func(p *project.Project) {
			p.Settings.Compute.Type, p.Settings.AWS.ExecutionRole = project.Fargate, "kedro-theirs-aws-batch-eu-west-1-job-"+theirHash
		}, later: func(p *project.Project) { p.Settings.AWS.ExecutionRole = "" }},
		{name: "profile of others", prepare: theirStack, settings: func(p *project.Project) {
			p.Settings.AWS.InstanceProfile = "kedro-theirs-aws-batch-eu-west-1-instance-" + theirHash
		}, later: func(p *project.Project) { p.Settings.AWS.InstanceProfile = "" }},
		{name: "profile, service role and network of others", prepare: theirStack, settings: func(p *project.Project) {
			p.Settings.AWS.InstanceProfile, p.Settings.AWS.ServiceRole = "kedro-theirs-aws-batch-eu-west-1-instance-"+theirHash, "their-batch"
			p.Settings.AWS.Subnets, p.Settings.AWS.SecurityGroups = subnets[:2], groups
		}, later: func(p *project.Project) {
			p.Settings.AWS.InstanceProfile, p.Settings.AWS.Subnets = "", subnets[:1]
		}},
	}
}

// Policies of AWS, for the start of tasks and for the instances that they run on.
const (
	startsTasks = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
	hostsTasks  = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
)

// allow puts a policy into a role.
func allow(t *testing.T, a *testAWS, role, name string, p policy) {
	t.Helper()
	must(t, a.iam.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: &role, PolicyName: &name, PolicyDocument: aws.String(p.String())})
}

// theirStack is that of another project, whose bucket has a key and no tags of a project.
func theirStack(t *testing.T, a *testAWS) {
	t.Helper()
	theirs := testSpec(t, func(p *project.Project) {
		p.Name, p.Settings.Bucket, p.Settings.Image.Repository = "Theirs", "theirs-bucket", "theirs"
	})
	mustApply(t, a, theirs)
	must(t, a.s3.DeleteBucketTagging, &s3.DeleteBucketTaggingInput{Bucket: &theirs.Bucket})
	must(t, a.s3.PutBucketEncryption, &s3.PutBucketEncryptionInput{Bucket: &theirs.Bucket, ServerSideEncryptionConfiguration: &s3types.ServerSideEncryptionConfiguration{
		Rules: []s3types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: &s3types.ServerSideEncryptionByDefault{
			SSEAlgorithm: s3types.ServerSideEncryptionAwsKms, KMSMasterKeyID: aws.String("arn:aws:kms:eu-west-1:000000000000:key/theirs")}}}}})
	for role, policy := range map[string]string{theirs.JobRole: startsTasks, theirs.InstanceRole: hostsTasks} {
		must(t, a.iam.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: aws.String(policy)})
	}
	s := Spec{Keys: []string{"arn:aws:kms:eu-west-1:000000000000:key/theirs"}}
	allow(t, a, theirs.JobRole, "key", newPolicy(s.useKeys(account{testAccount, "aws"})...))
	batchRole(t, a)
	must(t, a.logs.CreateLogGroup, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/company/jobs")})
}

// ofRoles are the roles and the profile that a spec needs. What it does not need any more stays until Destroy: job definitions of earlier deployments
// name it, and it costs nothing.
func ofRoles(s Spec) []string {
	var names []string
	if s.needsExecutionRole() && s.Existing.ExecutionRole == "" {
		names = append(names, KindRole+" "+s.ExecutionRole)
	}
	if s.ownEnvironments() && !s.onFargate() && s.Existing.InstanceProfile == "" {
		names = append(names, KindRole+" "+s.InstanceRole, KindInstanceProfile+" "+s.InstanceProfile)
	}
	return names
}

// phase is a part of what a stack goes through.
type phase struct {
	name   string
	start  func(*testing.T) *testAWS
	do     func(*testing.T, *testAWS) error
	wanted map[string]any // in the end
}

// TestEveryInterruptionEndsInTheWantedState ends what a stack goes through after a call that changes something, on a slow AWS, and does the same again.
// What others have made is as it was before, all along. Of each phase it tries 2 of the calls, or as many as KEDROCTL_TEST_KILLS says: all in make test-long.
func TestEveryInterruptionEndsInTheWantedState(t *testing.T) {
	kills, err := strconv.Atoi(cmp.Or(os.Getenv("KEDROCTL_TEST_KILLS"), "2"))
	if err != nil {
		t.Fatal(err)
	}
	var subnets, groups []string
	a := embedded(t)
	for _, s := range must(t, a.EC2.DescribeSubnets, &ec2.DescribeSubnetsInput{}).Subnets {
		subnets = append(subnets, *s.SubnetId)
	}
	for _, g := range must(t, a.EC2.DescribeSecurityGroups, &ec2.DescribeSecurityGroupsInput{}).SecurityGroups {
		groups = append(groups, *g.GroupId)
	}
	for i, sc := range scenarios(subnets, groups) {
		t.Run(sc.name, func(t *testing.T) {
			for j, p := range sc.phases(t) {
				t.Run(p.name, func(t *testing.T) {
					t.Parallel()
					p.interrupt(t, kills, 5*i+3*j)
				})
			}
		})
	}
}

func (sc scenario) phases(t *testing.T) []phase {
	const changes = 4 // to change, to remove what has retired, then what that had held, and to see that it is done
	s, later := testSpec(t, sc.settings), testSpec(t, sc.settings, sc.later)
	start := func(t *testing.T, with ...Spec) *testAWS {
		a := embedded(t, slowly(t))
		if sc.prepare != nil {
			sc.prepare(t, a)
		}
		for i, w := range with {
			if err := rest(t, a, w, 2+i*(changes-2)); err != nil {
				t.Fatal(err)
			}
		}
		return a
	}
	untouched, made, anew, changed := everything(t, start(t)), everything(t, start(t, s)), everything(t, start(t, later)), everything(t, start(t, s, later))
	for name, is := range untouched {
		if diff := gocmp.Diff(asJSON(t, []any{is, is, is}), asJSON(t, []any{made[name], anew[name], changed[name]})); diff != "" {
			t.Errorf("%s of others was changed:\n%s", name, diff)
		}
	}
	for _, name := range ofRoles(s) {
		if !slices.Contains(ofRoles(later), name) {
			anew[name] = made[name]
		}
	}
	if diff := gocmp.Diff(asJSON(t, anew), asJSON(t, changed)); diff != "" {
		t.Errorf("in the end (-made anew +changed):\n%s", diff)
	}
	apply := func(s Spec, times int) func(*testing.T, *testAWS) error {
		return func(t *testing.T, a *testAWS) error { return rest(t, a, s, times) }
	}
	return []phase{
		{"apply", func(t *testing.T) *testAWS { return start(t) }, apply(s, 2), made},
		{"change", func(t *testing.T) *testAWS { return start(t, s) }, apply(later, changes), changed},
		{"repair", func(t *testing.T) *testAWS { a := start(t, s); spoil(t, a, s); return a }, apply(s, 2), made},
		{"destroy", func(t *testing.T) *testAWS {
			a := start(t, s, later)
			mustRegister(t, a, later, mustApply(t, a, later), testImage)
			return a
		}, func(t *testing.T, a *testAWS) error {
			_, err := Destroy(t.Context(), a.Clients, later, DestroyOptions{Data: true}, &steps{})
			return err
		}, untouched},
	}
}

// interrupt ends a phase after some of its calls that change something, all along it: another shift tries others.
func (p phase) interrupt(t *testing.T, kills, shift int) {
	whole := p.start(t)
	count := whole.kill(math.MaxInt, true)
	if err := p.do(t, whole); err != nil {
		t.Fatal(err)
	}
	p.check(t, whole)
	calls := count()
	for i := range min(kills, calls) {
		n := 1 + (i*calls+shift%calls)/min(kills, calls)
		t.Run(fmt.Sprintf("after call %d of %d", n, calls), func(t *testing.T) {
			a := p.start(t)
			made := a.kill(n, true)
			if err := p.do(t, a); !errors.Is(err, errKilled) && (err != nil || made() >= n) {
				t.Errorf("it ended with %v", err)
			}
			a.revive()
			if err := p.do(t, a); err != nil {
				t.Errorf("again: %v", err)
			}
			p.check(t, a)
		})
	}
}

func (p phase) check(t *testing.T, a *testAWS) {
	t.Helper()
	if diff := gocmp.Diff(asJSON(t, p.wanted), asJSON(t, everything(t, a))); diff != "" {
		t.Errorf("in the end (-want +got):\n%s", diff)
	}
}

// spoil changes what others should leave alone.
func spoil(t *testing.T, a *testAWS, s Spec) {
	t.Helper()
	if len(s.OwnTags) > 0 {
		retagAll(t, a, s, map[string]string{"team": "others"}, "cost-center")
	}
	bucket, err := (bucket{Clients: a.Clients, spec: s}).tags(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.owns(bucket) {
		must(t, a.s3.DeleteBucketPolicy, &s3.DeleteBucketPolicyInput{Bucket: &s.Bucket})
		must(t, a.s3.DeleteBucketLifecycle, &s3.DeleteBucketLifecycleInput{Bucket: &s.Bucket})
		must(t, a.s3.DeletePublicAccessBlock, &s3.DeletePublicAccessBlockInput{Bucket: &s.Bucket})
	}
	if s.Repository != "theirs" {
		must(t, a.ecr.PutImageScanningConfiguration, &ecr.PutImageScanningConfigurationInput{RepositoryName: &s.Repository,
			ImageScanningConfiguration: &ecrtypes.ImageScanningConfiguration{}})
	}
	if s.Existing.JobRole == "" {
		must(t, a.iam.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: &s.JobRole, PolicyName: aws.String(policyName),
			PolicyDocument: aws.String(newPolicy(statement{Effect: "Allow", Action: []string{"s3:*"}, Resource: []string{"*"}}).String())})
		must(t, a.iam.UpdateAssumeRolePolicy, &iam.UpdateAssumeRolePolicyInput{RoleName: &s.JobRole, PolicyDocument: aws.String(trustInstances().String())})
	}
	if slices.Contains(ofRoles(s), KindInstanceProfile+" "+s.InstanceProfile) {
		must(t, a.iam.RemoveRoleFromInstanceProfile, &iam.RemoveRoleFromInstanceProfileInput{RoleName: &s.InstanceRole, InstanceProfileName: &s.InstanceProfile})
		must(t, a.iam.DeleteRolePolicy, &iam.DeleteRolePolicyInput{RoleName: &s.InstanceRole, PolicyName: aws.String(policyName)})
	}
	if s.Existing.LogGroup == "" {
		must(t, a.logs.PutRetentionPolicy, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &s.LogGroup, RetentionInDays: aws.Int32(1)})
	}
	if name := s.templateName(); name != "" {
		must(t, a.ec2.DeleteLaunchTemplate, &ec2.DeleteLaunchTemplateInput{LaunchTemplateName: &name})
	}
	if s.ownQueue() {
		must(t, a.batch.UpdateJobQueue, &batch.UpdateJobQueueInput{JobQueue: aws.String(s.queueName()), State: batchtypes.JQStateDisabled})
	}
	if s.ownEnvironments() {
		must(t, a.batch.UpdateComputeEnvironment, &batch.UpdateComputeEnvironmentInput{
			ComputeEnvironment: aws.String(s.environmentName(s.capacities()[0])), State: batchtypes.CEStateDisabled})
	}
}
