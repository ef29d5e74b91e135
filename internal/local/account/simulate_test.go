package account_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/account"
	"github.com/kedroctl/kedroctl/internal/local/wire/wiretest"
)

const jobs = "arn:aws:iam::123456789012:role/jobs"

// simulated are the decisions, one line for each action and resource: "s3:GetObject arn:aws:s3:::data/x: allowed by p".
func simulated(t *testing.T, c *iam.Client, in iam.SimulatePrincipalPolicyInput) (lines []string) {
	t.Helper()
	p := iam.NewSimulatePrincipalPolicyPaginator(c, &in)
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.EvaluationResults {
			for _, one := range r.ResourceSpecificResults {
				line := fmt.Sprintf("%s %s: %s", *r.EvalActionName, *one.EvalResourceName, one.EvalResourceDecision)
				for _, s := range one.MatchedStatements {
					line += " by " + *s.SourcePolicyId
				}
				if b := one.PermissionsBoundaryDecisionDetail; b != nil {
					line += fmt.Sprintf(", within the boundary: %v", b.AllowedByPermissionsBoundary)
				}
				if len(one.MissingContextValues) > 0 {
					line += ", without " + strings.Join(one.MissingContextValues, " ")
				}
				lines = append(lines, line)
			}
		}
	}
	return lines
}

func TestSimulation(t *testing.T) {
	_, c, _ := serve(t, account.Options{})
	ctx, role := t.Context(), aws.String("jobs")
	createRole(t, c, "jobs")
	for name, statements := range map[string]string{
		"read":  `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::data/*"}`,
		"list":  `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*","Condition":{"StringLike":{"s3:prefix":"raw/*"}}}`,
		"guard": `{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::data/secret"}`,
	} {
		document := `{"Version":"2012-10-17","Statement":[` + statements + `]}`
		if _, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: role, PolicyName: &name, PolicyDocument: &document}); err != nil {
			t.Fatal(err)
		}
	}
	under := func(prefix string) []types.ContextEntry {
		return []types.ContextEntry{{ContextKeyName: aws.String("S3:Prefix"), ContextKeyValues: []string{prefix}, ContextKeyType: types.ContextKeyTypeEnumString}}
	}
	objects := iam.SimulatePrincipalPolicyInput{PolicySourceArn: aws.String(jobs), ActionNames: []string{"s3:GetObject", "s3:PutObject"}, MaxItems: aws.Int32(1),
		ResourceArns: []string{"arn:aws:s3:::data/x", "arn:aws:s3:::data/secret"}, ContextEntries: under("")}
	want := []string{
		"s3:GetObject arn:aws:s3:::data/x: allowed by read",
		"s3:GetObject arn:aws:s3:::data/secret: explicitDeny by guard",
		"s3:PutObject arn:aws:s3:::data/x: implicitDeny",
		"s3:PutObject arn:aws:s3:::data/secret: implicitDeny",
	}
	if diff := cmp.Diff(want, simulated(t, c, objects)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	list := iam.SimulatePrincipalPolicyInput{PolicySourceArn: aws.String(jobs), ActionNames: []string{"s3:ListBucket"}, ResourceArns: []string{"arn:aws:s3:::data"}}
	for _, tt := range []struct {
		given []types.ContextEntry
		want  string
	}{
		{under("raw/2026"), "allowed by list"},
		{under("other"), "implicitDeny"},
		{nil, "implicitDeny, without s3:prefix"},
	} {
		list.ContextEntries = tt.given
		if diff := cmp.Diff([]string{"s3:ListBucket arn:aws:s3:::data: " + tt.want}, simulated(t, c, list)); diff != "" {
			t.Errorf("with %v (-want +got):\n%s", tt.given, diff)
		}
	}
	boundary := aws.String("arn:aws:iam::aws:policy/CloudWatchLogsFullAccess")
	if _, err := c.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: role, PermissionsBoundary: boundary}); err != nil {
		t.Fatal(err)
	}
	want = []string{
		"s3:GetObject arn:aws:s3:::data/x: implicitDeny, within the boundary: false",
		"s3:GetObject arn:aws:s3:::data/secret: explicitDeny by guard, within the boundary: false",
	}
	if diff := cmp.Diff(want, simulated(t, c, objects)[:2]); diff != "" {
		t.Errorf("within a boundary (-want +got):\n%s", diff)
	}
}

func TestSimulationRefuses(t *testing.T) {
	_, c, _ := serve(t, account.Options{})
	createRole(t, c, "jobs")
	for name, tt := range map[string]struct {
		source, action string
		more           []string
		code           string
	}{
		"a role that is not there": {source: "arn:aws:iam::123456789012:role/none", action: "s3:GetObject", code: "NoSuchEntity"},
		"a role of others":         {source: "arn:aws:iam::210987654321:role/jobs", action: "s3:GetObject", code: "NoSuchEntity"},
		"no ARN":                   {source: "jobs-of-the-project-x", action: "s3:GetObject", code: "InvalidInput"},
		"no action":                {source: jobs, action: "GetObject", code: "InvalidInput"},
		"a pattern of actions":     {source: jobs, action: "s3:Get*", code: "InvalidInput"},
		"other policies":           {source: jobs, action: "s3:GetObject", more: []string{allow}, code: "InvalidInput"},
	} {
		_, err := c.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &tt.source, ActionNames: []string{tt.action}, PolicyInputList: tt.more})
		if got := wiretest.Code(t, err); got != tt.code {
			t.Errorf("%s: %s, want %s (%v)", name, got, tt.code, err)
		}
	}
}
