package build

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// archive has files of an image, by name.
func archive(t *testing.T, files [][2]string) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f[0], Mode: 0o644, Size: int64(len(f[1])), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

var installedFiles = [][2]string{
	{"srv/kedro/dependencies/Some_Thing-1.2.dist-info/METADATA", "Metadata-Version: 2.4\nName: Some_Thing\nVersion: 1.2\nLicense-Expression: MIT OR Apache-2.0\nClassifier: License :: OSI Approved\n\nName: not me\n"},
	{"srv/kedro/dependencies/old-0.1.dist-info/METADATA", "Name: old\nVersion: 0.1\nLicense: a text\n        of several lines\nClassifier: Programming Language :: Python\nClassifier: License :: OSI Approved :: BSD License\n"},
	{"srv/kedro/dependencies/plain-3.dist-info/METADATA", "Name: plain\nVersion: 3\nLicense: Own Licence\n"},
	{"srv/kedro/dependencies/setuptools/_vendor/inner-9.dist-info/METADATA", "Name: inner\nVersion: 9\n"},
	{"srv/kedro/project/demo-0.1.dist-info/METADATA", "Name: demo\nVersion: 0.1\n"},
	{"./usr/local/lib/python3.12/site-packages/pip-25.0.dist-info/METADATA", "Name: pip\nVersion: 25.0\n"},
	{"usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\n"},
	{"var/lib/dpkg/status", "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9+deb12u10\nDescription: library\n more: text\n\n" +
		"Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n\nPackage: tzdata\nStatus: install ok installed\nArchitecture: all\nVersion: 2025b-0\n"},
}

func TestBillOfMaterials(t *testing.T) {
	image := Image{Ref: "demo-batch:0123", InputKey: "0123"}
	first, err := billOf(archive(t, installedFiles), image)
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		Metadata struct {
			Component struct{ Type, Name, Version string }
		}
		Components []struct {
			Name, Version, PURL string
			Licenses            []struct {
				Expression string
				License    struct{ Name string }
			}
		}
	}
	if err := json.Unmarshal(first, &bom); err != nil {
		t.Fatal(err)
	}
	got := []string{bom.Metadata.Component.Type + " " + bom.Metadata.Component.Name + " " + bom.Metadata.Component.Version}
	for _, c := range bom.Components {
		line := c.Name + " " + c.Version + " " + c.PURL
		for _, l := range c.Licenses {
			line += ", " + l.Expression + l.License.Name
		}
		got = append(got, line)
	}
	want := []string{
		"container demo-batch 0123",
		"libc6 2.36-9+deb12u10 pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12",
		"tzdata 2025b-0 pkg:deb/debian/tzdata@2025b-0?arch=all&distro=debian-12",
		"demo 0.1 pkg:pypi/demo@0.1",
		"old 0.1 pkg:pypi/old@0.1, BSD License",
		"pip 25.0 pkg:pypi/pip@25.0",
		"plain 3 pkg:pypi/plain@3, Own Licence",
		"Some_Thing 1.2 pkg:pypi/some-thing@1.2, MIT OR Apache-2.0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
	reversed := make([][2]string, 0, len(installedFiles))
	for _, f := range installedFiles {
		reversed = append([][2]string{f}, reversed...)
	}
	if second, err := billOf(archive(t, reversed), image); err != nil || !bytes.Equal(first, second) {
		t.Errorf("another order of files makes another list: %v", err)
	}
	checkSchema(t, first)
}

// checkSchema holds a list to CycloneDX's own schema, which its library carries.
func checkSchema(t *testing.T, bom []byte) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	dir := filepath.Join(strings.TrimSpace(string(out)), "schema")
	for address, file := range map[string]string{"jsf-0.82.schema.json": "jsf-0.82.schemax.json", "spdx.schema.json": "spdx.schema.json"} {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		part, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource("http://cyclonedx.org/schema/"+address, part); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile(filepath.Join(dir, "bom-1.6.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(bom))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("not CycloneDX: %v\n%s", err, bom)
	}
}
