package provision

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

// export is a stack and how it is written.
type export struct {
	Spec
	TerraformOptions
}

func (e export) config() []byte { return Terraform(e.Spec, e.TerraformOptions) }

// exported are stacks whose configuration is kept as a golden file.
func exported() map[string]export {
	base := func(change func(*project.Project)) Spec {
		p := project.Project{Name: "Space Flights", Package: "space_flights", Env: "aws_batch"}
		p.Settings.Region, p.Settings.Bucket, p.Settings.KeepDays = testRegion, "kedro-space-flights-3f9c02ab", 30
		p.Settings.Compute.MaxVCPUs = 16
		change(&p)
		s, err := New(p, plan.Grants{Read: []string{"company-lake/raw/"}, Write: []string{"company-lake/out/model.pkl"}})
		if err != nil {
			panic(err)
		}
		return s
	}
	ec2 := base(func(*project.Project) {})
	theirs := base(func(p *project.Project) { p.Settings.Compute.Environment = "company-environment" })
	return map[string]export{
		"ec2":           {ec2, TerraformOptions{Provider: 6}},
		"ec2-5":         {ec2, TerraformOptions{Provider: 5}},
		"environment":   {theirs, TerraformOptions{Provider: 6}},
		"environment-5": {theirs, TerraformOptions{Provider: 5}},
		"spot": {base(func(p *project.Project) { p.Settings.Compute.Type = project.Spot; p.Settings.AWS.ServiceRole = "batch" }),
			TerraformOptions{Provider: 6}},
		"fargate": {base(func(p *project.Project) {
			p.Settings.Compute.Type = project.Fargate
			p.Settings.AWS.Subnets = []string{"subnet-1", "subnet-2"}
			p.Settings.Job.Secrets = map[string]string{"KEY": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:key-AbCdEf"}
		}), TerraformOptions{Provider: 6}},
		"disk": {base(func(p *project.Project) { p.Settings.Compute.DiskSize = 100 }), TerraformOptions{Provider: 6}},
		"tags": {base(func(p *project.Project) {
			p.Settings.Compute.DiskSize, p.Settings.AWS.Tags = 100, map[string]string{"team": "data", "Cost Center": "4711", "data:class": "internal"}
		}), TerraformOptions{Provider: 6}},
		"queue": {base(func(p *project.Project) { p.Settings.Compute.Queue = "company-queue" }), TerraformOptions{Provider: 6}},
	}
}

func TestTerraform(t *testing.T) {
	for name, s := range exported() {
		t.Run(name, func(t *testing.T) {
			got, golden := s.config(), filepath.Join("testdata", name+".tf.golden")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("run go test with -update if this is meant:\n%s", diff)
			}
		})
	}
}

// What Terraform computes of the documents is what provision would put.
func TestTerraformPolicies(t *testing.T) {
	a := account{ID: "123456789012", Partition: "aws"}
	for name, s := range exported() {
		got := evaluate(t, s.config())
		want := map[string]policy{"aws_s3_bucket_policy.data.policy": s.tlsOnly(a)}
		roles := map[string]role{"job": s.jobRole(Clients{}, a)}
		if s.needsExecutionRole() {
			roles["execution"] = s.executionRole(Clients{}, a)
		}
		if s.ownEnvironments() && !s.onFargate() {
			roles["instance"] = s.instanceRole(Clients{}, a)
		}
		for kind, r := range roles {
			want["aws_iam_role."+kind+".assume_role_policy"] = r.trust
			want["aws_iam_role_policy."+kind+".policy"] = r.policy
		}
		for at, p := range want {
			if !p.same(got[at]) {
				t.Errorf("%s: %s:\n%s\nwant:\n%s", name, at, got[at], p)
			}
		}
		if roles := len(want) - 1; roles != 2*strings.Count(string(s.config()), `resource "aws_iam_role" `) {
			t.Errorf("%s: %d documents of roles compared, which are not all", name, roles)
		}
	}
}

// The settings that a configuration begins with name what is there: with them provision changes nothing, and destroy leaves it.
func TestTerraformTakeover(t *testing.T) {
	for name, compute := range map[string]project.ComputeSettings{
		"EC2": {Type: project.EC2}, "EC2 with a disk": {Type: project.EC2, DiskSize: 100}, "Spot": {Type: project.Spot}, "Fargate": {Type: project.Fargate}, "Fargate Spot": {Type: project.FargateSpot},
	} {
		t.Run(name, func(t *testing.T) {
			a := embedded(t)
			made := testSpec(t, func(p *project.Project) { compute.MaxVCPUs, p.Settings.Compute = 16, compute })
			standing := mustApply(t, a, made)
			for _, arn := range append(standing.Environments, standing.Queue) { // as Terraform would, which knows no such tags
				if _, err := a.batch.UntagResource(t.Context(), &batch.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{tagProject, tagEnv, tagRegion}}); err != nil {
					t.Fatal(err)
				}
			}
			taken := takenOver(t, Terraform(made, TerraformOptions{Provider: 6}))
			mustUse(t, a, taken)
		})
	}
}

// takenOver is the stack by the settings that a configuration begins with.
func takenOver(t *testing.T, config []byte) Spec {
	t.Helper()
	comment, _, _ := strings.Cut(string(config), "\n\n")
	_, settings, _ := strings.Cut(strings.ReplaceAll(comment, "\n# ", "\n"), "\n#\n")
	return testSpec(t, func(p *project.Project) {
		into := struct {
			Tool struct{ Kedroctl *project.Settings }
		}{}
		into.Tool.Kedroctl = &p.Settings
		if _, err := toml.Decode(strings.ReplaceAll(settings, "\n#", "\n"), &into); err != nil {
			t.Fatalf("%v:\n%s", err, settings)
		}
	})
}

// mustUse finds nothing to do in a stack that was taken over.
func mustUse(t *testing.T, a *testAWS, taken Spec) {
	t.Helper()
	a.mutations()
	res := mustApply(t, a, taken)
	if calls := a.mutations(); len(calls) > 0 {
		t.Errorf("calls that change something: %v", calls)
	}
	existing := 0
	for _, r := range res.All {
		if r.State == Existing {
			existing++
		}
	}
	want := 3 // queue, log group, job role
	if taken.onFargate() {
		want++ // execution role
	}
	if existing < want {
		t.Errorf("%d of %v are taken as existing, want %d", existing, states(res.All), want)
	}
}

// Each resource of a configuration has an id once provision has made it; what is gone or not the stack's has none.
func TestImports(t *testing.T) {
	for _, kind := range []string{project.EC2, project.Spot, project.Fargate} {
		t.Run(kind, func(t *testing.T) {
			a, s := embedded(t), ofKind(t, kind)
			s.Compute.DiskSize = 100
			if ids, err := Imports(t.Context(), a.Clients, s); err != nil || len(ids) > 0 {
				t.Fatalf("of nothing: %v, %v", ids, err)
			}
			res := mustApply(t, a, s)
			a.mutations()
			ids, err := Imports(t.Context(), a.Clients, s)
			if calls := a.mutations(); err != nil || len(calls) > 0 {
				t.Fatalf("%v; calls that change something: %v", err, calls)
			}
			missing, imported := importsOf(t, Terraform(s, TerraformOptions{Provider: 6, Imports: ids}))
			if len(missing) > 0 || !maps.Equal(ids, imported) {
				t.Errorf("no import of %v; %v of %v", missing, imported, ids)
			}
			want := map[string]string{"aws_s3_bucket_policy.data": s.Bucket, "aws_iam_role_policy.job": s.JobRole + ":kedroctl", "aws_batch_job_queue.jobs": res.Queue}
			for address, id := range want {
				if ids[address] != id {
					t.Errorf("%s is imported by %q, want %q", address, ids[address], id)
				}
			}

			must(t, a.s3.DeleteBucketPolicy, &s3.DeleteBucketPolicyInput{Bucket: &s.Bucket})
			must(t, a.iam.DeleteRolePolicy, &iam.DeleteRolePolicyInput{RoleName: &s.JobRole, PolicyName: aws.String(policyName)})
			must(t, a.logs.DeleteLogGroup, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &s.LogGroup})
			must(t, a.batch.UntagResource, &batch.UntagResourceInput{ResourceArn: &res.Queue, TagKeys: []string{tagProject}})
			if ids, err = Imports(t.Context(), a.Clients, s); err != nil {
				t.Fatal(err)
			}
			missing, _ = importsOf(t, Terraform(s, TerraformOptions{Provider: 6, Imports: ids}))
			gone := []string{"aws_batch_job_queue.jobs", "aws_cloudwatch_log_group.jobs", "aws_iam_role_policy.job", "aws_s3_bucket_policy.data"}
			if diff := cmp.Diff(gone, missing); diff != "" {
				t.Errorf("without an import (-want +got):\n%s", diff)
			}
		})
	}
}

// importsOf are the ids of a configuration's import blocks, and the resources that have none.
func importsOf(t *testing.T, config []byte) (missing []string, ids map[string]string) {
	t.Helper()
	file, problems := hclsyntax.ParseConfig(config, "main.tf", hcl.InitialPos)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	ids = map[string]string{}
	blocks := file.Body.(*hclsyntax.Body).Blocks
	for _, b := range blocks {
		if b.Type == "import" {
			id, _ := b.Body.Attributes["id"].Expr.Value(nil)
			to := b.Body.Attributes["to"].Expr.Range()
			ids[string(to.SliceBytes(config))] = id.AsString()
		}
	}
	for _, b := range blocks {
		if address := strings.Join(b.Labels, "."); b.Type == "resource" && ids[address] == "" {
			missing = append(missing, address)
		}
	}
	slices.Sort(missing)
	return missing, ids
}

// evaluate gives the arguments of resources whose values are strings, by resource and name, as an account with the number 123456789012 has them.
func evaluate(t *testing.T, config []byte) map[string]string {
	t.Helper()
	file, problems := hclsyntax.ParseConfig(config, "main.tf", hcl.InitialPos)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	object := func(key string, v cty.Value) cty.Value { return cty.ObjectVal(map[string]cty.Value{key: v}) }
	context := &hcl.EvalContext{
		Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc},
		Variables: map[string]cty.Value{"data": object("aws_caller_identity", object("current", object("account_id", cty.StringVal("123456789012"))))},
	}
	values := map[string]string{}
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		for name, a := range block.Body.Attributes {
			if v, problems := a.Expr.Value(context); !problems.HasErrors() && v.Type() == cty.String {
				values[strings.Join(append(block.Labels, name), ".")] = v.AsString()
			}
		}
	}
	return values
}
