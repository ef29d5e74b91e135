package images

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"

	"github.com/kedroctl/kedroctl/internal/local/wire"
)

var uploadID = regexp.MustCompile(`^[A-Z2-7]+$`)

func (s *Service) uploadPath(id string) string { return filepath.Join(s.opt.Dir, "uploads", id) }

// upload takes a blob in pieces into a file. The library would hold them in memory, one upload at a time; it gets the whole at the end, and
// checks its digest.
func (s *Service) upload(w http.ResponseWriter, r *http.Request, name, id string) error {
	if r.Method == http.MethodPost {
		if digest := r.URL.Query().Get("digest"); digest != "" {
			return s.finishUpload(w, r, name, digest, r.Body, r.ContentLength)
		}
		return s.startUpload(w, name)
	}
	if !uploadID.MatchString(id) {
		return unknownUpload()
	}
	f, err := os.OpenFile(s.uploadPath(id), os.O_RDWR|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return unknownUpload()
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return s.onUpload(w, r, f, name, id)
}

// onUpload does what is asked with an upload that was started.
func (s *Service) onUpload(w http.ResponseWriter, r *http.Request, f *os.File, name, id string) error {
	switch r.Method {
	case http.MethodPatch:
		if err := appendTo(f, r); err != nil {
			return err
		}
		return progress(w, f, name, id, http.StatusAccepted)
	case http.MethodGet:
		return progress(w, f, name, id, http.StatusNoContent)
	case http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
		return os.Remove(f.Name())
	case http.MethodPut:
		if err := appendTo(f, r); err != nil {
			return err
		}
		size, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		if err := s.finishUpload(w, r, name, r.URL.Query().Get("digest"), io.NewSectionReader(f, 0, size), size); err != nil {
			return err
		}
		return os.Remove(f.Name())
	}
	return unsupported(r)
}

func unknownUpload() error {
	return wire.NewFault(http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "The upload is not known to the registry")
}

func (s *Service) startUpload(w http.ResponseWriter, name string) error {
	id := rand.Text()
	f, err := os.OpenFile(s.uploadPath(id), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	return progress(w, f, name, id, http.StatusAccepted)
}

// appendTo adds a piece; one that says where it begins must begin at the end of what is there.
func appendTo(f *os.File, r *http.Request) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if piece := r.Header.Get("Content-Range"); piece != "" {
		var start, end int64
		if n, err := fmt.Sscanf(piece, "%d-%d", &start, &end); n != 2 || err != nil || start != size {
			return wire.NewFault(http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID", "The upload has %d bytes, %q does not follow them", size, piece)
		}
	}
	_, err = io.Copy(f, r.Body)
	return err
}

func progress(w http.ResponseWriter, f *os.File, name, id string, status int) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v2/"+name+"/blobs/uploads/"+id)
	w.Header().Set("Docker-Upload-Uuid", id)
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(size-1, 0)))
	w.WriteHeader(status)
	return nil
}

// finishUpload hands a blob to the library in one piece.
func (s *Service) finishUpload(w http.ResponseWriter, r *http.Request, name, digest string, content io.Reader, size int64) error {
	whole, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "/v2/"+name+"/blobs/uploads/?digest="+url.QueryEscape(digest), content)
	if err != nil {
		return err
	}
	if digest == "" {
		return wire.NewFault(http.StatusBadRequest, "DIGEST_INVALID", "The digest is missing")
	}
	whole.ContentLength = size
	w.Header().Set("Location", "/v2/"+name+"/blobs/"+digest)
	s.content.ServeHTTP(w, whole)
	return nil
}
