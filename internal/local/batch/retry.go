package batch

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// B12: letters, digits, dots, colons and white space, and an asterisk at the end; exit codes are digits.
var (
	reasonPattern = regexp.MustCompile(`^[A-Za-z0-9.:\s]*\*?$`)
	codePattern   = regexp.MustCompile(`^[0-9]*\*?$`)
)

// attemptRules are those of retry strategies and timeouts, in definitions and in submissions. B11, B12.
func attemptRules(r *types.RetryStrategy, t *types.JobTimeout) []verdict {
	verdicts := []verdict{when("B11", t != nil && aws.ToInt32(t.AttemptDurationSeconds) < 60, "timeout: attemptDurationSeconds must be at least 60")}
	if r == nil {
		return verdicts
	}
	verdicts = append(verdicts,
		when("B12", r.Attempts != nil && (*r.Attempts < 1 || *r.Attempts > 10), "retryStrategy: attempts must be from 1 to 10"),
		when("B12", len(r.EvaluateOnExit) > 5, "retryStrategy: evaluateOnExit has up to 5 entries"),
		when("B12", len(r.EvaluateOnExit) > 0 && r.Attempts == nil, "retryStrategy: attempts must be given with evaluateOnExit"))
	for _, exit := range r.EvaluateOnExit {
		code, reason, status := aws.ToString(exit.OnExitCode), aws.ToString(exit.OnReason), aws.ToString(exit.OnStatusReason)
		verdicts = append(verdicts,
			when(plain, exit.Action == "", "retryStrategy: an entry of evaluateOnExit has no action"),
			when("B12", code+reason+status == "", "retryStrategy: an entry of evaluateOnExit has no condition"),
			when("B12", max(len(code), len(reason), len(status)) > 512, "retryStrategy: a pattern of evaluateOnExit has up to 512 characters"),
			when("B12", !codePattern.MatchString(code) || !reasonPattern.MatchString(reason) || !reasonPattern.MatchString(status),
				"retryStrategy: a pattern of evaluateOnExit has other characters than it takes, in %q, %q or %q", code, reason, status))
	}
	return verdicts
}

// retries tells whether a failed attempt is to be repeated: while attempts are left, the first rule that matches decides, and where none does it is. B12.
func (s *Service) retries(j *job, e Exit) bool {
	r := j.RetryStrategy
	if r == nil || len(j.Attempts) >= int(aws.ToInt32(r.Attempts)) {
		return false
	}
	for _, exit := range r.EvaluateOnExit {
		if exitMatches(exit, e) && !s.off["B12"] {
			return strings.EqualFold(string(exit.Action), string(types.RetryActionRetry))
		}
	}
	return true
}

// exitMatches needs every condition that there is.
func exitMatches(on types.EvaluateOnExit, e Exit) bool {
	code := ""
	if e.Code != nil {
		code = strconv.Itoa(int(*e.Code))
	}
	matches := func(pattern *string, text string) bool { return pattern == nil || glob(*pattern, text) }
	return matches(on.OnExitCode, code) && matches(on.OnReason, e.Reason) && matches(on.OnStatusReason, e.StatusReason)
}
