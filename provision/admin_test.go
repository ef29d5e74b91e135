package provision

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/kedroctl/kedroctl/internal/local/faults"
	"github.com/kedroctl/kedroctl/internal/project"
)

// administer makes the calls of commands, as the AWS CLI would.
func administer(t *testing.T, a *testAWS, steps []AdminStep) {
	t.Helper()
	for _, s := range steps {
		flags, tags, keys := map[string]*string{}, []iamtypes.Tag(nil), []string(nil)
		words := s.Command[3:]
		for i := 0; i < len(words); i++ {
			if flag := strings.TrimPrefix(words[i], "--"); flag != words[i] {
				if i++; flag == "tag-keys" {
					keys = words[i:]
					break
				}
				if flag != "tags" {
					flags[flag] = &words[i]
					continue
				}
			}
			pair := strings.SplitN(strings.TrimPrefix(words[i], "Key="), ",Value=", 2)
			tags = append(tags, iamtypes.Tag{Key: &pair[0], Value: &pair[1]})
		}
		switch role, profile := flags["role-name"], flags["instance-profile-name"]; strings.Join(s.Command[:3], " ") {
		case "aws iam create-role":
			must(t, a.iam.CreateRole, &iam.CreateRoleInput{RoleName: role, Path: flags["path"], AssumeRolePolicyDocument: flags["assume-role-policy-document"],
				Description: flags["description"], PermissionsBoundary: flags["permissions-boundary"], Tags: tags})
		case "aws iam put-role-policy":
			must(t, a.iam.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: role, PolicyName: flags["policy-name"], PolicyDocument: flags["policy-document"]})
		case "aws iam update-assume-role-policy":
			must(t, a.iam.UpdateAssumeRolePolicy, &iam.UpdateAssumeRolePolicyInput{RoleName: role, PolicyDocument: flags["policy-document"]})
		case "aws iam put-role-permissions-boundary":
			must(t, a.iam.PutRolePermissionsBoundary, &iam.PutRolePermissionsBoundaryInput{RoleName: role, PermissionsBoundary: flags["permissions-boundary"]})
		case "aws iam create-instance-profile":
			must(t, a.iam.CreateInstanceProfile, &iam.CreateInstanceProfileInput{InstanceProfileName: profile, Path: flags["path"], Tags: tags})
		case "aws iam add-role-to-instance-profile":
			must(t, a.iam.AddRoleToInstanceProfile, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: profile, RoleName: role})
		case "aws iam tag-role":
			must(t, a.iam.TagRole, &iam.TagRoleInput{RoleName: role, Tags: tags})
		case "aws iam untag-role":
			must(t, a.iam.UntagRole, &iam.UntagRoleInput{RoleName: role, TagKeys: keys})
		case "aws iam tag-instance-profile":
			must(t, a.iam.TagInstanceProfile, &iam.TagInstanceProfileInput{InstanceProfileName: profile, Tags: tags})
		case "aws iam untag-instance-profile":
			must(t, a.iam.UntagInstanceProfile, &iam.UntagInstanceProfileInput{InstanceProfileName: profile, TagKeys: keys})
		case "aws iam create-service-linked-role":
			must(t, a.iam.CreateServiceLinkedRole, &iam.CreateServiceLinkedRoleInput{AWSServiceName: flags["aws-service-name"]})
		default:
			t.Fatalf("unknown command %q", s.Command)
		}
	}
}

func leftFor(t *testing.T, a *testAWS, s Spec) []AdminStep {
	t.Helper()
	a.mutations()
	steps, err := ForAdministrator(t.Context(), a.Clients, s)
	if err != nil {
		t.Fatal(err)
	}
	if calls := a.mutations(); len(calls) > 0 {
		t.Errorf("looking made %v", calls)
	}
	return steps
}

// TestWithoutRightsInIAM has the stack made by two: the administrator runs the commands, and the deployer may change nothing in IAM.
func TestWithoutRightsInIAM(t *testing.T) {
	script, err := faults.Parse(strings.NewReader("deny iam:Create* iam:Put* iam:Add* iam:Update* iam:Tag* iam:Untag*"))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*project.Project){
		"on EC2": func(*project.Project) {}, "on Fargate": func(p *project.Project) { p.Settings.Compute.Type = project.Fargate },
		"bounded": func(p *project.Project) {
			p.Settings.AWS.RolePath, p.Settings.AWS.PermissionsBoundary = "/teams/data/", onlyS3
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, s := embedded(t), testSpec(t, change, tagged(map[string]string{"team": "data", "gone": "x"}))
			administer(t, a, leftFor(t, a, s))
			s.OwnTags = map[string]string{"team": "ml", "Cost Center": "47 11"}
			administer(t, a, leftFor(t, a, s))
			a.server.SetFaults(script)
			mustApply(t, a, s)
			if left := leftFor(t, a, s); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			a.server.SetFaults(&faults.Script{})
			must(t, a.iam.UpdateAssumeRolePolicy, &iam.UpdateAssumeRolePolicyInput{RoleName: &s.JobRole, PolicyDocument: aws.String(trustInstances().String())})
			drift := leftFor(t, a, s)
			if len(drift) != 1 || drift[0].What != "put trust policy" || drift[0].Setting != "aws.job_role" {
				t.Errorf("after a change by others: %+v", drift)
			}
			administer(t, a, drift)
			if left := leftFor(t, a, s); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

func TestNothingIsLeftWhereRolesAreNamed(t *testing.T) {
	a := embedded(t)
	_, s := borrowed(t, a)
	if left := leftFor(t, a, s); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	s.Compute.Queue = ""
	var kinds []string
	for _, step := range leftFor(t, a, s) {
		kinds = append(kinds, step.Kind)
	}
	if want := []string{KindRole, KindRole, KindInstanceProfile, KindInstanceProfile}; !slices.Equal(kinds, want) {
		t.Errorf("with a queue of its own: %v", kinds)
	}
}
