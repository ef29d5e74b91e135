package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/run"
)

func newLogs(d *deps) *cli.Command {
	return &cli.Command{
		Name: "logs", Category: catRuns, ArgsUsage: "[RUN] [GROUP…]", Usage: "Show what the jobs of a run wrote",
		UsageText: "$ kedroctl logs --follow data_science",
		Description: `Shows the lines of all tries and attempts by their time. Groups may be patterns, such as 'prepare_*'; without any, all
groups are meant, and without RUN the latest run. With --follow it goes on until these groups have ended and nothing more
of them comes, and ends with code 3 if one of them has not succeeded; Ctrl-C stops following, and the run goes on.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, DisableDefaultText: true, Usage: "go on until the groups have ended"},
			&cli.IntFlag{Name: "attempt", Usage: "only the `N`th attempt of each job", DefaultText: "all"},
			&cli.StringFlag{Name: "since", Usage: "only lines from `TIME` on, or not older than a duration, such as 10m"},
			&cli.IntFlag{Name: "tail", Usage: "only the last `N` lines of each attempt, and what comes", DefaultText: "all"},
		},
		Action: d.logs,
	}
}

func (d *deps) logs(c *cli.Context) error {
	options, err := d.logOptions(c)
	if err != nil {
		return err
	}
	args, id := splitRun(c.Args().Slice())
	clients, r, err := d.runOf(c.Context, id)
	if err != nil {
		return err
	}
	options.Groups = args
	jobs, err := run.Logs(c.Context, clients, r, options, newLogPrinter(d, r, args))
	switch {
	case err != nil && c.Context.Err() != nil:
		return ui.WithHint(codedError{error: errors.New("stopped following; the run is not touched"), code: exitInterrupted}, "end it with 'kedroctl cancel "+r.ID+"'")
	case err != nil:
		return err
	case options.Follow && !(run.Result{Jobs: jobs}).Succeeded():
		return codedError{error: fmt.Errorf("run %s: not all of these groups succeeded", r.ID), code: exitRunFailed}
	}
	return nil
}

func (d *deps) logOptions(c *cli.Context) (run.LogOptions, error) {
	interval, err := d.interval()
	if err != nil {
		return run.LogOptions{}, err
	}
	since, err := sinceTime(c.String("since"), time.Now())
	if err != nil {
		return run.LogOptions{}, err
	}
	o := run.LogOptions{Attempt: c.Int("attempt"), Since: since, Tail: c.Int("tail"), Follow: c.Bool("follow"), Interval: interval}
	if o.Attempt < 0 || o.Tail < 0 || c.IsSet("attempt") && o.Attempt == 0 || c.IsSet("tail") && o.Tail == 0 {
		return run.LogOptions{}, usageError{errors.New("--attempt and --tail want a number from 1")}
	}
	return o, nil
}

// sinceTime reads a duration back from now, or a time: with a zone, or in that of this machine; a clock time is today's.
func sinceTime(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return at, nil
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if at, err := time.Parse(layout, text); err == nil {
			y, m, day := now.Date()
			return time.Date(y, m, day, at.Hour(), at.Minute(), at.Second(), 0, now.Location()), nil
		}
	}
	return time.Time{}, usageError{fmt.Errorf("--since %s: want a duration such as 10m, or a time such as 2026-11-23T09:55 or 09:55", text)}
}

// logPrinter writes lines of logs as an answer: each behind the name of its group where there are several, as a line of JSON with --json.
type logPrinter struct {
	d      *deps
	width  int      // of the prefix; 0: none
	groups []string // by their colour
	last   run.LogEvent
}

func newLogPrinter(d *deps, r run.Run, patterns []string) *logPrinter {
	p := &logPrinter{d: d}
	for _, g := range r.Plan.Groups {
		if ok, _ := run.MatchGroup(patterns, g.Name); ok {
			p.groups = append(p.groups, g.Name)
			p.width = max(p.width, len([]rune(g.Name)))
		}
	}
	if len(p.groups) < 2 {
		p.width = 0
	}
	return p
}

// Lines writes what has come.
func (p *logPrinter) Lines(events []run.LogEvent) error {
	for _, e := range events {
		if err := p.write(e); err != nil {
			return fmt.Errorf("write the log: %w", err)
		}
	}
	return nil
}

func (p *logPrinter) write(e run.LogEvent) error {
	if p.d.term.JSON() {
		enc := json.NewEncoder(p.d.std.Out)
		enc.SetEscapeHTML(false)
		return enc.Encode(e)
	}
	p.tellAttempt(e)
	message, prefix := printable(e.Message), ""
	if p.width > 0 {
		name := []rune(e.Group)
		prefix = p.d.term.Label(slices.Index(p.groups, e.Group), string(name)+strings.Repeat(" ", max(p.width-len(name), 0))+" |") + " "
	}
	_, err := fmt.Fprintln(p.d.std.Out, prefix+message)
	return err
}

// tellAttempt is part of the story: where the lines of one group go on with another attempt.
func (p *logPrinter) tellAttempt(e run.LogEvent) {
	if (e.Attempt > 1 || e.Try > 1 || p.last.Group == e.Group) && (p.last.Group != e.Group || p.last.Try != e.Try || p.last.Attempt != e.Attempt) {
		p.d.term.Line("group %s, try %d, attempt %d:", e.Group, e.Try, e.Attempt)
	}
	p.last = e
}

// Notice tells what is not there.
func (p *logPrinter) Notice(text string) { p.d.term.Line("%s", printable(text)) }

var _ run.LogReader = (*logPrinter)(nil)
