package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/dustin/go-humanize"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
	"github.com/kedroctl/kedroctl/provision"
)

// image is the image of the project in the registry: found there, or packaged, built, tried and pushed.
func (t *target) image(ctx context.Context, tasks *ui.Tasks, repository func() (provision.Repository, error)) (string, error) {
	registry, err := build.Login(ctx, t.ecr)
	if err != nil {
		return "", err
	}
	ref, found, err := t.find(ctx, registry)
	if err != nil {
		return "", err
	}
	if found && !t.upgrade {
		return ref, t.tellFound(ctx, tasks, registry, ref)
	}
	b, end, err := t.builder(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	if err := t.resolve(ctx, tasks, b); err != nil {
		return "", err
	}
	if ref, found, err = t.find(ctx, registry); err != nil {
		return "", err
	}
	if found { // what was resolved just now, on another machine
		return ref, t.tellFound(ctx, tasks, registry, ref)
	}
	built, err := t.build(ctx, tasks, b)
	if err != nil {
		return "", err
	}
	to, err := repository()
	if err != nil {
		return "", errTold
	}
	return t.push(ctx, tasks, b, registry, built, to.URI)
}

// tellFound tells of an image that the registry has.
func (t *target) tellFound(ctx context.Context, tasks *ui.Tasks, registry *build.Registry, ref string) error {
	tasks.Start("image").Unchanged("the registry has it, of the same inputs: %s", ref)
	if err := t.tellPushedSBOM(ctx, tasks, registry, ref); err != nil {
		return err
	}
	return t.tellConfig()
}

// find looks for the image of the project as it is in the registry. Without a repository there is none.
func (t *target) find(ctx context.Context, registry *build.Registry) (string, bool, error) {
	repository, err := provision.FindRepository(ctx, t.clients, t.spec)
	if errors.Is(err, provision.ErrNotProvisioned) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	return registry.Find(ctx, repository.URI, t.key)
}

// build is the image of the project on this machine, which may have it already, after it has been tried. Its dependencies are resolved.
func (t *target) build(ctx context.Context, tasks *ui.Tasks, b builder) (build.Image, error) {
	image, found, err := b.Lookup(ctx, t.project, t.key)
	if err != nil {
		return build.Image{}, err
	}
	if found {
		tasks.Start("build").Unchanged("made before, of the same inputs: %s", image.Ref)
		image.Dependencies = &t.fixed
		if image.Left, err = build.LeftOut(t.project, t.snapshot); err != nil {
			return image, err
		}
	} else if image, err = t.newImage(ctx, tasks, b); err != nil {
		return build.Image{}, err
	}
	if err := t.tellConfig(); err != nil {
		return build.Image{}, err
	}
	if err := t.smoke(ctx, tasks, b, image); err != nil {
		return image, err
	}
	return image, t.tellSBOM(tasks, func() ([]byte, error) { return b.SBOM(ctx, image) })
}

// newImage packages the project and builds its image.
func (t *target) newImage(ctx context.Context, tasks *ui.Tasks, b builder) (build.Image, error) {
	w, err := t.wheel(ctx, tasks, t.project, t.ahead)
	if err != nil {
		return build.Image{}, err
	}
	k := tasks.Start("build")
	lines := &lineWriter{line: func(l string) {
		t.term.Detail("%s", l)
		k.Update("%s", l)
	}}
	image, err := b.Build(ctx, build.Spec{
		Project: t.project, Snapshot: t.snapshot, Wheel: w, InputKey: t.key, Revision: t.revision(), Dependencies: t.fixed,
	}, lines)
	if err != nil {
		k.Failed()
		return build.Image{}, err
	}
	k.Done("%s, %s", image.Ref, humanize.Bytes(uint64(image.Size)))
	for _, w := range image.Warnings {
		t.term.Warn("%s", w)
	}
	t.made = w
	return image, nil
}

// tellConfig warns of configuration that the image has not, and of what in it looks like a secret. An image that is there already is no better than a
// new one.
func (t *target) tellConfig() error { return t.tellConfigOf("the image", t.project, t.snapshot) }

func (d *deps) tellConfigOf(what string, p project.Project, s project.Snapshot) error {
	if err := d.tellLeftOut(what, p, s); err != nil {
		return err
	}
	exposed, err := build.Exposed(p, s)
	d.tellExposed(what, exposed)
	return err
}

// tellLeftOut warns of configuration that an image or archive has not, though jobs may miss it.
func (d *deps) tellLeftOut(what string, p project.Project, s project.Snapshot) error {
	left, err := build.LeftOut(p, s)
	for _, l := range left {
		d.term.Warn("%s stays out of %s: %s", l.Path, what, l.Reason)
	}
	return err
}

// tellExposed warns of what looks like a secret in something that others can read.
func (d *deps) tellExposed(where string, exposed []build.Exposure) {
	for _, e := range exposed {
		d.term.Warn("%s is in %s: %s", e.Path, where, e.Reason)
	}
	if len(exposed) > 0 {
		d.term.Hint("name secrets in [tool.kedroctl.job] secrets, and write ${oc.env:NAME} in conf/%s/credentials.yml", d.proj.Env)
	}
}

func (t *target) smoke(ctx context.Context, tasks *ui.Tasks, b builder, image build.Image) error {
	k := tasks.Start("try")
	engine, ok := b.(*build.Engine)
	if !ok {
		k.Skipped("no engine to run the image in: the first job of a run shows whether it works")
		return nil
	}
	platform := t.project.Settings.Image.Platform
	runs, err := engine.Runs(ctx, platform)
	if err != nil {
		k.Failed()
		return err
	}
	if !runs {
		k.Skipped("the engine runs no programs for %s: the first job of a run shows whether the image works", platform)
		return nil
	}
	again := false
	if t.made.SHA256 != "" && !t.flags.noCache {
		again, err = engine.SmokeBuilt(ctx, image, t.snapshot, t.project, t.made)
	} else {
		err = engine.Smoke(ctx, image, t.snapshot, t.project.Settings)
	}
	if err != nil {
		k.Failed()
		return err
	}
	if again {
		k.Done("the image has the same datasets, and the code of one that was tried before")
	} else {
		k.Done("the image has the same pipelines, nodes and datasets")
	}
	return nil
}

func (t *target) push(ctx context.Context, tasks *ui.Tasks, b builder, registry *build.Registry, image build.Image, uri string) (string, error) {
	k := tasks.Start("push")
	layers := &layerProgress{done: map[string]build.LayerEvent{}}
	pushed, err := b.Push(ctx, image, build.Target{Repository: uri, Tag: t.key}, registry, func(e build.LayerEvent) {
		k.Update("%s", layers.add(e))
	})
	if err != nil {
		k.Failed()
		return "", err
	}
	if pushed.Sent < 0 {
		k.Done("%s", pushed.Ref)
	} else {
		k.Done("%s sent, %s", humanize.Bytes(uint64(pushed.Sent)), pushed.Ref)
	}
	if pushed.Apart {
		t.term.Warn("the engine is not on this machine: its jobs reach the embedded AWS by an address of this machine, where its keys are all that keeps others out")
	}
	return pushed.Ref, nil
}

// layerProgress sums up the layers of a push.
type layerProgress struct {
	mu   sync.Mutex
	done map[string]build.LayerEvent
}

func (p *layerProgress) add(e build.LayerEvent) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	// The last word on a layer has no bytes, and an engine may send a little more than it said.
	e.Total = max(e.Total, p.done[e.Layer].Total)
	e.Done = min(max(e.Done, p.done[e.Layer].Done), e.Total)
	if e.State == "Pushed" {
		e.Done = e.Total
	}
	p.done[e.Layer] = e
	var done, total int64
	for _, l := range p.done {
		done, total = done+l.Done, total+l.Total
	}
	if e.Layer == "" { // all of them in one
		return fmt.Sprintf("%s of %s", humanize.Bytes(uint64(done)), humanize.Bytes(uint64(total)))
	}
	return fmt.Sprintf("%s of %s, %s", humanize.Bytes(uint64(done)), humanize.Bytes(uint64(total)), count(len(p.done), "layer"))
}

// lineWriter hands each whole line that is written to it on.
type lineWriter struct {
	mu   sync.Mutex
	rest []byte
	line func(string)
}

func (w *lineWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, b...)
	for {
		line, rest, ok := bytes.Cut(w.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		if text := strings.TrimSpace(string(line)); text != "" {
			w.line(text)
		}
		w.rest = rest
	}
}
