package wire

import (
	"net/http"
	"reflect"
)

// checkEnums refuses a string outside of its enum, anywhere in an input struct. The SDK's enum types know their values.
func checkEnums(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return checkEnums(v.Elem())
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
