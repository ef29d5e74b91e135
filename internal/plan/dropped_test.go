package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

func TestParametersThatAnotherOneDrops(t *testing.T) {
	s := func(input string) project.Snapshot {
		s := registry(map[string][]project.Node{"p": {node("fit: raw " + input + " -> model")}})
		s.DroppedParameters = []string{"m.depth", "m.net.layers", "m.net.rate", "other.x"}
		return s
	}
	for name, tt := range map[string]struct {
		input, params string
		want          []string // level and what is lost
	}{
		"the rest of the entry is lost":               {"params:m", "m.depth", []string{"warning params:m: m.net.layers, m.net.rate"}},
		"also what is deeper":                         {"params:m", "m.net.rate", []string{"warning params:m: m.depth, m.net.layers"}},
		"what else is given is not":                   {"params:m", "m.depth m.net.rate", []string{"warning params:m: m.net.layers"}},
		"a new part drops as much":                    {"params:m", "m.new", []string{"warning params:m: m.depth, m.net.layers, m.net.rate"}},
		"nothing but what nodes take":                 {"params:m.net", "m.depth", []string{"warning params:m: m.net.layers, m.net.rate"}},
		"Kedro does not start without what one takes": {"params:m.net.rate", "m.depth", []string{"error params:m: m.net.rate"}},
		"all parameters at once":                      {"parameters", "m.depth other.y", []string{"warning params:m: m.net.layers, m.net.rate", "warning params:other: other.x"}},
		"a whole entry is meant":                      {"params:m", "m", nil},
		"so is a part of one as a whole":              {"params:m", "m.net m.depth", nil},
		"another entry":                               {"params:m", "moss.x", nil},
		"nobody takes it":                             {"params:k", "m.depth", nil},
		"none is given":                               {"params:m", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range mustPlan(t, s(tt.input), settings("auto"), Options{Params: strings.Fields(tt.params)}).Findings {
				if f.Code == CodeParametersDropped {
					_, lost, _ := strings.Cut(f.Reason, "drops the rest: ")
					got = append(got, f.Level+" "+f.Thing+": "+lost)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
