package project

import "path"

// GroupResources are the resources of the group of that name: those of every group, and over them what job.groups says of it. Of several entries
// that match, the exact name beats all globs and the longest glob the others; of equally long ones the first by name counts.
func (s Settings) GroupResources(name string) Resources {
	resources := s.Job.Resources
	if group, ok := s.Job.Groups[s.groupEntry(name)]; ok {
		resources.override(group.Resources)
	}
	return resources
}

func (s Settings) groupEntry(name string) string {
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

// override takes what o says; its zeros say nothing.
func (r *Resources) override(o Resources) {
	if o.VCPUs != 0 {
		r.VCPUs = o.VCPUs
	}
	if o.Memory != 0 {
		r.Memory = o.Memory
	}
	if o.Timeout != 0 {
		r.Timeout = o.Timeout
	}
	if o.Attempts != 0 {
		r.Attempts = o.Attempts
	}
	if o.GPUs != 0 {
		r.GPUs = o.GPUs
	}
}
