package build

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"text/template"

	"github.com/distribution/reference"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/templates"
)

// site is where the image keeps what Python imports.
const site = "/srv/kedro"

// confRoot is the configuration in the image; jobs name it with --conf-source.
const confRoot = "/app/conf"

// uvPlatforms are the platforms that dependencies can be installed for, as uv calls them. Wheels for glibc 2.28 run on every Debian since 10.
var uvPlatforms = map[string]string{
	"linux/amd64": "x86_64-manylinux_2_28",
	"linux/arm64": "aarch64-manylinux_2_28",
}

var (
	packageName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)
	systemPackage = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?(=[A-Za-z0-9.+:~-]+)?$`)
)

// dockerfile is what the template is filled with.
type dockerfile struct {
	Package, Env, Base, Site, Conf, Logging string
	UVPlatform                              string
	UVLock                                  bool
	SystemPackages                          []string
}

// renderDockerfile fills in the Dockerfile. What it takes from settings is checked: the text must not be able to add instructions.
func renderDockerfile(p project.Project, uvLock bool) (string, error) {
	image := p.Settings.Image
	d := newDockerfile(p)
	d.UVPlatform, d.UVLock, d.SystemPackages = uvPlatforms[image.Platform], uvLock, image.SystemPackages
	if err := d.check(image.Platform); err != nil {
		return "", err
	}
	t, err := template.New("Dockerfile").Parse(templates.Dockerfile())
	if err != nil {
		return "", err
	}
	var out strings.Builder
	if err := t.Execute(&out, d); err != nil {
		return "", err
	}
	return out.String(), nil
}

// newDockerfile has what every Dockerfile needs.
func newDockerfile(p project.Project) dockerfile {
	d := dockerfile{Package: p.Package, Env: p.Env, Base: p.Settings.Image.Base, Site: site, Conf: confRoot, Logging: path.Join(site, "boot", templates.BootLogging)}
	if p.Settings.Image.Logging == "project" {
		d.Logging = path.Join(confRoot, "logging.yml")
	}
	return d
}

func (d dockerfile) check(platform string) error {
	if !packageName.MatchString(d.Package) {
		return fmt.Errorf("package_name %q is no name of a Python package", d.Package)
	}
	if strings.ContainsAny(d.Env, "\r\n") {
		return fmt.Errorf("environment %q has a line break in its name", d.Env)
	}
	if _, err := reference.ParseNormalizedNamed(d.Base); err != nil {
		return fmt.Errorf("image.base %q: %w", d.Base, err)
	}
	if d.UVPlatform == "" {
		return fmt.Errorf("image.platform %q: only linux/amd64 and linux/arm64 are possible", platform)
	}
	for _, name := range d.SystemPackages {
		if !systemPackage.MatchString(name) {
			return fmt.Errorf("image.system_packages: %q is no name of a Debian package", name)
		}
	}
	return nil
}
