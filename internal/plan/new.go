package plan

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// Options are what a plan depends on besides the project and its settings.
type Options struct {
	Project   string // project_name
	Selection Selection
	Params    []string // dotted names of the parameters that --params gives: these are not missing
	Sandbox   string   // name of the sandbox that is to hold all that the run writes; "": none
	// Definitions are the entries of job.groups that have job definitions of their own; nil: as the settings say, which those of a record cannot.
	Definitions []string
	Whole       bool // what a deployment serves: where no pipeline is named and __default__ is not registered, all that are
}

// New plans a run. What stands in the way of running it is among the plan's findings; an error is about the selection (*SelectionError) or the
// settings, so that there is nothing to plan.
func New(s project.Snapshot, set project.Settings, o Options) (Plan, error) {
	if o.Whole {
		return whole(s, set, o)
	}
	return planned(s, set, o)
}

func planned(s project.Snapshot, set project.Settings, o Options) (Plan, error) {
	all, chosen, err := choose(s, o.Selection)
	if err != nil {
		return Plan{}, err
	}
	cmds, err := newCommands(all, s, o.Selection.PipelineNames())
	if err != nil {
		return Plan{}, err
	}
	grouped, err := group(chosen, s, o.Selection.PipelineNames(), set)
	if err != nil {
		return Plan{}, err
	}
	q := grouped.quotient()
	d := &data{graph: chosen, snapshot: s, settings: set, of: q.of, findings: grouped.findings, definitions: o.Definitions}
	if d.definitions == nil {
		d.definitions = sortedKeys(set.Containers())
	}
	d.decide()
	d.enclose(o.Sandbox)
	d.check(o)
	p := Plan{
		Schema: Schema, Project: project.Slug(o.Project), Package: s.Package, Env: s.Env, Bucket: set.Bucket, Selection: o.Selection, Sandbox: o.Sandbox,
		Fargate:   project.OnFargate(set.Compute.Type),
		GroupedBy: strings.Join(grouped.by, ", "), Reason: strings.Join(grouped.reasons, "; "),
		Groups: d.groups(q, cmds), Datasets: d.rows, Grants: grants(d.rows, set),
	}
	if s.UsesMLflow() {
		p.MLflow = set.MLflow
	}
	d.checkCommands(p.Groups)
	d.checkSettings(p.Groups, o.Selection.Default())
	p.Findings = Sort(d.findings)
	return p, nil
}

// groups writes the groups in the order in which they can run.
func (d *data) groups(q *quotient, cmds commands) []Group {
	order := q.order()
	names := unique(q, order)
	parents := q.reduce(order)
	kept := map[string]bool{}
	for _, row := range d.rows {
		kept[row.Name] = true
	}
	groups := make([]Group, len(order))
	for i, id := range order {
		members := make([]project.Node, len(q.members[id]))
		for j, n := range q.members[id] {
			members[j] = d.nodes[n]
		}
		inputs, outputs := d.traffic(id, members, kept)
		as := d.settledAs(names[id], q.labels[id])
		job := d.settings.Group(as)
		groups[i] = Group{
			Name: names[id], Nodes: nodeNames(members), Command: cmds.of(members, job.Runner), Resources: job.Resources,
			Settings: d.jobSettings(as, job),
			Inputs:   inputs, Outputs: outputs,
		}
		if as != names[id] {
			groups[i].Settings.As = as
		}
		for _, p := range parents[id] {
			groups[i].DependsOn = append(groups[i].DependsOn, names[p])
		}
	}
	for i, key := range keys(groupNames(groups)) {
		groups[i].Key = key
	}
	return groups
}

// settledAs is the name by which a group finds its settings: of a part of a split group the group's own, unless the part has an entry to itself.
func (d *data) settledAs(name string, l label) string {
	if _, own := d.settings.Job.Groups[name]; own || l.part == 0 {
		return name
	}
	return l.name
}

// unique gives each group its name; one that an earlier group has gets a number.
func unique(q *quotient, order []int) []string {
	names := make([]string, len(order))
	taken := map[string]bool{}
	for _, id := range order {
		name := q.labels[id].name
		for n := 2; taken[name]; n++ {
			name = q.labels[id].name + "-" + strconv.Itoa(n)
		}
		taken[name] = true
		names[id] = name
	}
	return names
}

// traffic is what a group loads from outside and what it saves to outside its container.
func (d *data) traffic(id int, members []project.Node, kept map[string]bool) (inputs, outputs []string) {
	in, out := map[string]bool{}, map[string]bool{}
	for _, n := range members {
		for _, name := range n.Inputs {
			if maker, made := d.maker[BaseName(name)]; !isParameter(name) && (!made || d.of[maker] != id) {
				in[BaseName(name)] = true
			}
		}
		for _, name := range n.Outputs {
			if kept[BaseName(name)] {
				out[BaseName(name)] = true
			}
		}
	}
	return sortedKeys(in), sortedKeys(out)
}

// checkCommands finds names that Kedro's own command line would take apart.
func (d *data) checkCommands(groups []Group) {
	for _, g := range groups {
		if g.Command[len(g.Command)-2] == "--nodes" && !fits(g.Nodes) {
			d.find(Error, CodeNodeName, g.Name, "a node's name has a comma or an unclosed bracket, which Kedro's command line cannot carry: "+strings.Join(g.Nodes, " "), "rename the node or its namespace")
		}
	}
}

func groupNames(groups []Group) []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Name
	}
	return names
}

// Sort puts errors first, then warnings, then notes.
func Sort(findings []Finding) []Finding {
	rank := map[string]int{Error: 0, Warning: 1, Note: 2}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank[a.Level], rank[b.Level]), strings.Compare(a.Code, b.Code), strings.Compare(a.Thing, b.Thing))
	})
	return findings
}
