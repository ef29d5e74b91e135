package wire

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// JSONFunc makes a handler of one operation in a JSON protocol: the body is decoded into In, f's answer or refusal is written.
func JSONFunc[In, Out any](f func(context.Context, *In) (*Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in := new(In)
		if err := decodeJSON(r.Body, in); err != nil {
			WriteJSONError(w, err)
			return
		}
		out, err := f(r.Context(), in)
		if err != nil {
			WriteJSONError(w, err)
			return
		}
		// The protocols differ in it, and clients send the one that they want.
		w.Header().Set("Content-Type", cmp.Or(r.Header.Get("Content-Type"), "application/json"))
		names := style{small: !strings.HasPrefix(r.Header.Get("X-Amz-Target"), capitals), seconds: true}
		_, _ = w.Write(names.json(out)) // a client that has gone needs no answer
	})
}

// capitals begins the targets of Service Quotas, whose members begin with a capital letter.
const capitals = "ServiceQuotas"

// Targets serves the operations of a JSON 1.1 service, by the name that follows the dot in X-Amz-Target.
type Targets map[string]http.Handler

func (t Targets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op := targetOperation(r)
	h, ok := t[op]
	if !ok {
		WriteJSONError(w, NewFault(http.StatusBadRequest, "UnknownOperationException", "the embedded AWS does not offer %q", op))
		return
	}
	h.ServeHTTP(w, r)
}

// Operation names what r asks for, and whether it changes anything.
func (t Targets) Operation(r *http.Request) (name string, mutating bool) {
	name = targetOperation(r)
	return name, t[name] != nil && Mutating(name)
}

// Operations are the names of what is offered, sorted.
func (t Targets) Operations() []string { return slices.Sorted(maps.Keys(t)) }

// Mutating tells from an operation's name whether it changes anything, by the verb that it begins with.
func Mutating(operation string) bool {
	return !slices.ContainsFunc([]string{"Describe", "Get", "List", "Filter", "BatchGet", "Simulate"}, func(verb string) bool {
		return strings.HasPrefix(operation, verb)
	})
}

// Offer adds an operation to t, which runs while it has the lock. The SDK's name of its input tells its own.
func Offer[In, Out any](t Targets, lock sync.Locker, do func(*In) (*Out, error)) {
	t[strings.TrimSuffix(reflect.TypeFor[In]().Name(), "Input")] = JSONFunc(func(_ context.Context, in *In) (*Out, error) {
		lock.Lock()
		defer lock.Unlock()
		return do(in)
	})
}

// targetOperation is the operation that a JSON 1.1 request names, "" where it names none.
func targetOperation(r *http.Request) string {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return op
}

// decodeJSON reads one JSON object into an input struct of the SDK. An empty body is an empty object. What the struct has no member for, and
// values outside of an enum, are SerializationException.
func decodeJSON(r io.Reader, in any) error {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil && !errors.Is(err, io.EOF) {
		return NewFault(http.StatusBadRequest, "SerializationException", "%v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return NewFault(http.StatusBadRequest, "SerializationException", "data after the request's object")
	}
	return checkEnums(reflect.ValueOf(in))
}

// WriteJSONError answers with a refusal, in the form that both JSON protocols read.
func WriteJSONError(w http.ResponseWriter, err error) {
	e := AsFault(err)
	body, _ := json.Marshal(map[string]string{"__type": e.Code, "message": e.Message})
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", e.Code)
	w.WriteHeader(e.Status)
	_, _ = w.Write(body)
}

// EncodeJSON is an SDK struct in the JSON of the wire: names with a small first letter, absent members left out, times as seconds.
func EncodeJSON(v any) []byte {
	return style{small: true, seconds: true}.json(v)
}

func (s style) json(v any) []byte {
	document, _ := json.Marshal(s.plain(reflect.ValueOf(v))) // of maps, lists and scalars, which cannot fail
	return document
}
