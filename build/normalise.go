package build

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// normalise rewrites a wheel so that its bytes depend on its files alone: entries sorted, times fixed, permissions plain, nothing compressed (so that
// no version of a compressor shows).
func normalise(file string) ([]byte, error) {
	r, err := zip.OpenReader(file)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	entries := slices.Clone(r.File)
	slices.SortFunc(entries, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, entry := range entries {
		if err := copyEntry(w, entry); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func copyEntry(w *zip.Writer, entry *zip.File) error {
	header := &zip.FileHeader{Name: entry.Name, Method: zip.Store, Modified: epoch}
	mode := fs.FileMode(0o644)
	if entry.Mode()&0o111 != 0 {
		mode = 0o755
	}
	header.SetMode(mode | entry.Mode().Type())
	dst, err := w.CreateHeader(header)
	if err != nil || strings.HasSuffix(entry.Name, "/") {
		return err
	}
	src, err := entry.Open()
	if err != nil {
		return err
	}
	defer src.Close()
	_, err = io.Copy(dst, src)
	return err
}
