package provision

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

func mustDiff(t *testing.T, a *testAWS, s Spec) []Change {
	t.Helper()
	a.mutations()
	changes, err := Diff(t.Context(), a.Clients, s, &steps{})
	if err != nil {
		t.Fatalf("diff: %v", err)
	}
	if calls := a.mutations(); len(calls) > 0 {
		t.Errorf("diff made %v", calls)
	}
	return changes
}

func TestDiffOfAStackThatIsNotThereIsWhatApplyMakes(t *testing.T) {
	for _, kind := range []string{project.EC2, project.Spot, project.Fargate, project.FargateSpot} {
		a, s := embedded(t), ofKind(t, kind)
		var would, made []string
		for _, c := range mustDiff(t, a, s) {
			would = append(would, fmt.Sprintf("%s %s %sd", c.Kind, c.Name, c.Action))
			if len(c.Attributes) == 0 && c.Kind != KindServiceRole {
				t.Errorf("%s: nothing is told of %s %s", kind, c.Kind, c.Name)
			}
		}
		for _, r := range mustApply(t, a, s).All {
			if r.State != Existing {
				made = append(made, fmt.Sprintf("%s %s %s", r.Kind, r.Name, r.State))
			}
		}
		if diff := cmp.Diff(made, would); diff != "" {
			t.Errorf("%s (-made +told):\n%s", kind, diff)
		}
		if changes := mustDiff(t, a, s); len(changes) > 0 {
			t.Errorf("%s: afterwards %+v", kind, changes)
		}
	}
}

func TestDiffNamesValuesInDocuments(t *testing.T) {
	a, s := embedded(t), testSpec(t)
	mustApply(t, a, s)
	must(t, a.iam.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: &s.InstanceRole, PolicyName: aws.String(policyName), PolicyDocument: aws.String(newPolicy(
		statement{Sid: "Log", Effect: "Allow", Action: []string{"logs:*"}, Resource: []string{"*"}}).String())})
	s.Compute.MaxVCPUs, s.KeepDays = 64, 90
	got := map[string]string{}
	for _, c := range mustDiff(t, a, s) {
		for _, at := range c.Attributes {
			got[c.Kind+" "+at.Name] = at.Is + " -> " + at.Want
		}
	}
	for name, want := range map[string]string{
		"role policy[Log].Action":       "logs:* -> logs:CreateLogStream, logs:PutLogEvents",
		"role policy[Login].Action":     " -> ecr:GetAuthorizationToken",
		"compute environment max_vcpus": "16 -> 64",
		"log group retention_in_days":   "30 -> 90",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
}
