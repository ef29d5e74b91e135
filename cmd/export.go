package cmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
)

func newExport(d *deps) *cli.Command {
	return &cli.Command{
		Name: "export", Category: catOther, ArgsUsage: "terraform", Usage: "Write the stack as a Terraform configuration, for teams that own it that way",
		UsageText: "$ kedroctl export terraform -o main.tf",
		Description: `Writes what 'kedroctl provision' would make as a configuration for the provider hashicorp/aws, without asking AWS. Its first
lines have the settings by which kedroctl then takes these resources as existing ones, and never changes or removes them. With
--import it has import blocks for what of the stack stands, which the first 'terraform apply' then takes over as it is.`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "provider", Usage: "write for the major version `N` of the provider: 6 or 5", Value: provision.Providers[0]},
			&cli.BoolFlag{Name: "import", Usage: "have Terraform take over what 'kedroctl provision' has made; asks AWS what that is"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, which must not exist", DefaultText: "stdout"},
		},
		Action: func(c *cli.Context) error {
			if c.Args().First() != "terraform" {
				return usageError{errors.New("export wants what to write: kedroctl export terraform")}
			}
			o := provision.TerraformOptions{Provider: c.Int("provider")}
			if !slices.Contains(provision.Providers, o.Provider) {
				return usageError{fmt.Errorf("--provider %d: export writes for the major versions 6 and 5 of hashicorp/aws", o.Provider)}
			}
			clients, spec, err := d.plannedStack(c.Context)
			if err != nil {
				return err
			}
			if c.Bool("import") {
				if o.Imports, err = provision.Imports(c.Context, clients, spec); err != nil {
					return err
				}
			}
			return d.writeExport(c.String("output"), provision.Terraform(spec, o))
		},
	}
}

func (d *deps) writeExport(file string, content []byte) error {
	if file == "" {
		answer := struct {
			Configuration string `json:"configuration"`
		}{string(content)}
		return d.term.Answer(answer, func(w io.Writer) { w.Write(content) })
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return ui.WithHint(fmt.Errorf("%s exists: it is not overwritten", file), "name another file, or write to stdout and compare")
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	d.term.Line("wrote %s", file)
	return nil
}
