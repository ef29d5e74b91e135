package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/provision"
)

// changesFound ends a command that was asked to tell by its exit code whether something differs. It is no failure, so nothing is said of it.
type changesFound struct{ n int }

func (c changesFound) Error() string { return count(c.n, "change") }

func (c changesFound) code() int { return exitUsage }

// diff tells what provision would do.
func (d *deps) diff(c *cli.Context, clients provision.Clients, spec provision.Spec) error {
	changes, err := provision.Diff(c.Context, clients, spec, &steps{term: d.term})
	if err != nil {
		return err
	}
	answer := struct {
		Changes []provision.Change `json:"changes"`
	}{append([]provision.Change{}, changes...)}
	if err := d.term.Answer(answer, func(w io.Writer) { writeDiff(w, changes) }); err != nil {
		return err
	}
	if c.Bool("detailed-exitcode") && len(changes) > 0 {
		return changesFound{len(changes)}
	}
	return nil
}

// Signs of what is to be done, as terraform users know them.
var signs = map[string]string{
	provision.ActionCreate: "+", provision.ActionUpdate: "~", provision.ActionReplace: "-/+", provision.ActionRemove: "-",
}

func writeDiff(w io.Writer, changes []provision.Change) {
	if len(changes) == 0 {
		fmt.Fprintln(w, "no changes: the resources are as the settings want them")
		return
	}
	done := map[string]int{}
	for _, c := range changes {
		done[c.Action]++
		name := c.Name
		if c.Replaces != "" {
			name = c.Replaces + " -> " + c.Name
		}
		fmt.Fprintf(w, "%3s %s %s%s\n", signs[c.Action], c.Kind, name, remark(c.Reason))
		for _, a := range c.Attributes {
			fmt.Fprintf(w, "      %s\n", attributeLine(a))
		}
	}
	fmt.Fprintf(w, "\n%d to make, %d to change, %d to replace, %d to remove\n", done[provision.ActionCreate], done[provision.ActionUpdate],
		done[provision.ActionReplace], done[provision.ActionRemove])
}

func attributeLine(a provision.Attribute) string {
	why := ""
	if a.Replaces {
		why = "forces replacement"
	}
	switch {
	case a.Is == "":
		return fmt.Sprintf("+ %s = %q%s", a.Name, a.Want, remark(why))
	case a.Want == "":
		return fmt.Sprintf("- %s = %q%s", a.Name, a.Is, remark(why))
	}
	return fmt.Sprintf("~ %s = %q -> %q%s", a.Name, a.Is, a.Want, remark(why))
}

func remark(why string) string {
	if why == "" {
		return ""
	}
	return "  # " + strings.TrimSpace(why)
}
