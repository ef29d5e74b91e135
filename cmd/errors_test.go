package cmd

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/run"
)

func TestInterruptTellsWhatBecameOfTheJobs(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	left := ui.WithHint(errors.New("terminate job j1: not allowed"), "repeat 'kedroctl cancel R'")
	tests := map[string]struct {
		err        error
		want, hint string
	}{
		"nothing was begun": {fmt.Errorf("upload: %w", context.Canceled), "interrupted", ""},
		"taken back": {&run.AbandonedError{Run: "R", Ended: []string{"a", "b"}, Cause: context.Canceled},
			"interrupted: run R: context canceled (already submitted and terminated again: a, b)", ""},
		"jobs go on": {&run.AbandonedError{Run: "R", Cause: context.Canceled, Left: left},
			"interrupted: run R: context canceled (terminate what was submitted: terminate job j1: not allowed)", "repeat 'kedroctl cancel R'"},
	}
	for name, test := range tests {
		got := explain(ctx, test.err)
		if got.Error() != test.want || ui.Hint(got) != test.hint || exitCode(ctx, test.err) != exitInterrupted {
			t.Errorf("%s: %v, hint %q, code %d", name, got, ui.Hint(got), exitCode(ctx, test.err))
		}
	}
}
