package wire

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

// Lists says how a service of the query protocol numbers the members of a list.
type Lists int

const (
	// MemberLists are numbered Tags.member.1, as IAM and STS do.
	MemberLists Lists = iota
	// PlainLists are numbered Filter.1 for a field Filters, as EC2 does.
	PlainLists
)

// Query is a request of the AWS query protocol: an action and parameters whose names are paths (Tags.member.1.Key).
type Query struct {
	Action string
	params map[string]string
}

// ReadQuery takes a query from the form of r. It may be called more than once for one request.
func ReadQuery(r *http.Request) (Query, error) {
	if err := r.ParseForm(); err != nil {
		return Query{}, NewFault(http.StatusBadRequest, "MalformedQueryString", "The query string contains a syntax error: %v", err)
	}
	q := Query{Action: r.Form.Get("Action"), params: map[string]string{}}
	for name, values := range r.Form {
		switch {
		case len(values) > 1:
			return Query{}, NewFault(http.StatusBadRequest, "MalformedQueryString", "The parameter %s is given %d times", name, len(values))
		case name != "Action" && name != "Version":
			q.params[name] = values[0]
		}
	}
	if q.Action == "" {
		return Query{}, NewFault(http.StatusBadRequest, "MissingAction", "The request must contain the parameter Action")
	}
	return q, nil
}

// Get is the value of a parameter, "" where it is absent.
func (q Query) Get(name string) string { return q.params[name] }

// Action makes a function over an SDK's input and output the handler of a query. Parameters that the input does not have are refused.
func Action[I, O any](lists Lists, do func(context.Context, *I) (*O, error)) func(context.Context, Query) (any, error) {
	return func(ctx context.Context, q Query) (any, error) {
		in := new(I)
		if err := q.decode(in, lists); err != nil {
			return nil, err
		}
		return do(ctx, in)
	}
}

// node is one step of the parameters' paths.
type node struct {
	path  string
	value *string
	kids  map[string]*node
}

func (n *node) kid(name string) *node {
	if n.kids == nil {
		n.kids = map[string]*node{}
	}
	k := n.kids[name]
	if k == nil {
		k = &node{path: strings.TrimPrefix(n.path+"."+name, ".")}
		n.kids[name] = k
	}
	return k
}

func (q Query) decode(in any, lists Lists) error {
	root := &node{}
	for name, value := range q.params {
		n := root
		for step := range strings.SplitSeq(name, ".") {
			n = n.kid(step)
		}
		n.value = &value
	}
	if err := lists.structure(root, reflect.ValueOf(in).Elem()); err != nil {
		return err
	}
	return checkEnums(reflect.ValueOf(in))
}

func (l Lists) structure(n *node, v reflect.Value) error {
	if n.value != nil {
		return malformed(n, "a structure")
	}
	for name, kid := range n.kids {
		f := v.FieldByName(name)
		if l == PlainLists && !f.IsValid() {
			f = v.FieldByName(name + "s")
		}
		if !f.IsValid() || name == "ResultMetadata" {
			return NewFault(http.StatusBadRequest, "UnknownParameter", "The parameter %s is not recognized", kid.path)
		}
		if err := l.set(kid, f); err != nil {
			return err
		}
	}
	return nil
}

func (l Lists) set(n *node, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return l.set(n, v.Elem())
	case reflect.Struct:
		return l.structure(n, v)
	case reflect.Slice:
		return l.list(n, v)
	}
	if n.value == nil || len(n.kids) > 0 {
		return malformed(n, "a plain value")
	}
	return scalar(n, v)
}

// list decodes members that are numbered from 1 without gaps.
func (l Lists) list(n *node, v reflect.Value) error {
	if l == MemberLists && len(n.kids) > 0 {
		if n.kids["member"] == nil || len(n.kids) > 1 {
			return malformed(n, "a list of members")
		}
		n = n.kids["member"]
	}
	if n.value != nil && *n.value != "" {
		return malformed(n, "a list")
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.kids), len(n.kids)))
	for i := range len(n.kids) {
		kid := n.kids[strconv.Itoa(i+1)]
		if kid == nil {
			return malformed(n, "a list numbered from 1 without gaps")
		}
		if err := l.set(kid, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func scalar(n *node, v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		v.SetString(*n.value)
	case reflect.Bool:
		b, err := strconv.ParseBool(*n.value)
		if err != nil {
			return malformed(n, "a boolean")
		}
		v.SetBool(b)
	case reflect.Int32, reflect.Int64:
		i, err := strconv.ParseInt(*n.value, 10, v.Type().Bits())
		if err != nil {
			return malformed(n, "an integer")
		}
		v.SetInt(i)
	default:
		return malformed(n, "of a supported type")
	}
	return nil
}

func malformed(n *node, want string) error {
	return NewFault(http.StatusBadRequest, "MalformedInput", "The parameter %s must be %s", n.path, want)
}
