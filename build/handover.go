package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kedroctl/kedroctl/internal/ui"
)

// HandedOver is a Dockerfile that belongs to the project from now on, and what it needs.
type HandedOver struct {
	Dockerfile string `json:"dockerfile"` // relative to the project
	Kept       bool   `json:"kept"`       // it is the project's own already, and was not touched
	Ignore     string `json:"dockerignore,omitempty"`
	Parts      string `json:"parts"` // directory with all that the Dockerfile copies, as the project is now
	Left       []Left `json:"left,omitempty"`
}

// HandOver writes kedroctl's Dockerfile into the project as a file of the user's, a .dockerignore for it alone, and the parts that it copies: `docker build -f
// file .` makes of them the image that [Engine.Build] makes. file is relative to the project. One that is there is an error, unless the settings name it as
// the project's own: then only the parts are laid out anew.
func HandOver(ctx context.Context, s Spec, file string) (HandedOver, error) {
	p := s.Project
	file = filepath.ToSlash(filepath.Clean(filepath.FromSlash(file)))
	h := HandedOver{Dockerfile: file, Kept: file == filepath.ToSlash(filepath.Clean(p.Settings.Image.Dockerfile)), Parts: partsDir}
	err := h.write(ctx, s)
	if err != nil {
		return h, fmt.Errorf("hand over the Dockerfile: %w", err)
	}
	return h, nil
}

func (h *HandedOver) write(ctx context.Context, s Spec) error {
	p := s.Project
	if !filepath.IsLocal(filepath.FromSlash(h.Dockerfile)) {
		return fmt.Errorf("%s is not a path inside the project", h.Dockerfile)
	}
	ignore := h.Dockerfile + ".dockerignore"
	if !h.Kept {
		for _, name := range []string{h.Dockerfile, ignore} {
			if err := wantAbsent(filepath.Join(p.Dir, filepath.FromSlash(name)), name); err != nil {
				return err
			}
		}
	}
	dir := filepath.Join(p.Dir, filepath.FromSlash(partsDir))
	if err := os.RemoveAll(dir); err != nil { // kedroctl's own
		return err
	}
	s.Project.Settings.Image.Dockerfile = ""
	l, err := newLayout(ctx, dir, s)
	if err != nil {
		return err
	}
	h.Left = l.left
	text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, "Dockerfile")); err != nil || h.Kept {
		return err
	}
	h.Ignore = ignore
	owned := layout{dir: p.Dir}
	return errors.Join(owned.write(h.Dockerfile, []byte(fromParts(string(text)))), owned.write(ignore, []byte("*\n!"+partsDir+"\n")))
}

func wantAbsent(path, name string) error {
	_, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return ui.WithHint(fmt.Errorf("%s is there already, and stays as it is", name),
		"name another file ('kedroctl build --write-dockerfile FILE'), or build this one: [tool.kedroctl.image] dockerfile")
}

// fromParts lets a Dockerfile find its context's parts below the project's directory.
func fromParts(text string) string {
	return strings.ReplaceAll(text, "type=bind,source=", "type=bind,source="+partsDir+"/")
}
