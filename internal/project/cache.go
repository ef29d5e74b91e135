package project

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
)

// cachedSnapshots is how many snapshots a project keeps: a few environments, each with a few sets of parameters.
const cachedSnapshots = 16

// Cache keeps snapshots of a project in .kedroctl/snapshots, readable by their owner alone, and gives one back while nothing has changed that it
// depends on. Then no Python is needed.
type Cache struct {
	Project Project
	Flag    string                   // --python
	Getenv  func(name string) string // as os.Getenv, to find interpreters
	Anew    bool                     // introspect all anew: what was kept of the code does not count either
}

// kept is a snapshot in the cache. It holds no value of a variable or parameter: these are in the sum alone.
type kept struct {
	Sum      string   `json:"sum"`
	Code     string   `json:"code,omitempty"` // the sum of what the pipelines depend on; "" where they may depend on the configuration
	Python   Python   `json:"python"`
	Reads    reads    `json:"reads"`
	Snapshot Snapshot `json:"snapshot"`
}

// Find gives the snapshot that an introspection would take, and the interpreter that would take it. It says no where any of that is doubtful.
func (c Cache) Find(ctx context.Context, o InspectOptions) (s Snapshot, py Python, found bool) {
	o.Env = firstOf(o.Env, c.Project.Env)
	k, ok := c.read(o)
	if !ok {
		return s, py, false
	}
	sum, err := c.inputs(o, k.Python, k.Reads, k.Snapshot).sum(ctx, c.candidates(ctx))
	k.Snapshot.FixedPipelines = k.Code != ""
	return k.Snapshot, k.Python, err == nil && sum == k.Sum
}

// Inspect is [Inspect], whose snapshot is kept for [Cache.Find]. It is not where it has errors, where the tree changed meanwhile, or where the
// project's code does on import what leaves no trace; why says so, "" where it is kept.
func (c Cache) Inspect(ctx context.Context, py Python, o InspectOptions) (s Snapshot, why string, err error) {
	o.Env = firstOf(o.Env, c.Project.Env)
	before, beforeErr := c.inputs(o, py, reads{}, Snapshot{}).tree()
	last, known := c.sameCode(ctx, o, py)
	if known = known && !c.Anew; known {
		o.pipelines = last.Snapshot.Pipelines
	}
	s, r, err := inspect(ctx, c.Project, py, o)
	if err != nil || r.Unknowable != "" {
		return s, r.Unknowable, err
	}
	if known {
		s.Warnings = append(s.Warnings, ofCode(last.Snapshot.Warnings)...)
		r = r.withCode(last.Reads)
	}
	after, afterErr := c.inputs(o, py, reads{}, Snapshot{}).tree()
	if err := errors.Join(beforeErr, afterErr); err != nil {
		return s, err.Error(), nil
	}
	if before != after {
		return s, "the project changed meanwhile", nil
	}
	k := kept{Python: py, Reads: r, Snapshot: s}
	if !k.readsConf(c.inputs(o, py, r, s).conf) {
		if k.Code, err = c.codeSum(ctx, o, k); err != nil {
			return s, err.Error(), nil
		}
		s.FixedPipelines = true
	}
	if err := c.keep(ctx, o, k); err != nil {
		return s, err.Error(), nil
	}
	return s, "", nil
}

// read is what was kept last.
func (c Cache) read(o InspectOptions) (k kept, ok bool) {
	text, err := os.ReadFile(c.file(o))
	return k, err == nil && json.Unmarshal(text, &k) == nil && len(k.Python.Command) > 0
}

// sameCode is what was kept last, if the code registers the pipelines still that it has: nothing has changed but the configuration, of which the code reads nothing.
func (c Cache) sameCode(ctx context.Context, o InspectOptions, py Python) (k kept, ok bool) {
	k, ok = c.read(o)
	if !ok || k.Code == "" || !reflect.DeepEqual(k.Python, py) {
		return k, false
	}
	sum, err := c.codeSum(ctx, o, k)
	return k, err == nil && sum == k.Code
}

func (c Cache) codeSum(ctx context.Context, o InspectOptions, k kept) (string, error) {
	in := c.inputs(o, k.Python, k.Reads, k.Snapshot)
	in.code, in.reads = true, k.Reads.ofCode()
	return in.sum(ctx, c.candidates(ctx))
}

// readsConf says whether the code reads the configuration as it is imported.
func (k kept) readsConf(conf string) bool {
	return slices.ContainsFunc(k.Reads.Code, func(path string) bool { return under(path, conf) })
}

// ofCode are the warnings that importing the code gives.
func ofCode(all []Problem) []Problem {
	return slices.DeleteFunc(slices.Clone(all), func(p Problem) bool { return p.Stage != "pipelines" })
}

func (c Cache) inputs(o InspectOptions, py Python, r reads, s Snapshot) inputs {
	conf := cmp.Or(s.ConfSource, c.Project.ConfSource())
	if !filepath.IsAbs(conf) {
		conf = filepath.Join(c.Project.Dir, conf)
	}
	return inputs{project: c.Project, options: o, python: py, reads: r, conf: conf}
}

// candidates are the interpreters in the order in which [FindPython] tries them.
func (c Cache) candidates(ctx context.Context) []candidate {
	if c.Flag != "" {
		return []candidate{{c.Flag, "--python"}}
	}
	return candidates(ctx, c.Project.Dir, c.Getenv)
}

func (c Cache) dir() string { return filepath.Join(c.Project.Dir, stateDir, "snapshots") }

// file is that of an environment and parameters, with an interpreter that was asked for. Parameters may hold secrets, so its name is a hash.
func (c Cache) file(o InspectOptions) string {
	d := NewDigest()
	d.AddText(fmt.Sprintf("%q", []string{o.Env, o.Params, c.Flag}))
	return filepath.Join(c.dir(), d.Sum()+".json")
}

func (c Cache) keep(ctx context.Context, o InspectOptions, k kept) (err error) {
	if k.Sum, err = c.inputs(o, k.Python, k.Reads, k.Snapshot).sum(ctx, c.candidates(ctx)); err != nil {
		return err
	}
	text, err := json.Marshal(k)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.dir(), 0o700); err != nil {
		return err
	}
	partial, err := os.CreateTemp(c.dir(), "new-") // mode 0600
	if err != nil {
		return err
	}
	_, err = partial.Write(text)
	if err := errors.Join(err, partial.Close()); err != nil {
		return errors.Join(err, os.Remove(partial.Name()))
	}
	if err := os.Rename(partial.Name(), c.file(o)); err != nil {
		return err
	}
	return c.prune()
}

// prune removes the oldest snapshots beyond cachedSnapshots.
func (c Cache) prune() error {
	files, err := filepath.Glob(filepath.Join(c.dir(), "*.json"))
	if err != nil || len(files) <= cachedSnapshots {
		return err
	}
	age := func(file string) int64 {
		info, err := os.Stat(file)
		if err != nil {
			return 0
		}
		return info.ModTime().UnixNano()
	}
	slices.SortFunc(files, func(a, b string) int { return cmp.Compare(age(b), age(a)) })
	for _, file := range files[cachedSnapshots:] {
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}
