package build

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tonistiigi/fsutil"
)

// overlay has the files of two trees. Of what both have, over's counts.
type overlay struct{ over, under fsutil.FS }

type walked struct {
	name  string
	entry fs.DirEntry
}

// Walk visits both trees in the order that the engine wants.
func (o overlay) Walk(ctx context.Context, target string, fn fs.WalkDirFunc) error {
	found := map[string]fs.DirEntry{}
	for _, tree := range []fsutil.FS{o.under, o.over} {
		err := tree.Walk(ctx, target, func(name string, d fs.DirEntry, err error) error {
			if err == nil {
				found[name] = d
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	all := make([]walked, 0, len(found))
	for name, d := range found {
		all = append(all, walked{name, d})
	}
	slices.SortFunc(all, func(a, b walked) int { return fsutil.ComparePath(a.name, b.name) })
	return visit(all, fn)
}

func visit(all []walked, fn fs.WalkDirFunc) error {
	for len(all) > 0 {
		w := all[0]
		all = all[1:]
		err := fn(w.name, w.entry, nil)
		if errors.Is(err, fs.SkipDir) {
			dir := w.name
			if !w.entry.IsDir() {
				dir = filepath.Dir(w.name)
			}
			below := func(next walked) bool {
				return dir == "." || strings.HasPrefix(next.name, dir+string(filepath.Separator))
			}
			for len(all) > 0 && below(all[0]) {
				all = all[1:]
			}
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Open gives over's file, else under's.
func (o overlay) Open(name string) (io.ReadCloser, error) {
	f, err := o.over.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return o.under.Open(name)
	}
	return f, err
}
