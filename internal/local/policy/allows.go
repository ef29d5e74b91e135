package policy

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Decision is what policies say of a request, as the policy simulator calls it.
type Decision string

// Decisions.
const (
	Allowed      Decision = "allowed"
	ExplicitDeny Decision = "explicitDeny" // by a statement
	ImplicitDeny Decision = "implicitDeny" // since no statement allows it
)

// Decide says whether a principal with these statements may do action on resource (an ARN or "*"), where the request has the given values
// for condition keys in lower case: some statement must allow it, and none deny it. A condition that is not known here never allows.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func Decide(statements []Statement, action, resource string, conditions map[string]string) Decision {
	applies := func(effect string) bool {
		return slices.ContainsFunc(statements, func(s Statement) bool {
			return s.Effect == effect && s.covers(action, resource) && s.holds(conditions)
		})
	}
	switch {
	case applies("Deny"):
		return ExplicitDeny
	case applies("Allow"):
		return Allowed
	}
	return ImplicitDeny
}

// Allows reports whether Decide says so.
func Allows(statements []Statement, action, resource string, conditions map[string]string) bool {
	return Decide(statements, action, resource, conditions) == Allowed
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

// operators compare the value of a request with one of a statement. A request has one value for a key here, also where AWS takes more.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
var operators = map[string]func(value, wanted string) bool{
	"StringEquals": func(value, wanted string) bool { return value == wanted },
	"StringLike":   func(value, wanted string) bool { return like(wanted, value) },
	"ArnLike":      func(value, wanted string) bool { return like(wanted, value) },
	"Bool":         strings.EqualFold,

	"ForAnyValue:StringEquals": func(value, wanted string) bool { return value == wanted },
}

// holds reports whether all conditions of the statement hold. One that cannot be decided does not help an Allow, and does not hinder a Deny.
func (s Statement) holds(conditions map[string]string) bool {
	for operator, keys := range s.Condition {
		compare, known := operators[operator]
		for key, values := range keys {
			value, given := conditions[strings.ToLower(key)]
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

// like matches with the wildcards * (any text, also none) and ? (one character).
func like(pattern, text string) bool {
	for pattern != "" && pattern[0] != '*' {
		size := 1
		switch {
		case text == "":
			return false
		case pattern[0] == '?':
			_, size = utf8.DecodeRuneInString(text)
		case pattern[0] != text[0]:
			return false
		}
		pattern, text = pattern[1:], text[size:]
	}
	if pattern == "" {
		return text == ""
	}
	for from := range len(text) + 1 {
		if like(pattern[1:], text[from:]) {
			return true
		}
	}
	return false
}
