package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// confSource is where the image has the project's configuration.
const confSource = "/app/conf"

// commands writes the commands of groups, as docs/container.md has them.
type commands struct {
	all       *graph // the nodes of the selected pipelines, before filters
	env       string
	pipelines []string // the flag and its value
}

func newCommands(all *graph, s project.Snapshot, selected []string) (commands, error) {
	if !slices.Equal(SplitPlain(strings.Join(selected, ",")), selected) {
		return commands{}, &SelectionError{Reason: "a pipeline's name has a comma, which Kedro's command line cannot carry", Next: "rename it"}
	}
	flag := "--pipelines"
	if older(s.KedroVersion, 1, 2) {
		flag = "--pipeline"
		if len(selected) > 1 {
			return commands{}, &SelectionError{
				Reason: "Kedro " + s.KedroVersion + " runs one pipeline at a time",
				Next:   "Kedro 1.2 or newer takes several; or register their sum as a pipeline",
			}
		}
	}
	return commands{all: all, env: s.Env, pipelines: []string{flag, strings.Join(selected, ",")}}, nil
}

// of is the command for some nodes: by their namespace where they are all of it, else by name. Without a runner the run command has its own.
func (c commands) of(members []project.Node, runner string) []string {
	command := append([]string{"python", "-m", "kedroctl_boot", "--env", c.env, "--conf-source", confSource}, c.pipelines...)
	if runner != "" {
		command = append(command, "--runner", runner)
	}
	if ns := c.namespace(members); ns != "" {
		return append(command, "--namespaces", ns)
	}
	return append(command, "--nodes", strings.Join(nodeNames(members), ","))
}

// namespace is the first part of the namespace that all nodes share, "" where they share none or others of the pipelines have it too.
func (c commands) namespace(members []project.Node) string {
	ns, _, _ := strings.Cut(members[0].Namespace, ".")
	if ns == "" || !fits([]string{ns}) {
		return ""
	}
	for _, n := range members {
		if !within(n.Namespace, ns) {
			return ""
		}
	}
	all := 0
	for _, n := range c.all.nodes {
		if within(n.Namespace, ns) {
			all++
		}
	}
	if all != len(members) {
		return ""
	}
	return ns
}

// fits says whether Kedro's command line gives back the names that it is handed as a list.
func fits(names []string) bool { return slices.Equal(Split(strings.Join(names, ",")), names) }

func nodeNames(members []project.Node) []string {
	names := make([]string, len(members))
	for i, n := range members {
		names[i] = n.Name
	}
	return names
}

// OlderKedro says whether a project's Kedro is below major.minor; a version that cannot be read is not.
func OlderKedro(s project.Snapshot, major, minor int) bool {
	return older(s.KedroVersion, major, minor)
}

// older says whether a version is below major.minor; one that cannot be read is not.
func older(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, errA := strconv.Atoi(parts[0])
	b, errB := strconv.Atoi(parts[1])
	return errA == nil && errB == nil && (a < major || a == major && b < minor)
}
