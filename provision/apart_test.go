package provision

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/project"
)

// ofAccount is the IAM of a region, which another one has too: the account's answers, and the region's Batch knows what was made.
type ofAccount struct{ answers, knows aws.HTTPClient }

func (o ofAccount) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	told := r.Clone(r.Context())
	told.Body, r.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
	answer, err := o.knows.Do(told)
	if err != nil {
		return nil, err
	}
	if err := answer.Body.Close(); err != nil {
		return nil, err
	}
	return o.answers.Do(r)
}

// another is a second region of an account, with its IAM.
func another(t *testing.T, first *testAWS, region string) *testAWS {
	t.Helper()
	a := embedded(t, func(o *local.Options) { o.Region = region })
	must(t, a.iam.CreateServiceLinkedRole, &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String(batchService)})
	cfg := a.server.Config()
	cfg.BaseEndpoint, cfg.HTTPClient = aws.String("https://127.0.0.1"), ofAccount{first.server.Config().HTTPClient, cfg.HTTPClient}
	shared := newTestAWS(cfg)
	a.iam, a.IAM = shared.iam, shared.IAM
	return a
}

// TestTwoRegionsShareNothing has one project's stack in two regions of an account, whose IAM has one name space: each is as if it were alone, also when
// the other goes.
func TestTwoRegionsShareNothing(t *testing.T) {
	const region = "us-east-1"
	for _, kind := range []string{project.EC2, project.Fargate} {
		t.Run(kind, func(t *testing.T) {
			a := embedded(t)
			b := another(t, a, region)
			here := ofKind(t, kind)
			there := testSpec(t, ofType(kind), func(p *project.Project) { p.Settings.Region, p.Settings.Bucket = region, "kedro-spaceflights-us" })
			mustApply(t, a, here)
			alone := everything(t, a)
			mustApply(t, b, there)
			if text := asJSON(t, b.batchPicture(t, there)) + asJSON(t, b.rolePicture(t, there.JobRole)); strings.Contains(text, testRegion) || !strings.Contains(text, region) {
				t.Errorf("the stack in %s names %s: %s", region, testRegion, text)
			}
			for name, is := range alone {
				if diff := gocmp.Diff(asJSON(t, is), asJSON(t, everything(t, a)[name])); diff != "" {
					t.Errorf("%s was changed from another region (-want +got):\n%s", name, diff)
				}
			}
			for a, s := range map[*testAWS]Spec{a: here, b: there} {
				if changes, err := Diff(t.Context(), a.Clients, s, &steps{}); err != nil || len(changes) > 0 {
					t.Errorf("in %s: %+v, %v", s.Region, changes, err)
				}
			}
			if _, err := Destroy(t.Context(), b.Clients, there, DestroyOptions{Data: true}, &steps{}); err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(asJSON(t, alone), asJSON(t, everything(t, a))); diff != "" {
				t.Errorf("after the other one has gone (-want +got):\n%s", diff)
			}
			mustApply(t, b, there)
			if _, err := Destroy(t.Context(), a.Clients, here, DestroyOptions{Data: true}, &steps{}); err != nil {
				t.Fatal(err)
			}
			if changes, err := Diff(t.Context(), b.Clients, there, &steps{}); err != nil || len(changes) > 0 {
				t.Errorf("in %s after the other one has gone: %+v, %v", region, changes, err)
			}
		})
	}
}

// TestTwoAccountsShareNothing has one project's stack in two accounts, under the same names but for the bucket's.
func TestTwoAccountsShareNothing(t *testing.T) {
	const account = "111122223333"
	a, b := embedded(t), embedded(t, func(o *local.Options) { o.Account = account })
	here := testSpec(t)
	there := testSpec(t, func(p *project.Project) { p.Settings.Bucket = "kedro-spaceflights-prod" })
	res := mustApply(t, a, here)
	mustApply(t, b, there)
	text := asJSON(t, everything(t, b))
	if strings.Contains(text, res.Account) || !strings.Contains(text, account) {
		t.Errorf("the stack in %s names %s: %s", account, res.Account, text)
	}
	if there.JobRole != here.JobRole || there.queueName() != here.queueName() {
		t.Errorf("names %s, %s", there.JobRole, there.queueName())
	}
}
