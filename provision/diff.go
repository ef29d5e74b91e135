package provision

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// Actions of a Change.
const (
	ActionCreate  = "create"
	ActionUpdate  = "update"
	ActionReplace = "replace" // a new one is made, and the old one retires
	ActionRemove  = "remove"
)

// Change is what Apply would do with one resource.
type Change struct {
	Kind       string      `json:"kind"`
	Name       string      `json:"name"`
	Action     string      `json:"action"`
	Replaces   string      `json:"replaces,omitempty"` // the name of what gives way
	Reason     string      `json:"reason,omitempty"`   // of a replacement or a removal
	Attributes []Attribute `json:"attributes,omitempty"`
}

// Diff is what Apply would do, in the order of a list for people: what differs between the stack as it stands and the spec. It makes no call that
// changes anything. Of what the settings name the reporter hears.
func Diff(ctx context.Context, c Clients, s Spec, report Reporter) ([]Change, error) {
	a := &Applying{clients: c, spec: s, report: report, dry: true}
	a.start(ctx)
	if _, err := a.Wait(); err != nil {
		return nil, err
	}
	replaced := map[string]bool{} // told with what takes their place
	for _, c := range a.changes {
		replaced[c.Replaces] = true
	}
	changes := slices.DeleteFunc(a.changes, func(c Change) bool { return c.Action == ActionRemove && replaced[c.Name] })
	return slices.SortedFunc(slices.Values(changes), func(x, y Change) int { return byKind(x.Kind, x.Name, y.Kind, y.Name) }), nil
}

// compare notes what converge would do with a resource.
func (a *Applying) compare(ctx context.Context, r resource) (Resource, error) {
	is, changes, err := r.diff(ctx)
	if err != nil {
		return *is, explain(is.String(), err)
	}
	if is.State == Existing {
		a.report.Step(*is)
	}
	if len(changes) == 0 {
		return *is, nil
	}
	would := Change{Kind: is.Kind, Name: is.Name, Action: ActionUpdate}
	for _, c := range changes {
		switch {
		case c.replaces != "":
			would.Action, would.Replaces = ActionReplace, c.replaces
		case c.create:
			would.Action = ActionCreate
		case c.then == Retired || c.then == Removed:
			would.Action, would.Reason = ActionRemove, c.what+": "+is.Detail
		}
		if c.then != "" {
			is.State = c.then
		}
		would.Attributes = append(would.Attributes, c.attributes...)
	}
	is.ARN = cmp.Or(is.ARN, unmade+is.Name)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changes = append(a.changes, would)
	return *is, nil
}

// attributeNames are those of differences, for people.
func attributeNames(all []Attribute) string {
	var names []string
	for _, a := range all {
		names = append(names, a.Name)
	}
	return strings.Join(names, ", ")
}
