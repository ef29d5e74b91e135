package provision

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/project"
)

// allows decides as IAM does: a Deny that matches wins, else an Allow is needed. Of conditions it knows the prefix of a listing.
func (p policy) allows(action, resource, prefix string) bool {
	allowed := false
	for _, s := range p.Statement {
		if !matches(s.Action, action) || !matches(s.Resource, resource) {
			continue
		}
		if prefixes := s.Condition["StringLike"]["s3:prefix"]; prefixes != nil && !matches(prefixes, prefix) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = true
	}
	return allowed
}

// matches knows IAM's wildcard, which also stands for slashes.
func matches(patterns []string, s string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(p), `\*`, ".*") + "$").MatchString(s)
	})
}

func TestWhatJobsMayDo(t *testing.T) {
	p := testSpec(t, func(p *project.Project) {
		p.Settings.Access = project.AccessSettings{Read: []string{"lake/raw/", "lake/one.csv"}, Write: []string{"results/team/"}}
	}).jobPolicy(account{"123456789012", "aws"})
	const own, run = "kedro-spaceflights-3f9c02ab", "kedro-spaceflights-3f9c02ab/.kedroctl/runs/2026-11-23T09.55.12.345Z/"
	tests := []struct {
		action, resource, prefix string
		want                     bool
	}{
		{"s3:ListBucket", own, "01_raw/", true},
		{"s3:GetObject", own + "/01_raw/companies.csv", "", true},
		{"s3:PutObject", own + "/06_models/regressor.pickle/v/regressor.pickle", "", true},
		{"s3:DeleteObject", own + "/06_models/regressor.pickle/v/regressor.pickle", "", true},
		{"s3:PutObject", own + "/runs/2026-11-23T09.55.12.345Z/X_train.pkl", "", true},

		{"s3:GetObject", run + "requests/train-1a2b3c-t1.json", "", true},
		{"s3:GetObject", run + "plan.json", "", true},
		{"s3:GetObject", run + "claims/train-1a2b3c-t1.json", "", true},
		{"s3:PutObject", run + "claims/train-1a2b3c-t1.json", "", true},
		{"s3:PutObject", run + "records/train-1a2b3c-t1-a1.json", "", true},

		{"s3:PutObject", own + "/runs/2026-11-23T09.55.12.345Z/mlflow.json", "", true}, // and what tells a job whether it is the last
		{"s3:GetObject", own + "/runs/2026-11-23T09.55.12.345Z/mlflow.json", "", true},
		{"s3:ListBucket", own, ".kedroctl/runs/2026-11-23T09.55.12.345Z/claims/", true},
		{"s3:GetObject", run + "records/train-1a2b3c-t1-a1.json", "", true},

		{"s3:PutObject", run + "plan.json", "", false},
		{"s3:PutObject", run + "jobs.json", "", false},
		{"s3:PutObject", run + "requests/train-1a2b3c-t1.json", "", false},
		{"s3:DeleteObject", run + "claims/train-1a2b3c-t1.json", "", false},
		{"s3:DeleteObject", run + "records/train-1a2b3c-t1-a1.json", "", false},
		{"s3:PutObject", own + "/.kedroctl/deployment.json", "", false},
		{"s3:GetObject", own + "/.kedroctl/deployment.json", "", false},
		{"s3:DeleteObject", own + "/.kedroctl/deployments/2026-11-23T09.55.12.345Z.json", "", false},

		{"s3:GetObject", "lake/raw/deep/x.csv", "", true},
		{"s3:ListBucket", "lake", "raw/deep/", true},
		{"s3:GetObject", "lake/one.csv", "", true},
		{"s3:GetObject", "lake/one.csv/2026/one.csv", "", true},
		{"s3:PutObject", "results/team/x.csv", "", true},
		{"s3:GetObject", "results/team/x.csv", "", true},

		{"s3:PutObject", "lake/raw/x.csv", "", false},
		{"s3:GetObject", "lake/one.csv.bak", "", false},
		{"s3:GetObject", "lake/secret/x.csv", "", false},
		{"s3:ListBucket", "lake", "", false},
		{"s3:ListBucket", "lake", "secret/", false},
		{"s3:PutObject", "results/other/x.csv", "", false},
		{"s3:GetObject", own + "-other/x.csv", "", false},
		{"s3:PutBucketPolicy", own, "", false},
		{"s3:DeleteBucket", own, "", false},
		{"iam:PassRole", "role/any", "", false},
		{"batch:SubmitJob", "job-queue/any", "", false},
	}
	for _, test := range tests {
		if got := p.allows(test.action, "arn:aws:s3:::"+test.resource, test.prefix); got != test.want {
			t.Errorf("%s on %s (prefix %q): allowed is %v, want %v", test.action, test.resource, test.prefix, got, test.want)
		}
	}
}

func TestImagesOfOthersCanBePulled(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0", 64)
	for use, want := range map[string]bool{
		"210987654321.dkr.ecr.us-east-1.amazonaws.com/team/jobs" + digest: true,
		"ghcr.io/team/jobs" + digest:                                      false,
	} {
		spec := testSpec(t, func(p *project.Project) { p.Settings.Image.Use = use })
		for _, p := range []policy{spec.executionPolicy(account{"123456789012", "aws"}), spec.instancePolicy(account{"123456789012", "aws"})} {
			if got := p.allows("ecr:BatchGetImage", "arn:aws:ecr:us-east-1:210987654321:repository/team/jobs", ""); got != want {
				t.Errorf("%s: pull allowed %v, want %v", use, got, want)
			}
		}
	}
}
