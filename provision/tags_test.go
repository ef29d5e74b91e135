package provision

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/project"
)

func tagged(tags map[string]string) func(*project.Project) {
	return func(p *project.Project) { p.Settings.AWS.Tags = tags }
}

// tagsOf are those of all that a stack has, kedroctl's own left out, by resource.
func tagsOf(t *testing.T, a *testAWS, s Spec) map[string]map[string]string {
	t.Helper()
	found, err := Inventory(t.Context(), a.Clients, s)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]string{}
	for _, l := range found {
		if !l.Ours {
			t.Errorf("%s is not the stack's", l)
		}
		if l.Kind != KindDefinition {
			all[l.Kind+" "+l.Name] = l.Tags
		}
	}
	for _, e := range must(t, a.batch.DescribeComputeEnvironments, &batch.DescribeComputeEnvironmentsInput{}).ComputeEnvironments {
		if !isRetired(e.Tags) && !s.onFargate() {
			all["instances of "+*e.ComputeEnvironmentName] = e.ComputeResources.Tags
		}
	}
	for _, d := range must(t, a.batch.DescribeJobDefinitions, &batch.DescribeJobDefinitionsInput{Status: aws.String("ACTIVE")}).JobDefinitions {
		all[revisionOf(d).String()] = d.Tags
	}
	for name, tags := range all {
		all[name] = maps.Clone(tags)
		maps.DeleteFunc(all[name], func(key, _ string) bool { return strings.HasPrefix(key, "kedroctl:") })
	}
	return all
}

func wantTags(t *testing.T, a *testAWS, s Spec, want map[string]string) {
	t.Helper()
	for name, tags := range tagsOf(t, a, s) {
		if strings.HasPrefix(name, "instances of ") { // nobody else tags them there
			want := maps.Clone(want)
			delete(want, "company")
			if diff := cmp.Diff(want, tags); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		} else if diff := cmp.Diff(want, tags); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// retagAll has others put tags on all that a stack has, and take some away.
func retagAll(t *testing.T, a *testAWS, s Spec, put map[string]string, remove ...string) {
	t.Helper()
	remove = append([]string{"absent"}, remove...)
	inBatch := func(arn string) {
		must(t, a.batch.TagResource, &batch.TagResourceInput{ResourceArn: &arn, Tags: put})
		must(t, a.batch.UntagResource, &batch.UntagResourceInput{ResourceArn: &arn, TagKeys: remove})
	}
	found, err := Inventory(t.Context(), a.Clients, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range found {
		switch l.Kind {
		case KindBucket:
			b := bucket{Clients: a.Clients, spec: s}
			tags, err := b.tags(t.Context())
			if err == nil {
				maps.Copy(tags, put)
				maps.DeleteFunc(tags, func(key, _ string) bool { return slices.Contains(remove, key) })
				err = b.putTags(t.Context(), tags)
			}
			if err != nil {
				t.Fatal(err)
			}
		case KindRepository:
			must(t, a.ecr.TagResource, &ecr.TagResourceInput{ResourceArn: &l.ARN, Tags: ecrTags(put)})
			must(t, a.ecr.UntagResource, &ecr.UntagResourceInput{ResourceArn: &l.ARN, TagKeys: remove})
		case KindLogGroup:
			must(t, a.logs.TagResource, &cloudwatchlogs.TagResourceInput{ResourceArn: &l.ARN, Tags: put})
			must(t, a.logs.UntagResource, &cloudwatchlogs.UntagResourceInput{ResourceArn: &l.ARN, TagKeys: remove})
		case KindRole:
			must(t, a.iam.TagRole, &iam.TagRoleInput{RoleName: &l.Name, Tags: toIAM(put)})
			must(t, a.iam.UntagRole, &iam.UntagRoleInput{RoleName: &l.Name, TagKeys: remove})
		case KindInstanceProfile:
			must(t, a.iam.TagInstanceProfile, &iam.TagInstanceProfileInput{InstanceProfileName: &l.Name, Tags: toIAM(put)})
			must(t, a.iam.UntagInstanceProfile, &iam.UntagInstanceProfileInput{InstanceProfileName: &l.Name, TagKeys: remove})
		case KindEnvironment, KindQueue:
			inBatch(l.ARN)
		}
	}
	for _, d := range must(t, a.batch.DescribeJobDefinitions, &batch.DescribeJobDefinitionsInput{Status: aws.String("ACTIVE")}).JobDefinitions {
		inBatch(*d.JobDefinitionArn)
	}
}

// atRest applies a spec until nothing changes, and registers it anew.
func atRest(t *testing.T, a *testAWS, s Spec) {
	t.Helper()
	if err := rest(t, a, s, 4); err != nil {
		t.Fatal(err)
	}
	if d := mustRegister(t, a, s, mustApply(t, a, s), testImage); !d.Reused {
		t.Errorf("a change of tags made a revision: %s", d)
	}
	if calls := a.mutations(); len(calls) > 0 {
		t.Errorf("at rest it made %v", calls)
	}
	if found := Examine(t.Context(), a.Clients, s); len(found) > 0 {
		t.Errorf("findings at rest: %+v", found)
	}
}

// TestTagsFollowTheSettings puts them on all that is made, changes them, and takes away what the settings name no more. What others tag is theirs.
func TestTagsFollowTheSettings(t *testing.T) {
	for _, kind := range []string{project.EC2, project.Spot, project.Fargate, project.FargateSpot} {
		t.Run(kind, func(t *testing.T) {
			with := func(tags map[string]string) Spec { return testSpec(t, ofType(kind), tagged(tags)) }
			none, first := with(nil), map[string]string{"team": "data", "Cost Center": "4711", "stays": "x"}
			a := embedded(t)
			if kind == project.Spot { // on a stack that was made before
				mustRegister(t, a, none, mustApply(t, a, none), testImage)
			} else {
				s := with(first)
				mustRegister(t, a, s, mustApply(t, a, s), testImage)
			}
			atRest(t, a, with(first))
			wantTags(t, a, with(first), first)
			retagAll(t, a, with(first), map[string]string{"company": "acme"})
			atRest(t, a, with(first))

			second := map[string]string{"Team": "data", "Cost Center": "4712", "stays": "x"} // a key in capitals, another value
			want := maps.Clone(second)
			want["company"] = "acme"
			mustApply(t, a, with(second))
			if tags := iamTags(must(t, a.iam.GetRole, &iam.GetRoleInput{RoleName: &none.JobRole}).Role.Tags); tags["Team"] != "data" || tags["company"] != "acme" {
				t.Errorf("after one change the role of jobs has %v", tags) // IAM takes both keys for one
			}
			if !strings.HasPrefix(kind, "FARGATE") { // a new environment has no tags of others
				atRest(t, a, with(second))
				retagAll(t, a, with(second), map[string]string{"company": "acme"})
			}
			atRest(t, a, with(second))
			wantTags(t, a, with(second), want)

			retagAll(t, a, with(second), map[string]string{"Team": "sales"}, "stays") // by others: drift
			var names []string
			for _, c := range mustDiff(t, a, with(second)) {
				if c.Action == ActionUpdate && slices.Contains(c.Attributes, Attribute{"tags.Team", "sales", "data", false}) && slices.Contains(c.Attributes, Attribute{"tags.stays", "", "x", false}) {
					names = append(names, c.Kind+" "+c.Name)
				}
			}
			if all := tagsOf(t, a, with(second)); len(names) != len(slices.DeleteFunc(slices.Collect(maps.Keys(all)), func(name string) bool { return strings.HasPrefix(name, "instances") })) {
				t.Errorf("drift of %v, of %v", names, slices.Sorted(maps.Keys(all)))
			}
			if found := Examine(t.Context(), a.Clients, with(second)); len(found) == 0 {
				t.Error("doctor finds no drift")
			}
			atRest(t, a, with(second))
			wantTags(t, a, with(second), want)

			atRest(t, a, none)
			for name, tags := range tagsOf(t, a, none) {
				if others := name[:9] != "instances" && (name[:7] != "compute" || none.onFargate()); others != (tags["company"] == "acme") || len(tags) > 1 {
					t.Errorf("without tags %s has %v", name, tags)
				}
			}
			if tags := must(t, a.s3.GetBucketTagging, &s3.GetBucketTaggingInput{Bucket: &none.Bucket}).TagSet; len(tags) != 4 {
				t.Errorf("the bucket has %d tags, and three are kedroctl's, one is theirs", len(tags))
			}
			if gone, err := Destroy(t.Context(), a.Clients, none, DestroyOptions{Data: true}, &steps{}); err != nil || len(gone.Kept) > 0 {
				t.Errorf("kept %v, %v", gone.Kept, err)
			}
		})
	}
}

// TestTagsOfTheSettingsOnWhatOthersMade leaves alone what the settings name.
func TestTagsOfTheSettingsOnWhatOthersMade(t *testing.T) {
	a := embedded(t)
	_, s := borrowed(t, a)
	before := everything(t, a)
	s.OwnTags = map[string]string{"team": "data"}
	if err := rest(t, a, s, 2); err != nil {
		t.Fatal(err)
	}
	for name, was := range before {
		if diff := cmp.Diff(asJSON(t, was), asJSON(t, everything(t, a)[name])); diff != "" {
			t.Errorf("%s of others was changed:\n%s", name, diff)
		}
	}
}

// TestInstancesGetOtherTags by another environment: what runs goes on, in its queue.
func TestInstancesGetOtherTags(t *testing.T) {
	a := embedded(t, func(o *local.Options) { o.Runner = endless{} })
	s, later := testSpec(t, tagged(map[string]string{"team": "data", "gone": "x"})), testSpec(t, tagged(map[string]string{"team": "ml"}))
	was := deployed(t, a, s)
	job := must(t, a.batch.SubmitJob, &batch.SubmitJobInput{JobName: aws.String("a"), JobQueue: &was.Queue, JobDefinition: &s.Name}).JobId
	changes := mustDiff(t, a, later)
	i := slices.IndexFunc(changes, func(c Change) bool { return c.Kind == KindEnvironment })
	want := Change{KindEnvironment, later.environmentName(later.capacities()[0]), ActionReplace, lastPart(was.Environments[0]), "",
		[]Attribute{{"instance_tags.team", "data", "ml", true}, {"instance_tags.gone", "x", "", true}}}
	if i < 0 {
		t.Fatalf("differences %+v", changes)
	}
	if diff := cmp.Diff(want, changes[i]); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
	now := mustApply(t, a, later)
	mustApply(t, a, later)
	if now.Queue != was.Queue || now.Environments[0] == was.Environments[0] {
		t.Errorf("queue %s on %v, was %s on %v", now.Queue, now.Environments, was.Queue, was.Environments)
	}
	if state := must(t, a.batch.DescribeJobs, &batch.DescribeJobsInput{Jobs: []string{*job}}).Jobs[0].Status; state != "RUNNING" || !slices.Contains(whatIsLeft(t, a), lastPart(was.Environments[0])) {
		t.Errorf("the job is %s, left are %v", state, whatIsLeft(t, a))
	}
	must(t, a.batch.TerminateJob, &batch.TerminateJobInput{JobId: job, Reason: aws.String("end")})
	if err := rest(t, a, later, 4); err != nil || slices.Contains(whatIsLeft(t, a), lastPart(was.Environments[0])) {
		t.Errorf("%v; left are %v", err, whatIsLeft(t, a))
	}
}

// TestInstanceTagsOfOthers repairs what others made of the tags that the settings name, and leaves the others.
func TestInstanceTagsOfOthers(t *testing.T) {
	a, s := embedded(t), testSpec(t, tagged(map[string]string{"team": "data", "none": ""}))
	env := mustApply(t, a, s).Environments[0]
	spoiled := map[string]string{"team": "sales", "company": "acme"}
	must(t, a.batch.UpdateComputeEnvironment, &batch.UpdateComputeEnvironmentInput{ComputeEnvironment: &env, ComputeResources: &batchtypes.ComputeResourceUpdate{Tags: spoiled}})
	want := []Change{{KindEnvironment, lastPart(env), ActionUpdate, "", "", []Attribute{{"instance_tags.none", "", "", false}, {"instance_tags.team", "sales", "data", false}}}}
	if diff := cmp.Diff(want, mustDiff(t, a, s)); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
	wanted := s.Tags()
	wanted["company"] = "acme"
	if err := rest(t, a, s, 2); err != nil {
		t.Fatal(err)
	}
	got := must(t, a.batch.DescribeComputeEnvironments, &batch.DescribeComputeEnvironmentsInput{}).ComputeEnvironments
	if diff := cmp.Diff(wanted, got[0].ComputeResources.Tags); diff != "" || len(got) != 1 {
		t.Errorf("%d environments; tags (-want +got):\n%s", len(got), diff)
	}
}

// TestTheListOfTagsFits has as many tags, with keys as long, as settings may have.
func TestTheListOfTagsFits(t *testing.T) {
	tags := map[string]string{}
	for i := range 20 {
		tags[fmt.Sprintf("%0128d", i)] = strings.Repeat("v", 256)
	}
	a, s := embedded(t), testSpec(t, tagged(tags))
	mustRegister(t, a, s, mustApply(t, a, s), testImage)
	atRest(t, a, s)
	wantTags(t, a, s, tags)
	atRest(t, a, testSpec(t))
	wantTags(t, a, testSpec(t), map[string]string{})
}
