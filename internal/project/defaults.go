package project

import (
	"strconv"
	"strings"
)

// defaultBase is the image of projects whose requires-python allows it, and of those that say nothing.
const defaultBase = "python:3.12-slim"

// minors are the minor versions of Python 3 that Kedro 1.x supports, in the order in which a base image is chosen: 3.12 has wheels of
// everything, then newer before older.
var minors = []int{12, 13, 14, 11, 10, 9}

func defaults(p Project) Settings {
	return Settings{
		GroupBy:  "auto",
		Crossing: "persist",
		MLflow:   MLflowOne,
		KeepDays: 30,
		Engine:   EngineAuto,
		Image: ImageSettings{
			Base:       baseImage(p.RequiresPython),
			Platform:   "linux/amd64",
			Repository: defaultRepository(p),
			Logging:    "plain",
			Slim:       true,
		},
		Compute: ComputeSettings{Type: EC2, MaxVCPUs: 16},
		Job:     JobSettings{Resources: Resources{VCPUs: 2, Memory: 4096, MemoryMax: 32768, Timeout: 86400, Attempts: 2}},
	}
}

// baseImage is the official Python image that satisfies requires-python.
func baseImage(requires string) string {
	for clause := range strings.SplitSeq(requires, ",") {
		exact, ok := strings.CutPrefix(strings.TrimSpace(clause), "==")
		if ok && !strings.HasSuffix(exact, ".*") {
			return "python:" + exactVersion(strings.TrimLeft(exact, "= ")) + "-slim"
		}
	}
	for _, minor := range minors {
		if allows(requires, minor) {
			return "python:3." + strconv.Itoa(minor) + "-slim"
		}
	}
	return defaultBase
}

// exactVersion is the release that == means: ==3.13 is 3.13.0 and no other (PEP 440).
func exactVersion(version string) string {
	for strings.Count(version, ".") < 2 {
		version += ".0"
	}
	return version
}

// AllowsPython says whether the newest release of Python 3.<minor> satisfies the project's requires-python.
func (p Project) AllowsPython(minor int) bool { return allows(p.RequiresPython, minor) }

// allows says whether the newest release of Python 3.<minor> satisfies a version specifier (PEP 440; Poetry's ^ too).
func allows(requires string, minor int) bool {
	for clause := range strings.SplitSeq(requires, ",") {
		clause = strings.TrimSpace(clause)
		operator := clause[:len(clause)-len(strings.TrimLeft(clause, "<>=!~^"))]
		version := strings.TrimSpace(clause[len(operator):])
		if clause != "" && !allowsClause(operator, version, minor) {
			return false
		}
	}
	return true
}

func allowsClause(operator, version string, minor int) bool {
	parts := strings.Split(version, ".")
	bound := 0
	if len(parts) > 1 {
		bound, _ = strconv.Atoi(parts[1])
	}
	if parts[0] != "3" { // <4 allows all of Python 3; what asks for another major version is not for Kedro
		return strings.HasPrefix(operator, "<") && parts[0] > "3"
	}
	switch operator {
	case ">=", ">", "^":
		return minor >= bound
	case "<", "<=": // the newest 3.12.z is newer than 3.12 and than most 3.12.x
		return minor < bound
	case "==":
		return minor == bound
	case "!=":
		return minor != bound
	case "~=", "~":
		if operator == "~=" && len(parts) == 2 {
			return minor >= bound
		}
		return minor == bound
	}
	return true
}

// defaultRepository is that of the environment alone: what one environment removes must not be another's.
func defaultRepository(p Project) string {
	if p.Env == DefaultEnv {
		return Slug(p.Name) + "-batch"
	}
	return Slug(p.Name) + "-" + Slug(p.Env)
}
