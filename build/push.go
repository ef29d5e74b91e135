package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"

	"github.com/kedroctl/kedroctl/internal/engine"
	"github.com/kedroctl/kedroctl/internal/ui"
)

// Target is where an image goes.
type Target struct {
	Repository string // URI, as ECR names it
	Tag        string // the input key
}

// Pushed is an image in a registry.
type Pushed struct {
	Ref  string // repository@sha256:…
	Sent int64  // bytes that travelled: compressed layers that the registry had not, and the manifest; -1 where the engine does not tell of layers

	Apart bool // the engine is not on this machine, and did not get to the registry: the image went through this process
}

// LayerEvent is the progress of one layer of a push. Done and Total are bytes, 0 where the engine does not say.
type LayerEvent struct {
	Layer, State string
	Done, Total  int64
}

// Push sends an image to a registry and sees that the registry has it. The engine does that, unless it does not reach the registry: then the image is
// sent from here. progress may be nil.
func (e *Engine) Push(ctx context.Context, image Image, to Target, r *Registry, progress func(LayerEvent)) (Pushed, error) {
	reach, err := e.reach(ctx, to.Repository)
	var pushed Pushed
	switch {
	case err != nil:
	case reach == engine.Direct:
		pushed, err = r.withToken(ctx, func() (Pushed, error) { return e.pushDirect(ctx, image, to, r, progress) })
	default:
		pushed, err = r.withToken(ctx, func() (Pushed, error) { return e.pushSaved(ctx, image, to, r, progress) })
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return Pushed{}, fmt.Errorf("push %s:%s: %w", to.Repository, to.Tag, engineTrouble(err))
	}
	pushed.Apart = reach == engine.Apart
	return pushed, nil
}

// pushDirect has the engine push.
func (e *Engine) pushDirect(ctx context.Context, image Image, to Target, r *Registry, progress func(LayerEvent)) (Pushed, error) {
	ref := to.Repository + ":" + to.Tag
	pushed, err := e.push(ctx, image, ref, r, progress)
	if err != nil {
		return Pushed{}, err
	}
	digest, err := r.head(ctx, ref)
	if err != nil {
		return Pushed{}, fmt.Errorf("confirm: %w", err)
	}
	if digest.String() != pushed.digest {
		return Pushed{}, fmt.Errorf("the registry has %s under this tag, not %s: someone else pushed it", digest, pushed.digest)
	}
	sent := int64(-1)
	if pushed.told {
		if sent, err = r.sent(ctx, to.Repository+"@"+pushed.digest, pushed.layers); err != nil {
			return Pushed{}, fmt.Errorf("confirm: %w", err)
		}
	}
	return Pushed{Ref: to.Repository + "@" + pushed.digest, Sent: sent}, nil
}

func (e *Engine) push(ctx context.Context, image Image, ref string, r *Registry, progress func(LayerEvent)) (stream, error) {
	if err := e.tag(ctx, image, ref); err != nil {
		return stream{}, err
	}
	auth, err := authconfig.Encode(registry.AuthConfig{Username: r.user, Password: r.password})
	if err != nil {
		return stream{}, err
	}
	answer, err := e.docker.ImagePush(ctx, ref, client.ImagePushOptions{RegistryAuth: auth})
	if err != nil {
		return stream{}, err
	}
	defer answer.Close()
	return readStream(answer.JSONMessages(ctx), progress)
}

// stream is what the engine says of a push.
type stream struct {
	digest string
	layers map[string]bool // short ids of the layers that travelled
	told   bool            // of any layer, as Podman does not
}

var digestLine = regexp.MustCompile(`^\S+: digest: (sha256:[0-9a-f]{64}) size: \d+`)

// readStream follows a push. Errors come as messages, not as the call's error.
func readStream(messages iter.Seq2[jsonstream.Message, error], progress func(LayerEvent)) (stream, error) {
	s := stream{layers: map[string]bool{}}
	for m, err := range messages {
		if err != nil {
			return s, err
		}
		if m.Error != nil {
			return s, pushError(errors.New(m.Error.Message))
		}
		s.read(m)
		if progress != nil && m.ID != "" {
			progress(layerEvent(m))
		}
	}
	if s.digest == "" {
		return s, errors.New("the engine ended without naming a digest")
	}
	return s, nil
}

// read looks for a digest, which engines with a graph driver give as auxiliary data too, but all in a status line, and for layers that were sent.
func (s *stream) read(m jsonstream.Message) {
	var aux struct{ Digest string }
	if m.Aux != nil && json.Unmarshal(*m.Aux, &aux) == nil && aux.Digest != "" {
		s.digest = aux.Digest
	}
	if found := digestLine.FindStringSubmatch(strings.TrimSpace(m.Status)); found != nil {
		s.digest = found[1]
	}
	s.told = s.told || m.ID != ""
	if m.ID != "" && m.Status == "Pushed" {
		s.layers[m.ID] = true
	}
}

func layerEvent(m jsonstream.Message) LayerEvent {
	event := LayerEvent{Layer: m.ID, State: m.Status}
	if m.Progress != nil {
		event.Done, event.Total = m.Progress.Current, m.Progress.Total
	}
	return event
}

func pushError(err error) error {
	switch message := strings.ToLower(err.Error()); {
	case strings.Contains(message, "does not exist"), strings.Contains(message, "name unknown"), strings.Contains(message, "name_unknown"):
		return ui.WithHint(err, "run 'kedroctl provision' to make the repository")
	case strings.Contains(message, "unauthorized"), strings.Contains(message, "no basic auth"), strings.Contains(message, "denied"):
		return ui.WithHint(err, "the credentials need ecr:GetAuthorizationToken and the rights to push for this repository")
	case strings.Contains(message, "http status: 5"), strings.Contains(message, "connection reset"), strings.Contains(message, "eof"):
		return ui.WithHint(err, "run the same command again: layers that have arrived are not sent again")
	}
	return err
}

// sent adds up what a push sent: the manifest, the image's configuration, and the compressed layers whose ids the engine named. An engine with a graph
// driver names layers by their unpacked content, one with a containerd store by the packed one.
func (r *Registry) sent(ctx context.Context, image string, layers map[string]bool) (int64, error) {
	ref, options, err := r.access(ctx, image)
	if err != nil {
		return 0, err
	}
	remoteImage, err := remote.Image(ref, options...)
	if err != nil {
		return 0, err
	}
	manifest, err := remoteImage.Manifest()
	if err != nil {
		return 0, err
	}
	config, err := remoteImage.ConfigFile()
	if err != nil {
		return 0, err
	}
	size, err := remoteImage.Size()
	if err != nil || len(layers) == 0 {
		return size, err
	}
	size += manifest.Config.Size
	for i, layer := range manifest.Layers {
		if layers[short(layer.Digest)] || i < len(config.RootFS.DiffIDs) && layers[short(config.RootFS.DiffIDs[i])] {
			size += layer.Size
		}
	}
	return size, nil
}

// short is how engines abbreviate a digest.
func short(h v1.Hash) string {
	return h.Hex[:min(12, len(h.Hex))]
}
