package build

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/distribution/reference"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/templates"
)

// site is where the image keeps what Python imports.
const site = "/srv/kedro"

// appDir is the working directory of jobs in the image.
const appDir = "/app"

// confRoot is the configuration in the image; jobs name it with --conf-source.
const confRoot = "/app/conf"

// How many layers the dependencies have: of large distributions, which change rarely, and of small ones after them. More would be pulled no faster, fewer
// would send more after a change.
const largeLayers, smallLayers = 4, 2

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

	Variables      []string // of jobs, NAME=value
	Command        []string
	UVPlatform     string
	UVVersion      string
	Setuptools     string // version that makes wheels
	Secrets        string // mounts of them
	Sources, Git   bool   // whether wheels are made of sources, and some of these come from repositories
	SystemPackages []string
	Large, Small   int   // how many layers of large and of small distributions
	Layers         []int // their numbers
	Whole          bool  // nothing is left out of the dependencies
}

// layerNumbers are those of the layers of dependencies.
func layerNumbers() []int {
	numbers := make([]int, largeLayers+smallLayers)
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}

// newDockerfile has what every image of the project has, whichever way it is made.
func newDockerfile(p project.Project) dockerfile {
	logging := path.Join(site, "boot", templates.BootLogging)
	if p.Settings.Image.Logging == "project" {
		logging = path.Join(confRoot, "logging.yml")
	}
	return dockerfile{
		Package: p.Package, Env: p.Env, Base: p.Settings.Image.Base, Site: site, Conf: confRoot, Logging: logging,
		UVVersion: uvVersion, Setuptools: setuptoolsVersion, UVPlatform: uvPlatforms[p.Settings.Image.Platform], SystemPackages: p.Settings.Image.SystemPackages,
		Large: largeLayers, Small: smallLayers, Layers: layerNumbers(), Whole: !p.Settings.Image.Slim,
		Variables: []string{
			"KEDROCTL_PACKAGE=" + p.Package, "KEDRO_LOGGING_CONFIG=" + logging, "DO_NOT_TRACK=1", "PYTHONUNBUFFERED=1", "COLUMNS=200", "HOME=/var/tmp",
			"PYTHONPATH=" + site + "/project:" + site + "/boot:" + site + "/dependencies",
			"PATH=" + site + "/project/bin:" + site + "/dependencies/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		},
		Command: []string{"python", "-m", "kedroctl_boot"},
	}
}

// renderDockerfile fills in the Dockerfile. What it takes from settings is checked: the text must not be able to add instructions.
func renderDockerfile(p project.Project, deps Dependencies) (string, error) {
	d := newDockerfile(p)
	d.Base, d.Secrets = deps.baseOf(p), deps.secretMounts()
	d.Sources, d.Git = len(deps.sources) > 0, slices.ContainsFunc(deps.sources, func(s source) bool { return s.Git })
	if err := d.check(p.Settings.Image.Platform); err != nil {
		return "", err
	}
	t, err := template.New("Dockerfile").Funcs(template.FuncMap{"json": jsonText}).Parse(templates.Dockerfile())
	if err != nil {
		return "", err
	}
	var out strings.Builder
	if err := t.Execute(&out, d); err != nil {
		return "", err
	}
	return out.String(), nil
}

// jsonText is the form that CMD wants.
func jsonText(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
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
