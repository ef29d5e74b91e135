package wire

import (
	"errors"
	"fmt"
	"net/http"
)

// Fault is an error as a service states it on the wire.
type Fault struct {
	Status  int    // HTTP status
	Code    string // what clients branch on, such as NoSuchEntity
	Message string
}

func (f *Fault) Error() string { return f.Code + ": " + f.Message }

// NewFault is a fault with a formatted message.
func NewFault(status int, code, format string, args ...any) *Fault {
	return &Fault{status, code, fmt.Sprintf(format, args...)}
}

// Refusal makes the faults of a status and code from their messages.
func Refusal(status int, code string) func(format string, args ...any) error {
	return func(format string, args ...any) error { return NewFault(status, code, format, args...) }
}

// AsFault is the fault in the chain of err; any other error is the service's own failure (500).
func AsFault(err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return &Fault{http.StatusInternalServerError, "InternalFailure", err.Error()}
}
