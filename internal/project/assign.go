package project

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
)

// assignment lays TOML values over Settings strictly: an unknown key, or one that is spelt with other capitals, is an error. A table adds to what
// is there, a list replaces it.
type assignment struct {
	Origin
	given map[string]Origin // filled: key: what set it
}

func (a assignment) assign(dst reflect.Value, value any, key string) error {
	switch dst.Kind() {
	case reflect.Struct, reflect.Map:
		table, ok := value.(map[string]any)
		if !ok {
			return a.wrongType(key, "a table", value)
		}
		return a.assignTable(dst, table, key)
	case reflect.Slice:
		return a.assignList(dst, value, key)
	}
	a.given[key] = a.Origin
	return a.assignScalar(dst, value, key)
}

func (a assignment) assignTable(dst reflect.Value, table map[string]any, key string) error {
	for _, name := range slices.Sorted(maps.Keys(table)) {
		path := join(key, name)
		if dst.Kind() == reflect.Map {
			if err := a.assignElement(dst, name, table[name], path); err != nil {
				return err
			}
			continue
		}
		field, ok := fieldOf(dst.Type(), name)
		if !ok {
			return a.unknown(dst.Type(), key, name)
		}
		if err := a.assign(dst.FieldByIndex(field.Index), table[name], path); err != nil {
			return err
		}
	}
	return nil
}

func (a assignment) assignElement(dst reflect.Value, name string, value any, key string) error {
	element := reflect.New(dst.Type().Elem()).Elem()
	if old := dst.MapIndex(reflect.ValueOf(name)); old.IsValid() {
		element.Set(old)
	}
	if err := a.assign(element, value, key); err != nil {
		return err
	}
	if dst.IsNil() {
		dst.Set(reflect.MakeMap(dst.Type()))
	}
	dst.SetMapIndex(reflect.ValueOf(name), element)
	return nil
}

func (a assignment) assignList(dst reflect.Value, value any, key string) error {
	items, ok := value.([]any)
	if !ok {
		return a.wrongType(key, "a list of strings", value)
	}
	list := make([]string, len(items))
	for i, item := range items {
		if list[i], ok = item.(string); !ok {
			return a.wrongType(key, "a list of strings", item)
		}
	}
	a.given[key] = a.Origin
	dst.Set(reflect.ValueOf(list))
	return nil
}

func (a assignment) assignScalar(dst reflect.Value, value any, key string) error {
	switch dst.Kind() {
	case reflect.String:
		if s, ok := value.(string); ok {
			dst.SetString(s)
			return nil
		}
		return a.wrongType(key, "a string", value)
	case reflect.Int:
		if n, ok := value.(int64); ok && n <= math.MaxInt32 && n >= math.MinInt32 {
			dst.SetInt(n)
			return nil
		}
		return a.wrongType(key, "a whole number", value)
	case reflect.Bool:
		if b, ok := value.(bool); ok {
			dst.SetBool(b)
			return nil
		}
		return a.wrongType(key, "true or false", value)
	}
	switch n := value.(type) {
	case int64:
		dst.SetFloat(float64(n))
	case float64:
		dst.SetFloat(n)
	default:
		return a.wrongType(key, "a number", value)
	}
	return nil
}

func (a assignment) wrongType(key, want string, value any) error {
	reason := "must be " + want
	switch value.(type) {
	case string:
		reason += fmt.Sprintf(", not %q", value)
	case int64, float64, bool:
		reason += fmt.Sprintf(", not %v", value)
	}
	return settingError(a.Source, a.Prefix+key, reason, "")
}

// unknown names the nearest key of the same table, else one of the same name in another table.
func (a assignment) unknown(t reflect.Type, key, name string) error {
	err := settingError(a.Source, a.Prefix+join(key, name), "unknown key", "")
	if near := Nearest(name, names(t)); len(near) > 0 {
		err.Next = fmt.Sprintf("did you mean %q?", join(key, near[0]))
		return err
	}
	for _, leaf := range leaves(reflect.TypeFor[Settings](), "") {
		if strings.HasSuffix(leaf, "."+name) {
			err.Next = fmt.Sprintf("did you mean %q?", leaf)
			return err
		}
	}
	err.Next = "known here: " + strings.Join(names(t), ", ")
	return err
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// fieldOf finds the field of a key, in embedded structs too.
func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for _, field := range reflect.VisibleFields(t) {
		if isSetting(field) && field.Tag.Get("toml") == key {
			return field, true
		}
	}
	return reflect.StructField{}, false
}

// isSetting tells the keys of a table from embedded structs and from what is no setting.
func isSetting(field reflect.StructField) bool {
	return !field.Anonymous && field.Tag.Get("toml") != "-"
}

// names are the keys of one table.
func names(t reflect.Type) []string {
	var keys []string
	for _, field := range reflect.VisibleFields(t) {
		if isSetting(field) {
			keys = append(keys, field.Tag.Get("toml"))
		}
	}
	return keys
}

// leaves are the keys, with dots, of all values whose names are fixed: not those of groups, variables and secrets.
func leaves(t reflect.Type, key string) []string {
	var keys []string
	for _, name := range names(t) {
		field, _ := fieldOf(t, name)
		switch field.Type.Kind() {
		case reflect.Struct:
			keys = append(keys, leaves(field.Type, join(key, name))...)
		case reflect.Map:
		default:
			keys = append(keys, join(key, name))
		}
	}
	return keys
}
