package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// byHand labels the nodes that [tool.kedroctl.groups] names: a group's name, and globs over names of nodes, namespaces and tags.
func (r *grouping) byHand(groups map[string][]string) {
	if len(groups) == 0 {
		return
	}
	names := sortedKeys(groups)
	both := map[[2]string][]string{} // two groups: the nodes that they share
	for i, n := range r.nodes {
		in := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !fitsAny(groups[name], n) })
		if len(in) > 0 {
			r.labels[i] = label{rule: byHand, name: in[0]}
		}
		for _, other := range in[min(1, len(in)):] {
			both[[2]string{in[0], other}] = append(both[[2]string{in[0], other}], n.Name)
		}
	}
	r.because("[tool.kedroctl.groups] makes %s", r.handmade())
	r.findOverlaps(names, both)
	r.findUnmatched(groups)
}

// handmade counts the groups that nodes are in by hand.
func (r *grouping) handmade() string {
	var made []string
	for _, l := range r.labels {
		if l.rule == byHand && !slices.Contains(made, l.name) {
			made = append(made, l.name)
		}
	}
	if len(made) == 0 {
		return "no group of the selected nodes"
	}
	return plural(len(made), "group ", "groups ") + several(made)
}

// other is the word for nodes beside those that are grouped by hand.
func (r *grouping) other() string {
	if slices.ContainsFunc(r.labels, func(l label) bool { return l.rule == byHand }) {
		return "other "
	}
	return ""
}

func (r *grouping) findOverlaps(names []string, both map[[2]string][]string) {
	for _, first := range names {
		for _, second := range names {
			if nodes := both[[2]string{first, second}]; len(nodes) > 0 {
				r.findings = append(r.findings, Finding{
					Code: CodeGroupsOverlap, Level: Error, Thing: first + ", " + second,
					Reason: "both groups of [tool.kedroctl.groups] match " + several(nodes), Fix: "write their globs so that a node is in one group",
				})
			}
		}
	}
}

// findUnmatched warns of globs that fit nothing in the whole project; what the selection leaves out is no mistake.
func (r *grouping) findUnmatched(groups map[string][]string) {
	var all []project.Node
	for _, name := range sortedKeys(r.snapshot.Pipelines) {
		all = append(all, r.snapshot.Pipelines[name].Nodes...)
	}
	known := map[string]bool{}
	for _, n := range all {
		for _, handle := range handles(n) {
			known[handle] = true
		}
	}
	for _, name := range sortedKeys(groups) {
		for _, glob := range groups[name] {
			if !slices.ContainsFunc(all, func(n project.Node) bool { return fitsAny([]string{glob}, n) }) {
				r.findings = append(r.findings, Finding{
					Code: CodeGroupsUnmatched, Level: Warning, Thing: glob,
					Reason: fmt.Sprintf("group %s of [tool.kedroctl.groups] has it, and no node, namespace or tag of the project fits it", name),
					Fix:    DidYouMean(glob, sortedKeys(known)),
				})
			}
		}
	}
}

// fitsAny says whether a node's name, namespace or one of its tags is, or fits, one of the globs. Settings refuse globs that are none.
func fitsAny(globs []string, n project.Node) bool {
	return slices.ContainsFunc(handles(n), func(handle string) bool {
		return slices.ContainsFunc(globs, func(glob string) bool {
			ok, err := path.Match(glob, handle)
			return glob == handle || ok && err == nil
		})
	})
}

// handles are what a node can be named by: its name, its namespace and those above it, its tags.
func handles(n project.Node) []string {
	names := append([]string{n.Name}, n.Tags...)
	for at, r := range n.Namespace + "." {
		if r == '.' && at > 0 {
			names = append(names, n.Namespace[:at])
		}
	}
	return names
}

// several writes up to three names, and how many more there are.
func several(names []string) string {
	if more := len(names) - 3; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), more)
	}
	return strings.Join(names, ", ")
}
