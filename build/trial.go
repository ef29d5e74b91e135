package build

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	"github.com/kedroctl/kedroctl/internal/project"
)

// tried is what is known of the last image that passed its smoke test here.
type tried struct {
	Key    string   `json:"key"`    // of all that its code was made of and ran with
	Layers []string `json:"layers"` // diffIDs of the whole image
}

// ownLayers are how many of an image's last layers hold what is the project's own, and thus follow from the key: entry of jobs, project, configuration.
const ownLayers = 3

// covers says whether another image has the same code with the same dependencies, and thus differs in its configuration at most.
func (t tried) covers(o tried) bool {
	n := len(t.Layers)
	return t.Key != "" && t.Key == o.Key && n > ownLayers && n == len(o.Layers) && slices.Equal(t.Layers[:n-ownLayers], o.Layers[:n-ownLayers])
}

// SmokeBuilt is [Engine.Smoke] for an image that was just built from a wheel. Where an image with the same layers below, made of the same wheel, has passed
// before, and the code registers its pipelines whatever the configuration says, the code is not imported again: again says so.
func (e *Engine) SmokeBuilt(ctx context.Context, image Image, want project.Snapshot, p project.Project, w Wheel) (again bool, err error) {
	now, err := e.trial(ctx, image, want, p, w)
	if err != nil {
		return false, err
	}
	var last tried
	if text, err := os.ReadFile(triedFile(p)); err == nil {
		_ = json.Unmarshal(text, &last) // what cannot be read covers nothing
	}
	again = want.FixedPipelines && last.covers(now)
	var known map[string]project.Pipeline
	if again {
		known = want.Pipelines
	}
	if err := e.smoke(ctx, image, want, p.Settings, known); err != nil {
		return again, err
	}
	text, err := json.Marshal(now)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(triedFile(p)), 0o755)
	}
	if err == nil {
		err = writeAtomically(triedFile(p), text)
	}
	return again, err
}

func (e *Engine) trial(ctx context.Context, image Image, want project.Snapshot, p project.Project, w Wheel) (tried, error) {
	if p.Settings.Image.Dockerfile != "" {
		return tried{}, nil // what is in which of its layers is not known
	}
	needs, err := dependencyKey(p)
	if err != nil {
		return tried{}, err
	}
	h := project.NewDigest()
	if err := h.Add(needs, w.SHA256, want.Pipelines, p.Settings.Containers()); err != nil {
		return tried{}, err
	}
	found, err := e.docker.ImageInspect(ctx, image.ID)
	return tried{Key: h.Sum(), Layers: found.RootFS.Layers}, err
}

func triedFile(p project.Project) string { return filepath.Join(p.Dir, ".kedroctl", "tried.json") }
