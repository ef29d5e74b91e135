package wire

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// DecodeXML reads a document of S3 whose root is called root into a struct of the SDK. Elements are named as its fields; an element Rule
// adds to a list Rules. Whatever the struct has no field for, and values outside of an enum, are MalformedXML.
func DecodeXML(r io.Reader, root string, into any) error {
	d := xml.NewDecoder(r)
	for {
		token, err := d.Token()
		if err != nil {
			return malformedXML(err.Error())
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if start.Name.Local != root {
			return malformedXML("the root is " + start.Name.Local + ", not " + root)
		}
		if err := fromXML(d, root, reflect.ValueOf(into).Elem()); err != nil {
			return malformedXML(err.Error())
		}
		if err := checkEnums(reflect.ValueOf(into)); err != nil {
			return malformedXML(AsFault(err).Message)
		}
		return nil
	}
}

func malformedXML(why string) error {
	return NewFault(http.StatusBadRequest, "MalformedXML",
		"The XML you provided was not well-formed or did not validate against our published schema: %s", why)
}

// fromXML reads the element that was just opened.
func fromXML(d *xml.Decoder, name string, v reflect.Value) error {
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fromXML(d, name, v.Elem())
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		return children(d, func(child string) error {
			f := fieldOf(v, child)
			if !f.IsValid() {
				return errors.New("unknown element " + child + " in " + name)
			}
			if f.Kind() == reflect.Slice && !v.FieldByName(child).IsValid() {
				return appendXML(d, child, f)
			}
			return fromXML(d, child, f)
		})
	case v.Kind() == reflect.Slice:
		return children(d, func(child string) error { return appendXML(d, child, v) })
	}
	text, err := content(d)
	if err != nil {
		return err
	}
	return plain(name, text, v)
}

func fieldOf(v reflect.Value, name string) reflect.Value {
	if f := v.FieldByName(name); f.IsValid() {
		return f
	}
	return v.FieldByName(name + "s")
}

func appendXML(d *xml.Decoder, name string, list reflect.Value) error {
	item := reflect.New(list.Type().Elem()).Elem()
	if err := fromXML(d, name, item); err != nil {
		return err
	}
	list.Set(reflect.Append(list, item))
	return nil
}

// children calls do for each child element, up to the end of the element that was just opened.
func children(d *xml.Decoder, do func(name string) error) error {
	for {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if err := do(token.Name.Local); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		case xml.CharData:
			if text := strings.TrimSpace(string(token)); text != "" {
				return errors.New("unexpected text " + strconv.Quote(text))
			}
		}
	}
}

func content(d *xml.Decoder) (string, error) {
	var b strings.Builder
	for {
		token, err := d.Token()
		if err != nil {
			return "", err
		}
		switch token := token.(type) {
		case xml.CharData:
			b.Write(token)
		case xml.StartElement:
			return "", errors.New("unexpected element " + token.Name.Local)
		case xml.EndElement:
			return b.String(), nil
		}
	}
}

func plain(name, text string, v reflect.Value) error {
	var err error
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		var b bool
		b, err = strconv.ParseBool(strings.ToLower(text))
		v.SetBool(b)
	case reflect.Int32, reflect.Int64:
		var i int64
		i, err = strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(i)
	default:
		var t time.Time
		t, err = time.Parse(time.RFC3339, text)
		v.Set(reflect.ValueOf(t))
	}
	if err != nil {
		return errors.New(strconv.Quote(text) + " is no value of " + name)
	}
	return nil
}
