package wire

import (
	"reflect"
	"strings"
)

// OperationOf is the name of the operation that has the SDK's input struct In.
func OperationOf[In any]() string { return strings.TrimSuffix(reflect.TypeFor[In]().Name(), "Input") }
