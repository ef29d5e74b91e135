package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
)

// leftToAdministrator answers with what has to be done in IAM first, and says whether something has.
func (d *deps) leftToAdministrator(ctx context.Context, clients provision.Clients, spec provision.Spec) (bool, error) {
	steps, err := provision.ForAdministrator(ctx, clients, spec)
	if err != nil || len(steps) == 0 {
		return false, err
	}
	if err := d.term.Answer(steps, func(w io.Writer) { writeSteps(w, steps) }); err != nil {
		return true, err
	}
	return true, ui.WithHint(fmt.Errorf("%s in IAM left to an administrator: nothing was made", count(len(steps), "step")),
		"have these commands run, then the same one again; or name what is there in [tool.kedroctl.aws]: "+strings.Join(settingsOf(steps), ", "))
}

// settingsOf are the settings that name other roles, each once.
func settingsOf(steps []provision.AdminStep) (names []string) {
	for _, s := range steps {
		if name := strings.TrimPrefix(s.Setting, "aws."); len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	return names
}

func writeSteps(w io.Writer, steps []provision.AdminStep) {
	for _, s := range steps {
		words := make([]string, len(s.Command))
		for i, word := range s.Command {
			words[i] = ui.Quote(word)
		}
		fmt.Fprintf(w, "# %s %s: %s\n%s\n", s.Kind, s.Name, s.What, strings.Join(words, " "))
	}
}
