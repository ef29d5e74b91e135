package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	ocilayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/match"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// What a store keeps: the images that were used last, so many and of so many bytes together, but none that was not used for so long. Blobs that no image
// names may be those of an image that is being written.
const (
	storeImages = 200
	storeBytes  = 20 << 30
	storeAge    = 30 * 24 * time.Hour
	storeGrace  = time.Hour
)

// nameAnnotation is where an OCI image layout keeps the name of an image.
const nameAnnotation = "org.opencontainers.image.ref.name"

// store is a directory of images in the form of an OCI image layout: base images, dependencies, and whole images, by name. It is a cache: what is not
// there, or is not whole, is made again. Several processes may use it at the same time.
type store struct{ dir string }

func openStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return &store{dir}, nil
}

// locked does something with the layout, which is made where it is not there or cannot be read, while nobody else does. Blobs are named by their content
// and need no lock.
func (s *store) locked(ctx context.Context, do func(ocilayout.Path, *v1.IndexManifest) error) (err error) {
	lock := flock.New(filepath.Join(s.dir, "lock"))
	if _, err := lock.TryLockContext(ctx, 50*time.Millisecond); err != nil {
		return fmt.Errorf("lock %s: %w", s.dir, err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	path, index, err := s.read()
	if err != nil {
		if path, err = ocilayout.Write(s.dir, empty.Index); err != nil {
			return err
		}
		if _, index, err = s.read(); err != nil {
			return err
		}
	}
	return do(path, index)
}

func (s *store) read() (ocilayout.Path, *v1.IndexManifest, error) {
	path, err := ocilayout.FromPath(s.dir)
	if err != nil {
		return path, nil, err
	}
	images, err := path.ImageIndex()
	if err != nil {
		return path, nil, err
	}
	index, err := images.IndexManifest()
	return path, index, err
}

// stored is an image of the store, and what is known of it besides.
type stored struct {
	v1.Image
	notes map[string]string
}

// find gives the image of a name, nil where there is none or not all of it.
func (s *store) find(ctx context.Context, name string) (found *stored, err error) {
	err = s.locked(ctx, func(path ocilayout.Path, index *v1.IndexManifest) error {
		i := slices.IndexFunc(index.Manifests, func(d v1.Descriptor) bool { return d.Annotations[nameAnnotation] == name })
		if i < 0 {
			return nil
		}
		image, err := path.Image(index.Manifests[i].Digest)
		if err == nil {
			err = validate.Image(image, validate.Fast)
		}
		if err != nil {
			return errors.Join(s.drop(path, index.Manifests[i]), path.RemoveDescriptors(match.Name(name)))
		}
		found = &stored{Image: image, notes: index.Manifests[i].Annotations}
		return s.use(index.Manifests[i].Digest)
	})
	return found, err
}

// drop removes what describes an image that is not whole: what is written later would take it for written.
func (s *store) drop(path ocilayout.Path, d v1.Descriptor) error {
	if image, err := path.Image(d.Digest); err == nil {
		if manifest, err := image.Manifest(); err == nil {
			if err := path.RemoveBlob(manifest.Config.Digest); err != nil {
				return err
			}
		}
	}
	return path.RemoveBlob(d.Digest)
}

// use notes that an image was used, by the time of its manifest.
func (s *store) use(manifest v1.Hash) error {
	now := time.Now()
	return os.Chtimes(s.blob(manifest), now, now)
}

func (s *store) blob(h v1.Hash) string { return filepath.Join(s.dir, "blobs", h.Algorithm, h.Hex) }

// put keeps an image under a name, which it takes from another one.
func (s *store) put(ctx context.Context, name string, image v1.Image, notes map[string]string) (*stored, error) {
	if err := s.locked(ctx, func(ocilayout.Path, *v1.IndexManifest) error { return nil }); err != nil {
		return nil, err
	}
	// Outside the lock: layers come from a network or a compressor. Neither can be interrupted; a part of a layer that is left is swept up later.
	written := make(chan error, 1)
	go func() { written <- ocilayout.Path(s.dir).WriteImage(image) }()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case err := <-written:
		if err != nil {
			return nil, err
		}
	}
	d, err := partial.Descriptor(image)
	if err != nil {
		return nil, err
	}
	d.Annotations = map[string]string{nameAnnotation: name}
	maps.Copy(d.Annotations, notes)
	err = s.locked(ctx, func(path ocilayout.Path, _ *v1.IndexManifest) error {
		if err := path.RemoveDescriptors(match.Name(name)); err != nil {
			return err
		}
		if err := path.AppendDescriptor(*d); err != nil {
			return err
		}
		return errors.Join(s.use(d.Digest), s.prune(path))
	})
	if err != nil {
		return nil, err
	}
	found, err := s.find(ctx, name)
	if err == nil && found == nil {
		err = fmt.Errorf("%s: %s is not whole after it was written", s.dir, name)
	}
	return found, err
}

// prune removes what is over the bounds, and blobs that belong to nothing.
func (s *store) prune(path ocilayout.Path) error {
	_, index, err := s.read()
	if err != nil {
		return err
	}
	used := func(d v1.Descriptor) time.Time {
		info, err := os.Stat(s.blob(d.Digest))
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	slices.SortStableFunc(index.Manifests, func(a, b v1.Descriptor) int { return used(b).Compare(used(a)) })
	keep, bytes, over := map[string]bool{}, int64(0), map[v1.Hash]bool{}
	for i, d := range index.Manifests {
		parts, err := partsOf(path, d)
		for _, p := range parts {
			if !keep[p.Digest.String()] {
				bytes += p.Size
			}
		}
		if err != nil || i > 0 && (i >= storeImages || bytes > storeBytes || time.Since(used(d)) > storeAge) {
			over[d.Digest] = true
			continue
		}
		for _, p := range parts {
			keep[p.Digest.String()] = true
		}
	}
	if len(over) > 0 {
		if err := path.RemoveDescriptors(func(d v1.Descriptor) bool { return over[d.Digest] }); err != nil {
			return err
		}
	}
	return s.sweep(keep)
}

// partsOf lists the blobs of an image.
func partsOf(path ocilayout.Path, d v1.Descriptor) ([]v1.Descriptor, error) {
	image, err := path.Image(d.Digest)
	if err != nil {
		return nil, err
	}
	manifest, err := image.Manifest()
	if err != nil {
		return nil, err
	}
	return append(slices.Clone(manifest.Layers), manifest.Config, d), nil
}

// sweep removes all other blobs, but young ones.
func (s *store) sweep(keep map[string]bool) error {
	return filepath.WalkDir(filepath.Join(s.dir, "blobs"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || keep["sha256:"+d.Name()] {
			return err
		}
		info, err := d.Info()
		if err != nil || time.Since(info.ModTime()) < storeGrace {
			return nil // gone, or young
		}
		return os.Remove(file)
	})
}
