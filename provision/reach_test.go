package provision

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/faults"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

const (
	companyKey = "arn:aws:kms:eu-west-1:000000000000:key/0b1c"
	dbSecret   = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:db-AbCdEf"
)

// companyRoles are the roles that a company made for jobs of a project in a bucket of its own with a key. Each has the policy that it needs, as change
// leaves it; change may be nil.
func companyRoles(t *testing.T, a *testAWS, change func(role string, p *policy)) Spec {
	t.Helper()
	s := testSpec(t, func(p *project.Project) {
		p.Settings.Bucket = "company"
		p.Settings.AWS = project.AWSSettings{JobRole: "acme-jobs", ExecutionRole: "acme-start", InstanceProfile: "acme-hosts"}
		p.Settings.Access = project.AccessSettings{Read: []string{"lake/raw/", "lake/one.csv"}, Write: []string{"results/"},
			Keys: []string{"arn:aws:kms:eu-west-1:000000000000:alias/lake"}}
		p.Settings.Job.Secrets = map[string]string{"PASSWORD": dbSecret + ":password::"}
	})
	acc := account{testAccount, "aws"}
	must(t, a.s3.CreateBucket, &s3.CreateBucketInput{Bucket: &s.Bucket, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: testRegion}})
	must(t, a.s3.PutBucketEncryption, &s3.PutBucketEncryptionInput{Bucket: &s.Bucket, ServerSideEncryptionConfiguration: &s3types.ServerSideEncryptionConfiguration{
		Rules: []s3types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: &s3types.ServerSideEncryptionByDefault{
			SSEAlgorithm: s3types.ServerSideEncryptionAwsKms, KMSMasterKeyID: aws.String(companyKey)}}}}})
	withKey := s
	withKey.Keys = append(slices.Clone(s.Keys), companyKey)
	for role, has := range map[string]struct{ trust, policy policy }{
		"acme-jobs":  {s.trustTasks(acc), withKey.jobPolicy(acc)},
		"acme-start": {s.trustTasks(acc), s.executionPolicy(acc)},
		"acme-hosts": {trustInstances(), s.instancePolicy(acc)},
	} {
		must(t, a.iam.CreateRole, &iam.CreateRoleInput{RoleName: &role, AssumeRolePolicyDocument: aws.String(has.trust.String())})
		if change != nil {
			change(role, &has.policy)
		}
		allow(t, a, role, "theirs", has.policy)
	}
	must(t, a.iam.CreateInstanceProfile, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("acme-hosts")})
	must(t, a.iam.AddRoleToInstanceProfile, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: aws.String("acme-hosts"), RoleName: aws.String("acme-hosts")})
	a.mutations()
	return s
}

// without takes actions out of the policy of one role.
func without(of string, actions ...string) func(string, *policy) {
	return func(role string, p *policy) {
		for i := range p.Statement {
			if role == of && p.Statement[i].Effect == "Allow" {
				p.Statement[i].Action = slices.DeleteFunc(p.Statement[i].Action, func(a string) bool { return slices.Contains(actions, a) })
			}
		}
		p.Statement = slices.DeleteFunc(p.Statement, func(s statement) bool { return len(s.Action) == 0 })
	}
}

func rolesFindings(ctx context.Context, a *testAWS, s Spec) []plan.Finding {
	return slices.DeleteFunc(Examine(ctx, a.Clients, s), func(f plan.Finding) bool { return f.Code != CodeLacks && f.Code != CodeUnchecked })
}

// carryOut does what a hint of put-role-policy says.
func carryOut(t *testing.T, a *testAWS, hint string) {
	t.Helper()
	_, command, ok := strings.Cut(hint, "aws iam put-role-policy --role-name ")
	words := strings.SplitN(command, " ", 5)
	if !ok || len(words) != 5 {
		t.Fatalf("the hint has no command: %s", hint)
	}
	must(t, a.iam.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: &words[0], PolicyName: &words[2], PolicyDocument: aws.String(strings.Trim(words[4], "'"))})
}

func TestRolesOfOthersThatLackSomething(t *testing.T) {
	for name, test := range map[string]struct {
		change func(string, *policy)
		want   string
	}{
		"jobs cannot write": {without("acme-jobs", "s3:PutObject"), "role acme-jobs: it may not do what jobs need: " +
			"s3:PutObject on arn:aws:s3:::company/* (none of its policies allows it); s3:PutObject on arn:aws:s3:::results/* (none of its policies allows it)"},
		"jobs cannot list":         {without("acme-jobs", "s3:ListBucket"), "s3:ListBucket on arn:aws:s3:::company (none of its policies allows it); s3:ListBucket on arn:aws:s3:::lake (none"},
		"jobs cannot use the key":  {without("acme-jobs", "kms:GenerateDataKey"), "kms:GenerateDataKey on " + companyKey + " (none of its policies allows it)"},
		"nobody reads the secrets": {without("acme-start", "secretsmanager:GetSecretValue"), "role acme-start: it may not do what jobs need: secretsmanager:GetSecretValue on " + dbSecret + " (none"},
		"nobody writes logs":       {without("acme-start", "logs:PutLogEvents"), "logs:PutLogEvents on arn:aws:logs:eu-west-1:000000000000:log-group:/kedroctl/spaceflights/aws-batch:* (none"},
		"nobody pulls":             {without("acme-start", "ecr:BatchGetImage", "ecr:GetAuthorizationToken"), "ecr:GetAuthorizationToken on * (none of its policies allows it); ecr:BatchGetImage on arn:aws:ecr:eu-west-1:000000000000:repository/spaceflights-batch (none"},
		"instances cannot register": {without("acme-hosts", "ecs:RegisterContainerInstance"), "instance profile acme-hosts: its role acme-hosts may not do what jobs need: " +
			"ecs:RegisterContainerInstance on arn:aws:ecs:eu-west-1:000000000000:cluster/* (none of its policies allows it)"},
	} {
		t.Run(name, func(t *testing.T) {
			a := embedded(t)
			s := companyRoles(t, a, test.change)
			_, err := Apply(t.Context(), a.Clients, s, &steps{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("apply: %v\nwant %q", err, test.want)
			}
			if _, err := Diff(t.Context(), a.Clients, s, &steps{}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("diff: %v", err)
			}
			if calls := a.mutations(); len(calls) > 0 {
				t.Errorf("before it was refused: %v", calls)
			}
			found := rolesFindings(t.Context(), a, s)
			if len(found) != 1 || found[0].Code != CodeLacks || found[0].Level != plan.Error || !strings.Contains(found[0].Thing+": "+found[0].Reason, test.want) {
				t.Fatalf("found %+v", found)
			}
			carryOut(t, a, found[0].Fix)
			mustApply(t, a, s)
			if found := rolesFindings(t.Context(), a, s); len(found) > 0 {
				t.Errorf("afterwards %+v", found)
			}
		})
	}
}

func TestRolesOfOthersThatSuffice(t *testing.T) {
	a := embedded(t)
	s, told := companyRoles(t, a, nil), &steps{}
	if _, err := Apply(t.Context(), a.Clients, s, told); err != nil {
		t.Fatal(err)
	}
	if calls := slices.DeleteFunc(a.mutations(), func(call string) bool {
		return !strings.HasPrefix(call, "IAM.") || call == "IAM.CreateServiceLinkedRole"
	}); len(calls) > 0 {
		t.Errorf("roles of others were changed: %v", calls)
	}
	for _, r := range told.all {
		if r.Warning != "" {
			t.Errorf("%s: %s", r, r.Warning)
		}
	}
	if found := Examine(t.Context(), a.Clients, s); len(found) > 0 {
		t.Errorf("found %+v", found)
	}
}

func TestWhatDeniesIsTold(t *testing.T) {
	role := aws.String("acme-jobs")
	for name, test := range map[string]struct {
		plant      func(*testing.T, *testAWS)
		want, hint string
		cure       func(*testing.T, *testAWS)
	}{
		"a boundary": {
			plant: func(t *testing.T, a *testAWS) {
				must(t, a.iam.PutRolePermissionsBoundary, &iam.PutRolePermissionsBoundaryInput{RoleName: role, PermissionsBoundary: aws.String(onlyLogs)})
			},
			want: "s3:ListBucket on arn:aws:s3:::company (its permissions boundary)", hint: "have the permissions boundary allow it",
			cure: func(t *testing.T, a *testAWS) {
				must(t, a.iam.DeleteRolePermissionsBoundary, &iam.DeleteRolePermissionsBoundaryInput{RoleName: role})
			},
		},
		"a Deny": {
			plant: func(t *testing.T, a *testAWS) {
				allow(t, a, *role, "guard", newPolicy(statement{Effect: "Deny", Action: []string{"s3:Put*"}, Resource: []string{"*"}}))
			},
			want: "s3:PutObject on arn:aws:s3:::company/* (a Deny of its policy guard)", hint: "have the statement that denies it taken out",
			cure: func(t *testing.T, a *testAWS) {
				must(t, a.iam.DeleteRolePolicy, &iam.DeleteRolePolicyInput{RoleName: role, PolicyName: aws.String("guard")})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := embedded(t)
			s := companyRoles(t, a, nil)
			test.plant(t, a)
			found := rolesFindings(t.Context(), a, s)
			if len(found) != 1 || !strings.Contains(found[0].Reason, test.want) || !strings.Contains(found[0].Fix, test.hint) || strings.Contains(found[0].Fix, "put-role-policy") {
				t.Fatalf("found %+v", found)
			}
			test.cure(t, a)
			if found := rolesFindings(t.Context(), a, s); len(found) > 0 {
				t.Errorf("afterwards %+v", found)
			}
		})
	}
}

// organized is an IAM in an organization whose policies forbid all of S3, and that tells of "*" as of one resource.
type organized struct{ *iam.Client }

func (o organized) SimulatePrincipalPolicy(_ context.Context, in *iam.SimulatePrincipalPolicyInput, _ ...func(*iam.Options)) (*iam.SimulatePrincipalPolicyOutput, error) {
	out := &iam.SimulatePrincipalPolicyOutput{}
	for _, action := range in.ActionNames {
		r := iamtypes.EvaluationResult{EvalActionName: &action, EvalResourceName: &in.ResourceArns[0], EvalDecision: iamtypes.PolicyEvaluationDecisionTypeAllowed}
		if strings.HasPrefix(action, "s3:") {
			r.EvalDecision = iamtypes.PolicyEvaluationDecisionTypeImplicitDeny
			r.OrganizationsDecisionDetail = &iamtypes.OrganizationsDecisionDetail{}
		}
		out.EvaluationResults = append(out.EvaluationResults, r)
	}
	return out, nil
}

func TestAnOrganizationDenies(t *testing.T) {
	a := embedded(t)
	s := companyRoles(t, a, nil)
	a.IAM = organized{a.iam}
	found := rolesFindings(t.Context(), a, s)
	if len(found) != 1 || !strings.Contains(found[0].Reason, "s3:ListBucket on arn:aws:s3:::company (a policy of the organization)") ||
		found[0].Fix != "have the organization's service control policies allow it" {
		t.Errorf("found %+v", found)
	}
}

// TestWhatCannotBeDecidedIsAWarning has a caller who may not ask, and a role whose rights depend on where a request comes from.
func TestWhatCannotBeDecidedIsAWarning(t *testing.T) {
	private := func(role string, p *policy) {
		if role == "acme-jobs" {
			p.Statement[0].Condition = equals("aws:SourceVpce", "vpce-1")
		}
	}
	for name, test := range map[string]struct {
		faults string
		change func(string, *policy)
		want   []string
	}{
		"the caller may not ask": {faults: "deny iam:SimulatePrincipalPolicy", want: []string{
			"role acme-jobs: what it may do could not be checked: iam:SimulatePrincipalPolicy on arn:aws:iam::000000000000:role/acme-jobs is not allowed",
			"role acme-start: what it may do could not be checked: iam:SimulatePrincipalPolicy on arn:aws:iam::000000000000:role/acme-start is not allowed",
			"instance profile acme-hosts: what its role acme-hosts may do could not be checked: iam:SimulatePrincipalPolicy on arn:aws:iam::000000000000:role/acme-hosts is not allowed",
		}},
		"the simulator fails": {faults: "call iam.SimulatePrincipalPolicy times=99 status=500 code=PolicyEvaluation message='it is too long'", want: []string{
			"role acme-jobs: what it may do could not be checked: IAM's simulator failed: it is too long",
			"role acme-start: what it may do could not be checked: IAM's simulator failed: it is too long",
			"instance profile acme-hosts: what its role acme-hosts may do could not be checked: IAM's simulator failed: it is too long",
		}},
		"a condition": {change: private, want: []string{"role acme-jobs: whether it may do all that jobs need could not be decided: s3:ListBucket on arn:aws:s3:::company, by conditions on aws:SourceVpce"}},
	} {
		t.Run(name, func(t *testing.T) {
			script, err := faults.Parse(strings.NewReader(test.faults))
			if err != nil {
				t.Fatal(err)
			}
			a := embedded(t, func(o *local.Options) { o.Faults = script })
			s, told, looked := companyRoles(t, a, test.change), &steps{}, &steps{}
			_, err = Diff(t.Context(), a.Clients, s, looked)
			if err == nil {
				_, err = Apply(t.Context(), a.Clients, s, told)
			}
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, f := range rolesFindings(t.Context(), a, s) {
				if f.Level != plan.Warning {
					t.Errorf("an error: %+v", f)
				}
				found = append(found, f.Thing+": "+f.Reason)
			}
			for what, got := range map[string][]string{"provision": warnings(told), "provision --dry-run": warnings(looked), "doctor": found} {
				slices.Sort(got)
				if want := slices.Sorted(slices.Values(test.want)); !slices.Equal(got, want) {
					t.Errorf("%s: %q, want %q", what, got, want)
				}
			}
		})
	}
}

func warnings(told *steps) (all []string) {
	for _, r := range told.all {
		if r.Warning != "" {
			all = append(all, r.String()+": "+r.Warning)
		}
	}
	return all
}

// TestPoliciesLetRolesOfOthersBeChecked has the embedded AWS enforce them.
func TestPoliciesLetRolesOfOthersBeChecked(t *testing.T) {
	for _, audience := range []string{Deployer, Auditor} {
		a := embedded(t)
		s := companyRoles(t, a, nil)
		restrict(t, a, s, audience)
		told := &steps{}
		if _, err := Diff(t.Context(), a.Clients, s, told); err != nil || len(warnings(told)) > 0 {
			t.Errorf("a %s: %v, %v", audience, err, warnings(told))
		}
	}
}
