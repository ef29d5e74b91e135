package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// keepSecrets leaves the values of the secrets that a plan's jobs get where the embedded AWS finds them. One without a value ends the command.
func (d *deps) keepSecrets(pl plan.Plan) error {
	var names []string
	for _, g := range pl.Groups {
		names = append(names, g.Settings.Secrets...)
	}
	if !d.flags.local || len(names) == 0 {
		return nil
	}
	dir, err := d.localDir("")
	if err != nil {
		return err
	}
	slices.Sort(names)
	missing, err := local.KeepSecrets(dir, slices.Compact(names), d.getenv)
	if err != nil || len(missing) == 0 {
		return err
	}
	return codedError{ui.WithHint(fmt.Errorf("the embedded AWS has no value for the secrets that jobs get as %s", strings.Join(missing, ", ")),
		fmt.Sprintf("give each one in the environment of this command: %s=…", local.SecretVariable(missing[0]))), exitUsage}
}
