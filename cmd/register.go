package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/provision"
)

func newRegister(d *deps) *cli.Command {
	return &cli.Command{
		Name: "register", Category: catSteps, Usage: "Register the job definition of an image, or find the equal one",
		UsageText: "$ kedroctl register",
		Description: `Takes the image that the registry has for the project as it is, or the one that --image names. 'kedroctl deploy' also
records the deployment that 'kedroctl run' runs.`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "image", Usage: "`REPOSITORY@DIGEST` of the image (default: the one pushed for the project as it is)"}},
		Action: func(c *cli.Context) error {
			t, err := d.target(c.Context)
			if err != nil {
				return err
			}
			image := c.String("image")
			if image == "" {
				if image, err = t.pushed(c.Context); err != nil {
					return err
				}
			}
			res, err := provision.FindDefinition(c.Context, t.clients, t.spec)
			if err != nil {
				return err
			}
			def, err := provision.Register(c.Context, t.clients.Batch, t.spec, res, image)
			if err != nil {
				return err
			}
			return d.term.Answer(def, func(w io.Writer) { fmt.Fprintln(w, strings.Join(def.Names(), "\n")) })
		},
	}
}
