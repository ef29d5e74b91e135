package cmd

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
