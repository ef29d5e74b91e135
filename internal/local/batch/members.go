package batch

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

// assign gives dst the members that src has set, by their names: in the SDK's structs a resource, its making, its update and its summary share them.
func assign(dst, src any) {
	to, from := reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem()
	for i := range from.NumField() {
		member, value := to.FieldByName(from.Type().Field(i).Name), from.Field(i)
		if member.IsValid() && member.CanSet() && !value.IsZero() && value.CanConvert(member.Type()) {
			member.Set(value.Convert(member.Type()))
		}
	}
}

// fill makes the lists and maps empty that are not there: AWS tells of them all the same.
func fill(v any) {
	s := reflect.ValueOf(v).Elem()
	for i := range s.NumField() {
		switch f := s.Field(i); {
		case !f.CanSet() || !f.IsZero():
		case f.Kind() == reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 0, 0))
		case f.Kind() == reflect.Map:
			f.Set(reflect.MakeMap(f.Type()))
		}
	}
}

// given is the first of these members that v has set to more than an empty list, as it is called on the wire; "" where there is none.
func given(v any, members ...string) string {
	s := reflect.ValueOf(v).Elem()
	for _, name := range members {
		if f := s.FieldByName(name); !f.IsZero() && (f.Kind() != reflect.Slice || f.Len() > 0) {
			return strings.ToLower(name[:1]) + name[1:]
		}
	}
	return ""
}

// overlay has the elements of base, in the place of each the one of over with the same key, and then what else is in over.
func overlay[T any](base, over []T, key func(T) string) []T {
	list := slices.Clone(base)
	for _, o := range over {
		i := slices.IndexFunc(list, func(have T) bool { return key(have) == key(o) })
		if i < 0 {
			list = append(list, o)
			continue
		}
		list[i] = o
	}
	return list
}

// find gives the resource that a reference names.
func find[T any](s *Service, all map[string]*T, kind string, ref *string) (*T, error) {
	found := all[s.nameOf(kind, aws.ToString(ref))]
	if found == nil {
		return nil, refuse("%s %s does not exist", kind, aws.ToString(ref))
	}
	return found, nil
}

// described gives a page of the resources that a request names, or of all.
func described[T any](s *Service, all map[string]*T, kind string, refs []string, token *string, size *int32) ([]T, *string, error) {
	list := []T{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if len(refs) == 0 || slices.ContainsFunc(refs, func(ref string) bool { return s.nameOf(kind, ref) == name }) {
			list = append(list, *all[name])
		}
	}
	return page(list, token, size)
}

// page cuts one page out of a list.
func page[T any](list []T, token *string, size *int32) ([]T, *string, error) {
	return wire.Page(list, token, aws.Int32(int32(pageLength(size, 100))), 100, "ClientException")
}

// pageLength is the size that was asked for, unless that is out of range.
func pageLength(size *int32, most int) int {
	if n := int(aws.ToInt32(size)); n > 0 && n < most {
		return n
	}
	return most
}

// glob knows the one pattern that Batch has: a text, or the beginning of one before an asterisk.
func glob(pattern, text string) bool {
	if prefix, open := strings.CutSuffix(pattern, "*"); open {
		return strings.HasPrefix(text, prefix)
	}
	return pattern == text
}
