package cmd

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/provision"
)

func newInit(d *deps) *cli.Command {
	return &cli.Command{
		Name: "init", Category: catMain, Usage: "Write the settings and the aws_batch environment into the project, once",
		UsageText: "$ kedroctl init --catalog",
		Description: `Writes [tool.kedroctl] into pyproject.toml, conf/<env>/globals.yml, s3fs into the dependencies, .dockerignore
and an entry in .gitignore. On a terminal it asks for the region, the bucket, the catalog and a Dockerfile that is there; with --yes it does not.
What a person changed is kept; a second run changes nothing. Needs no AWS account.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "catalog", Usage: "also write conf/<env>/catalog.yml: an S3 entry for every dataset that is local or in memory", DisableDefaultText: true},
			&cli.BoolFlag{Name: "runner", Usage: "also write AWSBatchRunner of Kedro's guide, which submits jobs from Python, with its cli.py, parameters and catalog", DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			return d.init(c.Context, project.InitOptions{Catalog: c.Bool("catalog") || c.Bool("runner"), Random: rand.Reader}, c.Bool("runner"))
		},
	}
}

// initAnswer is what init found, what it did, and what comes next.
type initAnswer struct {
	Found []project.Seen `json:"found"`
	Files []project.File `json:"files"`
	Next  []nextStep     `json:"next"`
}

type nextStep struct {
	Command string `json:"command"`
	Does    string `json:"does"`
}

func (d *deps) init(ctx context.Context, o project.InitOptions, runner bool) error {
	p, err := d.project()
	if err != nil {
		return err
	}
	survey, err := project.Look(p)
	if err != nil {
		return err
	}
	if survey.First {
		for _, s := range survey.Seen {
			d.term.Line("found %s: %s", s.Thing, s.Meaning)
		}
		if d.asks() && !d.flags.yes {
			if p, err = d.askInit(ctx, p, survey, &o); err != nil {
				return err
			}
		}
	}
	o.Region = d.flags.region
	o.Snapshot = func(ctx context.Context, env string) (project.Snapshot, error) {
		return d.inspect(ctx, p, project.InspectOptions{Env: env})
	}
	if runner {
		o.Runner = &project.Batch{Queue: cmp.Or(p.Settings.Compute.Queue, provision.QueueName(p)), Definition: provision.StackName(p)}
	}
	files, err := project.Init(ctx, p, o)
	if err != nil {
		return err
	}
	a := initAnswer{Found: survey.Seen, Files: files, Next: nextSteps(p, runner)}
	return d.term.Answer(a, func(w io.Writer) {
		for _, f := range files {
			fmt.Fprintf(w, "%-9s  %-*s  %s\n", f.Action, widest(files), f.Path, f.Why)
		}
		d.tellInit(a)
	})
}

func widest(files []project.File) int {
	width := 0
	for _, f := range files {
		width = max(width, len(f.Path))
	}
	return width
}

// tellInit tells what a person has to do for the files, and what comes next where anything is new.
func (d *deps) tellInit(a initAnswer) {
	for _, f := range a.Files {
		if f.Note != "" {
			d.term.Hint("%s: %s", f.Path, f.Note)
		}
	}
	isNew := func(f project.File) bool { return f.Action == project.Written || f.Action == project.Updated }
	if !slices.ContainsFunc(a.Files, isNew) {
		return
	}
	for _, n := range a.Next {
		d.term.Line("next  %-38s  %s", n.Command, n.Does)
	}
}

func nextSteps(p project.Project, runner bool) []nextStep {
	env := ""
	if p.Env != project.DefaultEnv {
		env = " --env " + p.Env
	}
	steps := []nextStep{
		{"kedroctl" + env + " check", "what would fail on Batch, and what to do about it"},
		{"kedroctl" + env + " plan", "the jobs, and where each dataset will be"},
		{"kedroctl" + env + " --local run --no-image", "all of it on this machine, without Docker or an account"},
		{"kedroctl" + env + " deploy", "image and resources on AWS; then 'kedroctl" + env + " run'"},
	}
	if runner {
		command := fmt.Sprintf("python -m %s --env %s --runner %[1]s.runner.AWSBatchRunner", p.Package, p.Env)
		steps = append(steps, nextStep{command, "submits the jobs from here, after deploy"})
	}
	return steps
}

// askInit asks what a person may want otherwise. An answer counts as the flag of its name; one that cannot be is asked for again.
func (d *deps) askInit(ctx context.Context, p project.Project, survey project.Survey, o *project.InitOptions) (project.Project, error) {
	if p.Settings.Region == "" && !d.flags.local {
		region := ""
		if cfg, err := d.account(ctx, &p); err == nil {
			region = cfg.Region
		}
		var err error
		if d.flags.region, err = d.askSetting(ctx, "AWS region", "region", region); err != nil {
			return p, err
		}
	}
	if survey.Bucket == "" {
		bucket, err := survey.BaseBucket, error(nil)
		if bucket == "" {
			bucket, err = project.NewBucketName(p, o.Random)
		}
		if err == nil {
			_, err = d.askSetting(ctx, "S3 bucket", "bucket", bucket)
		}
		if err != nil {
			return p, err
		}
	}
	if survey.Dockerfile != "" {
		answer, err := d.askLine(ctx, "Build your "+survey.Dockerfile+" in place of the image that kedroctl would make? [y/N]", "n")
		if err != nil {
			return p, err
		}
		if isYes(answer) {
			o.Dockerfile = survey.Dockerfile
		}
	}
	if !o.Catalog {
		answer, err := d.askLine(ctx, "Write catalog entries on S3 for all datasets? Without them kedroctl keeps the data by itself [y/N]", "n")
		if err != nil {
			return p, err
		}
		o.Catalog = isYes(answer)
	}
	d.proj = nil
	return d.project()
}

func isYes(answer string) bool { return answer == "y" || answer == "yes" }

// askSetting asks for the value of a setting until it is one that the setting can have.
func (d *deps) askSetting(ctx context.Context, what, key, value string) (string, error) {
	for {
		answer, err := d.askLine(ctx, fmt.Sprintf("%s [%s]", what, value), value)
		if err != nil || answer == "" {
			return "", err
		}
		d.flags.set[key] = answer
		d.proj = nil
		if _, err = d.project(); err == nil {
			return answer, nil
		}
		d.term.Warn("%v", err)
		delete(d.flags.set, key)
	}
}
