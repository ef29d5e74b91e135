package project

import (
	"fmt"
	"strings"
)

// flagSource begins the sources of settings that are given by flags.
const flagSource = "--set "

// Origin is what set a key of the settings.
type Origin struct {
	Source string `json:"source"`           // pyproject.toml, the name of a variable, or --set and the key
	Prefix string `json:"prefix,omitempty"` // of the key: env.<env>. or nothing
}

func (o Origin) isFlag() bool { return strings.HasPrefix(o.Source, flagSource) }

// of says for people where the value of a key in a table comes from.
func (o Origin) of(table string) string {
	switch {
	case o.isFlag():
		return "flag"
	case o.Source == Pyproject:
		return "[tool.kedroctl." + o.Prefix + table + "]"
	}
	return o.Source
}

// entry says for people that a value comes from an entry of job.groups.
func (o Origin) entry(name string) string {
	if o.isFlag() {
		return "flag"
	}
	return fmt.Sprintf("%sjob.groups.%q", o.Prefix, name)
}
