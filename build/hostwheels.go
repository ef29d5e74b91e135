package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/scratch"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// Files of pip's settings.
const (
	pipConf        = "pip.conf"
	pipConstraints = "constraints.txt"
)

// hostWheels makes wheels in dir of the sources that the layout of a build has, as the stage wheels of the Dockerfile does, but on this machine: by pip, which uv
// gets, in the interpreter python. They must suit the image: a wheel that is not pure Python can be made for this machine's platform and that Python alone. The
// answer has a requirement for each wheel.
func (d Dependencies) hostWheels(ctx context.Context, l layout, python, dir, platform string) ([]string, error) {
	if len(d.sources) == 0 {
		return nil, nil
	}
	sources := filepath.Join(l.dir, "sources")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	settings, remove, err := scratch.New("", "pip")
	if err != nil {
		return nil, err
	}
	defer remove()
	for name, content := range map[string][]byte{pipConf: pipConfig(d.indexes), pipConstraints: []byte("setuptools==" + setuptoolsVersion + "\n")} {
		if err := os.WriteFile(filepath.Join(settings, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	var lists [][]string
	for _, name := range []string{"hashed.txt", "other.txt"} {
		if content, err := os.ReadFile(filepath.Join(sources, name)); err == nil && len(content) > 0 {
			lists = append(lists, []string{"--requirement", filepath.Join(sources, name)})
		}
	}
	local, err := filepath.Glob(filepath.Join(sources, "local", "*"))
	if err != nil {
		return nil, err
	}
	for _, source := range local {
		lists = append(lists, []string{source})
	}
	uv := *d.uv
	uv.host = []string{python}
	for _, list := range lists {
		if err := uv.wheels(ctx, settings, dir, list...); err != nil {
			return nil, ui.WithHint(fmt.Errorf("make wheels of what %s has as sources alone: %w", d.Source, err), "use versions of which the index has wheels")
		}
	}
	made, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil {
		return nil, err
	}
	var requirements []string
	for _, wheel := range made {
		name := filepath.Base(wheel)
		if !d.suits(name, platform) {
			return nil, ui.WithHint(fmt.Errorf("%s was compiled for this machine, %s/%s, and not for the image's %s and Python %s", name, runtime.GOOS, runtime.GOARCH, platform, d.base.Python),
				"build with an engine, or use versions of which the index has wheels")
		}
		parts := strings.SplitN(name, "-", 3)
		requirements = append(requirements, parts[0]+"=="+parts[1])
	}
	return requirements, nil
}

// suits says whether a wheel that was made on this machine can be installed into the image.
func (d Dependencies) suits(wheel, platform string) bool {
	if strings.HasSuffix(wheel, "-none-any.whl") {
		return true
	}
	minor := strings.Join(strings.Split(d.base.Python, ".")[:2], "")
	tags := strings.Split(strings.TrimSuffix(wheel, ".whl"), "-")
	if len(tags) < 5 || platform != runtime.GOOS+"/"+runtime.GOARCH {
		return false
	}
	tags = tags[len(tags)-3:]
	return slices.Contains(strings.Split(tags[0], "."), "cp"+minor) || tags[1] == "abi3" || strings.HasPrefix(tags[0], "py3")
}
