package cmd

import (
	"context"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// builder makes images: an engine does, or kedroctl itself.
type builder interface {
	Base(ctx context.Context, p project.Project) (build.Base, error)
	Lookup(ctx context.Context, p project.Project, key string) (build.Image, bool, error)
	Build(ctx context.Context, s build.Spec, story io.Writer) (build.Image, error)
	SBOM(ctx context.Context, image build.Image) ([]byte, error)
	Push(ctx context.Context, image build.Image, to build.Target, r *build.Registry, progress func(build.LayerEvent)) (build.Pushed, error)
}

// engineFlag chooses what makes images.
func engineFlag() cli.Flag {
	return &cli.StringFlag{Name: "engine", Usage: "`ENGINE` that makes the image: auto, or none to assemble it without one"}
}

// setEngine makes a setting of the flag, before the project is loaded.
func (d *deps) setEngine(c *cli.Context) { d.setBy("engine", "engine", c.String("engine")) }

// builder is the engine, or what stands in for one, and what ends it.
func (t *target) builder(ctx context.Context) (builder, func(), error) {
	if t.project.Settings.Engine != project.EngineNone {
		engine, err := build.Dial(ctx)
		if err != nil {
			return nil, nil, ui.WithHint(err, strings.TrimPrefix(ui.Hint(err)+"; or make the image without an engine: --engine none", "; "))
		}
		return engine, func() { engine.Close() }, nil
	}
	python, err := t.interpreter(ctx, t.project)
	if err != nil {
		return nil, nil, err
	}
	assembler, err := build.NewAssembler(python.Command)
	return assembler, func() {}, err
}

// checkEngine finds what cannot be made without an engine, before anything is changed.
func (t *target) checkEngine() error {
	if t.project.Settings.Engine == project.EngineNone {
		return build.CanAssemble(t.project)
	}
	return nil
}
