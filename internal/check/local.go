package check

import (
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/plan"
)

// checkCredentials says of the entries that datasets name whether the image has them.
func (c *checker) checkCredentials() {
	c.findings = slices.DeleteFunc(c.findings, func(f plan.Finding) bool {
		_, there := c.copied(credentialsKind, f.Thing)
		return f.Code == plan.CodeCredentials && there
	})
	for i, f := range c.findings {
		if f.Code != plan.CodeCredentials {
			continue
		}
		for _, l := range []layer{c.env, c.base, c.local} { // those of the first two are left out of the image
			if e, ok := l.entries[credentialsKind][f.Thing]; ok {
				c.findings[i].Place = e.place
				c.findings[i].Reason += fmt.Sprintf("; only %s has them, which stays out of it", e.file)
				break
			}
		}
	}
}

// checkLocal finds what only the environment of people's own settings has, or has otherwise: jobs do not see it.
func (c *checker) checkLocal() {
	if c.snapshot.LocalEnv == "" || c.snapshot.LocalEnv == c.snapshot.Env || c.snapshot.LocalEnv == c.snapshot.BaseEnv {
		return
	}
	for _, kind := range []string{catalogKind, parametersKind, globalsKind} {
		c.checkLocalKind(kind)
	}
	for _, name := range slices.Sorted(maps.Keys(c.local.others)) {
		_, inBase := c.base.others[name]
		_, inEnv := c.env.others[name]
		if !inBase && !inEnv && !slices.Contains([]string{".md", ".txt", ".rst"}, path.Ext(name)) && path.Base(name) != "logging.yml" {
			c.find(plan.Warning, plan.CodeLocalOnly, name, c.local.others[name], "jobs do not have this file: images have no "+c.localDir(),
				"if a plug-in reads it, put it into "+path.Join(c.snapshot.ConfSource, c.snapshot.Env)+", without secrets")
		}
	}
}

func (c *checker) localDir() string { return path.Join(c.snapshot.ConfSource, c.snapshot.LocalEnv) }

func (c *checker) checkLocalKind(kind string) {
	differs := map[string][]string{} // file: keys
	for _, key := range slices.Sorted(maps.Keys(c.local.entries[kind])) {
		e := c.local.entries[kind][key]
		if !c.isUsed(kind, key) || kind != catalogKind && isMapping(e) {
			continue
		}
		there, ok := c.copied(kind, key)
		switch {
		case ok && !reflect.DeepEqual(there.decoded(), e.decoded()):
			differs[e.file] = append(differs[e.file], key)
		case !ok && !c.refine(kind, key, e):
			c.find(plan.Warning, plan.CodeLocalOnly, key, e.place, fmt.Sprintf("jobs do not have this entry of the %s: images have no %s", kind, c.localDir()),
				fmt.Sprintf("write it into %s or %s", path.Join(c.snapshot.ConfSource, c.snapshot.BaseEnv), path.Join(c.snapshot.ConfSource, c.snapshot.Env)))
		}
	}
	for _, file := range slices.Sorted(maps.Keys(differs)) {
		c.find(plan.Note, plan.CodeLocalDiffers, several(differs[file]), file, "jobs take what base or "+c.snapshot.Env+" has: images have no "+c.localDir(), "")
	}
}

func isMapping(e entry) bool {
	_, is := e.decoded().(map[string]any)
	return is
}

// refine tells of a missing parameter that the local environment has it; it returns false if nothing misses it.
func (c *checker) refine(kind, key string, e entry) bool {
	refined := false
	for i, f := range c.findings {
		name, is := strings.CutPrefix(f.Thing, "params:")
		if kind == parametersKind && is && f.Code == plan.CodeParameterMissing && within(key, name) {
			c.findings[i].Place = e.place
			c.findings[i].Reason = strings.ReplaceAll(f.Reason, "no parameters file has it", "only "+e.file+" has it, which no image gets")
			refined = true
		}
	}
	return refined
}

// isUsed says whether the plan's nodes use an entry. Who uses a global is not known.
func (c *checker) isUsed(kind, key string) bool {
	switch kind {
	case catalogKind:
		for name := range c.used {
			if name == key || c.snapshot.Datasets[name].Pattern == key {
				return true
			}
		}
		return false
	case parametersKind:
		for name := range c.used {
			parameter, is := strings.CutPrefix(name, "params:")
			if name == "parameters" || is && (within(key, parameter) || within(parameter, key)) {
				return true
			}
		}
		return false
	}
	return true
}

// within says whether a dotted name is another or lies in it.
func within(name, of string) bool { return name == of || strings.HasPrefix(name, of+".") }
