//go:build real

package provision

import (
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
	for _, kind := range []string{project.EC2, project.Spot, project.Fargate} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := listening(t)
			made := ofKind(t, kind)
			if kind == project.Spot {
				made.Compute.DiskSize = 100
			}
			config := Terraform(made, TerraformOptions{Provider: newestProvider(t)})
			f := realtest.StartTerraform(t, a.server.Info().Endpoint, config)
			f.Must(t, "apply", "-no-color", "-auto-approve")
			if out, code := f.Run(t, "plan", "-no-color", "-detailed-exitcode"); code != 0 {
				t.Errorf("Terraform is not content with what it made: exit code %d:\n%s", code, out)
			}
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
	a.server, a.Sleep = server, nil
	return a
}
