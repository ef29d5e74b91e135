package judges

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kedroctl/kedroctl/internal/local"
	"github.com/kedroctl/kedroctl/internal/local/batch"
)

// section gives the text below a heading of docs/local.md, up to the next one.
func section(t *testing.T, heading string) string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/local.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/local.md has no section %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

func TestPageListsEveryOperation(t *testing.T) {
	s, err := local.New(local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var documented []string
	for _, m := range regexp.MustCompile("`([a-z0-9]+\\.[A-Z][A-Za-z0-9]+)`").FindAllStringSubmatch(section(t, "Operations"), -1) {
		documented = append(documented, m[1])
	}
	slices.Sort(documented)
	if diff := cmp.Diff(s.Operations(), documented); diff != "" {
		t.Errorf("operations (-offered +docs/local.md):\n%s", diff)
	}
}

func TestPageHasTheRules(t *testing.T) {
	table := "| rule | says | source |\n|---|---|---|\n"
	for _, r := range batch.Rules {
		table += fmt.Sprintf("| %s | %s | %s |\n", r.ID, r.Text, r.Source)
	}
	if text := section(t, "Rules of Batch"); !strings.Contains(text, table) {
		t.Errorf("docs/local.md has not the table:\n%s", table)
	}
}
