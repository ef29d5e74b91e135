package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/run"
)

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Hint() string  { return "see 'kedroctl --help' and 'kedroctl <command> --help'" }

// codedError ends the program with a code of its own.
type codedError struct {
	error
	code int
}

func (e codedError) Unwrap() error { return e.error }

// Exit codes besides 0.
const (
	exitFailed      = 1
	exitUsage       = 2 // usage or settings; what is there differs, where --detailed-exitcode asks
	exitRunFailed   = 3 // the run ended with failed jobs
	exitProject     = 4 // errors in the project
	exitInterrupted = 130
)

func exitCode(ctx context.Context, err error) int {
	if e, ok := errors.AsType[codedError](err); ok {
		return e.code
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*project.SettingsError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*project.ProjectError](err); ok {
		return exitProject
	}
	if _, ok := errors.AsType[*plan.SelectionError](err); ok {
		return exitProject
	}
	return exitFailed
}

// explain puts what people need in place of what the SDK says of credentials and interrupts.
func explain(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		if a, ok := errors.AsType[*run.AbandonedError](err); ok { // people want to know whether jobs go on
			return ui.WithHint(fmt.Errorf("interrupted: %w", a), ui.Hint(a))
		}
		return errors.New("interrupted")
	}
	if expired(err) {
		return ui.WithHint(fmt.Errorf("the AWS credentials have expired: %w", err),
			"log in again, with 'aws sso login' for example; "+cmp.Or(ui.Hint(err), "the same command then goes on"))
	}
	if ui.Hint(err) != "" {
		return err
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return explainAPI(err, api)
	}
	if strings.Contains(err.Error(), "get credentials") || strings.Contains(err.Error(), "get identity") {
		return ui.WithHint(fmt.Errorf("no AWS credentials: %w", lastCause(err)),
			"log in with 'aws sso login' or 'aws configure', name a profile with --profile, or try without an account: --local")
	}
	if _, ok := errors.AsType[*aws.MissingRegionError](err); ok {
		return errNoRegion
	}
	return err
}

var errNoRegion = codedError{
	error: ui.WithHint(errors.New("no AWS region"), "set region in [tool.kedroctl], AWS_REGION, or --region"), code: exitUsage,
}

// expired says whether AWS, or a provider of credentials, says that these are too old. In the middle of a run that is the only thing which a person has to
// know besides the way on.
func expired(err error) bool {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return slices.Contains([]string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}, api.ErrorCode())
	}
	if _, ok := errors.AsType[*ssocreds.InvalidTokenError](err); ok {
		return true
	}
	text := err.Error()
	return strings.Contains(text, "refresh cached SSO token failed") || strings.Contains(text, "cached SSO token is expired")
}

func explainAPI(err error, api smithy.APIError) error {
	switch api.ErrorCode() {
	case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch":
		return ui.WithHint(fmt.Errorf("AWS does not know these credentials: %w", err), "check with 'aws sts get-caller-identity'; name a profile with --profile")
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
		return ui.WithHint(err, "ask for this permission; 'kedroctl provision --print-iam' prints the policies of those who deploy, run and look")
	}
	return err
}

// lastCause is the innermost error, which says most in fewest words.
func lastCause(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
