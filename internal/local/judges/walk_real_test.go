//go:build real

package judges

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/batch"
	"github.com/kedroctl/kedroctl/internal/local/clock"
	"github.com/kedroctl/kedroctl/internal/local/scripted"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

const account = "123456789012"

// serve is an embedded AWS whose jobs do as their names say.
func serve(t *testing.T) *local.Server {
	t.Helper()
	runner := scripted.New(clock.Real{},
		scripted.Script{Match: "fails", End: batch.Exited(1)},
		scripted.Script{Match: "slow", Duration: time.Hour},
		scripted.Script{Lines: []string{"hello"}})
	s, err := local.Listen(local.Options{Account: account, Runner: runner})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// stockedImage is what the repository "stocked" has as v1.
var stockedImage v1.Image = empty.Image

// stock makes the repository "stocked" and pushes an image to it.
func stock(t *testing.T, s *local.Server) {
	t.Helper()
	client := ecr.NewFromConfig(s.Config())
	made, err := client.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("stocked")})
	if err != nil {
		t.Fatal(err)
	}
	login, err := client.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(*made.Repository.RepositoryUri+":v1", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	token := authn.FromConfig(authn.AuthConfig{Auth: *login.AuthorizationData[0].AuthorizationToken})
	if err := remote.Write(ref, stockedImage, remote.WithAuth(token), remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// judge is a command that uses a server; its python and aws are those beside moto.
func judge(t *testing.T, info local.Info, program string, args ...string) *exec.Cmd {
	t.Helper()
	bin := filepath.Dir(realtest.Moto(t))
	if out, err := exec.Command(filepath.Join(bin, "python"), "-c", "import awscli, boto3").CombinedOutput(); err != nil {
		realtest.Missing(t, "awscli and boto3 beside moto, which scripts/test-real installs: "+string(out))
	}
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	c := exec.CommandContext(t.Context(), program, args...)
	c.Dir = "testdata"
	nothing := filepath.Join(t.TempDir(), "none")
	c.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+info.Endpoint, "AWS_ACCESS_KEY_ID="+info.AccessKey, "AWS_SECRET_ACCESS_KEY="+info.SecretKey,
		"AWS_DEFAULT_REGION="+info.Region, "AWS_CONFIG_FILE="+nothing, "AWS_SHARED_CREDENTIALS_FILE="+nothing, "AWS_EC2_METADATA_DISABLED=true",
		"PYTHONDONTWRITEBYTECODE=1", "PYTHONWARNINGS=ignore", "LC_ALL=C.UTF-8")
	return c
}

// output is what a judge prints; one that ends with an error fails the test.
func output(t *testing.T, c *exec.Cmd) []byte {
	t.Helper()
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s", c.Args[1], err, &said)
	}
	return out
}

// step is a line that walk.py prints.
type step struct {
	Service   string
	Operation string
	Error     string          // code
	Answer    json.RawMessage // nil where there is an error
}

func (s step) name() string { return s.Service + "." + s.Operation }

// walk makes the calls of testdata/steps.py.
func walk(t *testing.T, info local.Info, args ...string) (steps []step) {
	t.Helper()
	lines := json.NewDecoder(bytes.NewReader(output(t, judge(t, info, "python", append([]string{"walk.py"}, args...)...))))
	for lines.More() {
		var s step
		if err := lines.Decode(&s); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, s)
	}
	return steps
}

// TestRealEveryOperation walks all that is offered with boto3 and with awscli, each to an answer and to an error.
func TestRealEveryOperation(t *testing.T) {
	for _, client := range []string{"boto3", "awscli"} {
		t.Run(client, func(t *testing.T) {
			s := serve(t)
			stock(t, s)
			before := len(s.Calls())
			walk(t, s.Info(), client)
			called := map[string][]string{}
			for _, c := range s.Calls()[before:] {
				what := "answered"
				if c.Status >= 400 {
					what = "refused"
				}
				called[what] = append(called[what], c.Service+"."+c.Operation)
			}
			for _, what := range []string{"answered", "refused"} {
				got := called[what]
				slices.Sort(got)
				if diff := cmp.Diff(s.Operations(), slices.Compact(got)); diff != "" {
					t.Errorf("operations that are offered (-) and that were %s (+):\n%s", what, diff)
				}
			}
		})
	}
}

// TestRealPagesAndWaiters follows each of boto3's paginators whose operation is offered, and its waiters for buckets, objects, roles and profiles.
func TestRealPagesAndWaiters(t *testing.T) {
	s := serve(t)
	stock(t, s)
	output(t, judge(t, s.Info(), "python", append([]string{"pages.py"}, s.Operations()...)...))
}

// TestRealCommands has awscli move files, as people do.
func TestRealCommands(t *testing.T) {
	output(t, judge(t, serve(t).Info(), "bash", "commands.sh", t.TempDir()))
}
