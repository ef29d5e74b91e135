package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// JSONFunc makes a handler of one operation in a JSON protocol: the body is decoded into In, f's answer or refusal is written.
func JSONFunc[In, Out any](f func(context.Context, *In) (*Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in := new(In)
		if err := DecodeJSON(r.Body, in); err != nil {
			WriteJSONError(w, err)
			return
		}
		out, err := f(r.Context(), in)
		if err != nil {
			WriteJSONError(w, err)
			return
		}
		WriteJSON(w, r, out)
	})
}

// Targets serves the operations of a JSON 1.1 service, by the name that follows the dot in X-Amz-Target.
type Targets map[string]http.Handler

func (t Targets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op := TargetOperation(r)
	h, ok := t[op]
	if !ok {
		WriteJSONError(w, NewFault(http.StatusBadRequest, "UnknownOperationException", "the embedded AWS does not offer %q", op))
		return
	}
	h.ServeHTTP(w, r)
}

// Operation names what r asks for, and whether it changes anything.
func (t Targets) Operation(r *http.Request) (name string, mutating bool) {
	name = TargetOperation(r)
	return name, t[name] != nil && Mutating(name)
}

// Operations are the names of what the service offers, sorted.
func (t Targets) Operations() []string { return slices.Sorted(maps.Keys(t)) }

// Mutating tells from an operation's name whether it changes anything.
func Mutating(operation string) bool {
	return !slices.ContainsFunc([]string{"Get", "Describe", "List", "Filter", "BatchGet"}, func(reading string) bool { return strings.HasPrefix(operation, reading) })
}

// TargetOperation is the operation that a JSON 1.1 request names, "" where it names none.
func TargetOperation(r *http.Request) string {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return op
}

// DecodeJSON reads one JSON object into an input struct of the SDK. An empty body is an empty object. What the struct has no member for, and
// values outside of an enum, are SerializationException.
func DecodeJSON(r io.Reader, in any) error {
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

// WriteJSON answers 200 with an output struct of the SDK, in the content type of the request.
func WriteJSON(w http.ResponseWriter, r *http.Request, out any) {
	var b bytes.Buffer
	encode(&b, reflect.ValueOf(out))
	contentType := "application/json"
	if t := r.Header.Get("Content-Type"); r.Header.Get("X-Amz-Target") != "" && t != "" {
		contentType = t
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(b.Bytes()) // a client that has gone needs no answer
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
	var b bytes.Buffer
	encode(&b, reflect.ValueOf(v))
	return b.Bytes()
}

func encode(b *bytes.Buffer, v reflect.Value) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			b.WriteString("null")
			return
		}
		v = v.Elem()
	}
	if t, ok := v.Interface().(time.Time); ok {
		encodeValue(b, float64(t.UnixMilli())/1000)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		encodeStruct(b, v)
	case reflect.Map:
		encodeMap(b, v)
	case reflect.Slice:
		encodeSlice(b, v)
	default:
		encodeValue(b, v.Interface())
	}
}

// encodeValue writes a string, number, boolean or blob; none of these can fail.
func encodeValue(b *bytes.Buffer, v any) {
	j, _ := json.Marshal(v)
	b.Write(j)
}

func encodeStruct(b *bytes.Buffer, v reflect.Value) {
	b.WriteByte('{')
	first := true
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" || absent(v.Field(i)) {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		encodeValue(b, memberName(f.Name))
		b.WriteByte(':')
		encode(b, v.Field(i))
	}
	b.WriteByte('}')
}

// absent tells members that are not set: nil, or an enum without a value.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	default:
		return false
	}
}

func memberName(field string) string {
	first, size := utf8.DecodeRuneInString(field)
	return string(unicode.ToLower(first)) + strings.TrimSuffix(field[size:], "_")
}

func encodeMap(b *bytes.Buffer, v reflect.Value) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(x, y reflect.Value) int { return strings.Compare(x.String(), y.String()) })
	b.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		encodeValue(b, k.String())
		b.WriteByte(':')
		encode(b, v.MapIndex(k))
	}
	b.WriteByte('}')
}

func encodeSlice(b *bytes.Buffer, v reflect.Value) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		encodeValue(b, v.Bytes())
		return
	}
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteByte(',')
		}
		encode(b, v.Index(i))
	}
	b.WriteByte(']')
}
