package provision

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/project"
)

// withDisk is a stack whose instances have disks of so many GiB.
func withDisk(t *testing.T, size int, change ...func(*project.Project)) Spec {
	t.Helper()
	return testSpec(t, append(change, func(p *project.Project) { p.Settings.Compute.DiskSize = size })...)
}

// theirService has a service role of others, with which Batch replaces no instances.
func theirService(p *project.Project) { p.Settings.AWS.ServiceRole = "their-batch" }

// disks gives the size of what an environment starts its instances with, by the environment's name; 0 is the AMI's.
func disks(t *testing.T, a *testAWS) map[string]int32 {
	t.Helper()
	sizes := map[string]int32{}
	for _, e := range must(t, a.batch.DescribeComputeEnvironments, &batch.DescribeComputeEnvironmentsInput{}).ComputeEnvironments {
		size, l := int32(0), e.ComputeResources.LaunchTemplate
		if l != nil {
			versions := must(t, a.ec2.DescribeLaunchTemplateVersions, &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: l.LaunchTemplateName, Versions: []string{*l.Version}})
			size = *versions.LaunchTemplateVersions[0].LaunchTemplateData.BlockDeviceMappings[0].Ebs.VolumeSize
		}
		sizes[*e.ComputeEnvironmentName] = size
	}
	return sizes
}

func templateNames(t *testing.T, a *testAWS) (names []string) {
	t.Helper()
	for _, l := range must(t, a.ec2.DescribeLaunchTemplates, &ec2.DescribeLaunchTemplatesInput{}).LaunchTemplates {
		names = append(names, *l.LaunchTemplateName)
	}
	return names
}

func TestDiskOfInstances(t *testing.T) {
	a, s := embedded(t), withDisk(t, 100)
	mustApply(t, a, s)
	l := must(t, a.ec2.DescribeLaunchTemplates, &ec2.DescribeLaunchTemplatesInput{}).LaunchTemplates[0]
	if !s.owns(ec2Tags(l.Tags)) {
		t.Errorf("tags %v", ec2Tags(l.Tags))
	}
	data := must(t, a.ec2.DescribeLaunchTemplateVersions, &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: l.LaunchTemplateId}).LaunchTemplateVersions[0].LaunchTemplateData
	want := ec2types.LaunchTemplateBlockDeviceMapping{DeviceName: aws.String("/dev/xvda"), Ebs: &ec2types.LaunchTemplateEbsBlockDevice{
		VolumeSize: aws.Int32(100), VolumeType: "gp3", Encrypted: aws.Bool(true), DeleteOnTermination: aws.Bool(true)}}
	if len(data.BlockDeviceMappings) != 1 || asJSON(t, data.BlockDeviceMappings[0]) != asJSON(t, want) {
		t.Errorf("disks %s", asJSON(t, data.BlockDeviceMappings))
	}
	if tags := data.TagSpecifications; len(tags) != 1 || tags[0].ResourceType != ec2types.ResourceTypeVolume || !s.owns(ec2Tags(tags[0].Tags)) {
		t.Errorf("tags of what is launched: %s", asJSON(t, tags))
	}
	a.mutations()
	mustApply(t, a, s)
	if calls := a.mutations(); len(calls) > 0 {
		t.Errorf("second apply made %v", calls)
	}
	if found := Examine(t.Context(), a.Clients, s); len(found) > 0 {
		t.Errorf("findings on a whole stack: %+v", found)
	}
	if got := listedTemplates(t, a, s); !cmp.Equal(got, []string{*l.LaunchTemplateName + ": present, disks of 100 GiB"}) {
		t.Errorf("listed %v", got)
	}
}

// listedTemplates are those that Inventory lists.
func listedTemplates(t *testing.T, a *testAWS, s Spec) (lines []string) {
	t.Helper()
	all, err := Inventory(t.Context(), a.Clients, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		if l.Kind == KindLaunchTemplate {
			if l.Ours != (l.State == Present) || l.Idle != IdleNothing {
				t.Errorf("listed %+v", l)
			}
			lines = append(lines, strings.TrimSuffix(l.Name+": "+l.State+", "+l.Detail, ", "))
		}
	}
	return lines
}

// TestAnotherDisk ends with all instances as the settings want them, and leaves no template behind.
func TestAnotherDisk(t *testing.T) {
	spot := func(p *project.Project) { p.Settings.Compute.Type = project.Spot }
	a := embedded(t)
	was := mustApply(t, a, testSpec(t, spot))
	for _, size := range []int{100, 200, 0} {
		s := withDisk(t, size, spot)
		for _, c := range mustDiff(t, a, s) {
			if c.Kind == KindEnvironment && (c.Action != ActionReplace || len(c.Attributes) != 1 || c.Attributes[0].Name != "launch_template" || c.Attributes[0].Want != s.templateName() || !c.Attributes[0].Replaces) {
				t.Errorf("%d GiB: %s %s, attributes %+v", size, c.Action, c.Name, c.Attributes)
			}
		}
		now := mustApply(t, a, s)
		if was.Queue != now.Queue {
			t.Errorf("%d GiB: queue %s", size, now.Queue)
		}
		if err := rest(t, a, s, 4); err != nil {
			t.Fatal(err)
		}
		for name, is := range disks(t, a) {
			if int(is) != size {
				t.Errorf("instances of %s have %d GiB, want %d", name, is, size)
			}
		}
		if names := templateNames(t, a); len(names) != min(size, 1) {
			t.Errorf("%d GiB: templates %v", size, names)
		}
	}
}

// TestAnotherDiskWhileAJobRuns: the old environment keeps its template for as long as jobs run there.
func TestAnotherDiskWhileAJobRuns(t *testing.T) {
	a := embedded(t, func(o *local.Options) { o.Runner = endless{} })
	small, large := withDisk(t, 100), withDisk(t, 200)
	was := deployed(t, a, small)
	job := must(t, a.batch.SubmitJob, &batch.SubmitJobInput{JobName: aws.String("long"), JobQueue: &was.Queue, JobDefinition: &small.Name}).JobId
	now := mustApply(t, a, large)
	if now.Environments[0] == was.Environments[0] {
		t.Fatal("the environment is the same")
	}
	mustApply(t, a, large)
	want := map[string]int32{lastPart(was.Environments[0]): 100, lastPart(now.Environments[0]): 200}
	if diff := cmp.Diff(want, disks(t, a)); diff != "" {
		t.Errorf("while a job runs (-want +got):\n%s", diff)
	}
	if got := listedTemplates(t, a, large); !cmp.Equal(got, []string{large.templateName() + ": present, disks of 200 GiB", small.templateName() + ": present, retired"}) {
		t.Errorf("listed %v", got)
	}
	pruned := func() []string {
		found, err := FindRubbish(t.Context(), a.Clients, large, nil, time.Now())
		if err == nil {
			err = Prune(t.Context(), a.Clients, large, found, &steps{})
		}
		if err != nil {
			t.Fatal(err)
		}
		return states(found.Retired)
	}
	if found := pruned(); len(found) > 0 {
		t.Errorf("while a job runs prune found %v", found)
	}
	must(t, a.batch.TerminateJob, &batch.TerminateJobInput{JobId: job, Reason: aws.String("end")})
	gone := []string{"compute environment " + lastPart(was.Environments[0]) + ": retired", "launch template " + small.templateName() + ": retired"}
	if diff := cmp.Diff(gone, pruned()); diff != "" {
		t.Errorf("prune found (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{large.templateName()}, templateNames(t, a)); diff != "" {
		t.Errorf("templates (-want +got):\n%s", diff)
	}
}

// updates keeps what environments are updated with.
type updates struct {
	*batch.Client
	got []*batch.UpdateComputeEnvironmentInput
}

func (u *updates) UpdateComputeEnvironment(ctx context.Context, in *batch.UpdateComputeEnvironmentInput, o ...func(*batch.Options)) (*batch.UpdateComputeEnvironmentOutput, error) {
	u.got = append(u.got, in)
	return u.Client.UpdateComputeEnvironment(ctx, in, o...)
}

// TestTemplateThatWasRemoved comes back, and with it the environment that could do nothing without it.
func TestTemplateThatWasRemoved(t *testing.T) {
	for name, change := range map[string]func(*project.Project){"Batch's own role": func(*project.Project) {}, "service role of others": theirService} {
		t.Run(name, func(t *testing.T) {
			a := embedded(t)
			batchRole(t, a)
			s := withDisk(t, 100, change)
			res := mustApply(t, a, s)
			must(t, a.ec2.DeleteLaunchTemplate, &ec2.DeleteLaunchTemplateInput{LaunchTemplateName: aws.String(s.templateName())})
			must(t, a.batch.UpdateComputeEnvironment, &batch.UpdateComputeEnvironmentInput{ComputeEnvironment: &res.Environments[0], State: batchtypes.CEStateEnabled})
			var things []string
			a.Sleep(t.Context(), time.Minute)
			for _, f := range Examine(t.Context(), a.Clients, s) {
				things = append(things, f.Code+" "+f.Thing)
			}
			if diff := cmp.Diff([]string{"not-provisioned launch template " + s.templateName(), "invalid compute environment " + lastPart(res.Environments[0])}, things); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			seen := &updates{Client: a.batch}
			a.Batch = seen
			if again := mustApply(t, a, s); again.Environments[0] != res.Environments[0] {
				t.Errorf("environment %s, was %s", again.Environments[0], res.Environments[0])
			}
			e := must(t, a.batch.DescribeComputeEnvironments, &batch.DescribeComputeEnvironmentsInput{ComputeEnvironments: res.Environments}).ComputeEnvironments[0]
			if e.Status != batchtypes.CEStatusValid || disks(t, a)[*e.ComputeEnvironmentName] != 100 {
				t.Errorf("environment is %s, %+v", e.Status, e.ComputeResources.LaunchTemplate)
			}
			// Only an update that replaces instances has Batch look at the template, and with another service role it refuses one.
			resources := seen.got[len(seen.got)-1].ComputeResources
			if named := resources != nil && aws.ToString(resources.LaunchTemplate.LaunchTemplateName) == s.templateName(); named != (s.Existing.ServiceRole == "") {
				t.Errorf("the environment was repaired with %+v", resources)
			}
		})
	}
}

// TestTemplateThatWasTakenAway puts the environment back on its template.
func TestTemplateThatWasTakenAway(t *testing.T) {
	a, s := embedded(t), withDisk(t, 100)
	res := mustApply(t, a, s)
	must(t, a.batch.UpdateComputeEnvironment, &batch.UpdateComputeEnvironmentInput{ComputeEnvironment: &res.Environments[0],
		ComputeResources: &batchtypes.ComputeResourceUpdate{LaunchTemplate: &batchtypes.LaunchTemplateSpecification{LaunchTemplateName: aws.String("")}}})
	a.Sleep(t.Context(), time.Minute)
	mustApply(t, a, s)
	if got := disks(t, a)[lastPart(res.Environments[0])]; got != 100 {
		t.Errorf("instances have %d GiB", got)
	}
}

func TestTemplateOfOthersStays(t *testing.T) {
	a, s := embedded(t), withDisk(t, 100)
	must(t, a.ec2.CreateLaunchTemplate, &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String(s.templateName()),
		LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: aws.String("ami-1")}})
	if _, err := Apply(t.Context(), a.Clients, s, &steps{}); err == nil || !strings.Contains(err.Error(), "launch template "+s.templateName()+": it exists and is not tagged") {
		t.Errorf("apply: %v", err)
	}
	if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{}); err != nil {
		t.Fatal(err)
	}
	if names := templateNames(t, a); len(names) != 1 {
		t.Errorf("templates %v", names)
	}
}

// TestTagsOfDisks follow the settings, as those of instances do: by another template. What others make of a template's own tags is put right, and their own tags stay.
func TestTagsOfDisks(t *testing.T) {
	a := embedded(t)
	first, second := withDisk(t, 100, tagged(map[string]string{"team": "data"})), withDisk(t, 100, tagged(map[string]string{"team": "ml"}))
	mustApply(t, a, first)
	if err := rest(t, a, second, 4); err != nil {
		t.Fatal(err)
	}
	team := func(s Spec) []string {
		name := aws.String(s.templateName())
		own := must(t, a.ec2.DescribeLaunchTemplates, &ec2.DescribeLaunchTemplatesInput{LaunchTemplateNames: []string{*name}}).LaunchTemplates[0].Tags
		data := must(t, a.ec2.DescribeLaunchTemplateVersions, &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: name}).LaunchTemplateVersions[0].LaunchTemplateData
		return []string{ec2Tags(own)["team"], ec2Tags(data.TagSpecifications[0].Tags)["team"], ec2Tags(own)["company"]}
	}
	if diff := cmp.Diff([]string{"ml", "ml", ""}, team(second)); diff != "" || len(templateNames(t, a)) != 1 {
		t.Errorf("templates %v, tags of the template and its disks (-want +got):\n%s", templateNames(t, a), diff)
	}
	spoilt := launchTemplate{a.Clients, second, account{}, second.templateName()}
	if err := spoilt.remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	theirs := second.resourceTags()
	theirs["team"], theirs["company"] = "others", "acme"
	if err := spoilt.create(t.Context(), &Resource{}, theirs); err != nil {
		t.Fatal(err)
	}
	if err := rest(t, a, second, 2); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ml", "ml", "acme"}, team(second)); diff != "" {
		t.Errorf("after a repair (-want +got):\n%s", diff)
	}
}
