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
	small   bool              // members begin with a small letter
	names   map[string]string // of members that are called otherwise
	seconds bool              // times are numbers
	item    string            // element of a list's member; "": members stand one after another, without an element of the list around them
	items   map[string]string // element of a list's member, by the list's element
}

// s3 is the style of S3's documents.
var s3 = style{
	names: map[string]string{"Versions": "Version", "Uploads": "Upload", "Parts": "Part", "Errors": "Error"},
	items: map[string]string{"Buckets": "Bucket", "TagSet": "Tag"},
}

// EncodeXML is a document of S3 with what is set of the SDK's structs, one after another.
func EncodeXML(root string, outs ...any) []byte {
	all := map[string]any{}
	for _, out := range outs {
		maps.Copy(all, s3.members(reflect.Indirect(reflect.ValueOf(out))))
	}
	var b bytes.Buffer
	s3.element(&b, root, all)
	return b.Bytes()
}

// plain is v as documents have it: maps for structs, lists, and scalars; nil for what is not set.
func (s style) plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Invalid:
		return nil
	case reflect.Pointer, reflect.Interface:
		return s.plain(v.Elem())
	case reflect.Struct:
		t, ok := v.Interface().(time.Time)
		switch {
		case ok && s.seconds:
			return float64(t.UnixMilli()) / 1000
		case ok:
			return t.UTC().Format(time.RFC3339)
		}
		return s.members(v)
	case reflect.Map:
		all := make(map[string]any, v.Len())
		for i := v.MapRange(); i.Next(); {
			if value := s.plain(i.Value()); value != nil {
				all[i.Key().String()] = value
			}
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

// members leaves out what is not set.
func (s style) members(v reflect.Value) map[string]any {
	all := map[string]any{}
	for i := range v.NumField() {
		if !set(v.Field(i)) { // first, as to ask the type for a field takes longer, and most are not set
			continue
		}
		if f := v.Type().Field(i); f.IsExported() && f.Name != "ResultMetadata" {
			all[s.name(f.Name)] = s.plain(v.Field(i))
		}
	}
	return all
}

// set tells what is neither nil nor an enum without a value.
func set(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		return !v.IsNil()
	case reflect.String:
		return v.Len() > 0
	default:
		return true
	}
}

func (s style) name(field string) string {
	name, ok := s.names[field]
	switch {
	case ok:
		return name
	case s.small:
		return strings.ToLower(field[:1]) + strings.TrimSuffix(field[1:], "_")
	}
	return field
}

// element writes v under a name, to which attributes may be added.
func (s style) element(b *bytes.Buffer, name string, v any) {
	item := cmp.Or(s.items[name], s.item)
	if list, ok := v.([]any); ok && item == "" {
		for _, one := range list {
			s.element(b, name, one)
		}
		return
	}
	fmt.Fprintf(b, "<%s>", name)
	switch v := v.(type) {
	case map[string]any:
		for _, member := range slices.Sorted(maps.Keys(v)) {
			s.element(b, member, v[member])
		}
	case []any:
		for _, one := range v {
			s.element(b, item, one)
		}
	default:
		// Writing to a buffer does not fail.
		_ = xml.EscapeText(b, []byte(fmt.Sprint(v)))
	}
	name, _, _ = strings.Cut(name, " ")
	fmt.Fprintf(b, "</%s>", name)
}
