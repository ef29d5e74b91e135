package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

const writeDockerfile = "write-dockerfile"

// toBuild is a source whose image is made here.
func (d *deps) toBuild(ctx context.Context) (*target, error) {
	t, err := d.source(ctx)
	if err != nil {
		return nil, err
	}
	return t, t.wantBuilt()
}

func (t *target) wantBuilt() error {
	if t.project.Settings.Image.Use == "" {
		return nil
	}
	return ui.WithHint(fmt.Errorf("nothing to build or push: image.use names an image that others built"), "'kedroctl deploy' takes it as it is; without image.use it is built here")
}

// used is the image that others built: looked at in its registry, and tried where the engine here has it.
func (t *target) used(ctx context.Context, tasks *ui.Tasks) (string, error) {
	registry, err := build.Login(ctx, t.ecr)
	if err != nil {
		return "", err
	}
	ref := t.project.Settings.Image.Use
	k := tasks.Start("image")
	if err := registry.CheckUsed(ctx, t.project); err != nil {
		k.Failed()
		return "", err
	}
	k.Unchanged("%s, which others built", ref)
	engine, err := build.Dial(ctx)
	if err != nil {
		t.term.Line("%-10s skipped: %v", "try", err)
		return ref, ctx.Err()
	}
	defer engine.Close()
	image, found, err := engine.Has(ctx, ref)
	if err != nil {
		return "", err
	}
	if !found {
		t.term.Line("%-10s skipped: the engine here has not this image; 'docker pull' it to have it tried", "try")
		return ref, nil
	}
	return ref, t.smoke(ctx, tasks, engine, image)
}

// handOver writes kedroctl's Dockerfile for the project to own.
func (d *deps) handOver(ctx context.Context, file string) error {
	p, err := d.initialized()
	if err != nil {
		return err
	}
	if p.Settings.Image.Use != "" {
		return errors.New("image.use names an image that others built: there is no Dockerfile")
	}
	_, s, err := d.checkedPlan(ctx, p, plan.Selection{}, "")
	if err != nil {
		return err
	}
	tasks := d.term.Tasks()
	theirs := p
	theirs.Settings.Image.Dockerfile = ""
	dependencies, err := d.resolved(ctx, tasks, theirs, false, nil)
	if err != nil {
		return err
	}
	w, err := d.wheel(ctx, tasks, p, nil)
	if err != nil {
		return err
	}
	h, err := build.HandOver(ctx, build.Spec{Project: p, Snapshot: s, Wheel: w, Dependencies: dependencies}, file)
	if err != nil {
		return err
	}
	for _, l := range h.Left {
		d.term.Warn("%s stays out of the image: %s", l.Path, l.Reason)
	}
	if !h.Kept {
		d.term.Line("next  dockerfile = %q in [tool.kedroctl.image] of pyproject.toml lets 'kedroctl build' and 'deploy' build it", h.Dockerfile)
	}
	d.term.Line("next  docker build --platform %s -f %s .", p.Settings.Image.Platform, h.Dockerfile)
	return d.term.Answer(h, func(out io.Writer) {
		for _, name := range []string{h.Dockerfile, h.Ignore, h.Parts} {
			if name != "" {
				fmt.Fprintln(out, name)
			}
		}
	})
}
