package cmd

import (
	"context"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

const upgrade = "upgrade"

func upgradeFlag() cli.Flag {
	return &cli.BoolFlag{Name: upgrade, Usage: "resolve the dependencies again, to their newest versions"}
}

// resolve finds or makes what fixes the dependencies, which is a part of what the input key stands for.
func (t *target) resolve(ctx context.Context, tasks *ui.Tasks, b builder) (err error) {
	t.fixed, err = t.resolved(ctx, tasks, t.project, t.upgrade, func(ctx context.Context) (build.Base, error) {
		return b.Base(ctx, t.project)
	})
	if err == nil {
		t.key, err = build.InputKey(t.project, t.snapshot)
	}
	return err
}

// resolved are the dependencies of the project's image.
func (d *deps) resolved(
	ctx context.Context, tasks *ui.Tasks, p project.Project, upgrade bool, base func(context.Context) (build.Base, error),
) (build.Dependencies, error) {
	k := tasks.Start("resolve")
	var found build.Dependencies
	py, err := d.interpreter(ctx, p)
	if err == nil {
		found, err = build.Resolver{Project: p, Host: py.Command, Getenv: d.getenv, Upgrade: upgrade, Base: base}.Resolve(ctx)
	}
	if err != nil {
		k.Failed()
		return found, err
	}
	switch {
	case found.Made:
		k.Done("dependencies: %s, %s", found.Source, count(found.Count, "distribution"))
	case found.Count == 0:
		k.Unchanged("dependencies: %s", found.Source)
	default:
		k.Unchanged("dependencies: %s, %s", found.Source, count(found.Count, "distribution"))
	}
	if len(found.LeftOut) > 0 {
		d.term.Line("%-10s left out of the image, as no job needs it: %s", "resolve", strings.Join(found.LeftOut, ", "))
	}
	return found, nil
}
