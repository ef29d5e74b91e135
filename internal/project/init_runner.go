package project

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// Batch names what the runner that [Init] writes submits to.
type Batch struct {
	Queue      string
	Definition string
}

// runnerFiles are those of Kedro's guide, below the package: the template, what it is for, and what to do where a person has one.
var runnerFiles = []struct{ file, template, why, kept string }{
	{"runner/__init__.py", "runner.py", "lets --runner find AWSBatchRunner", "yours; add 'from .batch_runner import AWSBatchRunner'"},
	{"runner/batch_runner.py", "batch_runner.py", "submits a job for each group of nodes, in order, and follows them", "yours"},
	{"runner/batch_jobs.py", "batch_jobs.py", "talks to Batch", "yours"},
	{"cli.py", "cli.py", "is Kedro's own run command, with all pipelines loaded and nested --params kept whole", "yours; AWSBatchRunner works with a run command that has Kedro's options"},
}

// draftRunner makes the files with which the project submits its jobs by itself, as Kedro's guide has it. A file of a person stays.
func draftRunner(p Project, conf confPlace, b Batch) ([]draft, error) {
	pkg := filepath.Join(p.SourceDir, filepath.FromSlash(strings.ReplaceAll(p.Package, ".", "/")))
	if module := filepath.Join(pkg, "runner.py"); exists(module) {
		return nil, &SettingsError{Source: relativeTo(p, module), Reason: "is in the way of the package runner", Next: "give that module another name"}
	}
	var drafts []draft
	for _, f := range runnerFiles {
		d, err := openDraft(p, relativeTo(p, filepath.Join(pkg, f.file)), f.why)
		if err != nil {
			return nil, err
		}
		own, err := render(f.template, nil)
		if err != nil {
			return nil, err
		}
		switch {
		case d.isNew, strings.TrimSpace(d.text) == "":
			d.text = own
		case d.text != own && !(f.template == "runner.py" && strings.Contains(d.text, "AWSBatchRunner")):
			d.kept, d.note = true, f.kept
		}
		drafts = append(drafts, d)
	}
	parameters, err := draftBatchParameters(p, conf, b)
	return append(drafts, parameters), err
}

func relativeTo(p Project, file string) string {
	rel, err := filepath.Rel(p.Dir, file)
	if err != nil {
		return file
	}
	return filepath.ToSlash(rel)
}

// draftBatchParameters adds aws_batch to the parameters of the environment.
func draftBatchParameters(p Project, conf confPlace, b Batch) (draft, error) {
	file := path.Join(conf.source, p.Env, "parameters.yml")
	d, err := openDraft(p, file, "names queue and job definition for AWSBatchRunner")
	if err != nil {
		return d, err
	}
	before, err := parseYAML([]byte(d.text))
	if err != nil {
		return d, &SettingsError{Source: file, Reason: err.Error(), Next: "mend the YAML of that file"}
	}
	if field(before, "aws_batch") != nil {
		return d, nil
	}
	own, err := render("parameters.yml", b)
	if err != nil {
		return d, err
	}
	if d.text != "" {
		own = strings.TrimRight(d.text, "\n") + "\n\n" + own
	}
	if after, err := parseYAML([]byte(own)); err != nil || mappingLen(after) != mappingLen(before)+2 {
		d.kept, d.note = true, fmt.Sprintf("yours; add aws_batch with job_queue: %s and job_definition: %s", b.Queue, b.Definition)
		return d, nil
	}
	d.text = own
	return d, nil
}
