package provision

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"

	"github.com/kedroctl/kedroctl/build"
	localpolicy "github.com/kedroctl/kedroctl/internal/local/policy"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/run"
)

const testAccount = "000000000000"

func statementsFor(t *testing.T, s Spec, audience string) []localpolicy.Statement {
	t.Helper()
	all, err := localpolicy.Parse([]byte(table{Spec: s, account: account{testAccount, "aws"}}.policyFor(audience).String()))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestPoliciesKnowEveryCall compares the table with the calls that this program can make: those of the interfaces through which it makes them.
func TestPoliciesKnowEveryCall(t *testing.T) {
	made := map[string]bool{"sts:GetCallerIdentity": true} // which needs no permission
	add := func(service string, api reflect.Type) {
		for i := range api.NumMethod() {
			made[service+":"+api.Method(i).Name] = true
		}
	}
	services := map[string]string{"S3": "s3", "ECR": "ecr", "IAM": "iam", "EC2": "ec2", "Batch": "batch", "Logs": "logs", "STS": "sts"}
	for _, clients := range []reflect.Type{reflect.TypeFor[Clients](), reflect.TypeFor[run.Clients]()} {
		for i := range clients.NumField() {
			if f := clients.Field(i); services[f.Name] != "" {
				add(services[f.Name], f.Type)
			}
		}
	}
	add("ecr", reflect.TypeFor[build.ECR]())
	add("ecr", reflect.TypeFor[Images]())
	add("s3", reflect.TypeFor[ObjectStore]())
	add("servicequotas", reflect.TypeFor[Quotas]())
	add("s3", reflect.TypeFor[Store]())
	add("s3", reflect.TypeFor[transfermanager.S3APIClient]())

	spec := testSpec(t, func(p *project.Project) { p.Settings.AWS.PermissionsBoundary = onlyS3 })
	known, actions := map[string]bool{}, map[string]bool{}
	for _, p := range (table{Spec: spec, account: account{testAccount, "aws"}}).permissions() {
		for _, call := range p.calls {
			known[call] = true
			if !made[call] {
				t.Errorf("%s allows %s, which no part of the program calls", p.sid, call)
			}
		}
		for _, a := range p.actions() {
			actions[a] = true
		}
	}
	for call := range made {
		action := permission{calls: []string{call}}.actions()[0]
		if !known[call] && !actions[action] && call != "sts:GetCallerIdentity" {
			t.Errorf("no policy has %s, for %s", action, call)
		}
	}
}

// TestDeployersPolicyIsEnough has the embedded AWS enforce it from the first call to the last.
func TestDeployersPolicyIsEnough(t *testing.T) {
	for name, change := range map[string]func(*project.Project){
		"on EC2":          func(*project.Project) {},
		"on Spot":         func(p *project.Project) { p.Settings.Compute.Type = project.Spot },
		"on Fargate":      func(p *project.Project) { p.Settings.Compute.Type = project.Fargate },
		"on Fargate Spot": func(p *project.Project) { p.Settings.Compute.Type = project.FargateSpot },
		"with a disk":     func(p *project.Project) { p.Settings.Compute.DiskSize = 100 },
		"bounded": func(p *project.Project) {
			p.Settings.AWS.RolePath, p.Settings.AWS.PermissionsBoundary = "/teams/data/", onlyS3
		},
		"with tags": tagged(map[string]string{"team": "data", "Cost Center": "4711"}),
		"with secrets": func(p *project.Project) {
			p.Settings.Job.Secrets = map[string]string{"TOKEN": "arn:aws:ssm:eu-west-1:123456789012:parameter/token"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, s := embedded(t), testSpec(t, change)
			restrict(t, a, s, Deployer)
			deployed(t, a, s)
			s.KeepDays, s.Compute.MaxVCPUs, s.OwnTags = 90, 64, map[string]string{"Cost Center": "4712", "owner": "me"}
			if s.Compute.DiskSize > 0 {
				s.Compute.DiskSize = 200
			}
			mustApply(t, a, s)
			if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true, Force: true}, &steps{}); err != nil {
				t.Errorf("destroy: %v", err)
			}
			simulated(t, a, s)
		})
	}
}

// TestDeployersPolicyIsEnoughWhereOthersMadeThings uses their bucket, repository, queue and roles.
func TestDeployersPolicyIsEnoughWhereOthersMadeThings(t *testing.T) {
	a := embedded(t)
	_, s := borrowed(t, a)
	restrict(t, a, s, Deployer)
	mustRegister(t, a, s, mustApply(t, a, s), testImage)
	if _, err := Destroy(t.Context(), a.Clients, s, DestroyOptions{Data: true}, &steps{}); err != nil {
		t.Errorf("destroy: %v", err)
	}
}

func restrict(t *testing.T, a *testAWS, s Spec, audience string) {
	t.Helper()
	document, err := PrintPolicy(t.Context(), a.Clients, s, audience)
	if err == nil {
		err = a.server.Restrict([]byte(document))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// simulated puts each call of the journal to the simulator: the deployer's policy allows all of them.
func simulated(t *testing.T, a *testAWS, s Spec) {
	t.Helper()
	statements, n := statementsFor(t, s, Deployer), 0
	for _, c := range a.server.Calls() {
		for _, p := range c.Permissions {
			n++
			if !localpolicy.Allows(statements, p.Action, p.Resource, p.Conditions) {
				t.Errorf("%s.%s: %s on %s (%v) is not allowed", c.Service, c.Operation, p.Action, p.Resource, p.Conditions)
			}
		}
	}
	if n < 50 {
		t.Errorf("%d permissions in the journal", n)
	}
}

// tempting are what a policy that is too wide lets people do. Nobody's policy has any of them.
var tempting = []struct {
	action, resource string
	conditions       map[string]string
}{
	{"iam:*", "*", nil},
	{"iam:PassRole", "arn:aws:iam::000000000000:role/Admin", map[string]string{"iam:passedtoservice": "ecs-tasks.amazonaws.com"}},
	{"iam:PassRole", "arn:aws:iam::000000000000:role/kedro-spaceflights-aws-batch-eu-west-1-job-d0fe1247", map[string]string{"iam:passedtoservice": "lambda.amazonaws.com"}},
	{"iam:PassRole", "arn:aws:iam::000000000000:role/kedro-other-aws-batch-eu-west-1-job-aaaaaaaa", map[string]string{"iam:passedtoservice": "ecs-tasks.amazonaws.com"}},
	{"iam:CreateRole", "arn:aws:iam::000000000000:role/Admin", nil},
	{"iam:PutRolePolicy", "arn:aws:iam::000000000000:role/kedro-other-aws-batch-eu-west-1-job-aaaaaaaa", nil},
	{"iam:AttachRolePolicy", "arn:aws:iam::000000000000:role/kedro-spaceflights-aws-batch-eu-west-1-job-d0fe1247", nil},
	{"iam:UpdateAssumeRolePolicy", "arn:aws:iam::000000000000:role/Admin", nil},
	{"iam:DeleteRole", "arn:aws:iam::000000000000:role/kedro-spaceflights-prod-eu-west-1-job-aaaaaaaa", nil},
	{"iam:DeleteRolePermissionsBoundary", "arn:aws:iam::000000000000:role/kedro-spaceflights-aws-batch-eu-west-1-job-d0fe1247", nil},
	{"iam:CreateUser", "arn:aws:iam::000000000000:user/me", nil},
	{"iam:CreateAccessKey", "arn:aws:iam::000000000000:user/me", nil},
	{"iam:CreateServiceLinkedRole", "arn:aws:iam::000000000000:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS", map[string]string{"iam:awsservicename": "ecs.amazonaws.com"}},
	{"sts:AssumeRole", "arn:aws:iam::000000000000:role/kedro-spaceflights-aws-batch-eu-west-1-job-d0fe1247", nil},
	{"s3:GetObject", "arn:aws:s3:::company-lake/secret.csv", nil},
	{"s3:PutObject", "arn:aws:s3:::kedro-spaceflights-3f9c02ab-prod/x", nil},
	{"s3:ListBucket", "arn:aws:s3:::company-lake", map[string]string{"s3:prefix": ""}},
	{"s3:DeleteBucket", "arn:aws:s3:::company-lake", nil},
	{"s3:PutBucketPolicy", "arn:aws:s3:::company-lake", nil},
	{"s3:ListAllMyBuckets", "*", nil},
	{"s3:PutBucketAcl", "arn:aws:s3:::kedro-spaceflights-3f9c02ab", nil},
	{"batch:DeleteJobQueue", "arn:aws:batch:eu-west-1:000000000000:job-queue/theirs", nil},
	{"batch:UpdateComputeEnvironment", "arn:aws:batch:eu-west-1:000000000000:compute-environment/kedro-spaceflights-prod", nil},
	{"batch:SubmitJob", "arn:aws:batch:eu-west-1:000000000000:job-definition/theirs:1", nil},
	{"batch:SubmitJob", "arn:aws:batch:eu-west-1:000000000000:job-queue/theirs", nil},
	{"batch:TerminateJob", "arn:aws:batch:eu-west-1:000000000000:job/0", map[string]string{"aws:resourcetag/kedroctl:project": "other", "aws:resourcetag/kedroctl:env": "aws-batch"}},
	{"batch:TerminateJob", "arn:aws:batch:eu-west-1:000000000000:job/0", nil},
	{"batch:RegisterJobDefinition", "arn:aws:batch:eu-west-1:000000000000:job-definition/kedro-spaceflights-prod", nil},
	{"batch:DeleteJobQueue", "arn:aws:batch:us-east-1:000000000000:job-queue/kedro-spaceflights-aws-batch", nil},
	{"ecr:PutImage", "arn:aws:ecr:eu-west-1:000000000000:repository/theirs", nil},
	{"ecr:DeleteRepository", "arn:aws:ecr:eu-west-1:000000000000:repository/spaceflights-batch-prod", nil},
	{"logs:DeleteLogGroup", "arn:aws:logs:eu-west-1:000000000000:log-group:/aws/batch/job:log-stream:", nil},
	{"logs:GetLogEvents", "arn:aws:logs:eu-west-1:000000000000:log-group:/aws/batch/job:log-stream:x", nil},
	{"ec2:RunInstances", "*", nil},
	{"ec2:CreateSecurityGroup", "*", nil},
	{"ec2:CreateLaunchTemplate", "arn:aws:ec2:eu-west-1:000000000000:launch-template/lt-1", map[string]string{"aws:requesttag/kedroctl:project": "other", "aws:requesttag/kedroctl:env": "aws-batch"}},
	{"ec2:CreateTags", "arn:aws:ec2:eu-west-1:000000000000:launch-template/lt-1", map[string]string{"aws:requesttag/kedroctl:project": "spaceflights", "aws:requesttag/kedroctl:env": "aws-batch"}},
	{"ec2:DeleteLaunchTemplate", "arn:aws:ec2:eu-west-1:000000000000:launch-template/lt-1", map[string]string{"aws:resourcetag/kedroctl:project": "other", "aws:resourcetag/kedroctl:env": "aws-batch"}},
	{"ec2:CreateLaunchTemplateVersion", "arn:aws:ec2:eu-west-1:000000000000:launch-template/lt-1", map[string]string{"aws:resourcetag/kedroctl:project": "spaceflights", "aws:resourcetag/kedroctl:env": "aws-batch"}},
	{"kms:Decrypt", "arn:aws:kms:eu-west-1:000000000000:key/0b1c", map[string]string{"kms:viaservice": "s3.eu-west-1.amazonaws.com"}},
	{"secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:000000000000:secret:db", nil},
	{"ecs:RunTask", "*", nil},
}

func TestNobodyMayDoWhatIsTempting(t *testing.T) {
	t.Run("without a disk", func(t *testing.T) { testTempting(t, testSpec(t)) })
	t.Run("with a disk", func(t *testing.T) {
		testTempting(t, testSpec(t, func(p *project.Project) { p.Settings.Compute.DiskSize = 100 }))
	})
}

func testTempting(t *testing.T, s Spec) {
	for _, audience := range Audiences {
		statements := statementsFor(t, s, audience)
		for _, try := range tempting {
			if localpolicy.Allows(statements, try.action, try.resource, try.conditions) {
				t.Errorf("a %s may do %s on %s (%v)", audience, try.action, try.resource, try.conditions)
			}
		}
	}
	own := "arn:aws:s3:::" + s.Bucket
	for _, try := range []struct{ audience, action, resource string }{
		{Runner, "s3:PutObject", own + "/01_raw/companies.csv"},
		{Runner, "s3:DeleteObject", own + "/01_raw/companies.csv"},
		{Runner, "s3:PutObject", own + "/.kedroctl/deployment.json"},
		{Runner, "s3:PutBucketPolicy", own},
		{Runner, "batch:RegisterJobDefinition", "arn:aws:batch:eu-west-1:000000000000:job-definition/" + s.Name},
		{Runner, "iam:GetRole", "arn:aws:iam::000000000000:role/" + s.JobRole},
		{Deployer, "batch:SubmitJob", "arn:aws:batch:eu-west-1:000000000000:job-queue/" + s.Name},
		{Auditor, "s3:GetObject", own + "/01_raw/companies.csv"},
		{Auditor, "s3:PutObject", own + "/.kedroctl/runs/r/cancelled-0.json"},
		{Auditor, "batch:TerminateJob", "arn:aws:batch:eu-west-1:000000000000:job/0"},
		{Auditor, "ecr:GetAuthorizationToken", "*"},
	} {
		own := map[string]string{"aws:resourcetag/kedroctl:project": s.Project, "aws:resourcetag/kedroctl:env": s.Env}
		if localpolicy.Allows(statementsFor(t, s, try.audience), try.action, try.resource, own) {
			t.Errorf("a %s may do %s on %s", try.audience, try.action, try.resource)
		}
	}
}

// TestWithinABoundary lets nobody make a role outside of it, which would be a way to all rights.
func TestWithinABoundary(t *testing.T) {
	s := bounded(t, "/teams/data/", onlyS3)
	statements := statementsFor(t, s, Deployer)
	role := "arn:aws:iam::000000000000:role/teams/data/" + s.JobRole
	for boundary, want := range map[string]bool{onlyS3: true, onlyLogs: false, "": false} {
		conditions := map[string]string{"iam:permissionsboundary": boundary}
		if boundary == "" {
			conditions = nil
		}
		for _, action := range []string{"iam:CreateRole", "iam:PutRolePermissionsBoundary"} {
			if got := localpolicy.Allows(statements, action, role, conditions); got != want {
				t.Errorf("%s within %q: %v", action, boundary, got)
			}
		}
	}
}

func TestPrintedPolicies(t *testing.T) {
	s := testSpec(t, func(p *project.Project) {
		p.Settings.Access = project.AccessSettings{Read: []string{"company-lake/raw/"}, Keys: []string{"arn:aws:kms:eu-west-1:123456789012:key/0b1c"}}
	})
	for _, audience := range Audiences {
		document := table{Spec: s, account: account{"123456789012", "aws"}}.policyFor(audience).String()
		var text bytes.Buffer
		if err := json.Indent(&text, []byte(document), "", "  "); err != nil {
			t.Fatal(err)
		}
		golden(t, audience+".json", text.String()+"\n")
		s.Compute.DiskSize = 100
		withDisk := table{Spec: s, account: account{"123456789012", "aws"}}.policyFor(audience).String()
		for _, document := range []string{document, withDisk} {
			if len(document) > MaxManagedPolicy {
				t.Errorf("the policy of a %s has %d characters, and a managed policy %d", audience, len(document), MaxManagedPolicy)
			}
		}
		s.Compute.DiskSize = 0
	}
}
