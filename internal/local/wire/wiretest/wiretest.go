package wiretest

import (
	"errors"
	"testing"

	"github.com/aws/smithy-go"
)

// Code is the code of an error of AWS, "" for no error. Any other error ends the test.
func Code(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("not an error of AWS: %v", err)
	}
	return api.ErrorCode()
}
