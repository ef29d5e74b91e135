package provision

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

func ofKind(t *testing.T, kind string) Spec {
	t.Helper()
	return testSpec(t, func(p *project.Project) { p.Settings.Compute.Type = kind })
}

// capacityOf tells what a queue tries, in order, and the roles in the account.
func capacityOf(t *testing.T, a *testAWS, s Spec) (tries, roles []string) {
	t.Helper()
	q := must(t, a.batch.DescribeJobQueues, &batch.DescribeJobQueuesInput{JobQueues: []string{s.queueName()}}).JobQueues[0]
	for _, arn := range inOrder(q) {
		e := must(t, a.batch.DescribeComputeEnvironments, &batch.DescribeComputeEnvironmentsInput{ComputeEnvironments: []string{arn}}).ComputeEnvironments[0]
		r := e.ComputeResources
		if e.Status != batchtypes.CEStatusValid || aws.ToInt32(r.MaxvCpus) != 16 || aws.ToString(r.SpotIamFleetRole) != "" {
			t.Errorf("%s is %s, %d vCPUs, fleet role %q", aws.ToString(e.ComputeEnvironmentName), e.Status, aws.ToInt32(r.MaxvCpus), aws.ToString(r.SpotIamFleetRole))
		}
		tries = append(tries, strings.TrimRight(strings.Join([]string{string(r.Type), string(r.AllocationStrategy), strings.Join(r.InstanceTypes, ",")}, " "), " "))
	}
	for _, name := range whatIsLeft(t, a) {
		for use, role := range map[string]string{"job": s.JobRole, "execution": s.ExecutionRole, "instance": s.InstanceRole} {
			if name == role {
				roles = append(roles, use)
			}
		}
	}
	slices.Sort(roles)
	return tries, roles
}

func TestKindsComeAndGo(t *testing.T) {
	for name, want := range map[string]struct {
		settings     func(*project.Project)
		tries, roles []string
	}{
		project.EC2:         {ofType(project.EC2), []string{"EC2 BEST_FIT_PROGRESSIVE optimal"}, []string{"instance", "job"}},
		project.Spot:        {ofType(project.Spot), []string{"SPOT SPOT_PRICE_CAPACITY_OPTIMIZED optimal", "EC2 BEST_FIT_PROGRESSIVE optimal"}, []string{"instance", "job"}},
		project.Fargate:     {ofType(project.Fargate), []string{"FARGATE"}, []string{"execution", "job"}},
		project.FargateSpot: {ofType(project.FargateSpot), []string{"FARGATE_SPOT"}, []string{"execution", "job"}},
		"GPU": {func(p *project.Project) {
			p.Settings.Compute.InstanceTypes, p.Settings.Job.GPUs = []string{"g5.xlarge", "g6"}, 1
		}, []string{"EC2 BEST_FIT_PROGRESSIVE g5.xlarge,g6"}, []string{"instance", "job"}},
		"arm64": {func(p *project.Project) { p.Settings.Image.Platform = project.ARM64 }, []string{"EC2 BEST_FIT_PROGRESSIVE default_arm64"}, []string{"instance", "job"}},
		"arm64 on Fargate": {func(p *project.Project) {
			p.Settings.Image.Platform, p.Settings.Compute.Type = project.ARM64, project.Fargate
			p.Settings.Job.VCPUs, p.Settings.Job.Memory = 1, 2048
		}, []string{"FARGATE"}, []string{"execution", "job"}},
	} {
		t.Run(name, func(t *testing.T) {
			a, s := embedded(t, slowly(t)), testSpec(t, want.settings)
			res := mustApply(t, a, s)
			tries, roles := capacityOf(t, a, s)
			if diff := cmp.Diff([][]string{want.tries, want.roles}, [][]string{tries, roles}); diff != "" || len(res.Environments) != len(tries) {
				t.Errorf("%d environments; what the queue tries, roles (-want +got):\n%s", len(res.Environments), diff)
			}
			mustRegister(t, a, s, res, testImage)
			a.mutations()
			if again := mustApply(t, a, s); !mustRegister(t, a, s, again, testImage).AllReused() {
				t.Error("the definition was registered again")
			}
			if found, err := FindDefinition(t.Context(), a.Clients, s); err != nil || !mustRegister(t, a, s, found, testImage).AllReused() {
				t.Errorf("the definition by what is there: %+v, %v", found, err)
			}
			if found := Examine(t.Context(), a.Clients, s); len(found) > 0 {
				t.Errorf("findings on a whole stack: %+v", found)
			}
			if calls := a.mutations(); len(calls) > 0 {
				t.Errorf("second apply made %v", calls)
			}
			if gone, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{}); err != nil || len(gone.Kept) > 0 {
				t.Fatalf("kept %v, %v", gone.Kept, err)
			}
			if diff := cmp.Diff([]string{"AWSServiceRoleForBatch"}, whatIsLeft(t, a)); diff != "" {
				t.Errorf("left in the account (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEnvironmentsOfSpotFollowTheSettings(t *testing.T) {
	a := embedded(t)
	mustApply(t, a, ofKind(t, project.Spot))
	a.mutations()
	mustApply(t, a, testSpec(t, func(p *project.Project) {
		p.Settings.Compute = project.ComputeSettings{Type: project.Spot, MaxVCPUs: 64}
	}))
	if diff := cmp.Diff([]string{"Batch.UpdateComputeEnvironment", "Batch.UpdateComputeEnvironment"}, a.mutations()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestOtherInstances come with another environment: where Batch replaces instances itself it ends the jobs there when their time is over.
func TestOtherInstances(t *testing.T) {
	var subnet, group string
	for name, change := range map[string]func(*project.Project){
		"types":           func(p *project.Project) { p.Settings.Compute.InstanceTypes = []string{"m7i", "c7i"} },
		"subnets":         func(p *project.Project) { p.Settings.AWS.Subnets = []string{subnet} },
		"security groups": func(p *project.Project) { p.Settings.AWS.SecurityGroups = []string{group} },
		"strategy":        func(p *project.Project) { p.Settings.Compute.Strategy = "SPOT_CAPACITY_OPTIMIZED" },
	} {
		t.Run(name, func(t *testing.T) {
			a := embedded(t, func(o *local.Options) { o.Runner = endless{} })
			subnet = *must(t, a.EC2.DescribeSubnets, &ec2.DescribeSubnetsInput{}).Subnets[0].SubnetId
			group = *must(t, a.EC2.DescribeSecurityGroups, &ec2.DescribeSecurityGroupsInput{}).SecurityGroups[0].GroupId
			spot := func(p *project.Project) { p.Settings.Compute.Type = project.Spot }
			s := testSpec(t, spot)
			was := deployed(t, a, s)
			job := must(t, a.batch.SubmitJob, &batch.SubmitJobInput{JobName: aws.String("long"), JobQueue: &was.Queue, JobDefinition: &s.Name}).JobId
			to := testSpec(t, spot, change)
			now := mustApply(t, a, to)
			if now.Queue != was.Queue || now.Environments[0] == was.Environments[0] || now.Environments[1] == was.Environments[1] {
				t.Fatalf("was %s %v, is %s %v", was.Queue, was.Environments, now.Queue, now.Environments)
			}
			for range 2 {
				mustApply(t, a, to)
			}
			for _, e := range must(t, a.batch.DescribeComputeEnvironments, &batch.DescribeComputeEnvironmentsInput{}).ComputeEnvironments {
				if e.UpdatePolicy != nil {
					t.Errorf("environment %s had its instances replaced", *e.ComputeEnvironmentName)
				}
			}
			if state := must(t, a.batch.DescribeJobs, &batch.DescribeJobsInput{Jobs: []string{*job}}).Jobs[0].Status; state == batchtypes.JobStatusFailed || state == batchtypes.JobStatusSucceeded {
				t.Errorf("the job is %s", state)
			}
			must(t, a.batch.TerminateJob, &batch.TerminateJobInput{JobId: job, Reason: aws.String("end")})
			if err := rest(t, a, to, 3); err != nil {
				t.Error(err)
			}
			if left := must(t, a.batch.DescribeComputeEnvironments, &batch.DescribeComputeEnvironmentsInput{}).ComputeEnvironments; len(left) != 2 {
				t.Errorf("%d environments are left", len(left))
			}
		})
	}
}

// TestInstancesThatOthersChanged are put right in the environment that is there, and jobs get all the time that Batch can give.
func TestInstancesThatOthersChanged(t *testing.T) {
	a, s := embedded(t), testSpec(t)
	arn := mustApply(t, a, s).Environments[0]
	must(t, a.batch.UpdateComputeEnvironment, &batch.UpdateComputeEnvironmentInput{ComputeEnvironment: &arn, ComputeResources: &batchtypes.ComputeResourceUpdate{InstanceTypes: []string{"m7i"}}})
	if err := rest(t, a, s, 2); err != nil {
		t.Fatal(err)
	}
	e := must(t, a.batch.DescribeComputeEnvironments, &batch.DescribeComputeEnvironmentsInput{ComputeEnvironments: []string{arn}}).ComputeEnvironments[0]
	if p := e.UpdatePolicy; !slices.Equal(e.ComputeResources.InstanceTypes, []string{"optimal"}) || p == nil || aws.ToInt64(p.JobExecutionTimeoutMinutes) != 7200 || aws.ToBool(p.TerminateJobsOnUpdate) {
		t.Errorf("instance types %v, update policy %+v", e.ComputeResources.InstanceTypes, p)
	}
}

// TestChangeOfKind makes another queue where the kind of jobs is another, and else keeps it: runs that have begun go on where they are.
func TestChangeOfKind(t *testing.T) {
	for _, test := range []struct {
		from, to  string
		sameQueue bool
	}{
		{project.EC2, project.Spot, true},
		{project.Spot, project.EC2, true},
		{project.EC2, project.Fargate, false},
		{project.Fargate, project.FargateSpot, true},
		{project.FargateSpot, project.Spot, false},
		{project.Spot, project.Fargate, false},
	} {
		t.Run(test.from+" to "+test.to, func(t *testing.T) {
			a, was, s := embedded(t), ofKind(t, test.from), ofKind(t, test.to)
			before := mustApply(t, a, was)
			fresh := embedded(t)
			mustApply(t, fresh, s)
			after := mustApply(t, a, s)
			if same := before.Queue == after.Queue; same != test.sameQueue {
				t.Errorf("queues %s, %s", before.Queue, after.Queue)
			}
			for _, q := range must(t, a.batch.DescribeJobQueues, &batch.DescribeJobQueuesInput{}).JobQueues {
				if retired := *q.JobQueueArn != after.Queue; retired != isRetired(q.Tags) || retired != (q.State == batchtypes.JQStateDisabled) {
					t.Errorf("queue %s is %s, tags %v", *q.JobQueueName, q.State, q.Tags)
				}
			}
			for _, e := range must(t, a.batch.DescribeComputeEnvironments, &batch.DescribeComputeEnvironmentsInput{}).ComputeEnvironments {
				if retired := !slices.Contains(after.Environments, *e.ComputeEnvironmentArn); retired != isRetired(e.Tags) {
					t.Errorf("environment %s is %s, tags %v", *e.ComputeEnvironmentName, e.State, e.Tags)
				}
			}
			mustApply(t, a, s) // removes what has retired
			mustApply(t, a, s) // and what a retired queue had held
			got, want := a.batchPicture(t, s), fresh.batchPicture(t, s)
			if diff := cmp.Diff(asJSON(t, want), asJSON(t, got)); diff != "" {
				t.Errorf("in the end (-made anew +changed):\n%s", diff)
			}
			a.mutations()
			mustApply(t, a, s)
			if calls := a.mutations(); len(calls) > 0 {
				t.Errorf("another apply made %v", calls)
			}
			mustApply(t, a, was) // and back
			if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"AWSServiceRoleForBatch"}, whatIsLeft(t, a)); diff != "" {
				t.Errorf("left in the account (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDefinitionForFargate(t *testing.T) {
	a := embedded(t)
	s := testSpec(t, func(p *project.Project) {
		p.Settings.Compute.Type, p.Settings.Image.Platform = project.Fargate, "linux/arm64"
		p.Settings.Job.VCPUs, p.Settings.Job.Memory = 0.25, 512
		p.Settings.Job.Groups = map[string]project.GroupSettings{
			"train":  {Container: project.Container{EphemeralStorage: 100}},
			"tune_*": {Container: project.Container{EphemeralStorage: 100}},
			"big":    {Resources: project.Resources{VCPUs: 4, Memory: 30720}},
		}
	})
	d := mustRegister(t, a, s, mustApply(t, a, s), testImage)
	want := []string{s.Name + ":1", s.Name + ":2 for job.groups.\"train\"", s.Name + ":2 for job.groups.\"tune_*\""}
	if diff := cmp.Diff(want, d.Names()); diff != "" {
		t.Errorf("definitions (-want +got):\n%s", diff)
	}
	got := must(t, a.batch.DescribeJobDefinitions, &batch.DescribeJobDefinitionsInput{JobDefinitions: []string{d.Groups["train"].ARN}}).JobDefinitions[0]
	golden(t, "definition-fargate.json", asJSON(t, got))
}

// TestFargateOnAQueueOfTheSettings looks up what is under the queue: whether it is Fargate, and in which subnets.
func TestFargateOnAQueueOfTheSettings(t *testing.T) {
	a := embedded(t)
	theirs := testSpec(t, func(p *project.Project) {
		p.Name, p.Settings.Bucket, p.Settings.Image.Repository, p.Settings.Compute.Type = "Theirs", "theirs-bucket", "theirs", project.Fargate
	})
	their := mustApply(t, a, theirs)
	on := func(kind string) Spec {
		return testSpec(t, func(p *project.Project) {
			p.Settings.Compute.Type, p.Settings.Compute.Queue = kind, lastPart(their.Queue)
		})
	}
	res := mustApply(t, a, on(project.FargateSpot))
	if !res.PublicIP || res.ExecutionRole == "" || res.Queue != their.Queue || res.Environments != nil {
		t.Errorf("resources %+v", res)
	}
	_, err := Apply(t.Context(), a.Clients, on(project.EC2), &steps{})
	if err == nil || !strings.Contains(err.Error(), "is of the kind FARGATE, and compute.type is EC2") || !strings.Contains(ui.Hint(err), `type = "FARGATE"`) {
		t.Errorf("error %v, hint %q", err, ui.Hint(err))
	}
	missing := ofKind(t, project.Fargate)
	missing.Compute.Queue = "nowhere"
	if _, err := FindDefinition(t.Context(), a.Clients, missing); !errors.Is(err, ErrNotProvisioned) {
		t.Errorf("queue that is not there: %v", err)
	}
}

func TestTasksInPrivateSubnetsGetNoPublicIP(t *testing.T) {
	for ip, public := range map[batchtypes.AssignPublicIp]bool{batchtypes.AssignPublicIpEnabled: true, batchtypes.AssignPublicIpDisabled: false} {
		s := ofKind(t, project.Fargate)
		in := s.definition(Resources{PublicIP: public}, testImage, s.Containers[""])
		if got := in.ContainerProperties.NetworkConfiguration.AssignPublicIp; got != ip {
			t.Errorf("public subnets %v: %s", public, got)
		}
	}
}
