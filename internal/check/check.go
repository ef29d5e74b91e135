package check

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

// checker gathers findings.
type checker struct {
	project  project.Project
	snapshot project.Snapshot
	plan     plan.Plan
	absent   []string // configuration files that stay out of the image, relative to the project

	base, env, local layer
	used             map[string]bool // datasets and parameters of the plan's nodes
	findings         []plan.Finding
}

// Tree adds to the findings of a plan what the project's files tell. Absent are the files of the copied environments that stay out of the image all the
// same. Without a plan (the project cannot be loaded) only the files are looked at.
func Tree(p project.Project, s project.Snapshot, pl plan.Plan, absent []string) ([]plan.Finding, error) {
	c := &checker{project: p, snapshot: s, plan: pl, absent: absent, findings: slices.Clone(pl.Findings)}
	c.used = c.names()
	c.checkPlan()
	if err := c.checkPackage(); err != nil {
		return nil, err
	}
	if s.ConfSource != "" {
		if err := c.readLayers(); err != nil {
			return nil, err
		}
		c.checkCredentials()
		c.checkLocal()
		c.checkEntries()
		if err := c.checkTexts(); err != nil {
			return nil, err
		}
		if err := c.checkMLflow(); err != nil {
			return nil, err
		}
		c.locate()
	}
	if err := c.checkFiles(); err != nil {
		return nil, err
	}
	return plan.Sort(c.findings), nil
}

func (c *checker) readLayers() (err error) {
	for env, into := range map[string]*layer{c.snapshot.BaseEnv: &c.base, c.snapshot.Env: &c.env, c.snapshot.LocalEnv: &c.local} {
		if env == "" {
			continue
		}
		if *into, err = readLayer(c.project.Dir, path.Join(c.snapshot.ConfSource, env)); err != nil {
			return err
		}
	}
	return nil
}

// names are the inputs and outputs of the plan's nodes as they write them, sides of transcoded datasets each for itself.
func (c *checker) names() map[string]bool {
	planned := map[string]bool{}
	for _, g := range c.plan.Groups {
		for _, n := range g.Nodes {
			planned[n] = true
		}
	}
	used := map[string]bool{}
	for _, pipeline := range c.plan.Selection.PipelineNames() {
		for _, n := range c.snapshot.Pipelines[pipeline].Nodes {
			if planned[n.Name] {
				for _, name := range slices.Concat(n.Inputs, n.Outputs) {
					used[name] = true
				}
			}
		}
	}
	return used
}

func (c *checker) find(level, code, thing, place, reason, fix string) {
	c.findings = append(c.findings, plan.Finding{Code: code, Level: level, Thing: thing, Place: place, Reason: reason, Fix: fix})
}

// copied looks a key up where an image has it: in the environment, then in base.
func (c *checker) copied(kind, key string) (entry, bool) {
	for _, l := range []layer{c.env, c.base} {
		if e, ok := l.entries[kind][key]; ok && !slices.Contains(c.absent, e.file) {
			return e, true
		}
	}
	return entry{}, false
}

// locate gives each finding about a dataset or a parameter the line of the entry that makes it so.
func (c *checker) locate() {
	for i, f := range c.findings {
		switch m := unreadable.FindStringSubmatch(f.Reason); {
		case f.Place != "":
		case m != nil:
			c.findings[i].Place = c.shown(m[1]) + ":" + m[2]
		default:
			c.findings[i].Place = c.placeOf(f.Thing)
		}
	}
}

// unreadable is what Kedro says of a broken file.
var unreadable = regexp.MustCompile(`Invalid YAML or JSON file (.+?), unable to read line ([0-9]+)`)

// placeOf is where a dataset or a parameter is written, "" for anything else. A transcoded dataset is at its first side, one that a pattern makes at the
// pattern.
func (c *checker) placeOf(thing string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(thing, "dataset "), ", ")
	if parameter, is := strings.CutPrefix(first, "params:"); is {
		e, _ := c.copied(parametersKind, parameter)
		return e.place
	}
	names := []string{first}
	for name := range c.snapshot.Datasets {
		if strings.HasPrefix(name, first+"@") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, key := range []string{name, c.snapshot.Datasets[name].Pattern} {
			if e, ok := c.copied(catalogKind, key); ok {
				return e.place
			}
		}
	}
	return ""
}
