package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/faults"
	"github.com/kedroctl/kedroctl/internal/ui"
)

func newLocal(d *deps) *cli.Command {
	return &cli.Command{
		Name: "local", Category: catOther, ArgsUsage: "[stop|reset]", Usage: "Serve the embedded AWS for other tools, or stop it",
		UsageText: "$ eval \"$(kedroctl local)\"   # where it runs already: aws and boto3 then talk to it",
		Description: `Tells where the embedded AWS of this project is; where it does not run, serves it until it has been idle for ten minutes.
'stop' ends it, 'reset' removes all that it kept besides. Its state is in .kedroctl/local, or KEDROCTL_LOCAL_DIR.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Usage: "keep the state in `DIR`; no project is needed then"},
			&cli.IntFlag{Name: "port", Usage: "listen on port `N`", DefaultText: "the one of before, at first a free one"},
			&cli.StringFlag{Name: "host", Usage: "listen on `ADDRESS` of this machine", Value: loopback},
			&cli.DurationFlag{Name: "idle", Usage: "end after `TIME` without calls and unfinished jobs; 0s: never", Value: 10 * time.Minute},
			&cli.StringFlag{Name: "faults", Usage: "let `FILE` say what goes wrong"},
			&cli.StringFlag{Name: "journal", Usage: "append each call to `FILE`, as a line of JSON"},
		},
		Action: d.local,
	}
}

const loopback = "127.0.0.1"

func (d *deps) local(c *cli.Context) error {
	dir, err := d.localDir(c.String("dir"))
	if err != nil {
		return err
	}
	switch c.Args().First() {
	case "stop":
		return local.Stop(c.Context, dir)
	case "reset":
		if err := d.confirm(fmt.Sprintf("Remove all that the embedded AWS in %s keeps?", dir)); err != nil {
			return err
		}
		return local.Reset(c.Context, dir, jobRunners(dir))
	case "":
		return d.serve(c, dir)
	}
	return usageError{fmt.Errorf("local takes stop or reset, not %q", c.Args().First())}
}

// localDir is where the embedded AWS keeps its state. Where one is named there need not be a project.
func (d *deps) localDir(named string) (string, error) {
	if dir := cmp.Or(named, d.getenv("KEDROCTL_LOCAL_DIR")); dir != "" {
		return filepath.Abs(dir)
	}
	p, err := d.project()
	return local.Dir(p.Dir, d.getenv), err
}

// serve answers with the server that runs, or is it.
func (d *deps) serve(c *cli.Context, dir string) error {
	o, err := d.serveOptions(c, dir)
	if err != nil {
		return err
	}
	if info, running := local.Running(c.Context, dir); running {
		return errors.Join(d.tellServer(info), unheeded(c, info))
	}
	o.Runner = jobRunners(dir)
	o.Ready = func(info local.Info) {
		if err := d.tellServer(info); err != nil {
			d.term.Warn("%v", err)
		}
		d.term.Line("serving until ^C, or 'kedroctl local stop'")
	}
	if file := c.String("journal"); file != "" {
		journal, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("open the journal: %w", err)
		}
		defer journal.Close()
		o.Journal = journal
	}
	return local.Serve(c.Context, o)
}

// serveOptions reads the flags, and refuses what cannot be before anything is started.
func (d *deps) serveOptions(c *cli.Context, dir string) (local.ServeOptions, error) {
	o := local.ServeOptions{Dir: dir, Host: c.String("host"), Port: c.Int("port"), Idle: c.Duration("idle")}
	if o.Idle == 0 {
		o.Idle = -1
	}
	address, err := netip.ParseAddr(o.Host)
	if err != nil {
		return o, usageError{fmt.Errorf("--host %s: want an address of this machine, such as 0.0.0.0 for all", o.Host)}
	}
	if o.Port < 0 || o.Port > 65535 {
		return o, usageError{fmt.Errorf("--port %d: want a number up to 65535", o.Port)}
	}
	if !address.IsLoopback() {
		d.term.Warn("the embedded AWS can be reached from other machines: its keys are all that keeps them out, and nothing is encrypted")
	}
	file := c.String("faults")
	if file == "" {
		return o, nil
	}
	script, err := os.Open(file)
	if err != nil {
		return o, usageError{fmt.Errorf("--faults: %w", err)}
	}
	defer script.Close()
	if o.Faults, err = faults.Parse(script); err != nil {
		return o, codedError{ui.WithHint(fmt.Errorf("--faults: %s: %w", file, err), "docs/local.md has the language of fault scripts"), exitUsage}
	}
	return o, nil
}

// unheeded is an error where the flags ask for another server than the one that runs.
func unheeded(c *cli.Context, info local.Info) error {
	var flags []string
	for _, name := range []string{"port", "host", "idle", "faults", "journal"} {
		same := name == "port" && strings.HasSuffix(info.Endpoint, fmt.Sprintf(":%d", c.Int("port")))
		if c.IsSet(name) && !same {
			flags = append(flags, "--"+name)
		}
	}
	if len(flags) == 0 {
		return nil
	}
	slices.Sort(flags)
	return ui.WithHint(fmt.Errorf("the embedded AWS runs already, as it was started: %s changes nothing", strings.Join(flags, ", ")),
		"end it with 'kedroctl local stop' first")
}

// tellServer gives what other tools need, as lines for a shell.
func (d *deps) tellServer(info local.Info) error {
	return d.term.Answer(info, func(w io.Writer) {
		fmt.Fprintf(w, "# The embedded AWS answers at %s\n", info.Endpoint)
		for _, v := range [][2]string{{"ENDPOINT_URL", info.Endpoint}, {"ACCESS_KEY_ID", info.AccessKey}, {"SECRET_ACCESS_KEY", info.SecretKey},
			{"REGION", info.Region}, {"DEFAULT_REGION", info.Region}} { // awscli reads the one, boto3 the other
			fmt.Fprintf(w, "export AWS_%s=%s\n", v[0], v[1])
		}
		fmt.Fprintln(w, "unset AWS_SESSION_TOKEN AWS_PROFILE")
	})
}
