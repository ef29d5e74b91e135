package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

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

// TestExpiredCredentialsInTheMiddleOfARun keeps what is to be known of the run.
func TestExpiredCredentialsInTheMiddleOfARun(t *testing.T) {
	stale := &smithy.GenericAPIError{Code: "ExpiredTokenException", Message: "The security token included in the request is expired"}
	for name, test := range map[string]struct {
		err  error
		hint string
	}{
		"before it": {fmt.Errorf("list jobs: %w", stale), "log in again, with 'aws sso login' for example; the same command then goes on"},
		"in it": {ui.WithHint(fmt.Errorf("follow run R: %w", stale), "the jobs go on: 'kedroctl attach R'"),
			"log in again, with 'aws sso login' for example; the jobs go on: 'kedroctl attach R'"},
		"single sign-on": {errors.New("get identity: get credentials: failed to refresh cached credentials, refresh cached SSO token failed"),
			"log in again, with 'aws sso login' for example; the same command then goes on"},
	} {
		got := explain(t.Context(), test.err)
		if !strings.HasPrefix(got.Error(), "the AWS credentials have expired: ") || ui.Hint(got) != test.hint {
			t.Errorf("%s: %v, hint %q", name, got, ui.Hint(got))
		}
	}
}
