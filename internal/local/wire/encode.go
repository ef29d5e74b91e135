package wire

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// style is how a protocol writes the SDK's structs.
type style struct {
	name func(field string) string // of a struct's member
	at   func(time.Time) any
}

// plain is v as documents have it: maps for structs, lists, and scalars; nil for what is not set.
func (s style) plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Invalid:
		return nil
	case reflect.Pointer, reflect.Interface:
		return s.plain(v.Elem())
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return s.at(t)
		}
		return s.members(v)
	case reflect.Map:
		all := make(map[string]any, v.Len())
		for i := v.MapRange(); i.Next(); {
			all[i.Key().String()] = s.plain(i.Value())
		}
		return all
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Bytes()
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = s.plain(v.Index(i))
		}
		return list
	default:
		return v.Interface()
	}
}

// members leaves out what is not set: nil, or an enum without a value.
func (s style) members(v reflect.Value) map[string]any {
	all := map[string]any{}
	for i := range v.NumField() {
		f, t := v.Field(i), v.Type().Field(i)
		switch {
		case !t.IsExported() || t.Name == "ResultMetadata" || f.Kind() == reflect.String && f.Len() == 0:
		case slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice}, f.Kind()) && f.IsNil():
		default:
			all[s.name(t.Name)] = s.plain(f)
		}
	}
	return all
}

// s3Style names elements as S3 does.
var s3Style = style{
	func(field string) string {
		if other, ok := s3Names[field]; ok {
			return other
		}
		return field
	},
	func(t time.Time) any { return t.UTC().Format(time.RFC3339) },
}

// s3Names are those of elements that are not called as the SDK's fields, s3Lists those of members in the few lists that have an element around them.
var (
	s3Names = map[string]string{"Versions": "Version", "Uploads": "Upload", "Parts": "Part", "Errors": "Error"}
	s3Lists = map[string]string{"Buckets": "Bucket", "TagSet": "Tag"}
)

// EncodeXML is a document of S3 with what is set of the SDK's structs, one after another.
func EncodeXML(root string, outs ...any) []byte {
	all := map[string]any{}
	for _, out := range outs {
		maps.Copy(all, s3Style.members(reflect.Indirect(reflect.ValueOf(out))))
	}
	var b bytes.Buffer
	element(&b, root, "", all)
	return b.Bytes()
}

// element writes v under a name, to which attributes may be added; the members of a list are elements called item. Without that they are as in S3.
func element(b *bytes.Buffer, name, item string, v any) {
	fmt.Fprintf(b, "<%s>", name)
	switch v := v.(type) {
	case map[string]any:
		for _, member := range slices.Sorted(maps.Keys(v)) {
			if list, ok := v[member].([]any); ok && item == "" && s3Lists[member] == "" {
				for _, one := range list {
					element(b, member, "", one)
				}
				continue
			}
			element(b, member, cmp.Or(item, s3Lists[member]), v[member])
		}
	case []any:
		for _, member := range v {
			element(b, item, item, member)
		}
	default:
		// Writing to a buffer does not fail.
		_ = xml.EscapeText(b, []byte(fmt.Sprint(v)))
	}
	name, _, _ = strings.Cut(name, " ")
	fmt.Fprintf(b, "</%s>", name)
}
