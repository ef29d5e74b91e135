package provision

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Attribute is one that a change gives a resource another value of.
type Attribute struct {
	Name     string `json:"name"`               // of a document, with the path to the value in it
	Is       string `json:"is,omitempty"`       // "": it has none
	Want     string `json:"want,omitempty"`     // "": it is to have none
	Replaces bool   `json:"replaces,omitempty"` // AWS cannot change it: the resource gives way to a new one
}

// attribute compares two plain values; where they are the same there is nothing to tell.
func attribute(name, is, want string) []Attribute {
	if is == want {
		return nil
	}
	return []Attribute{{Name: name, Is: is, Want: want}}
}

// set compares two lists whose order has no meaning.
func set(name string, is, want []string) []Attribute {
	return attribute(name, strings.Join(union(is, nil), ", "), strings.Join(union(want, nil), ", "))
}

// reference compares two ARNs. What is yet to be made has none before it is; it will have the name that it has now.
func reference(name, is, want string) []Attribute {
	if strings.HasPrefix(want, unmade) && lastPart(is) == lastPart(want) {
		return nil
	}
	return attribute(name, is, strings.TrimPrefix(want, unmade))
}

// unmade begins what stands for the ARN of a resource that a Diff would have made, before its name.
const unmade = "unmade/"

func number(n *int32) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

// documents compares two JSON documents value by value. Order has no meaning in those of AWS that are compared here; statements go by their Sid.
func documents(name, is, want string) []Attribute {
	have, wanted := map[string]string{}, map[string]string{}
	flatten(name, parsed(is), have)
	flatten(name, parsed(want), wanted)
	names := slices.Concat(slices.Collect(maps.Keys(have)), slices.Collect(maps.Keys(wanted)))
	var all []Attribute
	for _, n := range union(names, nil) {
		all = append(all, attribute(n, have[n], wanted[n])...)
	}
	return all
}

// parsed is JSON as a value, with lists in an order that is always the same; other text is the value itself.
func parsed(text string) any {
	if text == "" {
		return nil
	}
	return normal(text)
}

func flatten(name string, v any, into map[string]string) {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for key, inner := range v {
			_, alone := inner.(map[string]any)
			switch {
			case key == "Statement" && alone: // a list of one
				flatten(name, []any{inner}, into)
			case key == "Statement":
				flatten(name, inner, into)
			default:
				flatten(name+"."+key, inner, into)
			}
		}
	case []any:
		if texts, plain := allText(v); plain {
			into[name] = strings.Join(texts, ", ")
			return
		}
		for i, inner := range v {
			flatten(name+"["+label(inner, i)+"]", inner, into)
		}
	case string:
		into[name] = v
	default:
		into[name] = fmt.Sprint(v)
	}
}

func allText(list []any) (texts []string, plain bool) {
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil, false
		}
		texts = append(texts, text)
	}
	return texts, true
}

// label tells apart the parts of a list: by what names them, else by their place.
func label(v any, i int) string {
	if m, ok := v.(map[string]any); ok {
		for _, key := range []string{"Sid", "ID", "rulePriority"} {
			if name, ok := m[key]; ok {
				return fmt.Sprint(name)
			}
		}
	}
	return fmt.Sprint(i)
}

// sameDocument says whether two documents mean the same. AWS may write a list of one as a string, and order lists anew.
func sameDocument(a, b string) bool { return reflect.DeepEqual(parsed(a), parsed(b)) }
