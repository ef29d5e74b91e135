package policy

import (
	"slices"
	"strings"
)

// Allows reports whether a principal with these statements may do action on resource (an ARN or "*"), where the request has the given values
// for condition keys: some statement must allow it, and none deny it. A condition that this evaluator does not know never allows.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func Allows(statements []Statement, action, resource string, conditions map[string]string) bool {
	applies := func(effect string) bool {
		return slices.ContainsFunc(statements, func(s Statement) bool {
			return s.Effect == effect && s.covers(action, resource) && s.holds(conditions)
		})
	}
	return applies("Allow") && !applies("Deny")
}

// covers compares actions without regard to case, as IAM does, and resources with.
func (s Statement) covers(action, resource string) bool {
	acts := func(pattern string) bool { return like(strings.ToLower(pattern), strings.ToLower(action)) }
	names := func(pattern string) bool { return like(pattern, resource) }
	return one(s.Action, s.NotAction, acts) && one(s.Resource, s.NotResource, names)
}

// one asks for a match in wanted, or for none in unwanted where that is what the statement has.
func one(wanted, unwanted Strings, matches func(string) bool) bool {
	if len(unwanted) > 0 {
		return !slices.ContainsFunc(unwanted, matches)
	}
	return slices.ContainsFunc(wanted, matches)
}

// operators compare the value of a request with one of a statement.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
var operators = map[string]func(value, wanted string) bool{
	"StringEquals": func(value, wanted string) bool { return value == wanted },
	"StringLike":   func(value, wanted string) bool { return like(wanted, value) },
	"Bool":         strings.EqualFold,
}

// holds reports whether all conditions of the statement hold. One that cannot be decided does not help an Allow, and does not hinder a Deny.
func (s Statement) holds(conditions map[string]string) bool {
	for operator, keys := range s.Condition {
		compare, known := operators[operator]
		for key, values := range keys {
			value, given := lookUp(conditions, key)
			if !known && s.Effect == "Deny" {
				continue
			}
			if !known || !given || !slices.ContainsFunc(values, func(wanted string) bool { return compare(value, wanted) }) {
				return false
			}
		}
	}
	return true
}

// lookUp finds a condition key, whose case does not matter.
func lookUp(conditions map[string]string, key string) (value string, given bool) {
	for k, v := range conditions {
		if strings.EqualFold(k, key) {
			return v, true
		}
	}
	return "", false
}

// like matches with the wildcards * (any text, also none) and ? (one character).
func like(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	star, from := -1, 0 // the last *, and where what it stands for ends so far
	for i, j := 0, 0; j < len(t) || i < len(p); {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, j
			i++
		case i < len(p) && j < len(t) && (p[i] == '?' || p[i] == t[j]):
			i, j = i+1, j+1
		case star >= 0 && from < len(t):
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	return true
}
