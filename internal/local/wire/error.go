package wire

import (
	"errors"
	"fmt"
	"net/http"
)

// Error is a refusal in AWS's words: what the client's SDK turns into an API error.
type Error struct {
	Status  int    // HTTP status
	Code    string // e.g. ClientException
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf makes a refusal.
func Errorf(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// AsError is err as a refusal; anything that is none becomes an internal failure (500), which SDKs repeat.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Errorf(http.StatusInternalServerError, "InternalFailure", "%v", err)
}
