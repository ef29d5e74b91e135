package cmd

import (
	"fmt"
	"io"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
)

func newUpload(d *deps) *cli.Command {
	return &cli.Command{
		Name: "upload", Category: catSteps, Usage: "Send the local files that the pipeline starts from to S3",
		UsageText: "$ kedroctl upload --force",
		Description: `Sends what the bucket lacks. A file that differs from its object is named and left alone unless --force is given.
With flags as 'kedroctl run' takes them: what that run starts from.`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, DisableDefaultText: true, Usage: "send also what differs"},
		}, selectionFlags()...),
		Action: func(c *cli.Context) error {
			p, err := d.initialized()
			if err != nil {
				return err
			}
			pl, _, err := d.checkedPlan(c.Context, p, selection(c), c.String("params"))
			if err != nil {
				return err
			}
			in, err := provision.NewInputs(p, pl)
			if err != nil {
				return err
			}
			store, err := d.s3Client(c.Context, &p)
			if err != nil {
				return err
			}
			k := d.term.Tasks().Start("upload")
			done, err := provision.Upload(c.Context, store, in, d.uploadOptions(k, c.Bool("force")))
			if err != nil {
				k.Failed()
				return err
			}
			k.Done("%s", uploadText(done))
			d.tellDifferences(done)
			return d.term.Answer(done, func(w io.Writer) {
				for _, o := range done.Sent {
					fmt.Fprintf(w, "%s  s3://%s/%s\n", o.Local, p.Settings.Bucket, o.Key)
				}
			})
		},
	}
}

// askAbove is the size of an upload, in bytes, that is not begun without a question.
const askAbove = 1_000_000_000

func (d *deps) uploadOptions(k *ui.Task, force bool) provision.UploadOptions {
	return provision.UploadOptions{
		Force: force,
		Confirm: func(files int, size int64) error {
			if size <= askAbove {
				return nil
			}
			return d.confirm(fmt.Sprintf("Send %s, %s, to S3?", count(files, "file"), humanize.Bytes(uint64(size))))
		},
		Progress: func(done, total int64) {
			k.Update("%s of %s", humanize.Bytes(uint64(done)), humanize.Bytes(uint64(total)))
		},
	}
}

func (d *deps) tellDifferences(u provision.Uploaded) {
	for _, x := range u.Different {
		d.term.Warn("%s differs from its object in the bucket: changed here %s, there %s", x.Local,
			x.LocalTime.Format("2006-01-02 15:04:05"), x.BucketTime.Format("2006-01-02 15:04:05"))
	}
	if len(u.Different) > 0 {
		d.term.Hint("'kedroctl upload --force' replaces what is in the bucket")
	}
}

func uploadText(u provision.Uploaded) string {
	var size int64
	for _, o := range u.Sent {
		size += o.Size
	}
	return fmt.Sprintf("%s sent (%s), %d unchanged", count(len(u.Sent), "file"), humanize.Bytes(uint64(size)), u.Same)
}
