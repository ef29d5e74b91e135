//go:build real

package provision

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

// long leaves a test to scripts/test-long: starting the provider takes seconds each time.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("KEDROCTL_TEST_TERRAFORM") != "long" {
		t.Skip("only with KEDROCTL_TEST_TERRAFORM=long, as in scripts/test-long")
	}
}

// The real provider takes what is written for it.
func TestRealTerraformValidates(t *testing.T) {
	found := realtest.TerraformProviders(t)
	for name, s := range exported() {
		if slices.Contains(found, s.Provider) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				realtest.StartTerraform(t, "http://127.0.0.1:1", s.config()).Must(t, "validate", "-no-color")
			})
		}
	}
}

// Terraform makes the stack, wants nothing more then, kedroctl takes it as it is, and Terraform removes it.
func TestRealTerraformMakesTheStack(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{project.EC2, project.Spot, project.Fargate} {
		t.Run(kind, func(t *testing.T) {
			if kind == project.EC2 { // of which SPOT has all
				long(t)
			}
			t.Parallel()
			a := listening(t)
			made := ofKind(t, kind)
			if kind == project.Spot {
				made.Compute.DiskSize = 100
			}
			config := Terraform(made, TerraformOptions{Provider: newestProvider(t)})
			f := realtest.StartTerraform(t, a.server.Info().Endpoint, config)
			f.Must(t, "apply", "-no-color", "-auto-approve")
			mustBeContent(t, f)
			s := takenOver(t, config)
			mustUse(t, a, s)
			must(t, a.s3.PutObject, &s3.PutObjectInput{Bucket: &s.Bucket, Key: aws.String("01_raw/0.csv"), Body: strings.NewReader("a,b\n")})
			if _, code := f.Run(t, "destroy", "-no-color", "-auto-approve"); code == 0 {
				t.Fatal("terraform destroy removed the data unasked")
			}
			want := []string{"AWSServiceRoleForBatch"}
			if kind == project.Fargate {
				f.Must(t, append([]string{"state", "rm"}, withData(f.Must(t, "state", "list"))...)...)
				want = []string{s.Bucket, "AWSServiceRoleForBatch", s.Repository}
			} else {
				f.Write(t, "destroy_override.tf", documented(t, "destroy_override.tf"))
				f.Must(t, "apply", "-no-color", "-auto-approve")
			}
			f.Must(t, "destroy", "-no-color", "-auto-approve")
			if diff := cmp.Diff(want, whatIsLeft(t, a)); diff != "" {
				t.Errorf("left in the account (-want +got):\n%s", diff)
			}
		})
	}
}

// The same on moto, whose answers were not written here. It wants an environment's service role to be named.
func TestRealTerraformMakesTheStackOnMoto(t *testing.T) {
	t.Parallel()
	newest := newestProvider(t)
	endpoint := realtest.StartMoto(t)
	a := motoAt(endpoint)
	s := testSpec(t, func(p *project.Project) {
		p.Settings.Compute.Type, p.Settings.AWS.ServiceRole = project.Spot, batchRole(t, a)
	})
	config := Terraform(s, TerraformOptions{Provider: newest})
	f := realtest.StartTerraform(t, endpoint, config)
	f.Must(t, "apply", "-no-color", "-auto-approve")
	mustBeContent(t, f)
	mustUse(t, a, takenOver(t, config))
}

// mustBeContent has Terraform plan no change.
func mustBeContent(t *testing.T, f *realtest.Terraform) {
	t.Helper()
	if out, code := f.Run(t, "plan", "-no-color", "-detailed-exitcode"); code != 0 {
		t.Errorf("Terraform is not content with what it applied: exit code %d:\n%s", code, out)
	}
}

// What provision made moves over by one apply, which changes nothing but what is explained, and kedroctl takes it as it is then.
func TestRealTerraformImportsTheStack(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{project.EC2, project.Spot, project.Fargate} {
		t.Run(kind, func(t *testing.T) {
			if kind != project.Spot { // the one with the most resources
				long(t)
			}
			t.Parallel()
			a := listening(t)
			s := testSpec(t, func(p *project.Project) {
				p.Settings.Compute.Type, p.Settings.AWS.Tags = kind, map[string]string{"team": "data"}
				if kind == project.Spot {
					p.Settings.Compute.DiskSize = 100
				}
			})
			testImport(t, a, a.server.Info().Endpoint, s)
		})
	}
}

func TestRealTerraformImportsTheStackOnMoto(t *testing.T) {
	t.Parallel()
	newestProvider(t)
	endpoint := realtest.StartMoto(t)
	testImport(t, motoAt(endpoint), endpoint, testSpec(t))
}

func testImport(t *testing.T, a *testAWS, endpoint string, s Spec) {
	t.Helper()
	newest := newestProvider(t)
	mustApply(t, a, s)
	before, _ := capacityOf(t, a, s)
	ids, err := Imports(t.Context(), a.Clients, s)
	if err != nil {
		t.Fatal(err)
	}
	config := Terraform(s, TerraformOptions{Provider: newest, Imports: ids})
	f := realtest.StartTerraform(t, endpoint, config)
	f.Must(t, "plan", "-no-color", "-out", "plan")
	for _, d := range planned(t, f.Must(t, "show", "-json", "plan")) {
		if !slices.ContainsFunc(explained, func(e reason) bool { return e.covers(d) }) {
			t.Errorf("Terraform would change what it imports: %s", d)
		}
	}
	f.Must(t, "apply", "-no-color", "plan")
	mustBeContent(t, f)
	if after, _ := capacityOf(t, a, s); !slices.Equal(before, after) {
		t.Errorf("the queue tries %v, and %v before", after, before)
	}
	mustUse(t, a, takenOver(t, config))
}

// reason is why a planned change is right; * in its line stands for anything.
type reason struct{ line, why string }

func (r reason) covers(line string) bool {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(r.line), `\*`, ".*") + "$").MatchString(line)
}

// explained are the changes of an import.
var explained = []reason{
	{"* tags.kedroctl:*: * -> <nil>", "what has kedroctl's tags is kedroctl's"},
	{"* tags_all.kedroctl:*: * -> <nil>", "what has kedroctl's tags is kedroctl's"},
	{"aws_s3_bucket.data force_destroy: <nil> -> false", "Terraform's alone: S3 does not know it"},
	{"aws_s3_bucket_policy.data: create", "provision leaves it out where S3 is reached without TLS, as here"},
	{"aws_batch_job_queue.jobs compute_environments.*: * -> <nil>", "an import reads the same list under its old name (hashicorp/terraform-provider-aws#39568)"},
	{"aws_batch_job_queue.jobs compute_environment_order.*: <nil> -> *", "an import reads the same list under its old name (hashicorp/terraform-provider-aws#39568)"},
	{"aws_launch_template.disk latest_version: 1 -> <nil>", "the provider knows only after the tags have gone that it is the same version"},
	{"aws_batch_compute_environment.* compute_resources.0.launch_template.0.version: 1 -> <nil>", "the version of the launch template, which stays"},
}

// planned are the changes of a plan, as "address path.of.attribute: old -> new" or "address: create".
func planned(t *testing.T, shown string) (all []string) {
	t.Helper()
	var plan struct {
		Changes []struct {
			Address string
			Change  struct {
				Actions       []string
				Before, After map[string]any
			}
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(shown), &plan); err != nil {
		t.Fatal(err)
	}
	if len(plan.Changes) == 0 {
		t.Fatal("the plan has no resources")
	}
	for _, c := range plan.Changes {
		if actions := strings.Join(c.Change.Actions, ", "); actions != "update" && actions != "no-op" && actions != "read" {
			all = append(all, c.Address+": "+actions)
			continue
		}
		before, after := flat(c.Change.Before), flat(c.Change.After)
		for _, name := range union(slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(after))) {
			if is, want := before[name], after[name]; !cmp.Equal(is, want) {
				all = append(all, fmt.Sprintf("%s %s: %v -> %v", c.Address, name, is, want))
			}
		}
	}
	return all
}

// flat are the plain values in v, by their paths.
func flat(v any) map[string]any {
	all := map[string]any{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, member := range v {
				walk(strings.TrimPrefix(path+"."+key, "."), member)
			}
		case []any:
			for i, member := range v {
				walk(fmt.Sprint(path, ".", i), member)
			}
		default:
			all[path] = v
		}
	}
	walk("", v)
	return all
}

func newestProvider(t *testing.T) int {
	t.Helper()
	return slices.Max(realtest.TerraformProviders(t))
}

// withData are the resources of Terraform's state that hold data, and what belongs to these.
func withData(state string) (all []string) {
	for name := range strings.Lines(state) {
		if strings.HasPrefix(name, "aws_s3") || strings.HasPrefix(name, "aws_ecr") {
			all = append(all, strings.TrimSpace(name))
		}
	}
	return all
}

// documented is the file of Terraform's that docs/aws.md has under that name.
func documented(t *testing.T, name string) []byte {
	t.Helper()
	page, err := os.ReadFile("../docs/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)`" + regexp.QuoteMeta(name) + "`.*?\n```hcl\n(.*?)```").FindSubmatch(page)
	if found == nil {
		t.Fatalf("docs/aws.md has no file %s", name)
	}
	return found[1]
}

// listening is the embedded AWS on a port, by this machine's clock.
func listening(t *testing.T) *testAWS {
	t.Helper()
	server, err := local.Listen(local.Options{Region: testRegion, Settle: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	a := newTestAWS(server.Config())
	a.server = server
	a.Sleep = func(ctx context.Context, d time.Duration) error {
		time.Sleep(min(d, 100*time.Millisecond))
		return ctx.Err()
	}
	return a
}
