package plan

import (
	"slices"

	"github.com/kedroctl/kedroctl/internal/project"
)

// Comparison says what the jobs would be by one rule of grouping.
type Comparison struct {
	Rule     string `json:"rule"`
	Jobs     int    `json:"jobs"`
	Depth    int    `json:"depth"`     // jobs in the longest row in which each waits for the one before
	Width    int    `json:"width"`     // most jobs that have equally many before them, and so may run at the same time
	Crossing int    `json:"crossing"`  // datasets that one job saves and another loads
	InMemory int    `json:"in_memory"` // those of them that the catalog has in memory
	Largest  int    `json:"largest"`   // nodes in the largest group
}

// Compare plans the same nodes by each of [Rules]. Groups by hand are the same by all of them.
func Compare(s project.Snapshot, set project.Settings, o Options) ([]Comparison, error) {
	var all []Comparison
	for _, rule := range Rules {
		set.GroupBy = rule
		p, err := New(s, set, o)
		if err != nil {
			return nil, err
		}
		all = append(all, p.measure(rule))
	}
	return all, nil
}

func (p Plan) measure(rule string) Comparison {
	c := Comparison{Rule: rule, Jobs: len(p.Groups)}
	depth, atDepth := map[string]int{}, map[int]int{} // group: jobs in the longest row that ends with it
	for _, g := range p.Groups {
		longest := 0
		for _, parent := range g.DependsOn {
			longest = max(longest, depth[parent])
		}
		depth[g.Name] = longest + 1
		atDepth[longest+1]++
		c.Depth, c.Width = max(c.Depth, longest+1), max(c.Width, atDepth[longest+1])
		c.Largest = max(c.Largest, len(g.Nodes))
	}
	for _, d := range p.Datasets {
		if d.Role != Crossing {
			continue
		}
		c.Crossing++
		if inMemory(project.Dataset{Type: d.Type}) {
			c.InMemory++
		}
	}
	return c
}

// Handover is the data that one group saves and another loads.
type Handover struct {
	From, To string
	Datasets []string
}

// String names up to three of the datasets, and says how many more there are.
func (h Handover) String() string { return several(h.Datasets) }

// Handovers are the edges between groups with what crosses on them, also those that DependsOn leaves out because others imply them, in the order of
// the groups.
func (p Plan) Handovers() []Handover {
	maker := map[string]string{}
	for _, g := range p.Groups {
		for _, d := range g.Outputs {
			maker[d] = g.Name
		}
	}
	var all []Handover
	for _, g := range p.Groups {
		for _, d := range g.Inputs {
			from, made := maker[d]
			if !made {
				continue
			}
			at := slices.IndexFunc(all, func(h Handover) bool { return h.From == from && h.To == g.Name })
			if at < 0 {
				at, all = len(all), append(all, Handover{From: from, To: g.Name})
			}
			all[at].Datasets = append(all[at].Datasets, d)
		}
	}
	return all
}
