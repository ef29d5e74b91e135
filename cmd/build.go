package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
)

func newPackage(d *deps) *cli.Command {
	return &cli.Command{
		Name: "package", Category: catSteps, Usage: "Make the project's wheel with 'kedro package'",
		UsageText: "$ kedroctl package",
		Action: func(c *cli.Context) error {
			p, err := d.project()
			if err != nil {
				return err
			}
			w, err := d.wheel(c.Context, d.term.Tasks(), p, nil)
			if err != nil {
				return err
			}
			return d.term.Answer(w, func(out io.Writer) { fmt.Fprintln(out, w.Path) })
		},
	}
}

func newBuild(d *deps) *cli.Command {
	return &cli.Command{
		Name: "build", Category: catSteps, Usage: "Build the project's image with the Docker Engine, and try it",
		UsageText: "$ kedroctl build\n  $ kedroctl build --engine none\n  $ kedroctl build --write-dockerfile FILE", ArgsUsage: "[FILE]",
		Description: `Packages the project first. The image has the dependencies, the wheel, conf/<base> and conf/<env>; never conf/local.
Dependencies come from requirements.lock, uv.lock or requirements.kedroctl.lock, which is made where there is none.
It is tried at once: inside, the project must have the same pipelines, nodes and datasets as here. 'push' tries it again.
With --engine none the same image is assembled without an engine: the base image comes from its registry, and nothing is tried.
[tool.kedroctl.image] dockerfile lets it build the project's own Dockerfile. With --write-dockerfile nothing is built: FILE
(Dockerfile) becomes such a one, with what it needs beside it. A file that is there is never replaced.`,
		Flags: []cli.Flag{
			engineFlag(), upgradeFlag(), sbomFlag(),
			&cli.BoolFlag{Name: writeDockerfile, DisableDefaultText: true, Usage: "only write the Dockerfile, as FILE, for the project to own"},
		},
		Action: func(c *cli.Context) error {
			d.setEngine(c)
			if c.Bool(writeDockerfile) {
				return d.handOver(c.Context, cmp.Or(c.Args().First(), "Dockerfile"))
			}
			t, err := d.toBuild(c.Context)
			if err != nil {
				return err
			}
			if err := errors.Join(t.setSBOM(c), t.checkEngine()); err != nil {
				return err
			}
			b, end, err := t.builder(c.Context)
			if err != nil {
				return err
			}
			defer end()
			t.upgrade = c.Bool(upgrade)
			tasks := d.term.Tasks()
			if err := t.resolve(c.Context, tasks, b); err != nil {
				return err
			}
			image, err := t.build(c.Context, tasks, b)
			if err != nil {
				return err
			}
			return d.term.Answer(image, func(w io.Writer) { fmt.Fprintln(w, image.ID) })
		},
	}
}

func newPush(d *deps) *cli.Command {
	return &cli.Command{
		Name: "push", Category: catSteps, Usage: "Push the built image to ECR and confirm it at the registry",
		UsageText: "$ kedroctl push", Flags: []cli.Flag{engineFlag()},
		Action: func(c *cli.Context) error {
			d.setEngine(c)
			t, err := d.target(c.Context)
			if err == nil {
				err = t.wantBuilt()
			}
			if err != nil {
				return err
			}
			repository, err := provision.FindRepository(c.Context, t.clients, t.spec)
			if err != nil {
				return err
			}
			registry, err := build.Login(c.Context, t.ecr)
			if err != nil {
				return err
			}
			b, end, err := t.builder(c.Context)
			if err != nil {
				return err
			}
			defer end()
			image, found, err := b.Lookup(c.Context, t.project, t.key)
			if err != nil {
				return err
			}
			if !found {
				return ui.WithHint(fmt.Errorf("this machine has no image of the project as it is (%s)", t.key), "run 'kedroctl build' first, with the same --engine")
			}
			tasks := d.term.Tasks()
			if err := t.smoke(c.Context, tasks, b, image); err != nil { // 'build' leaves an image that failed in the engine
				return err
			}
			ref, err := t.push(c.Context, tasks, b, registry, image, repository.URI)
			if err != nil {
				return err
			}
			return d.term.Answer(map[string]string{"image": ref}, func(w io.Writer) { fmt.Fprintln(w, ref) })
		},
	}
}
