package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/process"
	"github.com/kedroctl/kedroctl/run"
)

// followFlags say how a run is followed, and what the failure of a group means for the others.
func followFlags() []cli.Flag {
	return []cli.Flag{
		newDetachFlag(),
		&cli.BoolFlag{Name: "fail-fast", DisableDefaultText: true, Usage: "after a failure start nothing more, and let what runs finish; so it is without a flag"},
		&cli.BoolFlag{Name: "kill", DisableDefaultText: true, Usage: "after a failure end what runs, too"},
		&cli.BoolFlag{Name: "keep-going", DisableDefaultText: true, Usage: "after a failure go on with all that does not depend on it"},
	}
}

// policyFlags are those of followFlags that say what a failure means.
var policyFlags = []string{"fail-fast", "kill", "keep-going"}

// followOptions reads the flags.
func (d *deps) followOptions(c *cli.Context) (run.Options, error) {
	interval, err := d.interval()
	o := run.Options{Interval: interval, Detach: detaching(c) != ""}
	switch {
	case err != nil:
	case c.Bool("keep-going") && (c.Bool("fail-fast") || c.Bool("kill")):
		err = usageError{errors.New("--keep-going goes neither with --fail-fast nor with --kill")}
	case c.Bool("keep-going"):
		o.OnFailure = run.KeepGoing
	case c.Bool("kill"):
		o.OnFailure = run.Kill
	}
	return o, err
}

// follow follows a run to its end, or to where somebody leaves or cancels it. ctx is what heed gave.
func (d *deps) follow(ctx context.Context, c *cli.Context, clients run.Clients, r run.Run, o run.Options, table *jobTable) error {
	result, err := run.Follow(ctx, clients, r, o, table)
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errHungUp) && c.Context.Err() == nil:
		table.stop()
		return d.hungUp(c, r, result)
	case err != nil && ctx.Err() != nil:
		return d.interrupted(c.Context, clients, r, result, table)
	}
	table.stop()
	if err != nil {
		return err
	}
	table.end(c.Context, result.Jobs)
	return d.ended(table.board, result, d.mlflow(c.Context, clients, r), o.Detach)
}

var errLeft = codedError{error: errors.New("left the run"), code: exitInterrupted}

// interrupted asks what is to become of the jobs: on a terminal people choose; SIGTERM, and an interrupt without a terminal, cancel, and tell Batch before
// anything else.
func (d *deps) interrupted(ctx context.Context, clients run.Clients, r run.Run, result run.Result, table *jobTable) error {
	if d.asks() && !terminated(ctx) {
		table.stop()
		if !d.cancelChosen(r, result) {
			d.term.Line("run %s goes on without this command", r.ID)
			d.term.Hint("'%s' follows it again; '%s' ends it", d.commandLine("attach", r.ID), d.commandLine("cancel", r.ID))
			return errLeft
		}
	}
	d.term.Line("cancelling run %s", r.ID) // what runs may take 30 s to end
	done, err := run.Cancel(context.WithoutCancel(ctx), clients, r, owner(), cancelReason(), result.Jobs)
	table.stop()
	if err != nil {
		return err
	}
	d.tellCancelled(done)
	return codedError{error: fmt.Errorf("run %s is cancelled", r.ID), code: exitInterrupted}
}

// cancelChosen asks, and says what leaving gives up.
func (d *deps) cancelChosen(r run.Run, result run.Result) bool {
	if n := leftToSubmit(result); n > 0 {
		d.term.Warn("%s of the run are not submitted yet, and will not be until somebody attaches", count(n, "group"))
	}
	d.term.Line("Without this command Batch goes on with all that does not depend on a failed job, and a job that runs out of memory gets no more of it.")
	return d.ask(fmt.Sprintf("Cancel run %s, or leave it to Batch? [c/L]", r.ID)) == "c"
}

// leftToSubmit counts the groups that Batch has not been given.
func leftToSubmit(result run.Result) int {
	n := 0
	for _, j := range result.Jobs {
		if j.ID == "" {
			n++
		}
	}
	return n
}

// terminated says whether SIGTERM ended ctx.
func terminated(ctx context.Context) bool {
	cause := context.Cause(ctx)
	return cause != nil && strings.Contains(cause.Error(), syscall.SIGTERM.String())
}

// hungUp leaves a run whose terminal has gone. Where groups are left to submit, a driver without a terminal takes it up, and writes to a file.
func (d *deps) hungUp(c *cli.Context, r run.Run, result run.Result) error {
	if leftToSubmit(result) == 0 {
		return errLeft
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own executable: %w", err)
	}
	file := driverLog(d.flags.dir, r.ID)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("go on without a terminal: %w", err)
	}
	log, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("go on without a terminal: %w", err)
	}
	defer log.Close()
	args := append(d.globalArgs(), "attach", r.ID)
	for _, name := range policyFlags {
		if c.Bool(name) {
			args = append(args, "--"+name)
		}
	}
	driver := exec.Command(self, args...) //nolint:noctx // it is to outlive this process
	driver.Stdout, driver.Stderr, driver.SysProcAttr = log, log, local.Detached()
	if err := driver.Start(); err != nil {
		return fmt.Errorf("go on without a terminal: %w", err)
	}
	d.term.Line("run %s: its driver goes on without a terminal and writes to %s", r.ID, file)
	return errLeft
}

// driverLog is where a driver of a run writes whose terminal has gone.
func driverLog(dir, id string) string { return filepath.Join(dir, ".kedroctl", "runs", id+".log") }

// tellDriverLog names that file, where there is one here.
func (d *deps) tellDriverLog(id string) {
	if file := driverLog(d.flags.dir, id); isFile(file) {
		d.term.Line("a driver of run %s went on without a terminal: see %s", id, file)
	}
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// globalArgs are the global flags that this command was given, for another one about the same project and account.
func (d *deps) globalArgs() []string {
	var args []string
	for _, f := range []struct{ name, value, usual string }{
		{"-C", d.flags.dir, "."}, {"--env", d.flags.env, ""}, {"--profile", d.flags.profile, ""}, {"--region", d.flags.region, ""}, {"--bucket", d.flags.bucket, ""},
	} {
		if f.value != f.usual {
			args = append(args, f.name, f.value)
		}
	}
	if d.flags.local {
		args = append(args, "--local")
	}
	return args
}

// commandLine is a command about a run as people can type it where they have typed this one.
func (d *deps) commandLine(command, id string) string {
	words := slices.Concat([]string{"kedroctl"}, d.globalArgs(), []string{command, id})
	for i, w := range words {
		if strings.ContainsAny(w, " \t'\"$&;|<>()*?\\`") {
			words[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(w) + `"`
		}
	}
	return strings.Join(words, " ")
}

// resumeHint is the next step after a run that lacks something.
func (d *deps) resumeHint(r run.Run) string {
	if process.Ours(r.Deployment) {
		return fmt.Sprintf("'%s' runs what failed or never ran, of the project as it was; after a change start a new run", d.commandLine("resume", r.ID))
	}
	return fmt.Sprintf("'%s' runs what failed or never ran; with --deploy after a change of the project", d.commandLine("resume", r.ID))
}
