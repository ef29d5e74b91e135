package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// Stdio is where the program reads and writes.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// Main runs one command line and gives the exit code: 0 done, 1 failed, 2 usage or settings, 3 the run ended with failed jobs, 4 errors in the
// project, 130 interrupted. A second interrupt ends the program at once.
func Main(args []string, std Stdio) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	d := newDeps(std, os.Getenv)
	app := newApp(d)
	args, d.passed = reorder(app, args)
	err := app.RunContext(ctx, args)
	if err == nil {
		return 0
	}
	if found, ok := errors.AsType[changesFound](err); ok {
		return found.code()
	}
	code := exitCode(ctx, err)
	d.term.Fatal(explain(ctx, err), code)
	return code
}

// Categories of commands in the help text, which sorts them.
const (
	catMain  = "MAIN COMMANDS"
	catSteps = "SINGLE STEPS"
	catRuns  = "RUNS"
	catOther = "UTILITIES"
)

func newApp(d *deps) *cli.App {
	app := &cli.App{
		Name:                      "kedroctl",
		Usage:                     "take a Kedro project to AWS Batch and run it there",
		HideVersion:               true,
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		CustomAppHelpTemplate:     appHelp,
		Writer:                    d.std.Out,
		ErrWriter:                 d.std.Err,
		ExitErrHandler:            func(*cli.Context, error) {}, // Main alone decides about exit codes
		OnUsageError:              usageFailure,
		Flags:                     globalFlags(),
		Before:                    func(c *cli.Context) error { return d.start(c) },
		Action:                    d.noCommand,
	}
	for _, c := range []*cli.Command{
		newInit(d), newDeploy(d), newRun(d), newVerify(d),
		newCheck(d), newPlan(d), newPackage(d), newBuild(d), newPush(d), newProvision(d), newUpload(d), newRegister(d),
		newRuns(d), newStatus(d), newAttach(d), newCancel(d), newResume(d), newGet(d), newLogs(d), newDoctor(d),
		newShell(d), newReport(d),
		newResources(d), newPrune(d), newDestroy(d), newExport(d), newLocal(d), newVersion(d), newHelp(),
	} {
		app.Commands = append(app.Commands, command(d, c))
	}
	return app
}

// command gives a subcommand the habits that all share: usage errors on stderr, the help template, and the check of its arguments.
func command(d *deps, c *cli.Command) *cli.Command {
	c.OnUsageError = usageFailure
	c.CustomHelpTemplate = commandHelp
	c.HideHelpCommand = true
	action := c.Action
	c.Action = func(ctx *cli.Context) error {
		if ctx.NArg() > maxArgs(c.ArgsUsage) {
			return usageError{fmt.Errorf("%s takes no argument %q", c.Name, ctx.Args().Get(maxArgs(c.ArgsUsage)))}
		}
		return action(ctx)
	}
	return c
}

// maxArgs reads the number of arguments off the usage text; "…" stands for any number. What is handed on is no argument.
func maxArgs(usage string) int {
	usage = strings.TrimSuffix(usage, handsOn)
	if strings.Contains(usage, "…") {
		return 1 << 16
	}
	return len(strings.Fields(usage))
}

// noCommand answers a line without a subcommand: help, the version, or an error for a word that is none.
func (d *deps) noCommand(c *cli.Context) error {
	switch {
	case c.NArg() > 0:
		return unknownCommand(c, c.Args().First())
	case c.Bool("version"):
		return d.showVersion()
	}
	return cli.ShowAppHelp(c)
}

func unknownCommand(c *cli.Context, name string) error {
	var known []string
	for _, command := range c.App.VisibleCommands() {
		known = append(known, command.Name)
	}
	return suggest(fmt.Errorf("no command %q", name), name, known)
}

// What the parser says of a flag that it does not know, and of a value that it cannot read.
const unknownFlag = "flag provided but not defined: -"

var badValue = regexp.MustCompile(`^invalid (?:boolean )?value ("(?:[^"\\]|\\.)*") for (?:flag )?-(\S+): (.*)$`)

// usageFailure names a flag as people write it, which the parser does not.
func usageFailure(c *cli.Context, err error, _ bool) error {
	if name, ok := strings.CutPrefix(err.Error(), unknownFlag); ok {
		var known []string
		for _, f := range slices.Concat(c.Command.Flags, c.App.Flags) {
			for _, n := range f.Names() {
				if len(n) > 1 { // all letters are close to each other
					known = append(known, dashed(n))
				}
			}
		}
		return suggest(fmt.Errorf("unknown flag %s", dashed(name)), dashed(name), known)
	}
	if m := badValue.FindStringSubmatch(err.Error()); m != nil {
		reason := m[3]
		if reason == "parse error" {
			reason = "not a value of this flag"
		}
		err = fmt.Errorf("%s %s: %s", dashed(m[2]), m[1], reason)
	}
	return usageError{err}
}

func dashed(name string) string {
	if len(name) > 1 {
		return "--" + name
	}
	return "-" + name
}

// suggest adds to an error of the command line the known names that are close to an unknown one.
func suggest(err error, name string, known []string) error {
	if hint := plan.DidYouMean(name, known); hint != "" {
		return ui.WithHint(usageError{err}, hint)
	}
	return usageError{err}
}

func globalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "directory", Aliases: []string{"C"}, Usage: "run as if started in `DIR`", Value: "."},
		&cli.StringFlag{Name: "env", Aliases: []string{"e"}, Usage: "Kedro configuration `ENV`ironment (default: aws_batch)"},
		&cli.StringFlag{Name: "profile", Usage: "`PROFILE` of the AWS configuration"},
		&cli.StringFlag{Name: "region", Usage: "AWS `REGION`"},
		&cli.StringFlag{Name: "bucket", Usage: "`BUCKET` of the records of runs; with it status, cancel, verify and run need no project"},
		&cli.BoolFlag{Name: "local", Usage: "use the embedded AWS on this machine instead of an account", DisableDefaultText: true},
		&cli.StringFlag{Name: "python", Usage: "`PATH` of the project's interpreter (default: found)"},
		&cli.BoolFlag{Name: "no-cache", Usage: "introspect the project anew, though it has not changed", DisableDefaultText: true},
		&cli.StringSliceFlag{Name: "set", Usage: "a setting of [tool.kedroctl] for this command, as `KEY=VALUE`"},
		&cli.BoolFlag{Name: "json", Usage: "write the answer as JSON", DisableDefaultText: true},
		&cli.BoolFlag{Name: "verbose", Usage: "tell more on stderr", DisableDefaultText: true},
		&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, DisableDefaultText: true, Usage: "answer yes to every question"},
		&cli.BoolFlag{Name: "version", Usage: "show the version", DisableDefaultText: true},
		cli.HelpFlag, // the parser adds it by itself only where there is no command help
	}
}

// version is set by the linker in releases.
var version = ""

// versionText is the version of this binary: the release's, else what the Go toolchain recorded.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
