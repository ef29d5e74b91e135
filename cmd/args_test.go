package cmd

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReorder(t *testing.T) {
	app := newApp(newDeps(Stdio{}, func(string) string { return "" }))
	for _, c := range []struct{ in, want string }{
		{"run --json", "--json run"},
		{"run --env prod -p a,b", "--env prod run -p a,b"},
		{"-C dir run --params a=1 --local", "-C dir --local run --params a=1"},
		{"verify 2026-11-23T09.55.12.345Z --json", "--json verify 2026-11-23T09.55.12.345Z"},
		{"--region=eu-west-1 destroy --data --yes", "--region=eu-west-1 --yes destroy --data"},
		{"run --nodes -x", "run --nodes -x"},
		{"check -ns a --params x=-1 -- --flag --json", "check -ns a --params x=-1 -- --flag --json"},
		{"run -ns a -- --flag --json", "run -ns a"}, // goes to the project's run command
		{"run --nosuch v --json", "--json run --nosuch v"},
		{"--json", "--json"},
		{"nosuch --json", "--json nosuch"},
		{"run -h", "run -h"},
	} {
		got, _ := reorder(app, append([]string{"kedroctl"}, strings.Fields(c.in)...))
		if diff := cmp.Diff(append([]string{"kedroctl"}, strings.Fields(c.want)...), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.in, diff)
		}
	}
}
