package plan

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
)

// JobSettings are what the jobs of a group get besides resources. Variables are named, their values stand in the job definition alone.
type JobSettings struct {
	As           string            `json:"as,omitempty"`                // the group that job.groups was searched for, where that is not the group itself but the one it is a part of
	Definition   string            `json:"definition,omitempty"`        // entry of job.groups whose job definition the jobs need; "": that of all groups
	SharedMemory int               `json:"shared_memory,omitempty"`     // MiB
	Disk         int               `json:"ephemeral_storage,omitempty"` // GiB, on Fargate
	Runner       string            `json:"runner,omitempty"`            // Kedro's, part of the command
	Queue        string            `json:"queue,omitempty"`             // name or ARN; "": that of the stack
	Environment  []string          `json:"environment,omitempty"`       // names of variables
	Secrets      []string          `json:"secrets,omitempty"`           // names of variables
	From         map[string]string `json:"from,omitempty"`              // key, also of resources: where its value comes from, unless it is the default
}

// jobSettings are those of the group of a name.
func (d *data) jobSettings(name string, g project.Group) JobSettings {
	if len(g.From) == 0 {
		g.From = nil
	}
	s := JobSettings{
		SharedMemory: g.SharedMemory, Disk: g.EphemeralStorage, Runner: g.Runner, Queue: g.Queue,
		Environment: slices.Sorted(maps.Keys(g.Environment)), Secrets: slices.Sorted(maps.Keys(g.Secrets)), From: g.From,
	}
	if entry := d.settings.GroupEntry(name); slices.Contains(d.definitions, entry) {
		s.Definition = entry
	}
	return s
}

// checkSettings finds entries of job.groups that no group gets: such as misspelt ones, whose jobs would have too little memory.
func (d *data) checkSettings(groups []Group, whole bool) {
	names, known := groupNames(groups), d.groupable()
	for _, entry := range sortedKeys(d.settings.Job.Groups) {
		thing := fmt.Sprintf("job.groups.%q", entry)
		switch {
		case fitsName(entry, names):
		case !fitsName(stem(entry), known):
			d.find(Error, CodeSettingsUnmatched, thing, "no group, namespace, pipeline, tag or node of the project has such a name",
				DidYouMean(entry, slices.Concat(names, known)))
		case whole:
			d.find(Warning, CodeSettingsUnmatched, thing, "no group has such a name, so that nothing gets these settings; the groups are "+several(names),
				"name a group, or group by what it names (group_by, [tool.kedroctl.groups])")
		}
	}
}

// groupable are the names in the whole project that groups come from.
func (d *data) groupable() []string {
	known := slices.Concat(sortedKeys(d.settings.Groups), sortedKeys(d.snapshot.Pipelines))
	for _, p := range d.snapshot.Pipelines {
		for _, n := range p.Nodes {
			known = append(known, handles(n)...)
		}
	}
	slices.Sort(known)
	return slices.Compact(known)
}

func fitsName(glob string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		ok, err := path.Match(glob, name)
		return glob == name || ok && err == nil
	})
}

// numbered ends the name of a group that another one has too.
var numbered = regexp.MustCompile(`-[0-9]+$`)

// stem is what the name of a group begins with that is made of several names, or numbered.
func stem(name string) string {
	first, _, _ := strings.Cut(name, "+")
	return numbered.ReplaceAllString(first, "")
}
