package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/run"
	"github.com/kedroctl/kedroctl/run/report"
)

func newReport(d *deps) *cli.Command {
	return &cli.Command{
		Name: "report", Category: catRuns, ArgsUsage: "[RUN]", Usage: "Write one HTML page of a run",
		UsageText: "$ kedroctl report -o run.html",
		Description: `Timeline, graph, groups with memory used of asked, failures with their log lines, and outputs. The page opens without a
network and runs no script. It names parameters, and has none of their values; log lines are as the jobs wrote them. The page of the same
run is replaced, any other file left alone. Without RUN the latest run is meant.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write `FILE`, - for stdout (default: kedroctl-report-RUN.html)"},
			&cli.BoolFlag{Name: "force", DisableDefaultText: true, Usage: "replace any file"},
			&cli.IntFlag{Name: "lines", Usage: "show the last `N` lines of a failed attempt's log", Value: 40},
		},
		Action: d.report,
	}
}

func (d *deps) report(c *cli.Context) error {
	if n := c.Int("lines"); n < 1 || n > maxLines {
		return usageError{fmt.Errorf("--lines %d: want a number from 1 to %d", n, maxLines)}
	}
	if c.String("output") == "-" && c.Bool("json") {
		return usageError{errors.New("-o - writes HTML to stdout, and --json would write JSON there")}
	}
	clients, r, err := d.recordedRun(c)
	if err != nil {
		return err
	}
	file := c.String("output")
	if file == "" {
		file = "kedroctl-report-" + r.ID + ".html"
	}
	if file != "-" {
		if file = d.inDir(file); !c.Bool("force") {
			if err := replaceable(file, r.ID); err != nil {
				return err
			}
		}
	}
	account, err := run.Tell(c.Context, clients, r, c.Int("lines"))
	if err != nil {
		return err
	}
	account.Run.Deployment = deploymentName(account.Run.Deployment)
	var page bytes.Buffer
	if err := report.Write(&page, account, versionText()); err != nil {
		return err
	}
	if file == "-" {
		_, err := d.std.Out.Write(page.Bytes())
		return err
	}
	if err := replace(file, page.Bytes()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	answer := struct {
		Run   string `json:"run"`
		State string `json:"state"`
		File  string `json:"file"`
	}{r.ID, account.State(), file}
	return d.term.Answer(answer, func(w io.Writer) { fmt.Fprintln(w, file) })
}

// maxLines is what CloudWatch Logs gives in one answer at most.
const maxLines = 10000

// replaceable refuses a file that is no page of the same run.
func replaceable(file, id string) error {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	defer f.Close()
	mark := report.Mark(id)
	head := make([]byte, len(mark))
	if _, err := io.ReadFull(f, head); err == nil && string(head) == mark {
		return nil
	}
	return ui.WithHint(fmt.Errorf("write report: %s is there, and is no report of run %s", file, id), "--force replaces it, -o names another file")
}

// replace writes a file for its owner alone, whole or not at all.
func replace(file string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // it is gone where all went well
	_, err = temporary.Write(content)
	if err = errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}
