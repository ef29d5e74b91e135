package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Statement is one of a policy. Of each pair with a Not… member at most one is set.
type Statement struct {
	Sid          string
	Effect       string // Allow or Deny
	Principal    any
	NotPrincipal any
	Action       Strings
	NotAction    Strings
	Resource     Strings
	NotResource  Strings
	Condition    map[string]map[string]Strings // values by operator and key
}

// Strings is a list that the document may give as its only member.
type Strings []string

// UnmarshalJSON takes a string, a boolean or number (in conditions), or a list of them.
func (s *Strings) UnmarshalJSON(d []byte) error {
	var members []any
	if err := json.Unmarshal(listed(d), &members); err != nil {
		return err
	}
	*s = Strings{}
	for _, m := range members {
		switch m.(type) {
		case string, bool, float64:
			*s = append(*s, fmt.Sprint(m))
		default:
			return errors.New("a string or a list of strings is wanted")
		}
	}
	return nil
}

// listed is JSON's list of one member, if d is no list.
func listed(d []byte) []byte {
	if bytes.HasPrefix(d, []byte("[")) {
		return d
	}
	return slices.Concat([]byte("["), d, []byte("]"))
}

// Parse reads a document: a known version and at least one statement, each with an effect and actions.
func Parse(document []byte) ([]Statement, error) {
	var p struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if err := decode(document, &p); err != nil {
		return nil, err
	}
	if p.Version != "2012-10-17" && p.Version != "2008-10-17" {
		return nil, errors.New("the version must be 2012-10-17")
	}
	var statements []Statement
	if err := decode(listed(p.Statement), &statements); err != nil {
		return nil, err
	}
	if len(statements) == 0 {
		return nil, errors.New("there is no statement")
	}
	for _, s := range statements {
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return nil, errors.New("the effect of a statement must be Allow or Deny")
		}
		if len(s.Action) == 0 && len(s.NotAction) == 0 {
			return nil, errors.New("a statement must have actions")
		}
	}
	return statements, nil
}

func decode(d []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(d))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the document")
	}
	return nil
}

// NamesPrincipals reports whether the statement says whom it is about.
func (s Statement) NamesPrincipals() bool { return s.Principal != nil || s.NotPrincipal != nil }

// NamesResources reports whether the statement says what it is about.
func (s Statement) NamesResources() bool { return len(s.Resource) > 0 || len(s.NotResource) > 0 }
