package cmd

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

// The values of plan's --format.
const (
	formTree    = "tree"
	formList    = "list"
	formMermaid = "mermaid"
	formJSON    = "json"
)

// planFlags are those of plan alone.
func planFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "format", Usage: "`FORM` of the answer: tree, list (with commands and paths), mermaid or json (default: tree on a terminal, else list)"},
		&cli.BoolFlag{Name: "compare", Usage: "what the jobs would be by each rule of grouping", DisableDefaultText: true},
	}
}

// form is the form of plan's answer: what --format says, else a tree for people and the whole list for other programs.
func (d *deps) form(c *cli.Context) (string, error) {
	form := c.String("format")
	switch {
	case form != "" && !slices.Contains([]string{formTree, formList, formMermaid, formJSON}, form):
		return "", usageError{fmt.Errorf("--format %s: not one of tree, list, mermaid, json", form)}
	case form != "" && form != formJSON && c.Bool("json"):
		return "", usageError{fmt.Errorf("--json and --format %s exclude each other", form)}
	case form != "" && form != formJSON && c.Bool("compare"):
		return "", usageError{fmt.Errorf("--compare and --format %s exclude each other", form)}
	case form == formJSON:
		if err := c.Set("json", "true"); err != nil {
			return "", fmt.Errorf("set --json: %w", err)
		}
		return form, d.start(c)
	case form == "" && d.term.Screen():
		return formTree, nil
	case form == "":
		return formList, nil
	}
	return form, nil
}

// compare tells what the jobs would be by each rule.
func (d *deps) compare(p project.Project, s project.Snapshot, sel plan.Selection) error {
	rules, err := plan.Compare(s, p.Settings, plan.Options{Selection: sel})
	if err != nil {
		return err
	}
	answer := struct {
		GroupBy string            `json:"group_by"` // what is set
		Rules   []plan.Comparison `json:"rules"`
	}{p.Settings.GroupBy, rules}
	return d.term.Answer(answer, func(w io.Writer) {
		var rows [][]string
		for _, r := range rules {
			row := []string{r.Rule}
			for _, n := range []int{r.Jobs, r.Depth, r.Width, r.Crossing, r.InMemory, r.Largest} {
				row = append(row, strconv.Itoa(n))
			}
			rows = append(rows, row)
		}
		d.term.Table(w, []string{"RULE", "JOBS", "DEPTH", "WIDTH", "CROSSING", "IN MEMORY", "LARGEST"}, rows)
		fmt.Fprintf(w, "\ngroup_by is %q. depth: jobs in a row; width: jobs side by side; crossing: datasets that one job saves and another loads, and those\n"+
			"of them that are in memory; largest: nodes in the largest group\n", p.Settings.GroupBy)
	})
}

// showTree draws each job under one that it waits for, with what it gets from jobs before it.
func (d *deps) showTree(w io.Writer, pl plan.Plan) {
	headline(w, pl)
	t := tree{pl.Groups, treeParents(pl), pl.Handovers()}
	d.term.Table(w, []string{"JOB", "NODES", "VCPUS", "MEMORY", "GETS"}, t.rows("", ""))
	fmt.Fprintln(w)
	d.showData(w, pl)
	for _, f := range pl.Findings {
		writeFinding(w, f)
	}
}

// tree is the groups of a plan, each under one that it waits for.
type tree struct {
	groups []plan.Group
	above  map[string]string // group: the one that it is drawn under; "" for none
	handed []plan.Handover
}

// rows are the rows of a table for the groups under one, the lines of the tree before their names.
func (t tree) rows(parent, prefix string) [][]string {
	below := slices.DeleteFunc(slices.Clone(t.groups), func(g plan.Group) bool { return t.above[g.Name] != parent })
	var rows [][]string
	for i, g := range below {
		branch, next := "├── ", "│   "
		switch {
		case parent == "":
			branch, next = "", ""
		case i == len(below)-1:
			branch, next = "└── ", "    "
		}
		vcpus := strconv.FormatFloat(g.Resources.VCPUs, 'g', -1, 64)
		rows = append(rows, []string{
			prefix + branch + g.Name, strconv.Itoa(len(g.Nodes)), vcpus, fmt.Sprintf("%d MiB", g.Resources.Memory), t.gets(g.Name),
		})
		rows = append(rows, t.rows(g.Name, prefix+next)...)
	}
	return rows
}

// gets names what a group loads that other groups save; whose it is where that is not the group that it is drawn under.
func (t tree) gets(group string) string {
	var parts []string
	for _, h := range t.handed {
		switch {
		case h.To != group:
		case h.From == t.above[group]:
			parts = append([]string{h.String()}, parts...)
		default:
			parts = append(parts, h.String()+" from "+h.From)
		}
	}
	return strings.Join(parts, "; ")
}

// treeParents gives each group one of those that it waits for: the one that itself has the longest row of jobs before it; "" where it waits for none.
func treeParents(pl plan.Plan) map[string]string {
	above, depth := map[string]string{}, map[string]int{}
	for _, g := range pl.Groups {
		above[g.Name] = ""
		for _, parent := range g.DependsOn {
			if depth[parent]+1 >= depth[g.Name] {
				above[g.Name], depth[g.Name] = parent, depth[parent]+1
			}
		}
	}
	return above
}
