package cmd

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/provision"
)

func newDestroy(d *deps) *cli.Command {
	return &cli.Command{
		Name: "destroy", Category: catOther, Usage: "Remove what provision made; data and images only with --data",
		UsageText:   "$ kedroctl destroy --data",
		Description: `Removes, in the order that AWS wants, what carries all of this project's tags. Refuses while jobs run, unless --force is given.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "data", Usage: "also the bucket with all data and the repository with all images", DisableDefaultText: true},
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, DisableDefaultText: true, Usage: "end unfinished jobs"},
		},
		Action: func(c *cli.Context) error {
			_, clients, spec, err := d.stack(c.Context)
			if err != nil {
				return err
			}
			if c.Bool("data") {
				if err := d.confirm(fmt.Sprintf("Remove bucket %s and repository %s with all that is in them?", spec.Bucket, spec.Repository)); err != nil {
					return err
				}
			}
			gone, err := provision.Destroy(c.Context, clients, spec, provision.DestroyOptions{Data: c.Bool("data"), Force: c.Bool("force")}, &steps{term: d.term})
			if err != nil {
				return err
			}
			return d.term.Answer(gone, func(w io.Writer) { d.showResources(w, append(gone.Removed, gone.Kept...)) })
		},
	}
}
