package provision

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/project"
)

// TestRunningJobsKeepTheirQueue changes the kind of compute while jobs run: their queue takes more jobs until the last has ended.
func TestRunningJobsKeepTheirQueue(t *testing.T) {
	a, s := embedded(t, func(o *local.Options) { o.Runner = endless{} }), testSpec(t)
	was := deployed(t, a, s)
	submit := func(name string) string {
		return *must(t, a.batch.SubmitJob, &batch.SubmitJobInput{JobName: &name, JobQueue: &was.Queue, JobDefinition: &s.Name}).JobId
	}
	first := submit("first")
	now := mustApply(t, a, ofKind(t, project.Fargate))
	if now.Queue == was.Queue {
		t.Fatal("the queue is the same")
	}
	for range 2 { // nor does another provision take it away
		mustApply(t, a, ofKind(t, project.Fargate))
		late := submit("late")
		jobs := must(t, a.batch.DescribeJobs, &batch.DescribeJobsInput{Jobs: []string{first, late}}).Jobs
		for _, j := range jobs {
			if j.Status != batchtypes.JobStatusRunning {
				t.Errorf("job %s is %s", *j.JobName, j.Status)
			}
		}
		must(t, a.batch.TerminateJob, &batch.TerminateJobInput{JobId: &late, Reason: aws.String("next")})
	}
	a.mutations()
	mustApply(t, a, ofKind(t, project.Fargate))
	if calls := a.mutations(); len(calls) > 0 {
		t.Errorf("while a job runs: %v", calls)
	}
	pruned := func() []string {
		found, err := FindRubbish(t.Context(), a.Clients, ofKind(t, project.Fargate), nil, time.Now())
		if calls := a.mutations(); err != nil || len(calls) > 0 {
			t.Fatalf("looking made %v, %v", calls, err)
		}
		if err := Prune(t.Context(), a.Clients, ofKind(t, project.Fargate), found, &steps{}); err != nil {
			t.Fatal(err)
		}
		return states(found.Retired)
	}
	if found := pruned(); len(found) > 0 || !slices.Contains(whatIsLeft(t, a), lastPart(was.Queue)) {
		t.Errorf("while a job runs prune removed %v", found)
	}
	must(t, a.batch.TerminateJob, &batch.TerminateJobInput{JobId: &first, Reason: aws.String("end")})
	a.mutations()
	want := []string{"compute environment " + lastPart(was.Environments[0]) + ": retired", "job queue " + lastPart(was.Queue) + ": retired"}
	if diff := cmp.Diff(want, pruned()); diff != "" {
		t.Errorf("prune found (-want +got):\n%s", diff)
	}
	if left := whatIsLeft(t, a); slices.Contains(left, lastPart(was.Queue)) || slices.Contains(left, lastPart(was.Environments[0])) || !slices.Contains(left, lastPart(now.Queue)) {
		t.Errorf("prune left %v", left)
	}
}

// TestPruneLeavesWhatHasNotRetired finds an old queue and a new one after a change that was interrupted: which one the settings want, provision decides.
func TestPruneLeavesWhatHasNotRetired(t *testing.T) {
	a, s := embedded(t), ofKind(t, project.Fargate)
	mustApply(t, a, testSpec(t))
	a.mu.Lock()
	a.before = func(call string) error {
		if call == "Batch.TagResource" {
			return errKilled
		}
		return nil
	}
	a.mu.Unlock()
	if _, err := Apply(t.Context(), a.Clients, s, &steps{}); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	a.revive()
	found, err := FindRubbish(t.Context(), a.Clients, s, nil, time.Now())
	if err != nil || !found.Empty() {
		t.Errorf("found %+v, %v", found, err)
	}
}

// TestAnEnvironmentStaysWhileJobsRunOnIt takes the spot instances out of a queue whose job runs on one.
func TestAnEnvironmentStaysWhileJobsRunOnIt(t *testing.T) {
	for _, kinds := range [][2]string{{project.Spot, project.EC2}, {project.FargateSpot, project.Fargate}} {
		t.Run(kinds[0], func(t *testing.T) {
			a, s := embedded(t, func(o *local.Options) { o.Runner = endless{} }), ofKind(t, kinds[1])
			was := deployed(t, a, ofKind(t, kinds[0]))
			in := &batch.SubmitJobInput{JobName: aws.String("a"), JobQueue: &was.Queue, JobDefinition: &s.Name}
			job := must(t, a.batch.SubmitJob, in).JobId
			mustApply(t, a, s)
			mustApply(t, a, s)
			old := lastPart(was.Environments[0])
			if !slices.Contains(whatIsLeft(t, a), old) {
				t.Fatal("the environment went while a job ran on it")
			}
			must(t, a.batch.TerminateJob, &batch.TerminateJobInput{JobId: job, Reason: aws.String("end")})
			mustApply(t, a, s)
			if left := whatIsLeft(t, a); slices.Contains(left, old) {
				t.Errorf("left %v", left)
			}
		})
	}
}

// TestStacksOfEarlierVersions had names without a hash. They go on, until something has to be replaced.
func TestStacksOfEarlierVersions(t *testing.T) {
	a, s := embedded(t), testSpec(t)
	fresh := mustApply(t, a, s)
	env := must(t, a.batch.DescribeComputeEnvironments, &batch.DescribeComputeEnvironmentsInput{}).ComputeEnvironments[0]
	if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{}, &steps{}); err != nil {
		t.Fatal(err)
	}
	mustApply(t, a, ofKind(t, project.Fargate)) // all but where jobs run
	p, inst := s.instanceRole(a.Clients, account{ID: fresh.Account, Partition: "aws"}), profile{a.Clients, s}
	for _, r := range []resource{p, inst} {
		if _, err := converge(t.Context(), r, &steps{}); err != nil {
			t.Fatal(err)
		}
	}
	made := must(t, a.batch.CreateComputeEnvironment, &batch.CreateComputeEnvironmentInput{ComputeEnvironmentName: &s.Name, Type: batchtypes.CETypeManaged,
		ServiceRole: env.ServiceRole, ComputeResources: env.ComputeResources, Tags: s.Tags()})
	if _, err := (environment{Clients: a.Clients, name: s.Name}).wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	must(t, a.batch.CreateJobQueue, &batch.CreateJobQueueInput{JobQueueName: &s.Name, Priority: aws.Int32(1), Tags: s.Tags(),
		ComputeEnvironmentOrder: []batchtypes.ComputeEnvironmentOrder{{Order: aws.Int32(1), ComputeEnvironment: made.ComputeEnvironmentArn}}})
	mustApply(t, a, s)
	res := mustApply(t, a, s)
	mustApply(t, a, s)
	if lastPart(res.Queue) != s.Name || lastPart(res.Environments[0]) != s.Name {
		t.Errorf("it goes on with %s on %v", res.Queue, res.Environments)
	}
	a.mutations()
	s.Compute.MaxVCPUs = 64
	mustApply(t, a, s)
	if diff := cmp.Diff([]string{"Batch.UpdateComputeEnvironment"}, a.mutations()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	arm := testSpec(t, func(p *project.Project) { p.Settings.Image.Platform = project.ARM64 })
	res = mustApply(t, a, arm)
	mustApply(t, a, arm)
	mustApply(t, a, arm)
	want := []string{lastPart(res.Environments[0]), lastPart(res.Queue)}
	got := slices.DeleteFunc(whatIsLeft(t, a), func(name string) bool { return !strings.HasPrefix(name, s.Name) || strings.Contains(name, testRegion) })
	if diff := cmp.Diff(want, got); diff != "" || slices.Contains(got, s.Name) {
		t.Errorf("after a change of the architecture (-want +got):\n%s", diff)
	}
}

// TestServiceRoleOfTheSettings lets Batch update no instances: another environment takes the place of the one that differs.
func TestServiceRoleOfTheSettings(t *testing.T) {
	a := embedded(t)
	theirs := batchRole(t, a)
	with := func(types ...string) Spec {
		return testSpec(t, func(p *project.Project) {
			p.Settings.AWS.ServiceRole, p.Settings.Compute.InstanceTypes = lastPart(theirs), types
		})
	}
	was := mustApply(t, a, with("m6i"))
	changes := mustDiff(t, a, with("m7i"))
	if len(changes) != 2 || changes[0].Action != ActionReplace || changes[0].Replaces != lastPart(was.Environments[0]) ||
		!slices.Contains(changes[0].Attributes, Attribute{"instance_types", "m6i", "m7i", true}) || changes[1].Kind != KindQueue {
		t.Errorf("difference %+v", changes)
	}
	now := mustApply(t, a, with("m7i"))
	if now.Queue != was.Queue || now.Environments[0] == was.Environments[0] || lastPart(now.Environments[0]) != changes[0].Name {
		t.Errorf("queue %s on %v, it was %s on %v", now.Queue, now.Environments, was.Queue, was.Environments)
	}
	back := mustApply(t, a, with("m6i"))
	if back.Environments[0] != was.Environments[0] {
		t.Errorf("what had retired was not taken back: %v", back.Environments)
	}
	env := must(t, a.batch.DescribeComputeEnvironments, &batch.DescribeComputeEnvironmentsInput{ComputeEnvironments: back.Environments}).ComputeEnvironments[0]
	if env.State != batchtypes.CEStateEnabled || isRetired(env.Tags) {
		t.Errorf("it is %s, tags %v", env.State, env.Tags)
	}
}

// batchRole is a role that Batch may take, and gives its ARN.
func batchRole(t *testing.T, a *testAWS) string {
	t.Helper()
	trust := newPolicy(statement{Effect: "Allow", Principal: map[string]string{"Service": batchService}, Action: []string{"sts:AssumeRole"}})
	return *must(t, a.iam.CreateRole, &iam.CreateRoleInput{RoleName: aws.String("their-batch"), AssumeRolePolicyDocument: aws.String(trust.String())}).Role.Arn
}
