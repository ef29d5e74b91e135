package network_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/network"
	"github.com/kedroctl/kedroctl/internal/local/wire/wiretest"
)

// withDisk makes a template for a root disk of so many GiB, whose owner is a team.
func withDisk(name string, size int32) *ec2.CreateLaunchTemplateInput {
	return &ec2.CreateLaunchTemplateInput{LaunchTemplateName: &name,
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeLaunchTemplate, Tags: []types.Tag{{Key: aws.String("Owner"), Value: aws.String("team")}}}},
		LaunchTemplateData: &types.RequestLaunchTemplateData{BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{
			{DeviceName: aws.String("/dev/xvda"), Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: &size, Encrypted: aws.Bool(true)}}}}}
}

func TestTemplatesComeBackFromTheFile(t *testing.T) {
	dir := t.TempDir()
	made, err := serve(t, network.Options{Dir: dir}).CreateLaunchTemplate(t.Context(), withDisk("disk", 100))
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, network.Options{Dir: dir})
	found, err := c.DescribeLaunchTemplates(t.Context(), &ec2.DescribeLaunchTemplatesInput{Filters: append(filter("tag:Owner", "team"), filter("launch-template-name", "disk")...)})
	if err != nil || len(found.LaunchTemplates) != 1 || *found.LaunchTemplates[0].LaunchTemplateId != *made.LaunchTemplate.LaunchTemplateId {
		t.Fatalf("found %+v, %v", found, err)
	}
	versions, err := c.DescribeLaunchTemplateVersions(t.Context(), &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: made.LaunchTemplate.LaunchTemplateId, Versions: []string{"$Default"}})
	if err != nil || len(versions.LaunchTemplateVersions) != 1 {
		t.Fatalf("versions: %+v, %v", versions, err)
	}
	if m := versions.LaunchTemplateVersions[0].LaunchTemplateData.BlockDeviceMappings; len(m) != 1 || *m[0].DeviceName != "/dev/xvda" || *m[0].Ebs.VolumeSize != 100 || !*m[0].Ebs.Encrypted {
		t.Errorf("mappings %+v", m)
	}
	if _, err := c.DeleteLaunchTemplate(t.Context(), &ec2.DeleteLaunchTemplateInput{LaunchTemplateName: aws.String("disk")}); err != nil {
		t.Fatal(err)
	}
	if left, err := serve(t, network.Options{Dir: dir}).DescribeLaunchTemplates(t.Context(), nil); err != nil || len(left.LaunchTemplates) > 0 {
		t.Errorf("left %+v, %v", left, err)
	}
}

// TestAClientTokenMakesOneTemplate: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
func TestTagsOfTemplatesGo(t *testing.T) {
	dir := t.TempDir()
	c := serve(t, network.Options{Dir: dir})
	made, err := c.CreateLaunchTemplate(t.Context(), withDisk("disk", 100))
	if err != nil {
		t.Fatal(err)
	}
	id := *made.LaunchTemplate.LaunchTemplateId
	for _, step := range []struct {
		tag  types.Tag
		left int
	}{{types.Tag{Key: aws.String("owner")}, 1}, {types.Tag{Key: aws.String("Owner"), Value: aws.String("else")}, 1}, {types.Tag{Key: aws.String("Owner"), Value: aws.String("team")}, 0}} {
		if _, err := c.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{id}, Tags: []types.Tag{step.tag}}); err != nil {
			t.Fatal(err)
		}
		found, err := serve(t, network.Options{Dir: dir}).DescribeLaunchTemplates(t.Context(), nil)
		if err != nil || len(found.LaunchTemplates[0].Tags) != step.left {
			t.Errorf("without %s: %+v, %v", *step.tag.Key, found, err)
		}
	}
	_, err = c.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{"lt-0123456789abcdef0"}})
	if code := wiretest.Code(t, err); code != "InvalidLaunchTemplateId.NotFound" {
		t.Errorf("of no template: %q", code)
	}
}

func TestAClientTokenMakesOneTemplate(t *testing.T) {
	c := serve(t, network.Options{})
	in := withDisk("disk", 100)
	in.ClientToken = aws.String("once")
	first, err := c.CreateLaunchTemplate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.CreateLaunchTemplate(t.Context(), in)
	if err != nil || *again.LaunchTemplate.LaunchTemplateId != *first.LaunchTemplate.LaunchTemplateId {
		t.Errorf("again: %+v, %v", again, err)
	}
	other := withDisk("disk", 200)
	other.ClientToken = in.ClientToken
	_, mismatch := c.CreateLaunchTemplate(t.Context(), other)
	_, taken := c.CreateLaunchTemplate(t.Context(), withDisk("disk", 100))
	got := []string{wiretest.Code(t, mismatch), wiretest.Code(t, taken)}
	if diff := cmp.Diff([]string{"IdempotentParameterMismatch", "InvalidLaunchTemplateName.AlreadyExistsException"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefusedTemplates(t *testing.T) {
	c := serve(t, network.Options{})
	for code, change := range map[string]func(*ec2.CreateLaunchTemplateInput){
		"InvalidLaunchTemplateName.MalformedException": func(in *ec2.CreateLaunchTemplateInput) { in.LaunchTemplateName = aws.String("a disk") },
		"MissingParameter": func(in *ec2.CreateLaunchTemplateInput) { in.LaunchTemplateData = &types.RequestLaunchTemplateData{} },
		"InvalidParameterValue": func(in *ec2.CreateLaunchTemplateInput) {
			in.TagSpecifications[0].ResourceType = types.ResourceTypeVolume
		},
		"DryRunOperation": func(in *ec2.CreateLaunchTemplateInput) { in.DryRun = aws.Bool(true) },
	} {
		in := withDisk("disk", 100)
		change(in)
		if _, err := c.CreateLaunchTemplate(t.Context(), in); wiretest.Code(t, err) != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
	_, nothing := c.DeleteLaunchTemplate(t.Context(), &ec2.DeleteLaunchTemplateInput{})
	_, both := c.DeleteLaunchTemplate(t.Context(), &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: aws.String("lt-1"), LaunchTemplateName: aws.String("disk")})
	_, id := c.DescribeLaunchTemplates(t.Context(), &ec2.DescribeLaunchTemplatesInput{LaunchTemplateIds: []string{"lt-1"}})
	got := []string{wiretest.Code(t, nothing), wiretest.Code(t, both), wiretest.Code(t, id)}
	if diff := cmp.Diff([]string{"MissingParameter", "InvalidParameterCombination", "InvalidLaunchTemplateId.NotFound"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestWhatTemplatesNeed has the keys that policies compare: tags of the request, then those of the template.
func TestWhatTemplatesNeed(t *testing.T) {
	var asked []string
	c := serve(t, network.Options{Denied: func(_ context.Context, action, resource string, conditions map[string]string) bool {
		_, id, _ := strings.Cut(resource, ":launch-template/")
		asked = append(asked, strings.Join([]string{action, id[:min(len(id), 3)], conditions["aws:requesttag/owner"] + conditions["aws:resourcetag/owner"], conditions["ec2:createaction"]}, " "))
		return false
	}})
	if _, err := c.CreateLaunchTemplate(t.Context(), withDisk("disk", 100)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteLaunchTemplate(t.Context(), &ec2.DeleteLaunchTemplateInput{LaunchTemplateName: aws.String("disk")}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ec2:CreateLaunchTemplate new team ", "ec2:CreateTags new team CreateLaunchTemplate", "ec2:DeleteLaunchTemplate lt- team "}, asked); diff != "" {
		t.Error(diff)
	}
}
