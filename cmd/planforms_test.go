package cmd

import (
	"bytes"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"

	"github.com/kedroctl/kedroctl/internal/plan"
	"github.com/kedroctl/kedroctl/internal/project"
)

func TestPeopleGetATreeAndProgramsTheList(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	defer terminal.Close()
	for _, tt := range []struct {
		out  io.Writer
		args string
		want string
	}{
		{terminal, "", formTree},
		{&bytes.Buffer{}, "", formList},
		{terminal, "--format list", formList},
		{&bytes.Buffer{}, "--format tree", formTree},
		{terminal, "--format json", formJSON},
	} {
		d := newDeps(Stdio{Out: tt.out, Err: io.Discard}, func(string) string { return "" })
		set := flag.NewFlagSet("plan", flag.ContinueOnError)
		for _, f := range append(globalFlags(), planFlags()...) {
			if err := f.Apply(set); err != nil {
				t.Fatal(err)
			}
		}
		if err := set.Parse(strings.Fields(tt.args)); err != nil {
			t.Fatal(err)
		}
		if got, err := d.form(cli.NewContext(nil, set, nil)); got != tt.want || err != nil {
			t.Errorf("%q on a terminal %v: %q, %v; want %q", tt.args, tt.out == terminal, got, err, tt.want)
		}
	}
}

func TestTreeDrawsEachJobOnceUnderTheLastOfThoseThatItWaitsFor(t *testing.T) {
	group := func(name, in, out string, after ...string) plan.Group {
		return plan.Group{
			Name: name, Nodes: []string{name}, DependsOn: after, Inputs: strings.Fields(in), Outputs: strings.Fields(out),
			Resources: project.Resources{VCPUs: 2, Memory: 4096},
		}
	}
	pl := plan.Plan{
		GroupedBy: "namespace", Reason: "why",
		Groups: []plan.Group{
			group("etl", "raw", "a b c d"), group("other", "raw", "o"), group("fit", "a", "m", "etl"), group("plots", "b", "p", "etl"),
			group("score", "m a b c d o", "s", "other", "fit"), group("tell", "p", "", "plots"),
		},
	}
	var got bytes.Buffer
	newDeps(Stdio{Out: &got, Err: io.Discard}, func(string) string { return "" }).showTree(&got, pl)
	want := `6 nodes in 6 jobs, grouped by namespace: why

JOB            NODES  VCPUS  MEMORY    GETS
etl            1      2      4096 MiB
├── fit        1      2      4096 MiB  a
│   └── score  1      2      4096 MiB  m; a, b, c and 1 more from etl; o from other
└── plots      1      2      4096 MiB  b
    └── tell   1      2      4096 MiB  p
other          1      2      4096 MiB
`
	tree, _, _ := strings.Cut(got.String(), "\n\nDATASET")
	if diff := cmp.Diff(want, tree+"\n"); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}
