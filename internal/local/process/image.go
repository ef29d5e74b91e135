package process

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kedroctl/kedroctl/internal/local/disk"
)

// Image is what stands in for one of a container.
type Image struct {
	Python string            `json:"python"` // path of the interpreter: what a job's command calls python
	App    string            `json:"app"`    // directory of which each job has a copy, and which it calls /app
	Env    map[string]string `json:"env"`    // all variables but those that Batch sets
}

// place is where a server's state has images and records.
func place(state string) string { return filepath.Join(state, "no-image") }

// NewDir makes an empty directory for an image.
func NewDir(state string) (string, error) {
	parent, err := filepath.Abs(place(state))
	if err == nil {
		err = os.MkdirAll(parent, 0o700)
	}
	if err != nil {
		return "", fmt.Errorf("make a directory for jobs without an image: %w", err)
	}
	return os.MkdirTemp(parent, "image-")
}

// Save keeps an image, and gives the reference by which the Runner of the state directory knows it. The key names the content.
func Save(state, key string, im Image) (ref string, err error) {
	if err := disk.WriteJSON(file(state, key), im); err != nil {
		return "", fmt.Errorf("save what jobs without an image run: %w", err)
	}
	return repository + key, nil
}

// Find gives the reference of an image that was saved.
func Find(state, key string) (ref string, found bool) {
	_, err := open(state, repository+key)
	return repository + key, err == nil
}

// repository and tag sign are what all references begin with.
const repository = "kedroctl/no-image:"

func ours(ref string) bool { return strings.HasPrefix(ref, repository) }

func file(state, key string) string { return filepath.Join(place(state), filepath.Base(key)+".json") }

func open(state, ref string) (im Image, err error) {
	text, err := os.ReadFile(file(state, strings.TrimPrefix(ref, repository)))
	if err != nil {
		return im, err
	}
	return im, json.Unmarshal(text, &im)
}
