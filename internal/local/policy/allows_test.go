package policy_test

import (
	"os"
	"testing"

	"github.com/kedroctl/kedroctl/internal/local/policy"
)

func TestTheGeneratedPolicyOfJobs(t *testing.T) {
	document, err := os.ReadFile("../../../provision/testdata/job.json")
	if err != nil {
		t.Fatal(err)
	}
	statements, err := policy.Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	const own, runs = "arn:aws:s3:::kedro-spaceflights-3f9c02ab", "/.kedroctl/runs/r1/"
	tests := []struct {
		action, resource, prefix string
		want                     bool
	}{
		{"s3:ListBucket", own, "", true},
		{"s3:GetObject", own + "/data/x", "", true},
		{"s3:PutObject", own + "/data/x", "", true},
		{"s3:DeleteObject", own + "/data/x", "", true},
		{"s3:PutObjectTagging", own + "/data/x", "", false},
		{"s3:PutObject", own + runs + "plan.json", "", false},
		{"s3:GetObject", own + runs + "plan.json", "", true},
		{"s3:GetObject", own + runs + "jobs.json", "", false},
		{"s3:DeleteObject", own + runs + "claims/a", "", false},
		{"s3:PutObject", own + runs + "claims/a", "", true},
		{"s3:GetObject", own + "/.kedroctl/deployments/1.json", "", false},
		{"s3:GetObject", "arn:aws:s3:::company-lake/raw/2026/x", "", true},
		{"s3:GetObject", "arn:aws:s3:::company-lake/other/x", "", false},
		{"s3:PutObject", "arn:aws:s3:::company-lake/raw/x", "", false},
		{"s3:ListBucket", "arn:aws:s3:::company-lake", "raw/2026", true},
		{"s3:ListBucket", "arn:aws:s3:::company-lake", "ra", false},
		{"s3:ListBucket", "arn:aws:s3:::company-lake", "", false},
		{"s3:ListBucket", "arn:aws:s3:::reference", "", true},
		{"s3:PutObject", "arn:aws:s3:::results/team/table.csv", "", true},
		{"s3:PutObject", "arn:aws:s3:::results/team/table.csv/v/table.csv", "", true},
		{"s3:PutObject", "arn:aws:s3:::results/team/table.csv2", "", false},
		{"s3:ListBucket", "arn:aws:s3:::of-somebody-else", "", false},
	}
	for _, tt := range tests {
		if got := policy.Allows(statements, tt.action, tt.resource, map[string]string{"s3:prefix": tt.prefix}); got != tt.want {
			t.Errorf("%s on %s (prefix %q): %v", tt.action, tt.resource, tt.prefix, got)
		}
	}
}

func TestEvaluation(t *testing.T) {
	const allow = `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`
	tests := map[string]struct {
		statements string
		conditions map[string]string
		want       bool
	}{
		"nothing is said":                   {`{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}`, nil, false},
		"a wildcard, in any case":           {`{"Effect":"Allow","Action":"S3:get*","Resource":"*"}`, nil, true},
		"one character":                     {`{"Effect":"Allow","Action":"s3:GetObjec?","Resource":"arn:aws:s3:::data/?"}`, nil, true},
		"one character too few":             {`{"Effect":"Allow","Action":"s3:GetObject?","Resource":"*"}`, nil, false},
		"stars in the middle":               {`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:*:s3:::d*a/*"}`, nil, true},
		"a resource in another case":        {`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::DATA/*"}`, nil, false},
		"all but other actions":             {`{"Effect":"Allow","NotAction":"s3:Put*","Resource":"*"}`, nil, true},
		"all but this action":               {`{"Effect":"Allow","NotAction":"s3:Get*","Resource":"*"}`, nil, false},
		"all but this resource":             {`{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::data/*"}`, nil, false},
		"a denial outweighs":                {allow + `,{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::data/x"}`, nil, false},
		"a denial of something else":        {allow + `,{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::data/y"}`, nil, true},
		"a condition holds":                 {`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"s3:prefix":["b","a"]}}}`, map[string]string{"s3:prefix": "a"}, true},
		"a condition fails":                 {`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"b"}}}`, map[string]string{"s3:prefix": "a"}, false},
		"a condition on nothing":            {`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"s3:prefix":"*"}}}`, nil, false},
		"a key in another case":             {`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true}}}`, map[string]string{"aws:securetransport": "true"}, true},
		"one of two conditions fails":       {`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"s3:prefix":"*"},"Bool":{"x":true}}}`, map[string]string{"s3:prefix": "a"}, false},
		"an unknown operator of an Allow":   {`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`, map[string]string{"aws:sourceip": "10.0.0.1"}, false},
		"an unknown operator of a Deny":     {allow + `,{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`, nil, false},
		"a denial whose condition is unmet": {allow + `,{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`, nil, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			statements, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + tt.statements + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			if got := policy.Allows(statements, "s3:GetObject", "arn:aws:s3:::data/x", tt.conditions); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
