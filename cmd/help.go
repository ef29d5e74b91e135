package cmd

import "github.com/urfave/cli/v2"

// newHelp is what people type who know docker and gh; it says the same as --help.
func newHelp() *cli.Command {
	return &cli.Command{
		Name: "help", Category: catOther, ArgsUsage: "[COMMAND]", Usage: "Show the help of kedroctl or of a command",
		UsageText: "$ kedroctl help run",
		Action: func(c *cli.Context) error {
			name := c.Args().First()
			switch {
			case name == "":
				return cli.ShowAppHelp(c)
			case c.App.Command(name) == nil:
				return unknownCommand(c, name)
			}
			return cli.ShowCommandHelp(c, name)
		},
	}
}

// appHelp is the text of kedroctl --help.
const appHelp = `Take a Kedro project to AWS Batch and run it there.

USAGE
  kedroctl [flags] <command> [flags] [arguments]
{{range .VisibleCategories}}{{if .Name}}
{{.Name}}{{range .VisibleCommands}}
  {{printf "%-11s" .Name}} {{.Usage}}{{end}}
{{end}}{{end}}
FLAGS (before or after the command)
{{range .VisibleFlags}}  {{.}}
{{end}}
EXAMPLES
  $ kedroctl init            # once: settings and the aws_batch environment
  $ kedroctl deploy          # check, package, build, push, provision, upload, register: only what changed
  $ kedroctl run             # one Batch job per group of nodes, followed to the end
  $ kedroctl --local deploy  # the same without an AWS account

Run 'kedroctl <command> --help' for a command's own flags.
`

// commandHelp is the text of kedroctl <command> --help.
const commandHelp = `{{.Usage}}.

USAGE
  kedroctl {{.Name}}{{if .VisibleFlags}} [flags]{{end}}{{if .ArgsUsage}} {{.ArgsUsage}}{{end}}
{{if .Description}}
{{.Description}}
{{end}}{{if .VisibleFlags}}
FLAGS
{{range .VisibleFlags}}  {{.}}
{{end}}{{end}}
EXAMPLE
  {{.UsageText}}

Global flags: 'kedroctl --help'.
`
