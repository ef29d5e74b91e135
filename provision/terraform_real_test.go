//go:build real

package provision

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The judge: what HashiCorp generates of the schema of the provider's 6.25.0 for its CDK, a file of types for each resource and data source.
const (
	schemaURL    = "https://registry.npmjs.org/@cdktf/provider-aws/-/provider-aws-21.22.1.tgz"
	schemaSHA256 = "d1446ab6ac6526c6fab4b28a5ebefdd90c0ce56203949925d35a4d286c05cbbf"
)

// Every argument and block of an exported stack is one that the provider knows, and none that it demands is missing.
func TestRealTerraformFitsTheProvider(t *testing.T) {
	types := fetchSchema(t)
	for name, s := range exported() {
		if s.Provider != 6 {
			continue
		}
		file, problems := hclsyntax.ParseConfig(s.config(), name+".tf", hcl.InitialPos)
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		for _, block := range file.Body.(*hclsyntax.Body).Blocks {
			if block.Type != "resource" && block.Type != "data" {
				continue
			}
			kind := strings.ReplaceAll(strings.TrimPrefix(block.Labels[0], "aws_"), "_", "-")
			if block.Type == "data" {
				kind = "data-aws-" + kind
			}
			known, ok := types[kind]
			if !ok {
				t.Errorf("%s: the provider has no %s %s", name, block.Type, block.Labels[0])
				continue
			}
			checkBlock(t, name+": "+strings.Join(block.Labels, "."), known, whole.FindStringSubmatch(known)[1], block.Body)
		}
	}
}

var (
	whole  = regexp.MustCompile(`export interface (\w+) extends cdktf.TerraformMetaArguments`)
	member = regexp.MustCompile(`(?m)^    readonly (\w+)(\??): ?([^;\n]*)`)
)

// checkBlock compares a block with the TypeScript interface of that name.
func checkBlock(t *testing.T, at, source, name string, body *hclsyntax.Body) {
	t.Helper()
	_, text, ok := strings.Cut(source, "export interface "+name+" ")
	if !ok {
		t.Fatalf("%s: no interface %s", at, name)
	}
	text, _, _ = strings.Cut(text, "\n}\n")
	var given []string
	for argument := range body.Attributes {
		given = append(given, argument)
	}
	nested := map[string]*hclsyntax.Body{}
	for _, b := range body.Blocks {
		if b.Type != "lifecycle" { // Terraform's own
			given, nested[b.Type] = append(given, b.Type), b.Body
		}
	}
	known := map[string]string{}
	for _, m := range member.FindAllStringSubmatch(text, -1) {
		known[m[1]] = m[3]
		if m[2] == "" && !slices.ContainsFunc(given, func(g string) bool { return lower(camel("_"+g)) == m[1] }) {
			t.Errorf("%s: the provider demands %s", at, m[1])
		}
	}
	for _, g := range given {
		kind, ok := known[lower(camel("_"+g))]
		if !ok {
			t.Errorf("%s: the provider knows no %s", at, g)
			continue
		}
		if inner := nested[g]; inner != nil {
			kind, _, _ = strings.Cut(kind, " |")
			checkBlock(t, at+"."+g, source, strings.TrimSuffix(kind, "[]"), inner)
		}
	}
}

var wordStart = regexp.MustCompile(`[-_]\w`)

func camel(s string) string {
	return wordStart.ReplaceAllStringFunc(s, func(m string) string { return strings.ToUpper(m[1:]) })
}

func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// fetchSchema gives the file of types of each resource and data source.
func fetchSchema(t *testing.T) map[string]string {
	t.Helper()
	response, err := http.Get(schemaURL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", schemaURL, response.Status)
	}
	sum := sha256.New()
	unzipped, err := gzip.NewReader(io.TeeReader(response.Body, sum))
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name, ok := strings.CutSuffix(strings.TrimPrefix(header.Name, "package/lib/"), "/index.d.ts")
		if !ok {
			continue
		}
		text, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		types[name] = string(text)
	}
	if _, err := io.Copy(sum, response.Body); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != schemaSHA256 {
		t.Fatalf("%s has the sum %s", schemaURL, got)
	}
	return types
}
