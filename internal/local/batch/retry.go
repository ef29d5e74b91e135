package batch

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"
)

// B12 (API: EvaluateOnExit): letters, digits, dots, colons and white space, and an asterisk at the end; exit codes are digits.
var (
	reasonPattern = regexp.MustCompile(`^[A-Za-z0-9.:\s]*\*?$`)
	codePattern   = regexp.MustCompile(`^[0-9]*\*?$`)
)

// checkRetry. B12 (API: RetryStrategy, EvaluateOnExit).
func checkRetry(r *types.RetryStrategy) error {
	if r == nil {
		return nil
	}
	switch {
	case r.Attempts != nil && (*r.Attempts < 1 || *r.Attempts > maxAttempts):
		return refuse("retryStrategy: attempts must be from 1 to %d", maxAttempts)
	case len(r.EvaluateOnExit) > maxRules:
		return refuse("retryStrategy: evaluateOnExit has up to %d entries", maxRules)
	case len(r.EvaluateOnExit) > 0 && r.Attempts == nil:
		return refuse("retryStrategy: attempts must be given with evaluateOnExit")
	}
	for _, rule := range r.EvaluateOnExit {
		if err := checkRule(rule); err != nil {
			return err
		}
	}
	return nil
}

func checkRule(rule types.EvaluateOnExit) error {
	if rule.Action == "" {
		return refuse("retryStrategy: an entry of evaluateOnExit has no action")
	}
	if rule.OnExitCode == nil && rule.OnReason == nil && rule.OnStatusReason == nil {
		return refuse("retryStrategy: an entry of evaluateOnExit has no condition")
	}
	for pattern, form := range map[*string]*regexp.Regexp{rule.OnReason: reasonPattern, rule.OnStatusReason: reasonPattern, rule.OnExitCode: codePattern} {
		if p := aws.ToString(pattern); len(p) > maxPattern || !form.MatchString(p) {
			return refuse("retryStrategy: pattern %q has characters that evaluateOnExit does not take, or more than %d", p, maxPattern)
		}
	}
	return nil
}

// retries tells whether a failed attempt is to be repeated while attempts are left: the first rule that matches decides, and where none does it is.
// B12 (API: EvaluateOnExit).
func retries(r *types.RetryStrategy, e Exit) bool {
	if r == nil {
		return false
	}
	for _, rule := range r.EvaluateOnExit {
		if ruleMatches(rule, e) {
			return strings.EqualFold(string(rule.Action), string(types.RetryActionRetry))
		}
	}
	return true
}

// ruleMatches needs every condition that the rule has.
func ruleMatches(rule types.EvaluateOnExit, e Exit) bool {
	code := ""
	if e.Code != nil {
		code = strconv.Itoa(int(*e.Code))
	}
	return patternMatches(rule.OnExitCode, code) && patternMatches(rule.OnReason, e.Reason) && patternMatches(rule.OnStatusReason, e.StatusReason)
}

func patternMatches(pattern *string, text string) bool {
	if pattern == nil {
		return true
	}
	if prefix, open := strings.CutSuffix(*pattern, "*"); open {
		return strings.HasPrefix(text, prefix)
	}
	return *pattern == text
}
