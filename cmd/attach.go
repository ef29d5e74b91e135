package cmd

import (
	"errors"
	"flag"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/run"
)

func newAttach(d *deps) *cli.Command {
	return &cli.Command{
		Name: "attach", Category: catRuns, ArgsUsage: "[RUN]", Usage: "Take up a run again, from any machine, and follow it to its end",
		UsageText: "$ kedroctl attach 2026-11-23T09.55.12.345Z",
		Description: `Submits what is still to be submitted and follows the jobs, as 'kedroctl run' does, wherever the run was left: also
after a crash, and beside another command that follows it. A run that has ended is shown with its result.`,
		Flags:  followFlags(),
		Action: d.attach,
	}
}

func (d *deps) attach(c *cli.Context) error {
	options, err := d.followOptions(c)
	if err != nil {
		return err
	}
	clients, r, err := d.recordedRun(c)
	if err != nil {
		return err
	}
	if late := r.Late(); detaching(c) == detachNow && len(late) > 0 {
		return fmt.Errorf("run %s: %w", r.ID, &run.LateError{Groups: late})
	}
	table := d.watch(c.Context, clients, r.Plan)
	defer table.stop()
	table.Started(r)
	ctx, leave := d.heed(c.Context, table)
	defer leave()
	return d.follow(ctx, c, clients, r, options, table)
}

// Values of --detach.
const (
	detachLate = "true" // --detach alone: as soon as all is submitted
	detachNow  = "now"
)

// detachFlag is --detach, which needs no value and takes one: --detach=now.
type detachFlag struct{ *cli.BoolFlag }

func newDetachFlag() cli.Flag {
	return detachFlag{&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, DisableDefaultText: true,
		Usage: "return when all jobs are submitted; --detach=now refuses to wait for that"}}
}

// Apply puts the flag into a set.
func (f detachFlag) Apply(set *flag.FlagSet) error {
	value := &detachValue{}
	for _, name := range f.Names() {
		set.Var(value, name, f.Usage)
	}
	return nil
}

type detachValue struct{ text string }

func (v *detachValue) String() string   { return v.text }
func (v *detachValue) IsBoolFlag() bool { return true }

func (v *detachValue) Set(text string) error {
	switch text {
	case detachLate, detachNow:
		v.text = text
	case "false":
		v.text = ""
	default:
		return errors.New("want --detach or --detach=now")
	}
	return nil
}

// detaching is the value of --detach, "" without it.
func detaching(c *cli.Context) string {
	v, _ := c.Generic("detach").(*detachValue)
	return v.text
}
