package provision

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

var update = flag.Bool("update", false, "write golden files")

func TestNamesAreDerived(t *testing.T) {
	s := testSpec(t)
	got := map[string]string{
		"name": s.Name, "log group": s.LogGroup, "job role": s.JobRole, "instance profile": s.InstanceProfile, "repository": s.Repository,
	}
	want := map[string]string{
		"name": "kedro-spaceflights-aws-batch", "log group": "/kedroctl/spaceflights/aws-batch",
		"job role":         "kedro-spaceflights-aws-batch-eu-west-1-job-d0fe1247",
		"instance profile": "kedro-spaceflights-aws-batch-eu-west-1-instance-d0fe1247",
		"repository":       "spaceflights-batch",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestRoleNamesStayApart(t *testing.T) {
	seen := map[string]string{}
	for _, region := range []string{"eu-west-1", "ap-southeast-2"} {
		for _, env := range []string{"staging", "prod", strings.Repeat("long", 20) + "1", strings.Repeat("long", 20) + "2"} {
			s := testSpec(t, func(p *project.Project) { p.Name, p.Env, p.Settings.Region = strings.Repeat("project", 9), env, region })
			for _, name := range []string{s.JobRole, s.InstanceRole, s.ExecutionRole} {
				if len(name) > maxIAMName {
					t.Errorf("%s has %d characters", name, len(name))
				}
				if other := seen[name]; other != "" {
					t.Errorf("%s is that of %s and of %s", name, other, env+region)
				}
				seen[name] = env + region
			}
		}
	}
}

func TestSettingsThatMakeNoStack(t *testing.T) {
	tests := map[string]struct {
		change func(*project.Project)
		want   string
	}{
		"no region": {func(p *project.Project) { p.Settings.Region = "" }, "no AWS region"},
		"no bucket": {func(p *project.Project) { p.Settings.Bucket = "" }, "no bucket is named"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := testProject(t)
			test.change(&p)
			_, err := New(p, plan.Grants{})
			var settings *project.SettingsError
			if !errors.As(err, &settings) || !strings.Contains(err.Error(), test.want) || ui.Hint(err) == "" {
				t.Errorf("error %v, hint %q; want a settings error with %q", err, ui.Hint(err), test.want)
			}
		})
	}
}

func TestPolicies(t *testing.T) {
	s := testSpec(t, func(p *project.Project) {
		p.Settings.Access = project.AccessSettings{Read: []string{"company-lake/raw/", "reference"}, Write: []string{"results/team/table.csv"}}
		p.Settings.Access.Keys = []string{"arn:aws:kms:eu-west-1:123456789012:key/0b1c", "arn:aws:kms:eu-west-1:123456789012:alias/lake"}
		p.Settings.Job.Secrets = map[string]string{
			"DB_PASSWORD": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf:password::",
			"TOKEN":       "arn:aws:ssm:eu-west-1:123456789012:parameter/token",
		}
		p.Settings.Job.Groups = map[string]project.GroupSettings{
			"train": {Container: project.Container{Secrets: map[string]string{"WANDB": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:wandb-AbCdEf"}}},
		}
	})
	a := account{"123456789012", "aws"}
	for name, p := range map[string]policy{
		"bucket": s.tlsOnly(a), "trust-tasks": s.trustTasks(a), "trust-instances": trustInstances(),
		"job": s.jobPolicy(a), "instance": s.instancePolicy(a), "execution": s.executionPolicy(a),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name+".json", asJSON(t, p)) })
	}
}

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestPolicyMeansTheSame(t *testing.T) {
	p := newPolicy(statement{Effect: "Allow", Action: []string{"s3:GetObject", "s3:PutObject"}, Resource: []string{"*"}})
	tests := map[string]struct {
		document string
		want     bool
	}{
		"other order":     {`{"Statement":[{"Resource":["*"],"Effect":"Allow","Action":["s3:PutObject","s3:GetObject"]}],"Version":"2012-10-17"}`, true},
		"lists of one":    {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"*"}}`, true},
		"an action more":  {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:*","s3:GetObject","s3:PutObject"],"Resource":"*"}}`, false},
		"an action less":  {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"*"}}`, false},
		"deny":            {`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":["s3:GetObject","s3:PutObject"],"Resource":"*"}}`, false},
		"not a document":  {`{`, false},
		"nothing at all":  {``, false},
		"with conditions": {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"*","Condition":{"Bool":{"a":"b"}}}}`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := p.same(test.document); got != test.want {
				t.Errorf("same = %v, want %v", got, test.want)
			}
		})
	}
}

func TestRetentionIsOneThatLogsKnow(t *testing.T) {
	for days, want := range map[int]int32{0: 1, 1: 1, 2: 3, 30: 30, 31: 60, 3653: 3653, 9999: 3653} {
		if got := retention(days); got != want {
			t.Errorf("retention(%d) = %d, want %d", days, got, want)
		}
	}
}
