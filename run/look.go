package run

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// LookDir is where a container that a person looks around in has the request, the command of the job, and what that saves.
const LookDir = "/tmp/kedroctl"

// Look is what a container needs so that a person can try the job of a group in it. The container entry gets no request, so it claims nothing and records
// nothing; its hooks get one in which all that the group saves goes to LookDir, so that nothing in S3 is written by datasets of the catalog.
type Look struct {
	Group      plan.Group
	Definition string // job definition, which names the image
	Env        map[string]string
	Files      map[string]string // content by path
	Command    []string          // that of the job, with the load versions of the run
	Left       []string          // names of nested parameters, which a command cannot carry
}

// Look prepares a look at a group of the run.
func (r Run) Look(group string) (Look, error) {
	g := r.group(group)
	if g.Key == "" {
		var known []string
		for _, g := range r.Plan.Groups {
			known = append(known, g.Name)
		}
		return Look{}, ui.WithHint(fmt.Errorf("run %s has no group %s", r.ID, group), plan.DidYouMean(group, known))
	}
	l := Look{Group: g, Definition: r.definition(g), Command: slices.Concat(g.Command, r.Args)}
	q := newRequest(r, datasetsByName(r.Plan), g, max(r.latest()[g.Name].Try, 1))
	q.MLflow, q.Args, q.Params = nil, nil, nil
	inputs, outputs := merge(g.Inputs), q.Outputs
	q.Crossing = slices.DeleteFunc(q.Crossing, func(a action) bool { return slices.Contains(outputs, a.Name) })
	for _, name := range outputs {
		q.Crossing = append(q.Crossing, action{Name: name, Action: plan.Persist, Path: LookDir + "/outputs/" + url.PathEscape(name) + ".pkl"})
	}
	q.Versions = make(map[string]string)
	var versions []string
	for name, version := range r.Versions {
		if slices.Contains(inputs, plan.BaseName(name)) {
			q.Versions[name] = version
			versions = append(versions, name+":"+version)
		}
	}
	if len(versions) > 0 {
		slices.Sort(versions)
		l.Command = append(l.Command, "--load-versions", strings.Join(versions, ","))
	}
	for name := range r.Params {
		l.Left = append(l.Left, name)
	}
	slices.Sort(l.Left)
	body, err := encode(q)
	if err != nil {
		return Look{}, fmt.Errorf("encode request of group %s: %w", g.Name, err)
	}
	l.Env = map[string]string{"KEDROCTL_RUN_ID": r.ID, "KEDROCTL_GROUP": g.Name, "KEDROCTL_JOB_DIR": LookDir}
	l.Files = map[string]string{LookDir + "/request.json": string(body), LookDir + "/job": "#!/bin/sh\nexec " + l.Line() + " \"$@\"\n",
		LookDir + "/outputs/README": "Here lies what the command of the job saves, as pickles. It ends with the container.\n"}
	return l, nil
}

// Line is the job's command for a shell.
func (l Look) Line() string {
	words := make([]string, len(l.Command))
	for i, word := range l.Command {
		words[i] = ui.Quote(word)
	}
	return strings.Join(words, " ")
}
