package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/kedroctl/kedroctl/templates"
)

// InitOptions say what [Init] is to write.
type InitOptions struct {
	Region     string                                                  // written into the settings where they name none
	Dockerfile string                                                  // written into the settings as the Dockerfile to build where they name none
	Catalog    bool                                                    // write conf/<env>/catalog.yml too
	Snapshot   func(ctx context.Context, env string) (Snapshot, error) // needed for Catalog only
	Runner     *Batch                                                  // write AWSBatchRunner and its settings too; nil: no
	Random     io.Reader                                               // of the bucket's name, such as crypto/rand.Reader
}

// What [Init] did with a file.
const (
	Written   = "written"   // it was not there
	Updated   = "updated"   // something was added, or our own earlier version replaced
	Unchanged = "unchanged" // it has what it needs
	Kept      = "kept"      // a person's own: not touched
)

// File is a file that [Init] is responsible for.
type File struct {
	Path   string `json:"path"` // relative to the project
	Action string `json:"action"`
	Why    string `json:"why"`            // what the file is for
	Note   string `json:"note,omitempty"` // what a person has to know or do
}

// draft is a file as it is to be. All drafts are made before the first is written: an error leaves the project as it was.
type draft struct {
	path  string // relative to the project
	old   string
	isNew bool
	text  string
	kept  bool
	why   string
	note  string
}

func openDraft(p Project, path, why string) (draft, error) {
	text, err := os.ReadFile(filepath.Join(p.Dir, path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return draft{}, err
	}
	return draft{path: path, old: string(text), isNew: err != nil, text: string(text), why: why}, nil
}

// Init prepares a project for AWS Batch in its environment: [tool.kedroctl], s3fs among the dependencies, conf/<env>/globals.yml, .dockerignore,
// .gitignore, and the catalog and the runner if asked for. It adds and never takes away; a second call changes nothing.
func Init(ctx context.Context, p Project, o InitOptions) ([]File, error) {
	conf := p.conf()
	globals := path.Join(conf.source, p.Env, "globals.yml")
	bucket, err := chooseBucket(p, conf, o.Random)
	if err != nil {
		return nil, fmt.Errorf("init: %w", err)
	}
	steps := []func() ([]draft, error){
		func() ([]draft, error) { return draftDeclarations(p, o, bucket) },
		func() ([]draft, error) { return one(draftGlobals(p, globals, bucket)) },
		func() ([]draft, error) { return one(draftDockerignore(p)) },
		func() ([]draft, error) { return one(draftGitignore(p)) },
	}
	if o.Catalog {
		steps = append(steps, func() ([]draft, error) { return draftCatalog(ctx, p, conf, o.Snapshot) })
	}
	if o.Runner != nil {
		steps = append(steps, func() ([]draft, error) { return draftRunner(p, conf, *o.Runner) })
	}
	var drafts []draft
	for _, step := range steps {
		more, err := step()
		if err != nil {
			return nil, fmt.Errorf("init: %w", err)
		}
		drafts = append(drafts, more...)
	}
	return writeDrafts(p.Dir, drafts)
}

func one(d draft, err error) ([]draft, error) { return []draft{d}, err }

func draftDockerignore(p Project) (draft, error) {
	d, err := openDraft(p, ".dockerignore", "keeps data and secrets out of images that other tools build")
	if err != nil {
		return d, err
	}
	own, err := render("dockerignore", nil)
	if d.isNew {
		d.text = own
	} else if d.text != own {
		d.kept, d.note = true, "yours; kedroctl's own builds never take in conf/local or credentials"
	}
	return d, err
}

// stateDir is where kedroctl keeps local state in a project.
const stateDir = ".kedroctl/"

func draftGitignore(p Project) (draft, error) {
	d, err := openDraft(p, ".gitignore", "keeps kedroctl's own state out of git")
	if err != nil {
		return d, err
	}
	for line := range strings.Lines(d.text) {
		if strings.Trim(strings.TrimSpace(line), "/") == strings.Trim(stateDir, "/") {
			return d, nil
		}
	}
	d.text = appendLine(d.text, stateDir)
	return d, nil
}

// appendLine adds a line at the end of a text, with the line ends that the text has.
func appendLine(text, line string) string {
	eol := "\n"
	if strings.Contains(text, "\r\n") {
		eol = "\r\n"
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += eol
	}
	return text + line + eol
}

func render(name string, data any) (string, error) {
	t, err := template.ParseFS(templates.Init(), name)
	if err != nil {
		return "", fmt.Errorf("read template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return "", fmt.Errorf("fill in template: %w", err)
	}
	return b.String(), nil
}

func writeDrafts(dir string, drafts []draft) ([]File, error) {
	var files []File
	for _, d := range drafts {
		f := File{Path: filepath.ToSlash(d.path), Action: Unchanged, Why: d.why, Note: d.note}
		switch {
		case d.kept:
			f.Action = Kept
		case d.isNew:
			f.Action = Written
		case d.text != d.old:
			f.Action = Updated
		}
		if f.Action == Written || f.Action == Updated {
			if err := replaceFile(filepath.Join(dir, d.path), d.text); err != nil {
				return files, fmt.Errorf("init: %w", err)
			}
		}
		files = append(files, f)
	}
	return files, nil
}

// replaceFile writes a whole file or nothing; links are followed and permissions kept.
func replaceFile(file, text string) error {
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(file); err == nil {
		mode = info.Mode().Perm()
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(file), ".kedroctl-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.WriteString(text)
	if err := errors.Join(err, temp.Chmod(mode), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}
