package build

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Push sends an assembled image to a registry, but the layers that the registry has, and sees that the registry has it. progress may be nil.
func (a *Assembler) Push(ctx context.Context, image Image, to Target, r *Registry, progress func(LayerEvent)) (Pushed, error) {
	pushed, err := r.withToken(ctx, func() (Pushed, error) { return a.push(ctx, image, to, r, progress) })
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return Pushed{}, fmt.Errorf("push %s:%s: %w", to.Repository, to.Tag, err)
	}
	return pushed, nil
}

func (a *Assembler) push(ctx context.Context, image Image, to Target, r *Registry, progress func(LayerEvent)) (Pushed, error) {
	content, err := a.store.find(ctx, "image "+image.Ref)
	if err != nil {
		return Pushed{}, err
	}
	if content == nil {
		return Pushed{}, fmt.Errorf("image %s is not on this machine any more", image.Ref)
	}
	return r.send(ctx, content, to, progress)
}

// send puts an image into the registry, but the layers that the registry has, and sees that it is there.
func (r *Registry) send(ctx context.Context, content v1.Image, to Target, progress func(LayerEvent)) (Pushed, error) {
	ref, options, err := r.access(ctx, to.Repository+":"+to.Tag)
	if err != nil {
		return Pushed{}, err
	}
	transport, err := registryTransport(ref)
	if err != nil {
		return Pushed{}, err
	}
	sent := &counter{RoundTripper: transport}
	options = append(options, remote.WithTransport(sent))
	if progress != nil {
		updates := make(chan v1.Update, 16)
		followed := make(chan struct{})
		go func() {
			defer close(followed)
			for u := range updates {
				progress(LayerEvent{State: "Pushing", Done: u.Complete, Total: u.Total})
			}
		}()
		defer func() { <-followed }()
		options = append(options, remote.WithProgress(updates)) // closes it
	}
	if err := remote.Write(ref, content, options...); err != nil {
		return Pushed{}, pushError(err)
	}
	want, err := content.Digest()
	if err != nil {
		return Pushed{}, err
	}
	digest, err := r.head(ctx, ref.String())
	if err != nil {
		return Pushed{}, fmt.Errorf("confirm: %w", err)
	}
	if digest != want {
		return Pushed{}, fmt.Errorf("the registry has %s under this tag, not %s: someone else pushed it", digest, want)
	}
	return Pushed{Ref: to.Repository + "@" + digest.String(), Sent: sent.bytes.Load()}, nil
}

// counter adds up what is sent to a server, in bytes.
type counter struct {
	http.RoundTripper
	bytes atomic.Int64
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.Clone(r.Context())
		r.Body = &countedBody{r.Body, &c.bytes}
	}
	return c.RoundTripper.RoundTrip(r)
}

type countedBody struct {
	io.ReadCloser
	bytes *atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.bytes.Add(int64(n))
	return n, err
}
