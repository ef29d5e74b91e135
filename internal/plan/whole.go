package plan

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// whole plans what a deployment serves. Where no pipeline is named and there is no default one, these are all registered pipelines; those that cannot
// run together are planned apart, as each run has but some of them.
func whole(s project.Snapshot, set project.Settings, o Options) (Plan, error) {
	if _, registered := s.Pipelines[defaultPipeline]; registered || len(o.Selection.Pipelines) > 0 {
		return planned(s, set, o)
	}
	var (
		plans []Plan
		first error
	)
	parts := compatible(s.Pipelines, largest(s.Pipelines))
	for _, names := range parts {
		o.Selection.Pipelines = names
		p, err := planned(s, set, o)
		if _, none := errors.AsType[*SelectionError](err); none { // another part may have what the filters want
			first = cmp.Or(first, err)
			continue
		}
		if err != nil {
			return Plan{}, err
		}
		plans = append(plans, p)
	}
	if len(plans) == 0 {
		return Plan{}, cmp.Or(first, noPipeline(defaultPipeline, s.Pipelines))
	}
	p := joinPlans(plans)
	if len(parts) > 1 {
		p.Findings = Sort(append(p.Findings, notTogether(s.Pipelines, slices.Concat(parts...))))
	}
	return p, nil
}

// largest are the registered pipelines, without those that another one holds.
func largest(pipelines map[string]project.Pipeline) []string {
	sets := pipelineSets(pipelines)
	for _, name := range sortedKeys(sets) {
		for other, nodes := range sets {
			if other != name && contains(nodes, sets[name]) {
				delete(sets, name)
				break
			}
		}
	}
	return sortedKeys(sets)
}

// compatible puts each pipeline into the first part whose pipelines it can run with.
func compatible(pipelines map[string]project.Pipeline, names []string) [][]string {
	var parts [][]string
	for _, name := range names {
		at := slices.IndexFunc(parts, func(part []string) bool {
			_, err := sum(pipelines, slices.Concat(part, []string{name}))
			return err == nil
		})
		if at < 0 {
			parts = append(parts, []string{name})
		} else {
			parts[at] = append(parts[at], name)
		}
	}
	return parts
}

// joinPlans makes one plan of several that never run together: all that their jobs may read and write. What one of them makes is no free input.
func joinPlans(plans []Plan) Plan {
	all := plans[0]
	rows := map[string]Dataset{}
	for i, p := range plans {
		for _, row := range p.Datasets {
			if known, seen := rows[row.Name]; !seen || known.Role == Input {
				rows[row.Name] = row
			}
		}
		if i == 0 {
			continue
		}
		all.Selection.Pipelines = slices.Concat(all.Selection.Pipelines, p.Selection.Pipelines)
		all.Groups = slices.Concat(all.Groups, p.Groups)
		all.Grants = Grants{Read: widest(slices.Concat(all.Grants.Read, p.Grants.Read)), Write: widest(slices.Concat(all.Grants.Write, p.Grants.Write))}
		for _, f := range p.Findings {
			if !slices.Contains(all.Findings, f) {
				all.Findings = append(all.Findings, f)
			}
		}
	}
	all.Datasets = slices.SortedFunc(maps.Values(rows), func(a, b Dataset) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// notTogether says that no run can have all pipelines.
func notTogether(pipelines map[string]project.Pipeline, names []string) Finding {
	_, err := unite(pipelines, names)
	reason := strings.TrimPrefix(err.Error(), "select nodes: ")
	return Finding{
		Code: CodePipelinesApart, Level: Note, Thing: strings.Join(slices.Sorted(slices.Values(names)), ", "),
		Reason: "a run can have some of them: " + reason, Fix: "name those of a run with --pipelines; each by itself works",
	}
}
