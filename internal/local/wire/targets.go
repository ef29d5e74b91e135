package wire

import (
	"context"
	"reflect"
	"strings"
)

// Offer adds an operation to those of a JSON 1.1 service. The name of its input in the SDK tells its own.
func Offer[In, Out any](t Targets, do func(context.Context, *In) (*Out, error)) {
	t[strings.TrimSuffix(reflect.TypeFor[In]().Name(), "Input")] = JSONFunc(do)
}
