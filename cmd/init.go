package cmd

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/project"
)

func newInit(d *deps) *cli.Command {
	return &cli.Command{
		Name: "init", Category: catMain, Usage: "Write the settings and the aws_batch environment into the project, once",
		UsageText: "$ kedroctl init --catalog",
		Description: `Writes [tool.kedroctl] into pyproject.toml, conf/<env>/globals.yml, s3fs into the dependencies, .dockerignore
and an entry in .gitignore. What a person changed is kept; a second run changes nothing. Needs no AWS account.`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "catalog", Usage: "also write conf/<env>/catalog.yml: an S3 entry for every dataset that is local or in memory", DisableDefaultText: true}},
		Action: func(c *cli.Context) error {
			p, err := d.project()
			if err != nil {
				return err
			}
			files, err := project.Init(c.Context, p, project.InitOptions{
				Catalog: c.Bool("catalog"), Region: d.flags.region, Random: rand.Reader,
				Snapshot: func(ctx context.Context, env string) (project.Snapshot, error) {
					return d.inspect(ctx, p, project.InspectOptions{Env: env})
				},
			})
			if err != nil {
				return err
			}
			for _, f := range files {
				if f.Note != "" {
					d.term.Hint("%s: %s", f.Path, f.Note)
				}
			}
			return d.term.Answer(files, func(w io.Writer) {
				for _, f := range files {
					fmt.Fprintf(w, "%-9s  %s\n", f.Action, f.Path)
				}
			})
		},
	}
}
