package plan

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/project"
)

// What only a run gives is no error of a deployment, whose jobs must reach whatever it will be.
func TestParametersThatOnlyARunGives(t *testing.T) {
	s := chain(map[string]project.Dataset{
		"raw": {Source: "catalog", Type: "pandas.CSVDataset", Path: "data/<day>/raw.csv", Runtime: true, RuntimeParams: []string{"day"}},
		"end": {Source: "catalog", Type: "pandas.CSVDataset", Path: "s3://lake/ends/<day>/end.csv", Runtime: true, RuntimeParams: []string{"day"}},
	})
	s.OpenParams = []string{"day"}
	p := mustPlan(t, s, settings("auto"), Options{Whole: true})
	want := []string{"note runtime-parameter-missing day", "note runtime-parameters end", "note runtime-parameters raw"}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(found(p)))); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	for _, d := range p.Datasets {
		if open := d.Name == "raw" || d.Name == "end"; d.Open != open {
			t.Errorf("%s at %s: open %v", d.Name, d.Path, d.Open)
		}
	}
	if diff := cmp.Diff([]string{"lake/ends/"}, p.Grants.Write); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
	if errs := mustPlan(t, s, settings("auto"), Options{}).Errors(); len(errs) != 1 || errs[0].Code != CodeRuntimeMissing {
		t.Errorf("a run without the parameter: %v", errs)
	}
	if errs := mustPlan(t, s, settings("auto"), Options{Params: []string{"day"}}).Errors(); len(errs) > 0 {
		t.Errorf("a run with the parameter: %v", errs)
	}
}
