package objects

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kedroctl/kedroctl/internal/local/disk"
)

// kind is what a record is of.
type kind string

const (
	buckets kind = "bucket"
	objects kind = "object"
	uploads kind = "upload" // a multipart upload that is not completed
)

// id names a record: a bucket by its key alone, an upload by its object's key and its own id, with a slash between.
type id struct {
	Kind        kind
	Bucket, Key string
}

func bucketID(name string) id { return id{buckets, "", name} }

// record is what is known of a bucket, an object, an upload, or a part of one.
type record struct {
	ID       id
	Blob     string // the content of an object or part
	Size     int64  // bytes
	ETag     string // without quotes
	Modified time.Time
	Headers  map[string]string // those that come back as they were given, x-amz-meta-* among them
	Config   map[string]string // documents, by sub-resource
	Checksum checksum
	Parts    map[int32]record // of an upload
}

// store is a directory of records and blobs.
type store struct {
	dir     string
	mu      sync.RWMutex
	records map[id]record
}

func openStore(dir string) (*store, error) {
	s := &store{dir: dir, records: map[id]record{}}
	for _, sub := range []string{"records", "blobs"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	err := filepath.WalkDir(filepath.Join(dir, "records"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		var r record
		if filepath.Ext(path) == ".json" {
			err = disk.ReadJSON(path, &r)
			s.records[r.ID] = r
			return err
		}
		return os.Remove(path) // a write that was cut
	})
	if err != nil {
		return nil, err
	}
	return s, s.sweep()
}

// sweep removes what a killed process left: uploads of deleted buckets, and blobs that nothing names.
func (s *store) sweep() error {
	named := map[string]bool{}
	for n, r := range s.records {
		if _, ok := s.records[bucketID(n.Bucket)]; !ok && n.Kind != buckets {
			if err := s.write(n, record{}); err != nil {
				return err
			}
			continue
		}
		maps.Copy(named, r.blobs())
	}
	entries, err := os.ReadDir(s.blobPath(""))
	for _, e := range entries {
		if !named[e.Name()] {
			err = errors.Join(err, os.Remove(s.blobPath(e.Name())))
		}
	}
	return err
}

func (s *store) blobPath(name string) string { return filepath.Join(s.dir, "blobs", name) }

func (s *store) path(n id) string {
	sum := sha256.Sum256(fmt.Append(nil, n.Kind, "/", n.Bucket, "/", n.Key))
	name := hex.EncodeToString(sum[:])
	return filepath.Join(s.dir, "records", name[:2], name+".json")
}

// blobs are the contents that the record names.
func (r record) blobs() map[string]bool {
	names := map[string]bool{r.Blob: true}
	for _, p := range r.Parts {
		names[p.Blob] = true
	}
	delete(names, "")
	return names
}

// content writes a blob, which nothing names yet, and gives what fill says of it.
func (s *store) content(fill func(io.Writer) (record, error)) (got record, err error) {
	blob := rand.Text()
	f, err := os.OpenFile(s.blobPath(blob), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return record{}, err
	}
	got, err = fill(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return record{}, errors.Join(err, os.Remove(f.Name()))
	}
	got.Blob = blob
	return got, nil
}

// change puts what next makes of the record under n in its place; a zero record removes it. This is the one step in which anything appears,
// changes or goes: what next checks holds while it is written. Contents that are named no more are removed, those of a refused record too.
func (s *store) change(n id, next func(old record, exists bool) (record, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, exists := s.records[n]
	r, err := next(old, exists)
	if _, ok := s.records[bucketID(n.Bucket)]; !ok && n.Kind != buckets && r.ID == n {
		err = errNoSuchBucket
	}
	if err == nil {
		err = s.write(n, r)
	}
	if err != nil {
		old, r = r, old
	}
	named := r.blobs()
	for blob := range old.blobs() {
		if !named[blob] {
			_ = os.Remove(s.blobPath(blob)) // what stays is removed at the next start
		}
	}
	return err
}

// gone removes what is there, in a change.
func gone(record, bool) (record, error) { return record{}, nil }

// write keeps a record, or removes it where it is zero. The caller holds the lock.
func (s *store) write(n id, r record) error {
	if r.ID != n {
		delete(s.records, n)
		err := os.Remove(s.path(n))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if err := disk.WriteJSON(s.path(n), r); err != nil {
		return err
	}
	s.records[n] = r
	return nil
}

func (s *store) get(n id) (record, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.records[n]
	return r, ok
}

// open is the object and its content, which stays whole even if the object is replaced meanwhile. The caller closes the file.
func (s *store) open(n id) (record, *os.File, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.records[n]
	if !ok {
		return record{}, nil, errNoSuchKey
	}
	f, err := os.Open(s.blobPath(r.Blob))
	return r, f, err
}

// list are the records of a kind in a bucket whose keys begin with prefix and come after another, in the order of their bytes.
func (s *store) list(k kind, bucket, prefix, after string) []record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var found []record
	for n, r := range s.records {
		if n.Kind == k && n.Bucket == bucket && strings.HasPrefix(n.Key, prefix) && n.Key > after {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b record) int { return strings.Compare(a.ID.Key, b.ID.Key) })
	return found
}
