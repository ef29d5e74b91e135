package wire

import (
	"bytes"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"net/http"
	"reflect"
	"time"
)

// WriteQuery answers an action of IAM or STS with an SDK's output: elements are named as the SDK's fields, lists have member elements.
func WriteQuery(w http.ResponseWriter, namespace, action string, out any) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<%sResponse xmlns="%s">`, action, namespace)
	element(&b, action+"Result", reflect.ValueOf(out))
	fmt.Fprintf(&b, `<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>`, rand.Text(), action)
	WriteXML(w, http.StatusOK, b.Bytes())
}

// WriteQueryFault states err as IAM and STS do.
func WriteQueryFault(w http.ResponseWriter, namespace string, err error) {
	f := AsFault(err)
	side := "Sender"
	if f.Status >= http.StatusInternalServerError {
		side = "Receiver"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<ErrorResponse xmlns="%s"><Error><Type>%s</Type>`, namespace, side)
	text(&b, "Code", f.Code)
	text(&b, "Message", f.Message)
	fmt.Fprintf(&b, `</Error><RequestId>%s</RequestId></ErrorResponse>`, rand.Text())
	WriteXML(w, f.Status, b.Bytes())
}

// WriteEC2Fault states err as EC2 does.
func WriteEC2Fault(w http.ResponseWriter, err error) {
	f := AsFault(err)
	var b bytes.Buffer
	b.WriteString(`<Response><Errors><Error>`)
	text(&b, "Code", f.Code)
	text(&b, "Message", f.Message)
	fmt.Fprintf(&b, `</Error></Errors><RequestID>%s</RequestID></Response>`, rand.Text())
	WriteXML(w, f.Status, b.Bytes())
}

// WriteXML sends a document with the declaration that AWS's own answers have.
func WriteXML(w http.ResponseWriter, status int, document []byte) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	// The client is gone if this fails; there is nobody left to tell.
	_, _ = w.Write(append([]byte(`<?xml version="1.0" encoding="UTF-8"?>`+"\n"), document...))
}

// element writes v under name; what is nil is left out.
func element(b *bytes.Buffer, name string, v reflect.Value) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	if t, ok := v.Interface().(time.Time); ok {
		text(b, name, t.UTC().Format(time.RFC3339))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		fmt.Fprintf(b, "<%s>", name)
		fields(b, v)
		fmt.Fprintf(b, "</%s>", name)
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		fmt.Fprintf(b, "<%s>", name)
		for i := range v.Len() {
			element(b, "member", v.Index(i))
		}
		fmt.Fprintf(b, "</%s>", name)
	default:
		if s := fmt.Sprint(v.Interface()); s != "" {
			text(b, name, s)
		}
	}
}

func fields(b *bytes.Buffer, v reflect.Value) {
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() && f.Name != "ResultMetadata" {
			element(b, f.Name, v.Field(i))
		}
	}
}

func text(b *bytes.Buffer, name, value string) {
	fmt.Fprintf(b, "<%s>", name)
	// Writing to a buffer does not fail.
	_ = xml.EscapeText(b, []byte(value))
	fmt.Fprintf(b, "</%s>", name)
}
