package provision

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// policy is an IAM policy document.
type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string                         `json:",omitempty"`
	Effect    string                         // Allow or Deny
	Principal any                            `json:",omitempty"`
	Action    []string                       // in alphabetical order
	Resource  []string                       `json:",omitempty"`
	Condition map[string]map[string][]string `json:",omitempty"`
}

const policyVersion = "2012-10-17"

func newPolicy(statements ...statement) policy {
	return policy{Version: policyVersion, Statement: statements}
}

func (p policy) String() string {
	text, err := json.Marshal(p)
	if err != nil {
		return "" // strings, lists and maps of strings always marshal
	}
	return string(text)
}

// same says whether a document that AWS gave back means what p says.
func (p policy) same(document string) bool { return sameDocument(p.String(), document) }

func normal(document string) any {
	var v any
	if json.Unmarshal([]byte(document), &v) != nil {
		return document
	}
	return normalValue(v)
}

func normalValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			v[key] = normalValue(inner)
		}
		return v
	case []any:
		for i := range v {
			v[i] = normalValue(v[i])
		}
		slices.SortFunc(v, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		if len(v) == 1 {
			return v[0]
		}
	}
	return v
}

// account is where the stack lies.
type account struct {
	ID        string
	Partition string // aws, aws-cn or aws-us-gov
}

func (a account) arn(service, region, rest string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", a.Partition, service, region, a.ID, rest)
}

// key is the ARN of a KMS key that is named by ARN, id or alias; "" for AWS's own.
func (a account) key(region, name string) string {
	switch {
	case name == "" || strings.HasSuffix(name, "alias/aws/s3"):
		return ""
	case strings.HasPrefix(name, "arn:"):
		return name
	case strings.HasPrefix(name, "alias/"):
		return a.arn("kms", region, name)
	}
	return a.arn("kms", region, "key/"+name)
}

// domain is what the names of services end with.
func (a account) domain() string {
	if a.Partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

func (a account) s3(path string) string { return "arn:" + a.Partition + ":s3:::" + path }
