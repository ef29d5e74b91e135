package objects

import (
	"errors"
	"io"
	"os"
)

// mostPieces is how many files an object may lie in, each open while it is read. One of more parts becomes one file.
const mostPieces = 64

// pieced is a content that lies in one file or in several, one after the other.
type pieced struct {
	*io.SectionReader
	files files
}

// Close closes the files. They were opened for reading: nothing can be lost.
func (p *pieced) Close() error { return p.files.close() }

// pieced opens the content of a record. The caller closes it.
func (s *store) pieced(r record) (*pieced, error) {
	var all files
	for _, blob := range r.blobs() {
		f, err := os.Open(s.blobPath(blob))
		if err != nil {
			return nil, errors.Join(err, all.close())
		}
		size, err := f.Seek(0, io.SeekEnd) // files are read by offsets
		if all = append(all, file{f, size}); err != nil {
			return nil, errors.Join(err, all.close())
		}
	}
	return &pieced{io.NewSectionReader(all, 0, r.Size), all}, nil
}

type file struct {
	*os.File
	size int64 // bytes
}

// files are read as if they were one.
type files []file

// ReadAt reads on in the next file where one ends.
func (all files) ReadAt(b []byte, at int64) (n int, err error) {
	for _, f := range all {
		if at >= f.size {
			at -= f.size
			continue
		}
		read, err := f.ReadAt(b[n:min(int64(len(b)), int64(n)+f.size-at)], at)
		if n += read; n == len(b) || err != nil {
			return n, err
		}
		at = 0
	}
	return n, io.EOF
}

func (all files) close() error {
	var failed error
	for _, f := range all {
		failed = errors.Join(failed, f.Close())
	}
	return failed
}
