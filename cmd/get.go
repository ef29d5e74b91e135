package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/run"
)

func newGet(d *deps) *cli.Command {
	return &cli.Command{
		Name: "get", Category: catRuns, ArgsUsage: "NAME… [RUN]", Usage: "Fetch outputs of a run from S3",
		UsageText: "$ kedroctl get regressor 'metrics*' -o data",
		Description: `NAME is a dataset, or a pattern as of a shell. Files lie below the directory as in the bucket, which is where Kedro looks
for them in data/: 06_models/regressor.pickle/<version>/regressor.pickle. What the jobs recorded counts: an output that was
written again since is an error. A file that is there with another content is left alone. Without RUN the latest run is meant.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "put the files below `DIR` (default: the current one)"},
			&cli.BoolFlag{Name: "force", DisableDefaultText: true, Usage: "replace files that differ"},
		},
		Action: d.get,
	}
}

func (d *deps) get(c *cli.Context) error {
	names, id := splitRun(c.Args().Slice())
	if len(names) == 0 {
		return usageError{errors.New("get wants the name of a dataset")}
	}
	for _, name := range names {
		if _, err := path.Match(name, ""); err != nil {
			return usageError{fmt.Errorf("%s: a pattern that cannot be read", name)}
		}
	}
	clients, r, err := d.runOf(c.Context, id)
	if err != nil {
		return err
	}
	store, err := d.s3Client(c.Context, d.proj)
	if err != nil {
		return err
	}
	dir := d.inDir(cmp.Or(c.String("output"), "."))
	k := d.term.Tasks().Start("get")
	files, err := run.Get(c.Context, clients, store, r, names, dir, run.GetOptions{
		Force: c.Bool("force"), KeepDays: d.proj.Settings.KeepDays,
		Progress: func(done, total int64) {
			k.Update("%s of %s", humanize.Bytes(uint64(done)), humanize.Bytes(uint64(total)))
		},
	})
	if err != nil {
		k.Failed()
		return err
	}
	return d.tellFetched(k, r.ID, dir, files)
}

func (d *deps) tellFetched(k *ui.Task, id, dir string, files []run.Fetched) error {
	n := map[string]int{}
	for i, f := range files {
		n[f.State]++
		files[i].File = filepath.Join(dir, filepath.FromSlash(f.File))
		if f.State == run.FileDiffers {
			d.term.Warn("%s is there with another content and was left alone", printable(files[i].File))
		}
	}
	k.Done("run %s: %s fetched, %d there already", id, count(n[run.FileFetched], "file"), n[run.FileSame])
	err := d.term.Answer(files, func(w io.Writer) {
		for _, f := range files {
			if f.State != run.FileDiffers {
				fmt.Fprintln(w, printable(f.File))
			}
		}
	})
	if err == nil && n[run.FileDiffers] > 0 {
		err = codedError{ui.WithHint(fmt.Errorf("%s left alone", count(n[run.FileDiffers], "file")), "--force replaces what differs, -o names another directory"), exitFailed}
	}
	return err
}

// splitRun parts what has the shape of a run's id from the other arguments.
func splitRun(args []string) (others []string, id string) {
	if i := slices.IndexFunc(args, run.IsID); i >= 0 {
		return slices.Delete(slices.Clone(args), i, i+1), args[i]
	}
	return args, ""
}

// inDir is a path as seen from the directory that -C names.
func (d *deps) inDir(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(d.flags.dir, path)
}
