package wire

import (
	"bytes"
	"context"
	"crypto/rand"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// Dialect is what services of the query protocol differ in.
type Dialect struct {
	service   string // in the names of actions in policies
	namespace string
	denied    string // code of a refused permission
	unknown   string // what is said of an action that is not offered, with %s for its name
	lists     lists
	style
}

// Dialects of the services that speak the query protocol.
var (
	IAM = Dialect{"iam", "https://iam.amazonaws.com/doc/2010-05-08/", "AccessDenied", "Could not find operation %s for version 2010-05-08", members, style{item: "member"}}
	STS = Dialect{"sts", "https://sts.amazonaws.com/doc/2011-06-15/", "AccessDenied", "Could not find operation %s for version 2011-06-15", members, style{item: "member"}}
	EC2 = Dialect{"ec2", "http://ec2.amazonaws.com/doc/2016-11-15/", "UnauthorizedOperation", "The action %s is not valid for this web service.", numbered,
		style{small: true, item: "item", names: map[string]string{"Vpcs": "vpcSet", "Subnets": "subnetSet", "SecurityGroups": "securityGroupInfo",
			"RouteTables": "routeTableSet", "Routes": "routeSet", "Associations": "associationSet", "VpcEndpoints": "vpcEndpointSet", "RouteTableIds": "routeTableIdSet",
			"SubnetIds": "subnetIdSet", "PropagatingVgws": "propagatingVgwSet",
			"LaunchTemplateVersions": "launchTemplateVersionSet", "BlockDeviceMappings": "blockDeviceMappingSet", "TagSpecifications": "tagSpecificationSet", "Tags": "tagSet",
			"Description": "groupDescription", "UserIdGroupPairs": "groups"}}}
)

// write answers with an SDK's output.
func (d Dialect) write(w http.ResponseWriter, action string, out any) {
	tree, id := d.plain(reflect.ValueOf(out)), rand.Text()
	answer := map[string]any{"ResponseMetadata": map[string]any{"RequestId": id}}
	if tree, ok := tree.(map[string]any); ok {
		answer[action+"Result"] = tree
		if d.lists == numbered {
			tree["requestId"], answer = id, tree
		}
	}
	d.send(w, http.StatusOK, action+"Response", answer)
}

// WriteFault states err as the service does.
func (d Dialect) WriteFault(w http.ResponseWriter, err error) {
	f := AsFault(err)
	stated, id := map[string]any{"Code": f.Code, "Message": f.Message}, rand.Text()
	if d.lists == numbered {
		d.send(w, f.Status, "Response", map[string]any{"Errors": map[string]any{"Error": stated}, "RequestID": id})
		return
	}
	stated["Type"] = "Sender"
	if f.Status >= http.StatusInternalServerError {
		stated["Type"] = "Receiver"
	}
	d.send(w, f.Status, "ErrorResponse", map[string]any{"Error": stated, "RequestId": id})
}

func (d Dialect) send(w http.ResponseWriter, status int, root string, v any) {
	b := bytes.NewBufferString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	d.element(b, root+` xmlns="`+d.namespace+`"`, v)
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a client that has gone needs no answer
}

// Query is a request of the query protocol: an action and parameters whose names are paths (Tags.member.1.Key).
type Query struct {
	Action string
	params map[string]string
}

// readQuery takes a query from the form of r. It may be called more than once for one request.
func readQuery(r *http.Request) (Query, error) {
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

// decode sets an input of the SDK. Parameters that the input does not have are refused.
func (q Query) decode(l lists, in any) error {
	var root node
	for _, name := range slices.Sorted(maps.Keys(q.params)) {
		n := &root
		for step := range strings.SplitSeq(name, ".") {
			n = n.kid(step)
		}
		n.Text = q.params[name]
	}
	return l.decode(root, "", reflect.ValueOf(in).Elem())
}

// Action answers a query in a dialect.
type Action func(context.Context, Dialect, Query) (out any, err error)

// QueryFunc makes an action of a function over an SDK's input and output. Parameters that the input does not have are refused.
func QueryFunc[In, Out any](f func(context.Context, *In) (Out, error)) Action {
	return func(ctx context.Context, d Dialect, q Query) (any, error) {
		in := new(In)
		if err := q.decode(d.lists, in); err != nil {
			return nil, err
		}
		return f(ctx, in)
	}
}

// Queries serves the actions of a service.
type Queries struct {
	Dialect
	Actions map[string]Action
	Denied  Denied                   // what the caller may not do; nil: nothing
	Needs   func(Query) []Permission // what an action needs; nil: itself on "*"
}

// Operation names the action that r asks for, and whether it changes anything.
func (s Queries) Operation(r *http.Request) (name string, mutating bool) {
	q, err := readQuery(r)
	if err != nil {
		return "", false
	}
	return q.Action, s.Actions[q.Action] != nil && Mutating(q.Action)
}

// Operations are the names of the actions that the service offers, sorted.
func (s Queries) Operations() []string { return slices.Sorted(maps.Keys(s.Actions)) }

func (s Queries) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q, err := readQuery(r)
	var out any
	if err == nil {
		out, err = s.answer(r.Context(), q)
	}
	if err != nil {
		s.WriteFault(w, err)
		return
	}
	s.write(w, q.Action, out)
}

func (s Queries) answer(ctx context.Context, q Query) (any, error) {
	do, needs := s.Actions[q.Action], []Permission{{Action: s.service + ":" + q.Action, Resource: "*"}}
	if do == nil {
		return nil, NewFault(http.StatusBadRequest, "InvalidAction", s.unknown, q.Action)
	}
	if s.Needs != nil {
		needs = s.Needs(q)
	}
	if err := s.Denied.CheckAll(ctx, s.denied, needs); err != nil {
		return nil, err
	}
	return do(ctx, s.Dialect, q)
}
