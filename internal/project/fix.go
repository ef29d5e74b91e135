package project

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"go.yaml.in/yaml/v4"
)

// FixOptions say what [Fix] is to see to. Each has one right answer.
type FixOptions struct {
	S3fs        bool     // s3fs among the dependencies
	Environment bool     // the environment's directory, with the globals that name the bucket
	Datasets    []string // datasets, without the part behind @, that need an entry with a place in S3
	Renamed     []string // catalog files, relative to the project, that name a class by its old name
}

// Fixes are changes to a project's files that are not made yet.
type Fixes struct {
	dir    string
	drafts []draft
}

// Fix prepares changes to a project's files, as [Init] would make them. Of files that a person wrote it changes nothing but what it adds.
func Fix(p Project, s Snapshot, o FixOptions) (Fixes, error) {
	f := Fixes{dir: p.Dir}
	var steps []func() ([]draft, error)
	if o.S3fs {
		steps = append(steps, func() ([]draft, error) { return draftDeclarations(p, InitOptions{}, p.Settings.Bucket) })
	}
	if o.Environment || len(o.Datasets) > 0 { // entries name the bucket by its global
		steps = append(steps, func() ([]draft, error) {
			return one(draftGlobals(p, path.Join(p.conf().source, p.Env, "globals.yml"), p.Settings.Bucket))
		})
	}
	if len(o.Datasets) > 0 {
		steps = append(steps, func() ([]draft, error) { return one(draftEntries(p, s, o.Datasets)) })
	}
	for _, file := range o.Renamed {
		steps = append(steps, func() ([]draft, error) { return one(draftRenamed(p, file)) })
	}
	for _, step := range steps {
		drafts, err := step()
		if err != nil {
			return f, fmt.Errorf("fix: %w", err)
		}
		f.drafts = append(f.drafts, drafts...)
	}
	return f, nil
}

// Diff shows the changes as a unified diff, "" where there are none.
func (f Fixes) Diff() string {
	var b strings.Builder
	for _, d := range f.drafts {
		old := "a/" + d.path
		if d.isNew {
			old = "/dev/null"
		}
		if !d.kept && d.text != d.old {
			b.WriteString(udiff.Unified(old, "b/"+d.path, d.old, d.text))
		}
	}
	return b.String()
}

// Write makes the changes.
func (f Fixes) Write() ([]File, error) { return writeDrafts(f.dir, f.drafts) }

// matplotlibWriter is the class that kedro-datasets 7 to 8 had beside its new name, and 9 has no more.
var matplotlibWriter = regexp.MustCompile(`\bmatplotlib\.(matplotlib_writer\.)?MatplotlibWriter\b`)

// RenamedClass finds a class in a line of a catalog that kedro-datasets calls otherwise now; "" where none is.
func RenamedClass(line string) (old, now string) {
	if old = matplotlibWriter.FindString(line); old != "" {
		now = "matplotlib.MatplotlibDataset"
	}
	return old, now
}

func draftRenamed(p Project, file string) (draft, error) {
	d, err := openDraft(p, file, "names classes as kedro-datasets calls them now")
	d.text = ""
	for line := range strings.Lines(d.old) {
		if old, now := RenamedClass(line); old != "" && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			line = strings.ReplaceAll(line, old, now)
		}
		d.text += line
	}
	return d, err
}

// draftEntries adds entries for some datasets to the environment's catalog.yml. A file that init wrote is brought up to date as a whole.
func draftEntries(p Project, s Snapshot, names []string) (draft, error) {
	conf := p.conf()
	conf.source, conf.baseEnv = s.ConfSource, s.BaseEnv
	d, err := openDraft(p, path.Join(conf.source, p.Env, "catalog.yml"), catalogWhy)
	if err != nil || unread(&d, conf) {
		return d, err
	}
	owned := d.isNew || isOurs(d.text)
	e, err := entriesFor(p, conf, d, owned)
	if err != nil {
		return d, err
	}
	if d.isNew || !owned {
		e.only = names
	}
	e.build(s)
	d.note = strings.Join(e.notes, "; ")
	switch {
	case len(e.out) == 0:
	case owned:
		d.text, err = catalogText(e)
	default:
		err = appendEntries(&d, e)
	}
	return d, err
}

// appendEntries puts the entries behind those of a person's file. One that is not written line by line is left as it is.
func appendEntries(d *draft, e *entries) error {
	more, err := e.text()
	if err != nil {
		return err
	}
	before, err := parseYAML([]byte(d.old))
	if err != nil {
		return err
	}
	text := d.old
	if text != "" {
		text = strings.TrimRight(text, "\n") + "\n\n"
	}
	text += more
	after, err := parseYAML([]byte(text))
	if err != nil || after == nil || len(after.Content) != mappingLen(before)+2*len(e.out) {
		d.kept, d.note = true, "entries cannot be added to it safely; by hand:\n"+more
		return nil
	}
	d.text = text
	return nil
}

func mappingLen(n *yaml.Node) int {
	if n == nil {
		return 0
	}
	return len(n.Content)
}
