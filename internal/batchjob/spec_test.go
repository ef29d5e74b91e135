package batchjob

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// TestRulesForRetries are within what Batch takes, and the last one leaves nothing to chance: what no rule matches is retried.
// https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html
func TestRulesForRetries(t *testing.T) {
	allowed := regexp.MustCompile(`^[A-Za-z0-9.:\s]*\*?$`)
	rules := Retries(10).EvaluateOnExit
	if len(rules) > 5 {
		t.Errorf("%d rules, Batch takes 5", len(rules))
	}
	for _, r := range rules {
		if pattern := aws.ToString(r.OnReason) + aws.ToString(r.OnStatusReason); !allowed.MatchString(pattern) || len(pattern) > 512 || pattern == "" {
			t.Errorf("pattern %q", pattern)
		}
	}
	if last := rules[len(rules)-1]; aws.ToString(last.OnReason) != "*" || last.Action != types.RetryActionExit || last.OnStatusReason != nil || last.OnExitCode != nil {
		t.Errorf("the last rule is %+v", last)
	}
	if Retries(0) != nil {
		t.Error("no attempts give a strategy")
	}
}

func TestWhatIsRetried(t *testing.T) {
	for name, test := range map[string]struct {
		status, reason string
		want           types.RetryAction
	}{
		"a lost host":           {"Host EC2 (instance i-0123) terminated.", "", types.RetryActionRetry},
		"Fargate Spot":          {"Your Spot Task was interrupted.", "", types.RetryActionRetry},
		"no image":              {"Task failed to start", "CannotPullContainerError: context canceled", types.RetryActionRetry},
		"no container":          {"Task failed to start", "DockerTimeoutError: Could not transition to created", types.RetryActionRetry},
		"the program's failure": {"Essential container in task exited", "", types.RetryActionExit},
		"out of memory":         {"Essential container in task exited", "OutOfMemoryError: Container killed due to memory usage", types.RetryActionExit},
	} {
		if got := action(Retries(2).EvaluateOnExit, test.status, test.reason); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// action is that of the first rule whose conditions are all met.
func action(rules []types.EvaluateOnExit, status, reason string) types.RetryAction {
	meets := func(pattern *string, text string) bool {
		return pattern == nil || strings.HasPrefix(text, strings.TrimSuffix(*pattern, "*"))
	}
	for _, r := range rules {
		if meets(r.OnStatusReason, status) && meets(r.OnReason, reason) {
			return r.Action
		}
	}
	return types.RetryActionRetry
}
