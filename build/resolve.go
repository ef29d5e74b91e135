package build

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/scratch"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// Dependencies are what an image has installed besides the project: one version of each distribution.
type Dependencies struct {
	Source  string   `json:"source"`             // file that fixes them, relative to the project
	LeftOut []string `json:"left_out,omitempty"` // distributions in it that the image does not get: tools, excluded ones, and what only they need
	Count   int      `json:"count"`              // of distributions that the image gets
	Made    bool     `json:"-"`                  // whether they have been resolved just now

	pins    []pin
	options []string // lines of a requirements file for the installer
	sources []source // the pins of these names or paths are made into wheels first
	indexes []index
	secrets map[string][]byte // for steps of the build, by the id of the mount
	uv      *resolver         // its directory for files is gone
	base    Base
}

// Base is what is known of a base image.
type Base struct {
	Python string // 3.12, or with the patch level
	Digest string // sha256:…, by which registries know it; "" where it has been in none
}

// Resolver finds or makes what fixes the dependencies of an image.
type Resolver struct {
	Project project.Project
	Host    []string                            // the project's interpreter
	Getenv  func(name string) string            // as os.Getenv
	Base    func(context.Context) (Base, error) // of the image's base; nil: its tag says its Python
	Upgrade bool                                // resolve again though nothing has changed
}

// Resolve gives the dependencies of the project's image. They come from the lock that the settings name, requirements.lock or uv.lock, which must fit what
// the project declares; else from [project.OwnLock], which is made where it is missing, where what it was made of has changed, or by Upgrade. One that somebody
// has edited is used while it fits, and overwritten by Upgrade alone. A Dockerfile of the project's own that does not copy them brings its own dependencies.
func (r Resolver) Resolve(ctx context.Context) (Dependencies, error) {
	if wanted, err := wantsDependencies(r.Project); err != nil || !wanted {
		return Dependencies{Source: r.Project.Settings.Image.Dockerfile}, err
	}
	d, err := findDependencies(r.Project)
	if err != nil {
		return Dependencies{}, err
	}
	if r.Upgrade && d.kind != ownKind {
		return Dependencies{}, ui.WithHint(fmt.Errorf("resolve dependencies: %s fixes them, which is not kedroctl's to upgrade", d.source), "make it anew: "+d.remedy())
	}
	temp, remove, err := scratch.New("", "resolve")
	if err != nil {
		return Dependencies{}, fmt.Errorf("resolve dependencies: %w", err)
	}
	defer remove()
	w := &resolution{Resolver: r, declared: d, temp: temp}
	deps, err := w.dependencies(ctx)
	if err != nil {
		return deps, fmt.Errorf("resolve dependencies: %w", err)
	}
	return deps, nil
}

// resolution is one call of Resolve.
type resolution struct {
	Resolver
	declared declared
	temp     string
	uv       *resolver // found on first use
	base     *Base     // as well
}

func (w *resolution) dependencies(ctx context.Context) (Dependencies, error) {
	deps := Dependencies{Source: w.declared.source, options: w.declared.options}
	pins, err := w.pins(ctx, &deps)
	if err != nil {
		return deps, err
	}
	keep, err := w.kept(ctx)
	if err != nil {
		return deps, err
	}
	deps.pins, deps.LeftOut = leaveOut(readPins(pins), normalised(w.Project.Settings.Image.Exclude), func(name string) bool { return keep[name] })
	deps.Count = len(deps.pins)
	if deps.indexes, err = w.indexes(); err != nil {
		return deps, err
	}
	if deps.sources, err = w.sources(ctx, deps); err != nil {
		return deps, err
	}
	machines, err := readNetrc(w.Getenv)
	if err != nil {
		return deps, err
	}
	deps.uv, deps.base = w.uv, *w.base
	if deps.secrets, err = deps.buildSecrets(machines); err != nil {
		return deps, err
	}
	return deps, deps.checkSources()
}

// pins is the requirements file that fixes everything.
func (w *resolution) pins(ctx context.Context, deps *Dependencies) (string, error) {
	switch w.declared.kind {
	case uvLock:
		text, err := w.exported(ctx)
		return text + w.boot(text), err
	case flatLock:
		text := w.declared.text
		text += w.boot(text)
		return text, w.checkFlat(ctx, text)
	}
	deps.Source = project.OwnLock
	return w.own(ctx, deps)
}

// lockedBoot is what the entry of jobs needs and locks need not have: it needs nothing itself.
const lockedBoot = "cloudpickle==3.1.3 " +
	"--hash=sha256:1654f4f18e416447210a63c5c25a135d65a292156aa5fa519dfa4baf7726dddb " +
	"--hash=sha256:cbe9fde14429a5db009ea05ce94e5182cf998c97b96918d50c10f73f9c2f4f33\n"

func (w *resolution) boot(pins string) string {
	if slices.ContainsFunc(readPins(pins), func(p pin) bool { return p.name == "cloudpickle" }) {
		return ""
	}
	return "\n" + lockedBoot
}

// exported is what uv.lock fixes.
func (w *resolution) exported(ctx context.Context) (string, error) {
	uv, err := w.tool(ctx)
	if err != nil {
		return "", err
	}
	text, err := uv.export(ctx, w.declared)
	if err != nil && strings.Contains(err.Error(), "needs to be updated") {
		return "", ui.WithHint(fmt.Errorf("%s is older than what pyproject.toml declares", w.declared.source), "run 'uv lock'")
	}
	return text, err
}

// checkFlat sees that a lock which says nothing of what it was made of fits what is declared, and lacks nothing.
func (w *resolution) checkFlat(ctx context.Context, pins string) error {
	if err := w.findBase(ctx); err != nil {
		return err
	}
	d := w.declared
	d.requirements = slices.Concat(w.Project.Dependencies, bootRequires)
	for _, p := range readPins(pins) {
		d.requirements = append(d.requirements, p.line)
	}
	var whole string
	err := w.remember(&whole, func() error {
		uv, err := w.tool(ctx)
		if err != nil {
			return err
		}
		whole, err = uv.compile(ctx, d, "")
		return err
	}, "check", d.requirements, d.constraints, d.excludes, d.options, w.base.Python, w.Project.Settings.Image.Platform)
	remedy := "make it anew: " + d.remedy()
	if err != nil {
		return ui.WithHint(fmt.Errorf("%s does not fit what the project declares: %w", d.source, err), remedy)
	}
	has := map[string]bool{}
	for _, p := range readPins(pins) {
		has[p.name] = true
	}
	for _, p := range readPins(whole) {
		if !has[p.name] && p.name != "" {
			return ui.WithHint(fmt.Errorf("%s lacks %s, which %s", d.source, p.name, wantedBy(p)), remedy)
		}
	}
	return nil
}

// wantedBy says what wants a distribution that a lock lacks.
func wantedBy(p pin) string {
	for _, by := range p.via {
		if !strings.HasPrefix(by, "-") {
			return by + " needs"
		}
	}
	return "the project declares"
}

// own is what kedroctl's own lock fixes, made anew where it has to be.
func (w *resolution) own(ctx context.Context, deps *Dependencies) (string, error) {
	l, found, err := readOwnLock(w.Project.Dir)
	if err != nil {
		return "", err
	}
	sum, err := w.declared.sum(w.Project)
	if err != nil {
		return "", err
	}
	image := w.Project.Settings.Image
	name, digest, _ := strings.Cut(image.Base, "@")
	sameBase := l.Base == name && (digest == "" || digest == l.Digest) && (image.Python == "" || image.Python == l.Python)
	same := found && l.Declared == sum && l.Platform == image.Platform
	if same && sameBase && !w.Upgrade {
		w.base = &Base{Python: l.Python, Digest: l.Digest}
		return l.Pins, nil
	}
	uv, err := w.tool(ctx)
	if err != nil {
		return "", err
	}
	next := ownLock{Declared: sum, Base: name, Digest: w.base.Digest, Python: w.base.Python, Platform: image.Platform, Pins: l.Pins}
	if !same || l.Python != next.Python || w.Upgrade {
		if found && l.edited && !w.Upgrade {
			return "", ui.WithHint(fmt.Errorf("%s has been edited, and what it was made of has changed since", project.OwnLock),
				"'kedroctl build --upgrade' makes it anew; call it requirements.lock to keep it as it is")
		}
		before := l.Pins
		if w.Upgrade {
			before = ""
		}
		if next.Pins, err = uv.compile(ctx, w.declared, before); err != nil {
			return "", ui.WithHint(fmt.Errorf("%s for %s and Python %s: %w", w.declared.source, image.Platform, next.Python, err),
				"correct the dependencies, or leave out a distribution with [tool.kedroctl.image] exclude")
		}
		deps.Made = true
	} else if l.edited { // another base with the same Python: what somebody wrote stays
		return l.Pins, nil
	}
	return next.Pins, next.write(w.Project.Dir)
}

// sources are the pins that the image's index has no wheel of. That is remembered, so that a build needs the index only where something is new.
func (w *resolution) sources(ctx context.Context, deps Dependencies) ([]source, error) {
	if err := w.findBase(ctx); err != nil {
		return nil, err
	}
	var found []source
	err := w.remember(&found, func() error {
		uv, err := w.tool(ctx)
		if err != nil {
			return err
		}
		found, err = uv.sources(ctx, string(deps.requirements(nil)), deps.options)
		return err
	}, "sources", deps.options, lines(deps.pins), w.base.Python, w.Project.Settings.Image.Platform, w.Project.Dir)
	if err == nil && len(found) > 0 {
		_, err = w.tool(ctx) // which makes archives or wheels of them
	}
	return found, err
}

// remember fills value by find, or with what it has found for the same inputs before, in the user's cache directory.
func (w *resolution) remember(value any, find func() error, inputs ...any) error {
	h := project.NewDigest()
	if err := h.Add(inputs...); err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return find()
	}
	file := filepath.Join(cache, "kedroctl", "resolved", h.Sum()+".json")
	if content, err := os.ReadFile(file); err == nil && json.Unmarshal(content, value) == nil {
		return nil
	}
	if err := find(); err != nil {
		return err
	}
	content, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), writeWhole(file, content))
}

// writeWhole writes a file that others may read at the same time.
func writeWhole(file string, content []byte) error {
	part, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	_, err = part.Write(content)
	if err = errors.Join(err, part.Chmod(0o644), part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), file)
}

// tool is uv, for the image's platform and Python.
func (w *resolution) tool(ctx context.Context) (*resolver, error) {
	if w.uv != nil {
		return w.uv, nil
	}
	if err := w.findBase(ctx); err != nil {
		return nil, err
	}
	program, err := FindUV(ctx, w.Project.Dir, w.Getenv)
	if err != nil {
		return nil, err
	}
	list, err := w.indexes()
	w.uv = &resolver{
		uv: program, dir: w.Project.Dir, host: w.Host, python: w.base.Python, platform: uvPlatforms[w.Project.Settings.Image.Platform], indexes: list, temp: w.temp,
	}
	return w.uv, err
}

func (w *resolution) findBase(ctx context.Context) error {
	if w.base != nil {
		return nil
	}
	image := w.Project.Settings.Image
	base, err := Base{Python: taggedPython(image.Base)}, error(nil)
	if w.Base != nil {
		base, err = w.Base(ctx)
	}
	if base.Python = cmp.Or(image.Python, base.Python); base.Python == "" {
		if ui.Hint(err) != "" {
			return err
		}
		return ui.WithHint(errors.Join(fmt.Errorf("the Python of the base image %s is not known", image.Base), err),
			"say it in pyproject.toml: [tool.kedroctl.image] python = \"3.12\"")
	}
	w.base = &base
	return nil
}

func (w *resolution) indexes() ([]index, error) {
	return findIndexes(w.Project.Dir, w.Getenv, w.declared.indexes...)
}

// kept are the distributions that stay whatever they are: by the settings, and those that the sources import.
func (w *resolution) kept(ctx context.Context) (map[string]bool, error) {
	keep := map[string]bool{}
	for _, name := range normalised(w.Project.Settings.Image.Keep) {
		keep[name] = true
	}
	modules, err := project.Imports(w.Project)
	if err != nil {
		return nil, err
	}
	for _, module := range modules {
		keep[project.DistributionName(module)] = true
	}
	if len(w.Host) == 0 {
		return keep, nil
	}
	names, err := project.Python{Command: w.Host}.Distributions(ctx, modules)
	for _, name := range names {
		keep[project.DistributionName(name)] = true
	}
	return keep, err
}

func normalised(names []string) []string {
	var list []string
	for _, name := range names {
		list = append(list, project.DistributionName(name))
	}
	return list
}

func lines(pins []pin) []string {
	var list []string
	for _, p := range pins {
		list = append(list, p.line)
	}
	return list
}

// baseOf is the base image of a project, by the digest that goes with the dependencies, where that is known.
func (d Dependencies) baseOf(p project.Project) string {
	base := p.Settings.Image.Base
	if d.base.Digest == "" || strings.Contains(base, "@") {
		return base
	}
	return base + "@" + d.base.Digest
}

// requirements is a requirements file of the pins that which chooses, nil for all.
func (d Dependencies) requirements(which func(pin) bool) []byte {
	var list []string
	for _, p := range d.pins {
		if which == nil || which(p) {
			list = append(list, p.line)
		}
	}
	return joined(list)
}
