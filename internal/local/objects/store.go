package objects

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/disk"
)

// object is what is known of an object; its content is a blob of the bucket.
type object struct {
	Key      string
	Blob     string
	Size     int64  // bytes
	ETag     string // without quotes
	Modified time.Time
	Headers  map[string]string // those that come back as they were given, x-amz-meta-* among them
	Tags     map[string]string
	Checksum checksum
	Parts    []int64 // sizes of the parts of a multipart object
}

// upload is a multipart upload that is not completed.
type upload struct {
	ID       string
	Started  time.Time
	Target   object // key, headers and tags of the object to be
	Explicit bool   // the client named the checksum's algorithm
	parts    map[int]part
}

type part struct {
	Number   int
	Blob     string
	Size     int64 // bytes
	MD5      string
	Checksum string
	Modified time.Time
}

// bucket is one directory. mu guards all but name and dir.
type bucket struct {
	dir     string
	mu      sync.RWMutex
	info    bucketInfo
	objects map[string]object
	uploads map[string]upload
	gone    bool // deleted while a request had it in hand
}

type bucketInfo struct {
	Name    string
	Region  string
	Created time.Time
	Config  map[string]string // documents of its configuration, by sub-resource
}

func hashed(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func (b *bucket) infoPath() string { return filepath.Join(b.dir, "bucket.json") }

func (b *bucket) objectPath(key string) string {
	h := hashed(key)
	return filepath.Join(b.dir, "objects", h[:2], h+".json")
}

func (b *bucket) uploadDir(id string) string { return filepath.Join(b.dir, "uploads", id) }

func (b *bucket) partPath(id string, number int) string {
	return filepath.Join(b.uploadDir(id), fmt.Sprintf("part-%05d.json", number))
}

func (b *bucket) blobPath(name string) string { return filepath.Join(b.dir, "blobs", name) }

// newBlob writes a blob that nothing names yet.
func (b *bucket) newBlob(write func(*os.File) error) (name string, err error) {
	name = rand.Text()
	f, err := os.OpenFile(b.blobPath(name), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	err = errors.Join(write(f), f.Close())
	if err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return name, nil
}

// dropBlobs removes blobs that nothing names any more. What stays behind by an error is removed at the next start.
func (b *bucket) dropBlobs(names ...string) {
	for _, name := range names {
		_ = os.Remove(b.blobPath(name))
	}
}

// openBucket reads a bucket's directory.
func openBucket(dir string) (*bucket, error) {
	b := &bucket{dir: dir, objects: map[string]object{}, uploads: map[string]upload{}}
	if err := disk.ReadJSON(b.infoPath(), &b.info); err != nil {
		return nil, err
	}
	if err := b.loadObjects(); err != nil {
		return nil, err
	}
	if err := b.loadUploads(); err != nil {
		return nil, err
	}
	return b, b.sweep()
}

func (b *bucket) loadObjects() error {
	return filepath.WalkDir(filepath.Join(b.dir, "objects"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".json" {
			return ignoreAbsent(err)
		}
		var o object
		if err := readFile(path, &o); err != nil {
			return err
		}
		b.objects[o.Key] = o
		return nil
	})
}

func (b *bucket) loadUploads() error {
	dirs, err := filepath.Glob(filepath.Join(b.dir, "uploads", "*", "upload.json"))
	if err != nil {
		return err
	}
	for _, path := range dirs {
		u := upload{parts: map[int]part{}}
		if err := readFile(path, &u); err != nil {
			return err
		}
		parts, err := filepath.Glob(filepath.Join(filepath.Dir(path), "part-*.json"))
		if err != nil {
			return err
		}
		for _, path := range parts {
			var p part
			if err := readFile(path, &p); err != nil {
				return err
			}
			u.parts[p.Number] = p
		}
		b.uploads[u.ID] = u
	}
	return nil
}

// sweep removes blobs that a killed process left: nothing names them.
func (b *bucket) sweep() error {
	named := map[string]bool{}
	for _, o := range b.objects {
		named[o.Blob] = true
	}
	for _, u := range b.uploads {
		for _, p := range u.parts {
			named[p.Blob] = true
		}
	}
	entries, err := os.ReadDir(b.blobPath(""))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !named[e.Name()] {
			b.dropBlobs(e.Name())
		}
	}
	return nil
}

func readFile(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// put makes o the object under its key if allow has no objection to the one that is there. This is the one step in which objects appear
// and change: the check and the write are under one lock.
func (b *bucket) put(o object, allow func(old object, exists bool) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	old, exists := b.objects[o.Key]
	err := allow(old, exists)
	if b.gone {
		err = errNoSuchBucket
	}
	if err == nil {
		err = disk.WriteJSON(b.objectPath(o.Key), o)
	}
	if err != nil {
		return err
	}
	b.objects[o.Key] = o
	if exists && old.Blob != o.Blob {
		b.dropBlobs(old.Blob)
	}
	return nil
}

// remove deletes the object under key, if there is one and allow has no objection.
func (b *bucket) remove(key string, allow func(old object, exists bool) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	old, exists := b.objects[key]
	if err := allow(old, exists); err != nil || !exists {
		return err
	}
	if err := os.Remove(b.objectPath(key)); err != nil {
		return err
	}
	delete(b.objects, key)
	b.dropBlobs(old.Blob)
	return nil
}

// open is the object under key and its content, which stays whole even if the object is replaced meanwhile. The caller closes the file.
func (b *bucket) open(key string) (object, *os.File, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	o, ok := b.objects[key]
	if !ok {
		return object{}, nil, errNoSuchKey
	}
	f, err := os.Open(b.blobPath(o.Blob))
	return o, f, err
}

func (b *bucket) object(key string) (object, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	o, ok := b.objects[key]
	return o, ok
}
