package images

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// blobs are files named by their digest. A name says that the content was checked: unlike the library's own handler of files, this one
// does not read a layer again for each HEAD.
type blobs struct {
	dir string
}

// newContent is the library's registry, of which only the blobs are used.
func newContent(b blobs) http.Handler {
	return registry.New(registry.WithBlobHandler(b), registry.Logger(log.New(io.Discard, "", 0)))
}

func (b blobs) path(digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	return filepath.Join(b.dir, hex)
}

// Stat is the size of a blob in bytes.
func (b blobs) Stat(_ context.Context, _ string, h v1.Hash) (int64, error) {
	info, err := os.Stat(b.path(h.String()))
	if err != nil {
		return 0, unknown(err)
	}
	return info.Size(), nil
}

// Get opens a blob.
func (b blobs) Get(_ context.Context, _ string, h v1.Hash) (io.ReadCloser, error) {
	f, err := os.Open(b.path(h.String()))
	if err != nil {
		return nil, unknown(err)
	}
	return f, nil
}

// Put keeps a content whose reader fails unless it has the digest.
func (b blobs) Put(_ context.Context, _ string, h v1.Hash, content io.ReadCloser) error {
	f, err := os.CreateTemp(b.dir, ".tmp-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), b.path(h.String()))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func (b blobs) has(digest string) bool {
	_, err := os.Stat(b.path(digest))
	return err == nil
}

func unknown(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return registry.ErrNotFound
	}
	return err
}
