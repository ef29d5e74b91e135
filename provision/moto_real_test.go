//go:build real

package provision

import (
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

// moto is the judge that was not written here.
func moto(t *testing.T) *testAWS {
	t.Helper()
	return motoAt(realtest.StartMoto(t))
}

func motoAt(endpoint string) *testAWS {
	// A busy moto cuts connections off, one in thousands.
	return newTestAWS(aws.Config{Region: testRegion, BaseEndpoint: &endpoint, RetryMaxAttempts: 4,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
}

func TestMotoStackComesAndGoes(t *testing.T) {
	a, s := moto(t), testSpec(t, func(p *project.Project) {
		token := map[string]string{"TOKEN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:token-AbCdEf"}
		p.Settings.Job.Groups = map[string]project.GroupSettings{"train": {Container: project.Container{Secrets: token, SharedMemory: 512}}}
	})
	must(t, a.logs.CreateLogGroup, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/aws/batch/job"), Tags: map[string]string{"owner": "ops"}})
	must(t, a.logs.PutRetentionPolicy, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("/aws/batch/job"), RetentionInDays: aws.Int32(7)})
	res := deployed(t, a, s)
	a.mutations()
	mustApply(t, a, s)
	if d := mustRegister(t, a, s, res, testImage); !d.AllReused() || len(d.Groups) != 1 {
		t.Errorf("registered again: %+v", d)
	}
	if calls := a.mutations(); len(calls) > 0 {
		t.Errorf("what stands was changed: %v", calls)
	}
	if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"AWSServiceRoleForbatch", "/aws/batch/job"}, whatIsLeft(t, a)); diff != "" { // moto's name of the role
		t.Errorf("left in the account (-want +got):\n%s", diff)
	}
	group := must(t, a.logs.DescribeLogGroups, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/aws/batch/job")}).LogGroups[0]
	arn := groupARN(group)
	tags := must(t, a.logs.ListTagsForResource, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &arn}).Tags
	if *group.RetentionInDays != 7 || tags["owner"] != "ops" {
		t.Errorf("the account's own log group has %d days, tags %v", *group.RetentionInDays, tags)
	}
}

// TestMotoTakesTagsAndGivesThemBack has tags of the settings beside those of others on each kind of resource.
func TestMotoTakesTagsAndGivesThemBack(t *testing.T) {
	first, second := map[string]string{"team": "data", "Cost Center": "47 11", "gone": ""}, map[string]string{"team": "ml", "Cost Center": "47 11", "=a/b@c": "=x+y"}
	for _, kind := range []string{project.EC2, project.Fargate} {
		t.Run(kind, func(t *testing.T) {
			a, s, later := moto(t), testSpec(t, ofType(kind), tagged(first)), testSpec(t, ofType(kind), tagged(second))
			deployed(t, a, s)
			atRest(t, a, s)
			wantTags(t, a, s, first)
			retagAll(t, a, s, map[string]string{"company": "acme"})
			atRest(t, a, s)
			atRest(t, a, later)
			retagAll(t, a, later, map[string]string{"company": "acme", "team": "others"})
			atRest(t, a, later)
			want := maps.Clone(second)
			want["company"] = "acme"
			wantTags(t, a, later, want)
			if _, err := Destroy(t.Context(), a.Clients, later, DestroyOptions{Data: true}, &steps{}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestMotoUsesWhatSettingsName(t *testing.T) {
	a := moto(t)
	_, s := borrowed(t, a)
	mustApply(t, a, s)
	if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{}); err != nil {
		t.Fatal(err)
	}
	want := []string{"CloudWatch Logs.CreateLogGroup", "CloudWatch Logs.PutRetentionPolicy", "CloudWatch Logs.DeleteLogGroup"}
	if diff := cmp.Diff(want, a.mutations()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestMotoRepairsATemplate has another version in the place of the first one, which the embedded EC2 does not make.
func TestMotoRepairsATemplate(t *testing.T) {
	a, s := moto(t), withDisk(t, 100)
	mustApply(t, a, s)
	a.mutations()
	mustApply(t, a, s)
	if calls := a.mutations(); len(calls) > 0 {
		t.Errorf("what stands was changed: %v", calls)
	}
	name := aws.String(s.templateName())
	must(t, a.ec2.CreateLaunchTemplateVersion, &ec2.CreateLaunchTemplateVersionInput{LaunchTemplateName: name, LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: aws.String("ami-1")}})
	must(t, a.ec2.ModifyLaunchTemplate, &ec2.ModifyLaunchTemplateInput{LaunchTemplateName: name, DefaultVersion: aws.String("2")})
	changes := mustDiff(t, a, s)
	if len(changes) != 1 || !cmp.Equal(changes[0].Attributes, attribute("default_version", "2", "1")) {
		t.Errorf("differences %+v", changes)
	}
	mustApply(t, a, s)
	l := must(t, a.ec2.DescribeLaunchTemplates, &ec2.DescribeLaunchTemplatesInput{LaunchTemplateNames: []string{*name}}).LaunchTemplates[0]
	if *l.DefaultVersionNumber != 1 || *l.LatestVersionNumber != 1 || !s.owns(ec2Tags(l.Tags)) {
		t.Errorf("template %+v", l)
	}
	if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"AWSServiceRoleForbatch"}, whatIsLeft(t, a)); diff != "" { // moto's name of the role
		t.Errorf("left in the account (-want +got):\n%s", diff)
	}
}

func TestMotoHasEachKind(t *testing.T) {
	for _, kind := range []string{project.Spot, project.Fargate, project.FargateSpot} {
		t.Run(kind, func(t *testing.T) {
			a, s := moto(t), ofKind(t, kind)
			deployed(t, a, s)
			a.mutations()
			if res := mustApply(t, a, s); !mustRegister(t, a, s, res, testImage).AllReused() || len(res.Environments) != len(s.capacities()) {
				t.Errorf("registered again, or %d environments", len(res.Environments))
			}
			if calls := a.mutations(); len(calls) > 0 {
				t.Errorf("what stands was changed: %v", calls)
			}
			if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"AWSServiceRoleForbatch"}, whatIsLeft(t, a)); diff != "" { // moto's name of the role
				t.Errorf("left in the account (-want +got):\n%s", diff)
			}
		})
	}
}
