package build

import (
	"archive/tar"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	streamed "github.com/google/go-containerregistry/pkg/v1/stream"
)

// tree is the part of a directory that becomes a layer. Owners, modes and times are not those on this machine: who builds, and when, is no part of an
// image.
type tree struct {
	root  string // directory that stands for / of the image
	below string // what of it, with slashes; the directories on the way belong to the layer too
	owner int    // user and group
}

// layer is the tree, read and packed when the layer is.
func (t tree) layer() v1.Layer {
	r, w := io.Pipe()
	go func() { w.CloseWithError(t.write(w)) }()
	return streamed.NewLayer(r)
}

func (t tree) write(out io.Writer) error {
	w := tar.NewWriter(out)
	var parents []string
	for parent := path.Dir(t.below); parent != "."; parent = path.Dir(parent) {
		parents = append(parents, parent)
	}
	for _, parent := range slices.Backward(parents) {
		if err := w.WriteHeader(t.header(tar.TypeDir, parent, 0o755)); err != nil {
			return err
		}
	}
	err := filepath.WalkDir(filepath.Join(t.root, filepath.FromSlash(t.below)), func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(t.root, file)
		if err != nil || name == "." {
			return err
		}
		return t.add(w, filepath.ToSlash(name), file, d)
	})
	if err != nil {
		return err
	}
	return w.Close()
}

func (t tree) header(kind byte, name string, mode int64) *tar.Header {
	if kind == tar.TypeDir {
		name += "/"
	}
	return &tar.Header{Typeflag: kind, Name: name, Mode: mode, Uid: t.owner, Gid: t.owner, ModTime: epoch}
}

func (t tree) add(w *tar.Writer, name, file string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	switch {
	case d.IsDir():
		return w.WriteHeader(t.header(tar.TypeDir, name, 0o755))
	case d.Type()&fs.ModeSymlink != 0:
		h := t.header(tar.TypeSymlink, name, 0o777)
		if h.Linkname, err = os.Readlink(file); err != nil {
			return err
		}
		return w.WriteHeader(h)
	}
	h := t.header(tar.TypeReg, name, 0o644)
	if info.Mode()&0o111 != 0 {
		h.Mode = 0o755
	}
	h.Size = info.Size()
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	src, err := os.Open(file)
	if err != nil {
		return err
	}
	defer src.Close()
	_, err = io.Copy(w, src)
	return err
}
