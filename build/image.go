package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/containerd/errdefs"
	bkclient "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/util/progress/progressui"
	"github.com/moby/moby/client"
	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"
	"golang.org/x/sync/errgroup"

	"github.com/kedroctl/kedroctl/internal/project"
	"github.com/kedroctl/kedroctl/internal/scratch"
)

// Image is an image in the engine's store.
type Image struct {
	ID       string `json:"id"`  // sha256:…, the engine's
	Ref      string `json:"ref"` // <repository>:<input key>
	InputKey string `json:"input_key"`
	Size     int64  `json:"size"`           // bytes: unpacked in an engine, packed where there is none
	Left     []Left `json:"left,omitempty"` // of the configuration, at its build

	Warnings []string `json:"warnings,omitempty"` // what it lacks, at its build

	Dependencies *Dependencies `json:"dependencies,omitempty"` // at its build
}

// Spec says what image to build.
type Spec struct {
	Project  project.Project
	Snapshot project.Snapshot
	Wheel    Wheel
	InputKey string
	Revision string // of the sources, for the image's label; "" leaves it out

	Dependencies Dependencies // from a [Resolver]
}

// Lookup finds the image of an input key in the engine's store.
func (e *Engine) Lookup(ctx context.Context, p project.Project, key string) (Image, bool, error) {
	ref := localRef(p, key)
	found, err := e.docker.ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		return Image{}, false, nil
	}
	if err != nil {
		return Image{}, false, engineTrouble(fmt.Errorf("look for image %s: %w", ref, err))
	}
	return Image{ID: found.ID, Ref: ref, InputKey: key, Size: found.Size}, true, nil
}

func localRef(p project.Project, key string) string {
	return p.Settings.Image.Repository + ":" + key
}

// Build makes the image in the engine. The context that it sends holds nothing but the wheel, the entry of jobs, the list of dependencies
// and the configuration that may be copied. What the builder tells goes to story, line by line. When ctx ends, the build ends in the engine too.
func (e *Engine) Build(ctx context.Context, s Spec, story io.Writer) (Image, error) {
	dir, remove, err := scratch.New("", "build")
	if err != nil {
		return Image{}, fmt.Errorf("build image: %w", engineTrouble(err))
	}
	defer remove()
	l, err := s.layout(ctx, dir)
	if err != nil {
		return Image{}, fmt.Errorf("build image: lay out the context: %w", engineTrouble(err))
	}
	if err := e.solve(ctx, s, l, story); err != nil {
		return Image{}, fmt.Errorf("build image: %w", engineTrouble(err))
	}
	image, ok, err := e.Lookup(ctx, s.Project, s.InputKey)
	if err == nil && !ok {
		err = fmt.Errorf("build image: the engine has no %s after the build", localRef(s.Project, s.InputKey))
	}
	image.Left, image.Dependencies = l.left, &s.Dependencies
	return image, err
}

// solve builds with what the engine has: BuildKit, or the builder of Podman.
func (e *Engine) solve(ctx context.Context, s Spec, l layout, story io.Writer) error {
	bk, workers, err := e.buildKit(ctx)
	if errors.Is(err, errNoBuildKit) {
		known, err := e.platforms(ctx)
		if err == nil {
			err = checkSteps(s.Project.Settings.Image, known)
		}
		if err != nil {
			return err
		}
		return e.tarBuild(ctx, s, l, story)
	}
	if err != nil {
		return err
	}
	defer bk.Close()
	if err := checkSteps(s.Project.Settings.Image, workerPlatforms(workers)); err != nil {
		return err
	}
	return solveWith(ctx, bk, s, l, story)
}

func solveWith(ctx context.Context, bk *bkclient.Client, s Spec, l layout, story io.Writer) error {
	opt, err := solveOptions(s, l)
	if err != nil {
		return err
	}
	display, err := progressui.NewDisplay(story, progressui.PlainMode)
	if err != nil {
		return err
	}

	watch := watcher{
		logs: map[string]string{}, base: s.Project.Settings.Image.Base, source: l.source, own: s.Project.Settings.Image.Dockerfile != "", indexes: s.Dependencies.indexes,
	}
	status, shown := make(chan *bkclient.SolveStatus), make(chan *bkclient.SolveStatus)
	var group errgroup.Group
	group.Go(func() error {
		_, err := bk.Solve(ctx, nil, opt, status) // closes status
		return err
	})
	group.Go(func() error {
		watch.forward(status, shown)
		return nil
	})
	group.Go(func() error {
		// Not ctx: a display that stops at an interrupt leaves the channel full, and Solve would never return.
		_, err := display.UpdateFrom(context.WithoutCancel(ctx), shown)
		for range shown { // after a failure of the display
		}
		return err
	})
	if err := group.Wait(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return watch.explain(err)
	}
	return nil
}

var errNoBuildKit = errors.New("no BuildKit in this engine")

// buildKit connects to the BuildKit inside the engine, over hijacked connections of its API. Ping does not tell whether there is one: only asking for its
// workers does.
func (e *Engine) buildKit(ctx context.Context) (*bkclient.Client, []*bkclient.WorkerInfo, error) {
	bk, err := bkclient.New(ctx, "",
		bkclient.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return e.docker.DialHijack(ctx, "/grpc", "h2c", nil)
		}),
		bkclient.WithSessionDialer(func(ctx context.Context, proto string, meta map[string][]string) (net.Conn, error) {
			return e.docker.DialHijack(ctx, "/session", proto, meta)
		}))
	if err != nil {
		return nil, nil, fmt.Errorf("connect to BuildKit: %w", err)
	}
	workers, err := bk.ListWorkers(ctx)
	if err != nil {
		bk.Close()
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		return nil, nil, fmt.Errorf("%w: %w", errNoBuildKit, err)
	}
	return bk, workers, nil
}

func solveOptions(s Spec, l layout) (bkclient.SolveOpt, error) {
	src, err := l.context()
	if err != nil {
		return bkclient.SolveOpt{}, err
	}
	var attachables []session.Attachable
	if len(s.Dependencies.secrets) > 0 {
		attachables = append(attachables, secretsprovider.FromMap(s.Dependencies.secrets))
	}
	attrs := map[string]string{"filename": l.dockerfilePath(), "platform": s.Project.Settings.Image.Platform}
	for name, value := range labels(s) {
		attrs["label:"+name] = value
	}
	return bkclient.SolveOpt{
		Frontend:      "dockerfile.v0", // the one inside the engine: nothing is pulled
		FrontendAttrs: attrs,
		LocalMounts:   map[string]fsutil.FS{"context": src, "dockerfile": src},
		Session:       attachables,
		SharedKey:     "kedroctl:" + s.Project.Dir + ":" + s.Project.Settings.Image.Dockerfile, // the engine keeps the last context of it: only what changed is sent
		// The exporter into the engine's own store, which every engine has.
		Exports: []bkclient.ExportEntry{{Type: "moby", Attrs: map[string]string{"name": localRef(s.Project, s.InputKey)}}},
	}, nil
}

// labels are those of the OCI image specification that say something here, and our own.
func labels(s Spec) map[string]string {
	l := map[string]string{
		"org.opencontainers.image.title":     s.Project.Name,
		"org.opencontainers.image.version":   s.Wheel.Version,
		"org.opencontainers.image.base.name": s.Project.Settings.Image.Base,
		"kedroctl.package":                   s.Project.Package,
		"kedroctl.env":                       s.Snapshot.Env,
		"kedroctl.input-key":                 s.InputKey,
		"kedroctl.kedro-version":             s.Snapshot.KedroVersion,
	}
	if _, digest, ok := strings.Cut(s.Dependencies.baseOf(s.Project), "@"); ok {
		l["org.opencontainers.image.base.digest"] = digest
	}
	if revision := strings.TrimSpace(s.Revision); revision != "" {
		l["org.opencontainers.image.revision"] = revision
	}
	return l
}

// contextFS is the build context with owner root: who builds is no part of the image.
func contextFS(dir string) (fsutil.FS, error) {
	src, err := fsutil.NewFS(dir)
	if err != nil {
		return nil, err
	}
	return fsutil.NewFilterFS(src, &fsutil.FilterOpt{Map: func(_ string, stat *fstypes.Stat) fsutil.MapResult {
		stat.Uid, stat.Gid = 0, 0
		return fsutil.MapResultKeep
	}})
}

// tag gives an image of the engine's store another name.
func (e *Engine) tag(ctx context.Context, image Image, ref string) error {
	_, err := e.docker.ImageTag(ctx, client.ImageTagOptions{Source: image.ID, Target: ref})
	return err
}
