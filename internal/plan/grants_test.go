package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGrantsBeyond(t *testing.T) {
	have := Grants{Read: []string{"lake/raw/"}, Write: []string{"lake/out/"}}
	need := Grants{Read: []string{"lake/out/model.pkl", "lake/raw/", "lake/secret/"}, Write: []string{"lake/out/a", "lake/raw/b"}}
	want := Grants{Read: []string{"lake/secret/"}, Write: []string{"lake/raw/b"}}
	if diff := cmp.Diff(want, need.Beyond(have)); diff != "" {
		t.Errorf("beyond (-want +got):\n%s", diff)
	}
}
