package cmd

import (
	"fmt"
	"io"
	"runtime"

	"github.com/urfave/cli/v2"
)

func newVersion(d *deps) *cli.Command {
	return &cli.Command{
		Name: "version", Category: catOther, Usage: "Show the version of kedroctl",
		UsageText: "$ kedroctl version",
		Action:    func(*cli.Context) error { return d.showVersion() },
	}
}

func (d *deps) showVersion() error {
	v := struct {
		Version string `json:"version"`
		Go      string `json:"go"`
	}{versionText(), runtime.Version()}
	return d.term.Answer(v, func(w io.Writer) { fmt.Fprintf(w, "kedroctl %s (%s)\n", v.Version, v.Go) })
}
