//go:build real

package provision

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/realtest"
)

// lint gives what the linters find in policies, by name.
func lint(t *testing.T, policies map[string]policy) string {
	t.Helper()
	dir := t.TempDir()
	for name, p := range policies {
		if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(p.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	c := exec.CommandContext(t.Context(), realtest.Lint(t), "-W", "ignore", "testdata/lint.py", dir)
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	return string(out)
}

// known are findings that are no defects: parliament's list of condition keys is older than kms:ResourceAliases, and AWS's own pages compare
// iam:PermissionsBoundary as a string.
// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-resource-aliases,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
var known = regexp.MustCompile(`^parliament (\S+ UNKNOWN_CONDITION_FOR_ACTION "Unknown condition kms:ResourceAliases for action kms:\w+"|` +
	`deployer MISMATCHED_TYPE_BUT_USABLE .*StringEquals requires a value of type String but given Arn")$`)

// TestRealPoliciesPassLinters has one among them that is wrong in two ways, so that it is known that both linters look.
func TestRealPoliciesPassLinters(t *testing.T) {
	s := testSpec(t, func(p *project.Project) {
		p.Settings.Access = project.AccessSettings{Read: []string{"company-lake/raw/", "reference"}, Write: []string{"results/team/table.csv"},
			Keys: []string{"arn:aws:kms:eu-west-1:123456789012:key/0b1c2d3e-0b1c-0b1c-0b1c-0b1c2d3e0b1c", "arn:aws:kms:eu-west-1:123456789012:alias/lake"}}
		p.Settings.Job.Secrets = map[string]string{
			"DB_PASSWORD": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf:password::",
			"TOKEN":       "arn:aws:ssm:eu-west-1:123456789012:parameter/token",
		}
		p.Settings.AWS.PermissionsBoundary, p.Settings.AWS.RolePath = "arn:aws:iam::123456789012:policy/limits", "/teams/data/"
		p.Settings.Job.Groups = map[string]project.GroupSettings{"train": {Queue: "gpu"}}
		p.Settings.Compute.DiskSize = 100
	})
	a := account{"123456789012", "aws"}
	policies := map[string]policy{
		"bucket": s.tlsOnly(a), "trust-tasks": s.trustTasks(a), "trust-instances": trustInstances(),
		"job": s.jobPolicy(a), "instance": s.instancePolicy(a), "execution": s.executionPolicy(a),
	}
	for _, audience := range Audiences {
		policies[audience] = table{Spec: s, account: a}.policyFor(audience)
	}
	policies["mistaken"] = newPolicy(statement{Effect: "Allow", Action: []string{"s3:GetObjekt"}, Resource: []string{"*"}},
		statement{Effect: "Maybe", Action: []string{"s3:GetObject"}, Resource: []string{"arn:aws:ecr:eu-west-1:123456789012:repository/x"}})
	seen := map[string]bool{}
	for line := range strings.Lines(lint(t, policies)) {
		line = strings.TrimSpace(line)
		if linter, _, wrong := strings.Cut(line, " mistaken "); wrong {
			seen[linter] = true
		} else if !known.MatchString(line) {
			t.Error(line)
		}
	}
	if !seen["parliament"] || !seen["cfn-lint"] {
		t.Errorf("what is mistaken was seen by %v alone", seen)
	}
}
