package cmd

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// codes are the constants that hold the codes of findings.
func codes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../internal/plan/codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		if text, ok := n.(*ast.BasicLit); ok {
			code, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, code)
		}
		return true
	})
	slices.Sort(all)
	return all
}

func TestFindingsPageExplainsEveryCode(t *testing.T) {
	text, err := os.ReadFile("../docs/findings.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, m[1])
	}
	slices.Sort(documented)
	if diff := cmp.Diff(codes(t), documented); diff != "" {
		t.Errorf("codes (-internal/plan/codes.go +docs/findings.md):\n%s", diff)
	}
}

// TestCodesAreConstants wants every code to be used, and by its constant: one that is written out would escape the page.
func TestCodesAreConstants(t *testing.T) {
	var source strings.Builder
	for _, pattern := range []string{"*.go", "../internal/plan/*.go", "../internal/check/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "/codes.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(text)
			for _, m := range regexp.MustCompile(`(\bfind\(\w+, "|\bCode: +").*`).FindAllString(string(text), -1) {
				t.Errorf("%s: %s: a code belongs into internal/plan/codes.go", file, m)
			}
		}
	}
	names, err := os.ReadFile("../internal/plan/codes.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\bCode\w+`).FindAllString(string(names), -1) {
		if !strings.Contains(source.String(), m) {
			t.Errorf("%s: nothing is found by this code", m)
		}
	}
}
