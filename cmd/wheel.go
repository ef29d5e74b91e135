package cmd

import (
	"context"

	"github.com/kedroctl/kedroctl/build"
	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// wheelAhead is a wheel that is being made while the project is introspected: nil where none is.
type wheelAhead struct {
	cancel context.CancelFunc
	made   chan struct{} // closed when there is a result
	err    error
}

// packageAhead begins to package where a new image is all but certain: neither the wheel nor the snapshot that were made here last are those of the tree as it is. Whoever
// has no use for the wheel after all calls stop.
func (d *deps) packageAhead(ctx context.Context, p project.Project) *wheelAhead {
	cache := project.Cache{Project: p, Flag: d.flags.python, Getenv: d.getenv}
	if _, _, found := cache.Find(ctx, project.InspectOptions{}); found || d.flags.noCache || p.Settings.Image.Use != "" {
		return nil
	}
	py, err := d.interpreter(ctx, p)
	if err != nil {
		return nil // introspection says so
	}
	if before, fresh := build.FindWheel(p, py.Command); fresh || before.Path == "" {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	a := &wheelAhead{cancel: cancel, made: make(chan struct{})}
	go func() {
		defer close(a.made)
		_, a.err = build.Package(ctx, p, py.Command)
	}()
	return a
}

// stop ends the packaging, and waits until nothing of it goes on.
func (a *wheelAhead) stop() {
	if a != nil {
		a.cancel()
		<-a.made
	}
}

// wheel is the wheel of the project as it is: the one that was made of the same files, or that is being made, or a new one.
func (d *deps) wheel(ctx context.Context, tasks *ui.Tasks, p project.Project, ahead *wheelAhead) (build.Wheel, error) {
	py, err := d.interpreter(ctx, p)
	if err != nil {
		return build.Wheel{}, err
	}
	k := tasks.Start("package")
	if ahead != nil {
		<-ahead.made
	}
	w, fresh := build.FindWheel(p, py.Command)
	switch {
	case fresh && ahead == nil && !d.flags.noCache:
		k.Unchanged("%s %s: made of the same files, sha256 %.12s", w.Name, w.Version, w.SHA256)
	case fresh && ahead != nil && ahead.err == nil:
		k.Done("%s %s, sha256 %.12s, beside the introspection", w.Name, w.Version, w.SHA256)
	default:
		if w, err = build.Package(ctx, p, py.Command); err != nil {
			k.Failed()
			return build.Wheel{}, err
		}
		k.Done("%s %s, sha256 %.12s", w.Name, w.Version, w.SHA256)
	}
	exposed, err := w.Exposed()
	d.tellExposed("the wheel", exposed)
	if err != nil {
		return w, err
	}
	lacking, err := w.Lacks(p)
	d.tellLacking(lacking)
	return w, err
}
