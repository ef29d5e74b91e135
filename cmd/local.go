package cmd

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/containers"
)

func newLocal(d *deps) *cli.Command {
	return &cli.Command{
		Name: "local", Category: catOther, ArgsUsage: "[stop|reset]", Usage: "Serve the embedded AWS for other tools, or stop it",
		UsageText: "$ kedroctl local stop",
		Description: `Tells where the embedded AWS of this project is; where it does not run, serves it until it has been idle for ten minutes.
'stop' ends it, 'reset' removes all that it kept besides. Its state is in .kedroctl/local, or KEDROCTL_LOCAL_DIR.`,
		Action: func(c *cli.Context) error {
			p, err := d.project()
			if err != nil {
				return err
			}
			dir := local.Dir(p.Dir, d.getenv)
			switch c.Args().First() {
			case "stop":
				return local.Stop(c.Context, dir)
			case "reset":
				if err := d.confirm(fmt.Sprintf("Remove all that the embedded AWS in %s keeps?", dir)); err != nil {
					return err
				}
				return local.Reset(c.Context, dir)
			case "":
				return d.serve(c, dir)
			}
			return usageError{fmt.Errorf("local takes stop or reset, not %q", c.Args().First())}
		},
	}
}

// serve answers with the server that runs, or is it.
func (d *deps) serve(c *cli.Context, dir string) error {
	if info, running := local.Running(c.Context, dir); running {
		return d.tellServer(info)
	}
	engine, err := build.FindEndpoint()
	if err != nil {
		return err
	}
	return local.Serve(c.Context, local.ServeOptions{Dir: dir, Runner: withProcesses(dir, containers.Maker(engine.Host, dir)), Ready: func(info local.Info) {
		if err := d.tellServer(info); err != nil {
			d.term.Warn("%v", err)
		}
	}})
}

// tellServer gives what other tools need, in the form of their environment variables.
func (d *deps) tellServer(info local.Info) error {
	return d.term.Answer(info, func(w io.Writer) {
		fmt.Fprintf(w, "AWS_ENDPOINT_URL=%s\nAWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\nAWS_REGION=%s\n",
			info.Endpoint, info.AccessKey, info.SecretKey, info.Region)
	})
}
