package process

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/disk"
)

// Image is what stands in for one of a container.
type Image struct {
	Dir    string            `json:"dir"`    // of NewDir: what the image holds
	Python string            `json:"python"` // path of the interpreter: what a job's command calls python
	App    string            `json:"app"`    // directory in Dir of which each job has a copy, and which it calls /app
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

// kept is how many images a state directory has at most: each change of the project makes one.
const kept = 10

// Save keeps an image, and gives the reference by which the Runner of the state directory knows it. The key names the content. The images that were
// found longest ago go.
func Save(state, key string, im Image) (ref string, err error) {
	if err := disk.WriteJSON(file(state, key), im); err != nil {
		return "", fmt.Errorf("save what jobs without an image run: %w", err)
	}
	prune(state)
	return repository + key, nil
}

// Find gives the reference of an image that was saved.
func Find(state, key string) (ref string, found bool) {
	_, err := open(state, repository+key)
	now := time.Now()
	return repository + key, err == nil && os.Chtimes(file(state, key), now, now) == nil
}

// prune removes what is too much; what cannot be removed is left to the next time.
func prune(state string) {
	files, _ := os.ReadDir(place(state))
	var images []fs.FileInfo
	for _, f := range files {
		if info, err := f.Info(); err == nil && filepath.Ext(f.Name()) == ext {
			images = append(images, info)
		}
	}
	slices.SortFunc(images, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, old := range images[min(kept, len(images)):] {
		if im, err := open(state, repository+strings.TrimSuffix(old.Name(), ext)); err == nil && os.RemoveAll(im.Dir) == nil {
			_ = os.Remove(filepath.Join(place(state), old.Name()))
		}
	}
}

// repository and tag sign are what all references begin with.
const repository = "kedroctl/no-image:"

// Ours says whether a reference is that of a directory in place of an image.
func Ours(ref string) bool { return strings.HasPrefix(ref, repository) }

// ext ends the names of files about images.
const ext = ".json"

func file(state, key string) string { return filepath.Join(place(state), filepath.Base(key)+ext) }

func open(state, ref string) (im Image, err error) {
	text, err := os.ReadFile(file(state, strings.TrimPrefix(ref, repository)))
	if err != nil {
		return im, err
	}
	return im, json.Unmarshal(text, &im)
}
