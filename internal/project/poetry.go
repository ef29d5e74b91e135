package project

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// poetryRequirements writes [tool.poetry.dependencies] as requirements (PEP 508). Optional ones are left out, as Poetry leaves them out of a plain
// install, and so are those that are directories on this machine.
func poetryRequirements(table map[string]any) []string {
	var requirements []string
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if name == "python" {
			continue
		}
		constraints, isList := table[name].([]any) // one table per environment marker
		if !isList {
			constraints = []any{table[name]}
		}
		for _, constraint := range constraints {
			if requirement := poetryRequirement(name, constraint); requirement != "" {
				requirements = append(requirements, requirement)
			}
		}
	}
	return requirements
}

func poetryRequirement(name string, constraint any) string {
	if version, ok := constraint.(string); ok {
		return name + poetryVersion(version)
	}
	table, _ := constraint.(map[string]any)
	if table["optional"] == true || table["path"] != nil || table == nil {
		return ""
	}
	requirement := name
	if extras, ok := table["extras"].([]any); ok {
		requirement += strings.ReplaceAll(fmt.Sprint(extras), " ", ",")
	}
	version, _ := table["version"].(string)
	switch {
	case table["git"] != nil:
		requirement += fmt.Sprintf(" @ git+%v%s", table["git"], gitRevision(table))
	case table["url"] != nil:
		requirement += fmt.Sprintf(" @ %v", table["url"])
	default:
		requirement += poetryVersion(version)
	}
	if markers, ok := table["markers"].(string); ok {
		requirement += " ; " + markers
	}
	return requirement
}

func gitRevision(table map[string]any) string {
	for _, key := range []string{"rev", "tag", "branch"} {
		if revision, ok := table[key].(string); ok {
			return "@" + revision
		}
	}
	return ""
}

// poetryVersion writes Poetry's constraints (^1.2, ~1.2, 1.2, *) as PEP 440 specifiers.
func poetryVersion(constraint string) string {
	var clauses []string
	for clause := range strings.SplitSeq(constraint, ",") {
		clause = strings.TrimSpace(clause)
		switch {
		case clause == "" || clause == "*":
			continue
		case strings.HasPrefix(clause, "^"):
			version := strings.TrimSpace(clause[1:])
			clause = ">=" + version + ",<" + bump(version, caretDigit(version))
		case strings.HasPrefix(clause, "~") && !strings.HasPrefix(clause, "~="):
			version := strings.TrimSpace(clause[1:])
			clause = ">=" + version + ",<" + bump(version, min(1, strings.Count(version, ".")))
		case clause[0] >= '0' && clause[0] <= '9':
			clause = "==" + clause
		}
		clauses = append(clauses, clause)
	}
	return strings.Join(clauses, ",")
}

// caretDigit is the place of the first digit that is not zero: ^0.2.3 allows what does not change the 2.
func caretDigit(version string) int {
	parts := strings.Split(version, ".")
	for i, part := range parts {
		if part != "0" {
			return i
		}
	}
	return len(parts) - 1
}

// bump raises one part of a version and drops the parts behind it.
func bump(version string, place int) string {
	parts := strings.Split(version, ".")[:place+1]
	number, _ := strconv.Atoi(parts[place])
	parts[place] = strconv.Itoa(number + 1)
	return strings.Join(parts, ".")
}
