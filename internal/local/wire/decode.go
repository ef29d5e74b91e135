package wire

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DecodeXML reads a document of S3 whose root is called root into a struct of the SDK. Elements are named as its fields; an element Rule
// adds to a list Rules. Whatever the struct has no field for, and values outside of an enum, are MalformedXML.
func DecodeXML(r io.Reader, root string, into any) error {
	var n node
	err := xml.NewDecoder(r).Decode(&n)
	switch {
	case err != nil:
	case n.name() != root:
		err = malformed("The root is %s, not %s", n.name(), root)
	default:
		err = repeated.decode(n, root, reflect.ValueOf(into).Elem())
	}
	if err == nil {
		return nil
	}
	return NewFault(http.StatusBadRequest, "MalformedXML",
		"The XML you provided was not well-formed or did not validate against our published schema: %s", AsFault(err).Message)
}

// node is an element of a document, or a step of the paths that name a query's parameters: a value or members, in order.
type node struct {
	XMLName xml.Name
	Text    string `xml:",chardata"`
	Kids    []node `xml:",any"`
}

func (n node) name() string { return n.XMLName.Local }

// kid finds the member of that name, or makes it.
func (n *node) kid(name string) *node {
	for i := range n.Kids {
		if n.Kids[i].name() == name {
			return &n.Kids[i]
		}
	}
	n.Kids = append(n.Kids, node{XMLName: xml.Name{Local: name}})
	return &n.Kids[len(n.Kids)-1]
}

// lists says how a protocol names the members of a list.
type lists int

const (
	members  lists = iota // Tags.member.1: IAM and STS
	numbered              // Filter.1 for a field Filters: EC2
	repeated              // Rule, again and again, for a field Rules; or any name within an element TagSet: S3
)

// decode sets v, which is called path in refusals, to what n says.
func (l lists) decode(n node, path string, v reflect.Value) error {
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return l.decode(n, path, v.Elem())
	case v.Kind() == reflect.Slice:
		return l.list(n, path, v)
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		return l.structure(n, path, v)
	case len(n.Kids) > 0:
		return malformed("The parameter %s must be a plain value, without %s", path, n.Kids[0].name())
	}
	return scalar(n.Text, path, v)
}

func (l lists) structure(n node, path string, v reflect.Value) error {
	if text := strings.TrimSpace(n.Text); text != "" {
		return malformed("The parameter %s must be a structure, not %q", path, text)
	}
	for _, kid := range n.Kids {
		name := strings.TrimPrefix(path+"."+kid.name(), ".")
		f := v.FieldByName(kid.name())
		many := !f.IsValid() && l != members
		if many {
			f = v.FieldByName(kid.name() + "s")
		}
		if !f.IsValid() || kid.name() == "ResultMetadata" {
			return NewFault(http.StatusBadRequest, "UnknownParameter", "The parameter %s is not recognized", name)
		}
		set := l.decode
		if many && l == repeated {
			set = l.add
		}
		if err := set(kid, name, f); err != nil {
			return err
		}
	}
	return nil
}

// list decodes members; those of a query are numbered from 1 without gaps.
func (l lists) list(n node, path string, v reflect.Value) error {
	if l == members && len(n.Kids) > 0 {
		if n.Kids[0].name() != "member" || len(n.Kids) > 1 {
			return malformed("The parameter %s must be a list of members", path)
		}
		n = n.Kids[0]
	}
	if strings.TrimSpace(n.Text) != "" {
		return malformed("The parameter %s must be a list", path)
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, len(n.Kids)))
	for i := range n.Kids {
		kid := &n.Kids[i]
		if l != repeated {
			number := strconv.Itoa(i + 1)
			at := slices.IndexFunc(n.Kids, func(k node) bool { return k.name() == number })
			if at < 0 {
				return malformed("The parameter %s must be a list numbered from 1 without gaps", path)
			}
			kid = &n.Kids[at]
		}
		if err := l.add(*kid, path+"."+kid.name(), v); err != nil {
			return err
		}
	}
	return nil
}

// add appends one member to a list.
func (l lists) add(n node, path string, list reflect.Value) error {
	item := reflect.New(list.Type().Elem()).Elem()
	if err := l.decode(n, path, item); err != nil {
		return err
	}
	list.Set(reflect.Append(list, item))
	return nil
}

// scalar sets a string, boolean, integer or time, all but the first as JSON has them.
func scalar(text, path string, v reflect.Value) error {
	if v.Kind() == reflect.String {
		v.SetString(text)
		return checkEnum(v)
	}
	if v.Kind() == reflect.Struct {
		text = strconv.Quote(text)
	}
	if json.Unmarshal([]byte(text), v.Addr().Interface()) != nil {
		return malformed("The parameter %s must be of the type %s, not %s", path, v.Type().Name(), text)
	}
	return nil
}

func malformed(format string, args ...any) error {
	return NewFault(http.StatusBadRequest, "MalformedInput", format, args...)
}

// checkEnums refuses a string outside of its enum, anywhere in an input struct. The SDK's enum types know their values.
func checkEnums(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return checkEnums(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				continue
			}
			if err := checkEnums(v.Field(i)); err != nil {
				return err
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := checkEnums(v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.String:
		return checkEnum(v)
	}
	return nil
}

func checkEnum(v reflect.Value) error {
	values := v.MethodByName("Values")
	if v.Len() == 0 || !values.IsValid() {
		return nil
	}
	known := values.Call(nil)[0]
	for i := range known.Len() {
		if known.Index(i).String() == v.String() {
			return nil
		}
	}
	return NewFault(http.StatusBadRequest, "SerializationException", "%q is not one of %v", v.String(), known.Interface())
}
