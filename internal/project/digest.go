package project

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/BurntSushi/toml"
)

// Digest is a hash of values and files: what is made of the same ones has the same sum. It depends on no file's time or place.
type Digest struct{ hash hash.Hash }

// NewDigest has nothing in it yet.
func NewDigest() *Digest { return &Digest{sha256.New()} }

// Sum is 32 hexadecimal digits.
func (d *Digest) Sum() string { return hex.EncodeToString(d.hash.Sum(nil)[:16]) }

// AddText adds a text as it is.
func (d *Digest) AddText(text string) { io.WriteString(d.hash, text) }

// Add adds values by their JSON, which has the keys of maps in order.
func (d *Digest) Add(values ...any) error { return json.NewEncoder(d.hash).Encode(values) }

// AddFile adds a file's name and content. A link to a directory counts by where it points, a file that is not there by its absence.
func (d *Digest) AddFile(name, path string) error {
	sum := sha256.New()
	if target, err := os.Readlink(path); err == nil {
		io.WriteString(sum, target)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) { // a dangling link
		return d.Add(name, sum.Sum(nil))
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		if _, err := io.Copy(sum, f); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
	return d.Add(name, sum.Sum(nil))
}

// AddPyproject adds pyproject.toml without [tool.kedroctl], as a job's memory is no reason to make anything anew, and without the id that
// Kedro's telemetry writes. Which of kedroctl's settings count is the caller's business.
func (d *Digest) AddPyproject(p Project) error {
	var doc map[string]any
	if _, err := toml.DecodeFile(filepath.Join(p.Dir, Pyproject), &doc); err != nil {
		return err
	}
	if tool, ok := doc["tool"].(map[string]any); ok {
		delete(tool, "kedroctl")
		delete(tool, "kedro_telemetry")
	}
	return d.Add(doc)
}
