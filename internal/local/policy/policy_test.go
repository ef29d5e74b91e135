package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/policy"
)

func TestOneMayStandForAList(t *testing.T) {
	got, err := policy.Parse([]byte(`{"Version":"2012-10-17","Id":"x","Statement":{"Sid":"tls","Effect":"Deny","Principal":"*","Action":"s3:*",
		"Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{"Bool":{"aws:SecureTransport":false}}}}`))
	want := []policy.Statement{{Sid: "tls", Effect: "Deny", Principal: "*", Action: policy.Strings{"s3:*"},
		Resource:  policy.Strings{"arn:aws:s3:::b", "arn:aws:s3:::b/*"},
		Condition: map[string]map[string]policy.Strings{"Bool": {"aws:SecureTransport": {"false"}}}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	const right = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"*"}]}`
	tests := map[string]struct{ old, new, want string }{
		"no JSON":             {"{", "", "json"},
		"another version":     {"2012-10-17", "2012-10-18", "version"},
		"no statement":        {`[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"*"}]`, "[]", "no statement"},
		"another effect":      {"Allow", "Permit", "effect"},
		"no actions":          {`"Action":["s3:GetObject"],`, "", "actions"},
		"a typing error":      {"Resource", "Resoruce", "Resoruce"},
		"an action of no use": {`["s3:GetObject"]`, `{"s3":"GetObject"}`, "string"},
		"a second document":   {right, right + right, "follows"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := policy.Parse([]byte(strings.Replace(right, tt.old, tt.new, 1)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
	if _, err := policy.Parse([]byte(right)); err != nil {
		t.Errorf("the right one: %v", err)
	}
}
