package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local"
	localbatch "github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/faults"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

const testImage = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/spaceflights-batch@sha256:3f9c02ab3f9c02ab3f9c02ab3f9c02ab3f9c02ab3f9c02ab3f9c02ab3f9c02ab"

// deployed is a whole stack with two revisions of the job definition, and objects in its bucket.
func deployed(t *testing.T, a *testAWS, s Spec) Resources {
	t.Helper()
	res := mustApply(t, a, s)
	mustRegister(t, a, s, res, testImage)
	mustRegister(t, a, s, res, strings.Replace(testImage, "3f9c", "0000", 1))
	for i := range 3 {
		must(t, a.s3.PutObject, &s3.PutObjectInput{Bucket: &s.Bucket, Key: aws.String(fmt.Sprintf("01_raw/%d.csv", i)), Body: strings.NewReader("a,b\n")})
	}
	return res
}

func mustRegister(t *testing.T, a *testAWS, s Spec, res Resources, image string) Definition {
	t.Helper()
	d, err := Register(t.Context(), a.Batch, s, res, image)
	if err != nil {
		t.Fatalf("register: %v", err)
	}
	return d
}

func TestStackComesAndGoesOnASlowAWS(t *testing.T) {
	a, s := embedded(t, slowly(t)), testSpec(t)
	deployed(t, a, s)
	gone, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{})
	if err != nil || len(gone.Kept) > 0 {
		t.Errorf("kept %v, %v", gone.Kept, err)
	}
}

func TestDestroyLeavesNothing(t *testing.T) {
	a, s := embedded(t), testSpec(t)
	deployed(t, a, s)
	gone, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{})
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, r := range gone.Removed {
		order = append(order, r.Kind)
	}
	want := []string{KindQueue, KindEnvironment, KindDefinition, KindInstanceProfile, KindRole, KindRole, KindLogGroup, KindRepository, KindBucket}
	if diff := cmp.Diff(want, order); diff != "" || gone.Kept != nil {
		t.Errorf("kept %v; removed (-want +got):\n%s", gone.Kept, diff)
	}
	if diff := cmp.Diff([]string{"AWSServiceRoleForBatch"}, whatIsLeft(t, a)); diff != "" {
		t.Errorf("left in the account (-want +got):\n%s", diff)
	}
}

// whatIsLeft lists all names in the account, INACTIVE job definitions aside.
func whatIsLeft(t *testing.T, a *testAWS) []string {
	t.Helper()
	var names []string
	add := func(name *string) { names = append(names, aws.ToString(name)) }
	for _, b := range must(t, a.s3.ListBuckets, &s3.ListBucketsInput{}).Buckets {
		add(b.Name)
	}
	for _, r := range must(t, a.iam.ListRoles, &iam.ListRolesInput{}).Roles {
		add(r.RoleName)
	}
	for _, e := range must(t, a.batch.DescribeComputeEnvironments, &batch.DescribeComputeEnvironmentsInput{}).ComputeEnvironments {
		add(e.ComputeEnvironmentName)
	}
	for _, q := range must(t, a.batch.DescribeJobQueues, &batch.DescribeJobQueuesInput{}).JobQueues {
		add(q.JobQueueName)
	}
	for _, l := range must(t, a.ec2.DescribeLaunchTemplates, nil).LaunchTemplates {
		add(l.LaunchTemplateName)
	}
	for _, d := range must(t, a.batch.DescribeJobDefinitions, &batch.DescribeJobDefinitionsInput{Status: aws.String("ACTIVE")}).JobDefinitions {
		add(d.JobDefinitionArn)
	}
	for _, g := range must(t, a.logs.DescribeLogGroups, nil).LogGroups {
		add(g.LogGroupName)
	}
	for _, r := range must(t, a.ecr.DescribeRepositories, nil).Repositories {
		add(r.RepositoryName)
	}
	return names
}

func TestDestroyKeepsDataUnlessAsked(t *testing.T) {
	a, s := embedded(t), testSpec(t)
	deployed(t, a, s)
	gone, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{}, &steps{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"bucket " + s.Bucket + ": kept", "repository " + s.Repository + ": kept"}, states(gone.Kept)); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	must(t, a.s3.HeadObject, &s3.HeadObjectInput{Bucket: &s.Bucket, Key: aws.String("01_raw/0.csv")})
	mustApply(t, a, s) // and the stack can come back
}

func TestInterruptedDestroyGoesOn(t *testing.T) {
	for _, kind := range []string{project.EC2, project.Spot, project.Fargate} {
		t.Run(kind, func(t *testing.T) { testInterruptedDestroy(t, ofKind(t, kind)) })
	}
}

// slowly has an AWS on which roles are not known everywhere at once, queues are DELETING for a minute, and environments remember those that they had.
func slowly(t *testing.T) func(*local.Options) {
	t.Helper()
	script, err := faults.Parse(strings.NewReader("lag roles=25s deleting=60s relation=30s"))
	if err != nil {
		t.Fatal(err)
	}
	return func(o *local.Options) { o.Faults = script }
}

func testInterruptedDestroy(t *testing.T, s Spec) {
	whole := embedded(t)
	deployed(t, whole, s)
	whole.mutations()
	if _, err := Destroy(t.Context(), whole.Clients, s, DestroyOptions{Data: true}, &steps{}); err != nil {
		t.Fatal(err)
	}
	eachInterruption(t, len(whole.mutations()), func(t *testing.T, n int, made bool) {
		a := embedded(t, slowly(t))
		deployed(t, a, s)
		a.kill(n, made)
		if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{}); !errors.Is(err, errKilled) {
			t.Fatalf("interrupted destroy: %v", err)
		}
		a.revive()
		if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"AWSServiceRoleForBatch"}, whatIsLeft(t, a)); diff != "" {
			t.Errorf("left in the account (-want +got):\n%s", diff)
		}
	})
}

func TestDestroyOfAPartlyMadeStack(t *testing.T) {
	s := testSpec(t)
	for n := 1; n < 19; n += 3 {
		a := embedded(t)
		a.kill(n, true)
		_, _ = Apply(t.Context(), a.Clients, s, &steps{})
		a.revive()
		if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{}); err != nil {
			t.Fatalf("after %d calls: %v", n, err)
		}
		if left := whatIsLeft(t, a); len(left) > 1 {
			t.Errorf("after %d calls, left: %v", n, left)
		}
	}
}

func TestWhatIsNotOursStays(t *testing.T) {
	a, s := embedded(t), testSpec(t)
	must(t, a.iam.CreateRole, &iam.CreateRoleInput{RoleName: &s.JobRole, AssumeRolePolicyDocument: aws.String(trustInstances().String())})
	other := testSpec(t, func(p *project.Project) {
		p.Env = "prod"
		p.Settings.Bucket, p.Settings.Image.Repository = "prod-bucket", "prod"
	})
	mustApply(t, a, other)
	before := picture(t, a, other)

	_, err := Apply(t.Context(), a.Clients, s, &steps{})
	if err == nil || !strings.Contains(err.Error(), "role "+s.JobRole+": it exists and is not tagged") || ui.Hint(err) == "" {
		t.Errorf("apply over a role of others: %v", err)
	}
	gone, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"role " + s.JobRole + ": kept"}, states(gone.Kept)); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	must(t, a.iam.GetRole, &iam.GetRoleInput{RoleName: &s.JobRole})
	if diff := cmp.Diff(before, picture(t, a, other)); diff != "" {
		t.Errorf("the other environment changed (-want +got):\n%s", diff)
	}
}

func TestBucketOfAnotherEnvironmentIsRefused(t *testing.T) {
	a := embedded(t)
	mustApply(t, a, testSpec(t, func(p *project.Project) { p.Env = "prod" }))
	_, err := Apply(t.Context(), a.Clients, testSpec(t), &steps{})
	if err == nil || !strings.Contains(err.Error(), "it belongs to project spaceflights, environment prod") || !strings.Contains(ui.Hint(err), "bucket") {
		t.Errorf("error %v, hint %q", err, ui.Hint(err))
	}
}

// endless is a job runner whose containers run until they are stopped.
type endless struct{}

func (endless) Start(_ localbatch.Attempt, e localbatch.Events) func() {
	e.Running()
	return func() { e.Done(localbatch.Exited(137)) }
}

func TestDestroyRefusesWhileJobsRun(t *testing.T) {
	a, s := embedded(t, func(o *local.Options) { o.Runner = endless{} }), testSpec(t)
	res := deployed(t, a, s)
	job := must(t, a.batch.SubmitJob, &batch.SubmitJobInput{JobName: aws.String("kedro-train"), JobQueue: &res.Queue, JobDefinition: &s.Name})
	a.mutations()

	_, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{})
	var unfinished *UnfinishedError
	if !errors.As(err, &unfinished) || !strings.Contains(err.Error(), "kedro-train") || ui.Hint(err) == "" {
		t.Fatalf("destroy while a job runs: %v", err)
	}
	if calls := a.mutations(); len(calls) > 0 {
		t.Errorf("it changed %v", calls)
	}
	if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true, Force: true}, &steps{}); err != nil {
		t.Fatalf("destroy by force: %v", err)
	}
	jobs, err := a.batch.DescribeJobs(context.Background(), &batch.DescribeJobsInput{Jobs: []string{*job.JobId}})
	if err != nil || jobs.Jobs[0].Status != batchtypes.JobStatusFailed {
		t.Errorf("the job is %v, %v", jobs, err)
	}
}

// TestDestroyEndsJobsInQueuesOfGroups leaves those of others there.
func TestDestroyEndsJobsInQueuesOfGroups(t *testing.T) {
	a := embedded(t, func(o *local.Options) { o.Runner = endless{} })
	theirs := testSpec(t, func(p *project.Project) {
		p.Name, p.Settings.Bucket, p.Settings.Image.Repository = "Theirs", "theirs-bucket", "theirs"
	})
	their := deployed(t, a, theirs)
	s := testSpec(t, func(p *project.Project) {
		p.Settings.Job.Groups = map[string]project.GroupSettings{"train": {Queue: lastPart(their.Queue)}}
	})
	deployed(t, a, s)
	submit := func(definition string) string {
		return *must(t, a.batch.SubmitJob, &batch.SubmitJobInput{JobName: aws.String("kedro-job"), JobQueue: &their.Queue, JobDefinition: &definition}).JobId
	}
	ours, others := submit(s.Name), submit(theirs.Name)
	var unfinished *UnfinishedError
	if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{}, &steps{}); !errors.As(err, &unfinished) || len(unfinished.Jobs) != 1 || unfinished.Jobs[0].ID != ours {
		t.Fatalf("destroy while a job runs: %v", err)
	}
	if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Force: true}, &steps{}); err != nil {
		t.Fatal(err)
	}
	for _, j := range must(t, a.batch.DescribeJobs, &batch.DescribeJobsInput{Jobs: []string{ours, others}}).Jobs {
		if ended := j.Status == batchtypes.JobStatusFailed; ended != (*j.JobId == ours) {
			t.Errorf("job %s of %s is %s", *j.JobId, *j.JobDefinition, j.Status)
		}
	}
}
