package objects

import (
	"crypto/rand"
	"errors"
	"io"
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
	parts   kind = "part"   // of such an upload
)

// id names a record: a bucket by its key alone, an upload by its object and its own id, a part by its upload and its number.
type id struct {
	Kind        kind
	Bucket, Key string
	Upload      string `json:",omitempty"`
	Part        int    `json:",omitempty"`
}

func bucketID(name string) id { return id{Kind: buckets, Key: name} }

func objectID(bucket, key string) id { return id{Kind: objects, Bucket: bucket, Key: key} }

// part is one of an upload.
func (n id) part(number int) id {
	n.Kind, n.Part = parts, number
	return n
}

// gone is the change that removes a record.
func (n id) gone() record { return record{ID: n, Gone: true} }

// record is what is known of a bucket, object, upload or part.
type record struct {
	ID       id
	Gone     bool     `json:",omitempty"`
	Blob     string   // the content of an object or part
	Pieces   []string `json:",omitempty"` // the content of an object in place of Blob: what its parts left, in order
	Size     int64    // bytes
	ETag     string   // without quotes
	Modified time.Time
	Headers  map[string]string `json:",omitempty"` // those that come back as they were given, x-amz-meta-* among them
	Config   map[string]string `json:",omitempty"` // documents, by sub-resource
	Checksum checksum
}

// store is a directory of records and blobs.
type store struct {
	dir     string
	mu      sync.RWMutex
	log     *disk.Log[[]record] // changes that belong together
	records map[id]record
	expired map[string]string // by bucket: the lifecycle rules that were carried out last, and the day
}

// openStore reads the records, leaves out what later ones replace, and removes blobs that a killed process left: nothing names them.
func openStore(dir string) (*store, error) {
	log, changes, err := disk.OpenLog[[]record](filepath.Join(dir, "records.jsonl"))
	if err != nil {
		return nil, err
	}
	s := &store{dir: dir, log: log, records: map[id]record{}, expired: map[string]string{}}
	s.apply(slices.Concat(changes...))
	if err := errors.Join(os.MkdirAll(s.blobPath(""), 0o755), log.Rewrite(s.all())); err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for _, r := range s.records {
		for _, blob := range r.blobs() {
			named[blob] = true
		}
	}
	entries, err := os.ReadDir(s.blobPath(""))
	for _, e := range entries {
		if !named[e.Name()] {
			err = errors.Join(err, os.Remove(s.blobPath(e.Name())))
		}
	}
	return s, err
}

// blobs are the files of a content, in order.
func (r record) blobs() []string {
	if r.Blob != "" {
		return []string{r.Blob}
	}
	return r.Pieces
}

func (s *store) blobPath(name string) string { return filepath.Join(s.dir, "blobs", name) }

// all are the changes that lead to the records as they are.
func (s *store) all() [][]record {
	var all [][]record
	for _, r := range s.records {
		all = append(all, []record{r})
	}
	return all
}

func (s *store) apply(changes []record) {
	for _, r := range changes {
		s.records[r.ID] = r
		if r.Gone {
			delete(s.records, r.ID)
		}
	}
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

// change keeps the records that next gives. This is the one step in which anything appears, changes or goes: what next checks holds while it is
// written, and all of it is kept or nothing. Contents that are named no more are removed, those of refused changes too.
func (s *store) change(next func() ([]record, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	changes, err := next()
	for _, r := range changes {
		if _, ok := s.records[bucketID(r.ID.Bucket)]; !ok && r.ID.Kind != buckets {
			err = errNoSuchBucket
		}
	}
	if err == nil {
		err = s.log.Append(changes)
	}
	var before, after []string
	for _, r := range changes {
		before, after = append(before, s.records[r.ID].blobs()...), append(after, r.blobs()...)
	}
	if err != nil {
		before, after = after, before
	}
	for _, blob := range before {
		if !slices.Contains(after, blob) {
			_ = os.Remove(s.blobPath(blob)) // what stays is removed at the next start
		}
	}
	if err == nil {
		s.apply(changes)
		s.log.Compact(s.all)
	}
	return err
}

// replace is change for one record, of which next gets the old one.
func (s *store) replace(n id, next func(old record, exists bool) (record, error)) error {
	return s.change(func() ([]record, error) {
		old, exists := s.records[n]
		r, err := next(old, exists)
		return []record{r}, err
	})
}

// due says whether the lifecycle rules of a bucket are to be carried out: once a day, and when they have changed.
func (s *store) due(bucket, rulesAndDay string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.expired[bucket] == rulesAndDay {
		return false
	}
	s.expired[bucket] = rulesAndDay
	return true
}

// partsOf are the changes that remove the parts of an upload. It is for use within change.
func (s *store) partsOf(upload id) (gone []record) {
	for n := range s.records {
		if n.Kind == parts && upload.Kind == uploads && n.Bucket == upload.Bucket && n.Upload == upload.Upload {
			gone = append(gone, n.gone())
		}
	}
	return gone
}

func (s *store) get(n id) (record, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.records[n]
	return r, ok
}

// open is the object and its content, which stays whole even if the object is replaced meanwhile. The caller closes the file.
func (s *store) open(n id) (record, *pieced, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.records[n]
	if !ok {
		return record{}, nil, errNoSuchKey
	}
	content, err := s.pieced(r)
	return r, content, err
}

// read copies the content of a record to w.
func (s *store) read(r record, w io.Writer) error {
	content, err := s.pieced(r)
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = io.Copy(w, content)
	return err
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
