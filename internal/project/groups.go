package project

import (
	"maps"
	"path"
	"slices"
)

// Group is what the jobs of the group of that name get: what every group gets, and over it what the entry of job.groups says that [Settings.GroupEntry]
// names. On Fargate MemoryMax is no more than there is. What a flag gives is for every group, unless another flag is for this one.
func (s Settings) Group(name string) Group {
	entry := s.GroupEntry(name)
	over := s.Job.Groups[entry]
	o := override{s, entry, map[string]string{}}
	g := Group{GroupSettings{Resources: s.Job.Resources, Container: s.Job.Container, Runner: s.Job.Runner}, o.from}
	take(o, "vcpus", &g.VCPUs, over.VCPUs)
	take(o, "memory", &g.Memory, over.Memory)
	take(o, "memory_max", &g.MemoryMax, over.MemoryMax)
	take(o, "timeout", &g.Timeout, over.Timeout)
	take(o, "attempts", &g.Attempts, over.Attempts)
	take(o, "gpus", &g.GPUs, over.GPUs)
	take(o, "shared_memory", &g.SharedMemory, over.SharedMemory)
	take(o, "ephemeral_storage", &g.EphemeralStorage, over.EphemeralStorage)
	take(o, "runner", &g.Runner, over.Runner)
	g.Environment = o.variables("environment", s.Job.Environment, over.Environment)
	g.Secrets = s.withCredentials(o.variables("secrets", s.Job.Secrets, over.Secrets))
	for entry := range s.Credentials {
		if origin, given := s.Origins["credentials."+entry]; given {
			o.from["secrets."+CredentialVariable(entry)] = origin.of("credentials")
		}
	}
	take(o, "queue", &g.Queue, over.Queue)
	if OnFargate(s.Compute.Type) {
		g.MemoryMax = s.mostOnFargate(g.GroupSettings)
	}
	return g
}

// Group is a group's settings, and where they come from.
type Group struct {
	GroupSettings
	From map[string]string // key, such as memory or environment.NAME, unless it has its default: "flag", a variable, [tool.kedroctl.job], job.groups."…"
}

// GroupEntry is the key of the entry of job.groups for a group, "" where there is none. Of several that match, the exact name beats all globs and the
// longest glob the others; of equally long ones the first by name counts.
func (s Settings) GroupEntry(name string) string {
	if _, exact := s.Job.Groups[name]; exact {
		return name
	}
	best := ""
	for glob := range s.Job.Groups {
		if ok, err := path.Match(glob, name); err != nil || !ok {
			continue
		}
		if len(glob) > len(best) || (len(glob) == len(best) && glob < best) {
			best = glob
		}
	}
	return best
}

// Containers are the different containers that job definitions are needed for, by the entry of job.groups, "" for all groups that no entry gives another
// one. They depend on the settings alone, and so serve every selection and grouping.
func (s Settings) Containers() map[string]Container {
	common := s.Job.Container
	common.Secrets = s.withCredentials(common.Secrets)
	all := map[string]Container{"": common}
	for entry := range s.Job.Groups {
		if c := s.Group(entry).Container; !c.same(common) {
			all[entry] = c
		}
	}
	return all
}

func (c Container) same(o Container) bool {
	return c.SharedMemory == o.SharedMemory && c.EphemeralStorage == o.EphemeralStorage && maps.Equal(c.Environment, o.Environment) && maps.Equal(c.Secrets, o.Secrets)
}

// SecretARNs are those of all secrets that any job gets, sorted.
func (s Settings) SecretARNs() []string {
	var arns []string
	for _, c := range s.Containers() {
		arns = slices.AppendSeq(arns, maps.Values(c.Secrets))
	}
	slices.Sort(arns)
	return slices.Compact(arns)
}

// Recorded are the settings as they may be kept where others read them: variables of jobs may hold secrets, and stand in job definitions alone.
func (s Settings) Recorded() Settings {
	s.Job.Environment = nil
	s.Job.Groups = maps.Clone(s.Job.Groups)
	for entry, g := range s.Job.Groups {
		g.Environment = nil
		s.Job.Groups[entry] = g
	}
	return s
}

// Local are the settings for the embedded AWS, which has nothing of what the account has: queues, roles and network are the stack's own there, tags the same. Jobs that
// are too large for the stack's environment, as they go to another queue, have room in it.
func (s Settings) Local() Settings {
	s.AWS, s.Compute.Queue = AWSSettings{Tags: s.AWS.Tags}, ""
	s.Compute.MaxVCPUs = max(s.Compute.MaxVCPUs, int(s.Job.VCPUs))
	s.Job.Groups = maps.Clone(s.Job.Groups)
	for entry, g := range s.Job.Groups {
		g.Queue = ""
		s.Job.Groups[entry] = g
		s.Compute.MaxVCPUs = max(s.Compute.MaxVCPUs, int(g.VCPUs))
	}
	return s
}

// override lays an entry of job.groups over what every group gets.
type override struct {
	settings Settings
	entry    string
	from     map[string]string
}

// take gives dst the entry's value for a key. A zero says nothing, unless it was written.
func take[T comparable](o override, key string, dst *T, over T) {
	var none T
	_, given := o.settings.Origins[o.key(key)]
	if (over != none || given) && !o.beaten(key) {
		*dst = over
		o.from[key] = o.settings.Origins[o.key(key)].entry(o.entry)
		return
	}
	o.common(key)
}

// common notes where the value for all groups comes from.
func (o override) common(key string) {
	if origin, given := o.settings.Origins["job."+key]; given {
		o.from[key] = origin.of("job")
	}
}

// variables are those of every group and, over them, the entry's.
func (o override) variables(key string, all, over map[string]string) map[string]string {
	for name := range all {
		o.common(key + "." + name)
	}
	merged := maps.Clone(all)
	for name, value := range over {
		if o.beaten(key + "." + name) {
			continue
		}
		if merged == nil {
			merged = map[string]string{}
		}
		merged[name] = value
		o.from[key+"."+name] = o.settings.Origins[o.key(key+"."+name)].entry(o.entry)
	}
	return merged
}

func (o override) key(key string) string { return "job.groups." + o.entry + "." + key }

// beaten says whether a flag gives every group a value, and none gives one to this entry.
func (o override) beaten(key string) bool {
	return o.settings.Origins["job."+key].isFlag() && !o.settings.Origins[o.key(key)].isFlag()
}
