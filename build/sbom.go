package build

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	packageurl "github.com/package-url/packageurl-go"
)

// SBOM lists what is installed in the image, as CycloneDX JSON: Python's distributions, of the image's own and of the base image, and the Debian packages of
// the base image. It depends on the image alone and has no time in it.
func (e *Engine) SBOM(ctx context.Context, image Image) ([]byte, error) {
	bom, err := e.sbom(ctx, image)
	if err != nil {
		return nil, fmt.Errorf("list what is in %s: %w", image.Ref, err)
	}
	return bom, nil
}

func (e *Engine) sbom(ctx context.Context, image Image) ([]byte, error) {
	id, remove, err := e.inside(ctx, container.Config{Image: image.ID}) // never started
	if err != nil {
		return nil, err
	}
	defer remove()
	content, err := e.docker.ContainerExport(ctx, id, client.ContainerExportOptions{})
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return billOf(content, image)
}

// SBOM is that of [Engine.SBOM], of an image that was assembled here.
func (a *Assembler) SBOM(ctx context.Context, image Image) ([]byte, error) {
	found, err := a.store.find(ctx, "image "+image.Ref)
	if err == nil && found == nil {
		err = fmt.Errorf("it is not on this machine any more")
	}
	if err != nil {
		return nil, fmt.Errorf("list what is in %s: %w", image.Ref, err)
	}
	content := mutate.Extract(found)
	defer content.Close()
	return billOf(content, image)
}

// SBOM is that of [Engine.SBOM], of an image in the registry (repository@sha256:…), which is downloaded for it.
func (r *Registry) SBOM(ctx context.Context, ref string, image Image) ([]byte, error) {
	at, options, err := r.access(ctx, ref)
	if err != nil {
		return nil, err
	}
	found, err := remote.Image(at, options...)
	if err != nil {
		return nil, fmt.Errorf("list what is in %s: %w", ref, registryError(at, err))
	}
	content := mutate.Extract(found)
	defer content.Close()
	return billOf(content, image)
}

// bill collects the packages of an image.
type bill struct {
	distributions []cdx.Component
	packages      []debianPackage
	system        map[string]string // fields of os-release
}

// billOf reads the files of an image as an archive.
func billOf(content io.Reader, image Image) ([]byte, error) {
	b := bill{system: map[string]string{}}
	if err := walkTar(content, b.visit); err != nil {
		return nil, fmt.Errorf("list what is in %s: %w", image.Ref, err)
	}
	components := b.distributions
	for _, p := range b.packages {
		components = append(components, p.component(b.system))
	}
	slices.SortFunc(components, func(x, y cdx.Component) int { return strings.Compare(x.BOMRef, y.BOMRef) })
	components = slices.CompactFunc(components, func(x, y cdx.Component) bool { return x.BOMRef == y.BOMRef })
	repository, _, _ := strings.Cut(image.Ref, ":")
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{
		BOMRef: image.Ref, Type: cdx.ComponentTypeContainer, Name: repository, Version: image.InputKey,
	}}
	bom.Components = &components
	var out bytes.Buffer
	// 1.6 and not the newest: it is what tools read.
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return nil, fmt.Errorf("write the list of what is in %s: %w", image.Ref, err)
	}
	return out.Bytes(), nil
}

// visit looks at a file. Distributions inside of others, which have their copies, are not installed.
func (b *bill) visit(h *tar.Header, r io.Reader) error {
	name := path.Clean(strings.TrimPrefix(h.Name, "/"))
	switch {
	case h.Typeflag != tar.TypeReg:
	case path.Base(name) == "METADATA" && strings.HasSuffix(path.Dir(name), ".dist-info"):
		where := path.Dir(path.Dir(name))
		if base := path.Base(where); base != "site-packages" && base != "dist-packages" && path.Dir(where) != strings.TrimPrefix(site, "/") {
			return nil
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if c := distribution(content); c.Name != "" {
			b.distributions = append(b.distributions, c)
		}
	case name == "var/lib/dpkg/status":
		content, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		b.packages = debianPackages(string(content))
	case name == "usr/lib/os-release":
		content, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(content)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			b.system[key] = strings.Trim(value, `"'`)
		}
	}
	return nil
}

// distribution is what the METADATA of an installed distribution says.
func distribution(content []byte) cdx.Component {
	fields := metadata(content)
	name, version := fields.Get("Name"), fields.Get("Version")
	url := address(packageurl.NewPackageURL(packageurl.TypePyPi, "", name, version, nil, ""))
	return cdx.Component{
		BOMRef: url, Type: cdx.ComponentTypeLibrary, Name: name, Version: version, PackageURL: url,
		Licenses: licenses(fields.Get("License-Expression"), fields.Values("Classifier"), fields.Get("License")),
	}
}

// address is a package's URL in the form that its kind is compared in.
func address(p *packageurl.PackageURL) string {
	_ = p.Normalize() // what has no such form stays as it is
	return p.ToString()
}

// maxLicence is the length of a name of a licence; what is longer is its text.
const maxLicence = 100

// licenses are those that a distribution names, in the first form that it has: an SPDX expression, classifiers, free text.
func licenses(expression string, classifiers []string, text string) *cdx.Licenses {
	if expression != "" {
		return &cdx.Licenses{{Expression: expression}}
	}
	var found cdx.Licenses
	for _, c := range classifiers {
		if parts := strings.Split(c, " :: "); parts[0] == "License" && len(parts) > 1 && parts[len(parts)-1] != "OSI Approved" {
			found = append(found, cdx.LicenseChoice{License: &cdx.License{Name: parts[len(parts)-1]}})
		}
	}
	if text = strings.TrimSpace(text); found == nil && text != "" && text != "UNKNOWN" && len(text) <= maxLicence {
		found = cdx.Licenses{{License: &cdx.License{Name: text}}}
	}
	if found == nil {
		return nil
	}
	return &found
}

type debianPackage struct{ name, version, architecture string }

// debianPackages reads dpkg's list of what is installed.
func debianPackages(status string) []debianPackage {
	var list []debianPackage
	for stanza := range strings.SplitSeq(status, "\n\n") {
		fields := map[string]string{}
		for line := range strings.Lines(stanza) {
			if key, value, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(line, " ") {
				fields[key] = strings.TrimSpace(value)
			}
		}
		if strings.HasSuffix(fields["Status"], " installed") {
			list = append(list, debianPackage{fields["Package"], fields["Version"], fields["Architecture"]})
		}
	}
	return list
}

func (p debianPackage) component(system map[string]string) cdx.Component {
	id := cmp.Or(system["ID"], "debian")
	qualifiers := packageurl.QualifiersFromMap(map[string]string{"arch": p.architecture})
	if system["VERSION_ID"] != "" {
		qualifiers = packageurl.QualifiersFromMap(map[string]string{"arch": p.architecture, "distro": id + "-" + system["VERSION_ID"]})
	}
	url := address(packageurl.NewPackageURL(packageurl.TypeDebian, id, p.name, p.version, qualifiers, ""))
	return cdx.Component{BOMRef: url, Type: cdx.ComponentTypeLibrary, Name: p.name, Version: p.version, PackageURL: url}
}
