package cmd

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local/faults"
)

func TestLocalPageListsEveryFlag(t *testing.T) {
	var documented []string
	for _, row := range tableUnder(t, "../docs/local.md", "| flag |") {
		name, _, _ := strings.Cut(strings.Trim(row[0], "`-"), " ")
		documented = append(documented, name)
	}
	var real []string
	for _, f := range newLocal(newDeps(Stdio{}, func(string) string { return "" })).Flags {
		real = append(real, f.Names()[0])
	}
	if diff := cmp.Diff(real, documented); diff != "" {
		t.Errorf("flags (-program +docs/local.md):\n%s", diff)
	}
}

func TestFaultScriptOfTheLocalPageIsOne(t *testing.T) {
	text, err := os.ReadFile("../docs/local.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(text), "```text\n")
	script, _, found := strings.Cut(script, "```")
	if !found {
		t.Fatal("docs/local.md has no fault script")
	}
	if _, err := faults.Parse(strings.NewReader(script)); err != nil {
		t.Error(err)
	}
	for _, kind := range []string{"deny", "call", "rate", "job", "stuck", "lag", "no-default-vpc", "foreign"} {
		if !strings.Contains(script, "\n"+kind) {
			t.Errorf("the script has no %s", kind)
		}
	}
}
